"""Which files `check` looks at: what is named, and all images in folders that are. Opens none of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pixian_batch.cli.options import option
from pixian_batch.cli.shared import fail
from pixian_batch.display.text import with_hint
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.policy.left_out import LeftOut
    from pixian_batch.review.checking import FoundFile


@dataclass(frozen=True, kw_only=True)
class CheckPaths:
    """What to look at; the words are those of `run`."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Images, folders (recursive) or globs.", show_default=False),
    ] = None
    include: Annotated[
        list[str] | None,
        option("--include", "Only inputs that match; may be given often.", metavar="PATTERN"),
    ] = None
    exclude: Annotated[
        list[str] | None,
        option("--exclude", "No inputs or folders that match; may be given often.", metavar="PATTERN"),
    ] = None
    follow_symlinks: Annotated[bool, option("--follow-symlinks", "Enter linked folders.")] = False


def check_inputs(paths: CheckPaths) -> None:
    """End the command where nothing is named, or what is not there."""
    import glob

    from pixian_batch.adapters.walking.spelling import did_you_mean  # not for --help

    if not paths.paths:
        fail("name what to check", "pixian-batch check ./shop --profile amazon-main", code=Exit.USAGE)
    for path in paths.paths:
        if path.startswith(("http://", "https://")):
            fail(f"{path}: only files can be checked", "download it first", code=Exit.USAGE)
        if not os.path.lexists(path) and not glob.has_magic(path):
            fail(f"{path}: there is no such file or folder", did_you_mean(path), code=Exit.USAGE)


def found_files(paths: CheckPaths) -> Iterator[FoundFile]:
    """The files, sorted by folder; what cannot be walked is among them, with the reason."""
    from pixian_batch.adapters.walking.tree import Batch, Trouble, Walker, WalkRules
    from pixian_batch.contract.kinds import CONVERTED_SUFFIXES, INPUT_SUFFIXES
    from pixian_batch.policy.left_out import LeftOut
    from pixian_batch.review.checking import FoundFile
    from pixian_batch.review.facts import UnreadableFile

    rules = WalkRules(
        None,
        include=tuple(paths.include or ()),
        exclude=tuple(paths.exclude or ()),
        follow_symlinks=paths.follow_symlinks,
        suffixes=INPUT_SUFFIXES | CONVERTED_SUFFIXES,
    )
    left_out = LeftOut()
    for walked in Walker(rules, left_out).walk(paths.paths or ()):
        if isinstance(walked, Batch):
            yield from (FoundFile(walked.path(name)) for name in walked.names)
        elif isinstance(walked, Trouble):
            yield FoundFile(walked.path, UnreadableFile(walked.message, walked.hint))
    _tell_left_out(left_out)


def _tell_left_out(left_out: LeftOut) -> None:
    """Images of kinds that nobody here can look into: on standard error, so that nobody takes them for checked."""
    if left_out.suffixes:
        kinds = ", ".join(f"{count:,} {suffix}" for suffix, count in left_out.suffixes.most_common(5))
        sys.stderr.write(
            f"warning: {with_hint(f'not checked: {kinds}', 'no marketplace takes these kinds')}\n"
        )
