"""`pixian-batch check`: does a folder of images comply with what a marketplace asks for? Changes nothing, sends nothing."""

from __future__ import annotations

import json as json_
import os
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pixian_batch.cli.checked_files import CheckPaths, check_inputs, found_files
from pixian_batch.cli.options import JsonLines, option
from pixian_batch.cli.shared import fail, say
from pixian_batch.cli.taking import takes
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pixian_batch.review.checking import FoundFile
    from pixian_batch.review.compliance import Checked
    from pixian_batch.review.counts import CheckCounts
    from pixian_batch.review.profiles import Profile

_REPLACED: Final = (".xml",)
"""What a report may replace."""
_SIGNALS: Final = 128


@dataclass(frozen=True, kw_only=True)
class CheckOptions(CheckPaths):
    """All options of `check`."""

    profile: Annotated[
        list[str] | None,
        option(
            "--profile",
            "What to check against: a marketplace's name, or your own FILE.toml; may be given often.",
            only="check",
            metavar="NAME|FILE",
        ),
    ] = None
    list_: Annotated[
        bool, option("--list", "Show the profiles with all their numbers and sources, and check nothing.")
    ] = False
    strict: Annotated[bool, option("--strict", "What is only advised counts, too.")] = False
    json: JsonLines = False
    junit: Annotated[
        str | None, option("--junit", "Write JUnit XML for a CI server to this file.", metavar="FILE")
    ] = None
    jobs: Annotated[
        int | None,
        option(
            "--jobs", "Processes at once; as many as there are cores unless told.", "-j", min=1, metavar="N"
        ),
    ] = None
    quiet: Annotated[bool, option("--quiet", "Say nothing: the exit code tells.", "-q")] = False
    verbose: Annotated[bool, option("--verbose", "Show what complies, too.", "-v")] = False


@takes(CheckOptions)
def check(options: CheckOptions) -> None:
    """Measure images against what marketplaces ask for. Any folder of images; nothing is changed, nothing is sent.

    Ends with 13 when an image does not comply.

    Examples:
      pixian-batch check ./shop --profile amazon-main
      pixian-batch check ./shop --profile amazon-main --profile ebay --json
      pixian-batch check ./shop --profile my-shop.toml --strict --junit check.xml
      pixian-batch check --list
    """
    profiles = _profiles(options)
    if options.list_:
        from pixian_batch.cli.check_profiles import show  # not for a check

        show(profiles, json=options.json)
        return
    check_inputs(options)
    _check_junit(options.junit)
    raise typer.Exit(_check(options, profiles))


def _profiles(options: CheckOptions) -> list[Profile]:
    from pixian_batch.review.profiles import ProfileError, find_profiles, shipped  # not for --help

    if not options.profile and not options.list_:
        names = ", ".join(shipped())
        fail("say what to check against: --profile NAME", f"{names}; or your own FILE.toml", code=Exit.USAGE)
    try:
        return find_profiles(options.profile or shipped())
    except ProfileError as error:
        fail(str(error), error.hint, code=Exit.USAGE)


def _check_junit(path: str | None) -> None:
    """End the command for a file that cannot be written, or must not be replaced."""
    if path is None:
        return
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        fail(
            f"--junit {path}: its folder is not there",
            "name a file in a folder that is there",
            code=Exit.USAGE,
        )
    if os.path.lexists(path) and not (os.path.isfile(path) and path.lower().endswith(_REPLACED)):
        fail(f"--junit {path}: is there already, and is no .xml", "name another file", code=Exit.USAGE)


# --- checking --------------------------------------------------------------------------------------


def _check(options: CheckOptions, profiles: Sequence[Profile]) -> int:
    """Check everything, tell it, and give the exit code."""
    from pixian_batch.adapters.interrupting import CommandInterrupt, interruptible

    outputs = _Outputs(options, profiles)
    with ExitStack() as scope:
        add_to_suites = scope.enter_context(_junit(options, profiles))
        code = 0
        with interruptible():
            try:
                for checked in _all(options, profiles):
                    outputs.told(checked)
                    add_to_suites(checked)
            except CommandInterrupt as interrupt:
                code = _SIGNALS + interrupt.number
        if not code and outputs.files == 0:
            fail("no image was found there", "name images, or folders that hold some", code=Exit.USAGE)
        return outputs.finished(code)


def _all(options: CheckOptions, profiles: Sequence[Profile]) -> Iterator[Checked]:
    from pixian_batch.adapters.processes import usable_cores
    from pixian_batch.review.checking import check_all

    files: Iterator[FoundFile] = found_files(options)
    for each in check_all(files, profiles, jobs=options.jobs or usable_cores()):
        yield from each


class _Outputs:
    """Counts, and whoever is told: people or programs."""

    def __init__(self, options: CheckOptions, profiles: Sequence[Profile]) -> None:
        from pixian_batch.cli.check_screen import CheckScreen
        from pixian_batch.review.counts import CheckCounts

        self._options = options
        self._counts: dict[str, CheckCounts] = {profile.name: CheckCounts() for profile in profiles}
        self._screen = CheckScreen(_console(), verbose=options.verbose, several=len(profiles) > 1)

    @property
    def files(self) -> int:
        """How many were checked."""
        return max(counts.files for counts in self._counts.values())

    def told(self, checked: Checked) -> None:
        """One file by one profile."""
        self._counts[checked.profile].add(checked)
        if self._options.json:
            from pixian_batch.review.records import checked_record

            say([json_.dumps(checked_record(checked, strict=self._options.strict))])
        elif not self._options.quiet:
            self._screen.told(checked)

    def finished(self, interrupted: int) -> int:
        """The end: the exit code, told."""
        strict, whole = self._options.strict, not interrupted
        failing = any(counts.failing(strict=strict) for counts in self._counts.values())
        code = interrupted or (Exit.NOT_COMPLYING if failing else Exit.OK)
        if self._options.json:
            from pixian_batch.review.records import summary_record

            say([json_.dumps(summary_record(self._counts, strict=strict, whole=whole, exit_code=code))])
        elif not self._options.quiet:
            self._screen.finished(self._counts, strict=strict, whole=whole)
        return code


def _console() -> Any:
    """rich's, where standard output is a terminal."""
    if not sys.stdout.isatty():
        return None
    from rich.console import Console  # for a terminal

    return Console(highlight=False)


@contextmanager
def _junit(options: CheckOptions, profiles: Sequence[Profile]) -> Iterator[Any]:
    """What to call for each `Checked`; the file is written at the end, whole or not at all."""
    if options.junit is None:
        yield lambda _checked: None
        return
    import tempfile

    from pixian_batch.adapters.whole_file import whole_file
    from pixian_batch.policy.disk import system_word
    from pixian_batch.review.junit import CheckSuite, write_checks

    with ExitStack() as files:
        suites = {
            profile.name: CheckSuite(
                profile.name, files.enter_context(tempfile.TemporaryFile()), strict=options.strict
            )
            for profile in profiles
        }
        try:
            yield lambda checked: suites[checked.profile].add(checked)
            with whole_file(options.junit) as out:
                write_checks(suites.values(), out)
        except OSError as error:
            fail(f"{options.junit}: {system_word(error)}", "name another --junit", code=Exit.DISK)
