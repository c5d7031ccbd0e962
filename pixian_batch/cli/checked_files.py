"""Which files `check` looks at: what is named, and all images in folders that are. Opens none of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pixian_batch.cli.shared import fail
from pixian_batch.cli.walked_paths import PathRules, check_there
from pixian_batch.display.text import with_hint
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.policy.left_out import LeftOut
    from pixian_batch.review.checking import FoundFile


@dataclass(frozen=True, kw_only=True)
class CheckPaths(PathRules):
    """What to look at; the words are those of `run`."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Images, folders (recursive) or globs.", show_default=False),
    ] = None


def check_inputs(paths: CheckPaths) -> None:
    """End the command where nothing is named, or what is not there."""
    if not paths.paths:
        fail("name what to check", "pixian-batch check ./shop --profile amazon-main", code=Exit.USAGE)
    check_there(paths.paths, verb="checked", instead_of_urls="download it first")


def found_files(paths: CheckPaths) -> Iterator[FoundFile]:
    """The files, sorted by folder; what cannot be walked is among them, with the reason."""
    from pixian_batch.adapters.walking.tree import Batch, Trouble, Walker
    from pixian_batch.policy.left_out import LeftOut
    from pixian_batch.review.checking import FoundFile
    from pixian_batch.review.facts import UnreadableFile

    left_out = LeftOut()
    for walked in Walker(paths.walk_rules(convertible=True), left_out).walk(paths.paths or ()):
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
