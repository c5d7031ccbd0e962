"""One photo in, one file out: `photo.jpg -o cut.png`, and `-` for standard input and output.

What the user wrote becomes a run like any other, with one folder, one name and one ledger, so the same promises hold.
A result for standard output is first a file in the user's state folder: bought, recorded, and only then handed on.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import typer

from pixian_batch.contract.kinds import FOREIGN_SUFFIXES, INPUT_SUFFIXES
from pixian_batch.contract.params import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pixian_batch.cli.options import PlanOptions, RunOptions

_Options = TypeVar("_Options", "RunOptions", "PlanOptions")
STREAM: Final = "-"
_PNG: Final = (".png",)
_JPEG: Final = (".jpg", ".jpeg")
_URLS: Final = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class OneFile(Generic[_Options]):
    """The options of the run that is meant. name: of its one result, "" where `--out` is a folder.

    hand_on: what is done at the end, with the exit code.
    """

    options: _Options
    name: str = ""
    hand_on: Callable[[int], None] = lambda _code: None


@contextmanager
def one_file(options: _Options, *, sends: bool = True) -> Iterator[OneFile[_Options]]:
    """What the user means by a file or a stream for input and output. sends: else nothing is written anywhere.

    Raises `BadParameter`.
    """
    paths = options.paths or []
    if options.out == STREAM or STREAM in paths:
        from pixian_batch.cli.pipes import piped  # rarely asked for

        with piped(options, sends=sends) as one:
            yield one
    elif names_picture(options.out):
        _check_one(options)
        yield OneFile(*to_file(options))
    else:
        _check_kind(options)
        yield OneFile(options)


def names_picture(out: str) -> bool:
    """Whether `--out` is a result's name, not a folder's."""
    return out.lower().endswith((*_PNG, *_JPEG)) and not os.path.isdir(out)


def to_file(options: _Options) -> tuple[_Options, str]:
    """Options whose `--out` is a folder and whose format is the file's, and the file's name. Raises `BadParameter`."""
    folder, name = os.path.split(options.out)
    asked = options.output_format
    jpeg = name.lower().endswith(_JPEG)
    if jpeg and (options.via_delta or asked in {OutputFormat.PNG, OutputFormat.DELTA_PNG}):
        what = "--via-delta" if options.via_delta else f"--output-format {asked}"
        raise typer.BadParameter(f"--out {options.out} is a JPEG, {what} gives a PNG: leave one of them out")
    if not jpeg and asked == OutputFormat.JPEG:
        raise typer.BadParameter(
            f"--out {options.out} is a PNG, --output-format jpeg is not: leave one of them out"
        )
    if asked in {None, OutputFormat.AUTO} and not options.via_delta:
        asked = (OutputFormat.JPEG if jpeg else OutputFormat.PNG).value
    return replace(options, out=folder or os.curdir, output_format=asked), name


def _check_one(options: RunOptions | PlanOptions) -> None:
    """That there is one photo for one result."""
    out, paths = options.out, options.paths or []
    really = f"name a folder; if it is to be called so: {out}{os.sep}"
    if os.path.isfile(out) and (len(paths) != 1 or options.files_from is not None):
        raise typer.BadParameter(f"--out {out}: is a file, and there are several inputs; name a folder")
    if len(paths) != 1 or options.files_from is not None:
        raise typer.BadParameter(f"--out {out} names one result, and there are several inputs: {really}")
    if os.path.isdir(paths[0]):
        raise typer.BadParameter(f"--out {out} names one result, and {paths[0]} is a folder: {really}")
    if not os.path.lexists(paths[0]) and not paths[0].startswith(_URLS) and set("*?[") & set(paths[0]):
        raise typer.BadParameter(f"--out {out} names one result, and {paths[0]} may match many: {really}")


def _check_kind(options: RunOptions | PlanOptions) -> None:
    """That a file which is asked for is one that the service makes."""
    suffix = os.path.splitext(options.out)[1].lower()
    one = len(options.paths or []) == 1 and options.files_from is None
    if not one or os.path.isdir(options.out) or not os.path.isfile((options.paths or [""])[0]):
        return
    if suffix in INPUT_SUFFIXES or suffix in FOREIGN_SUFFIXES:
        raise typer.BadParameter(f"--out {options.out}: results are PNG or JPEG; name it .png or .jpg")
