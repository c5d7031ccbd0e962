"""What commands share that look at files by themselves (`check`, `verify`): which are meant by the paths that are named."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pixian_batch.cli.options import option
from pixian_batch.cli.shared import fail
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pixian_batch.adapters.walking.tree import WalkRules


@dataclass(frozen=True, kw_only=True)
class PathRules:
    """What is left out of a walk; the words are those of `run`."""

    include: Annotated[
        list[str] | None,
        option("--include", "Only inputs that match; may be given often.", metavar="PATTERN"),
    ] = None
    exclude: Annotated[
        list[str] | None,
        option("--exclude", "No inputs or folders that match; may be given often.", metavar="PATTERN"),
    ] = None
    follow_symlinks: Annotated[bool, option("--follow-symlinks", "Enter linked folders.")] = False

    def walk_rules(self, *, convertible: bool) -> WalkRules:
        """The same for a walker. convertible: also of kinds that the service takes only when they are converted."""
        from pixian_batch.adapters.walking.tree import WalkRules  # not for --help
        from pixian_batch.contract.kinds import CONVERTED_SUFFIXES, INPUT_SUFFIXES

        return WalkRules(
            None,
            include=tuple(self.include or ()),
            exclude=tuple(self.exclude or ()),
            follow_symlinks=self.follow_symlinks,
            suffixes=INPUT_SUFFIXES | CONVERTED_SUFFIXES if convertible else INPUT_SUFFIXES,
        )


def check_there(paths: Iterable[str], *, verb: str, instead_of_urls: str) -> None:
    """End the command for a path that is no file's, or leads nowhere. verb: what only files can be."""
    import glob

    from pixian_batch.adapters.walking.spelling import did_you_mean  # not for --help

    for path in paths:
        if path.startswith(("http://", "https://")):
            fail(f"{path}: only files can be {verb}", instead_of_urls, code=Exit.USAGE)
        if not os.path.lexists(path) and not glob.has_magic(path):
            fail(f"{path}: there is no such file or folder", did_you_mean(path), code=Exit.USAGE)
