"""`pixian-batch verify`: are all files as the lock says? Offline, without a ledger; changes nothing, sends nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pixian_batch.cli.options import JsonLines, option
from pixian_batch.cli.shared import fail
from pixian_batch.cli.taking import takes
from pixian_batch.cli.walked_paths import PathRules, check_there
from pixian_batch.policy.lockfile import USUAL_LOCK
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.adapters.walking import Walked
    from pixian_batch.policy.lockfile import LockFinding, LockLine

_SIGNALS = 128


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(PathRules):
    """All options of `verify`; those about inputs have the words of `run`."""

    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Photos, folders or globs of which none may be without a line in the lock.",
            show_default=False,
        ),
    ] = None
    lock: Annotated[str, option("--lock", "The lock, as run --lock has written it.", metavar="FILE")] = (
        USUAL_LOCK
    )
    convert: Annotated[bool, option("--convert", "WebP, AVIF and HEIC photos are inputs, too.")] = False
    json: JsonLines = False
    quiet: Annotated[bool, option("--quiet", "Say nothing: the exit code tells.", "-q")] = False
    verbose: Annotated[bool, option("--verbose", "Name every file, however many.", "-v")] = False


@takes(VerifyOptions)
def verify(options: VerifyOptions) -> None:
    """Prove that photos and results are as they were locked: nothing to be bought, altered or missing. Needs no ledger.

    Ends with 13 when something is not as locked.

    Examples:
      pixian-batch verify
      pixian-batch verify ./photos --lock pixian.lock
      pixian-batch verify --lock pixian.lock --json
    """
    check_there(options.paths or (), verb="verified", instead_of_urls="leave it out")
    raise typer.Exit(_verify(options, _read(options.lock or USUAL_LOCK)))


def _read(path: str) -> list[LockLine]:
    from pixian_batch.pipeline.verifying import read_lock_file  # not for --help
    from pixian_batch.policy.disk import system_word
    from pixian_batch.policy.lockfile import LockError

    try:
        return read_lock_file(path)
    except FileNotFoundError:
        hint = f"write it first: pixian-batch INPUT... --out DIR --lock {USUAL_LOCK}; or name it: --lock FILE"
        fail(f"there is no lock {path}", hint, code=Exit.USAGE)
    except OSError as error:
        fail(f"{path}: {system_word(error)}", "name another file: --lock FILE", code=Exit.USAGE)
    except LockError as error:
        fail(f"{path}: {error}", error.hint, code=Exit.USAGE)


def _verify(options: VerifyOptions, lines: list[LockLine]) -> int:
    """Look at everything, tell it, and give the exit code."""
    from pixian_batch.adapters.interrupting import CommandInterrupt, interruptible
    from pixian_batch.cli.verified import VerifyScreen

    screen = VerifyScreen(lines, options.lock, json=options.json, quiet=options.quiet, all_=options.verbose)
    interrupted = 0
    with interruptible():
        try:
            for finding in _findings(options, lines):
                screen.told(finding)
        except CommandInterrupt as interrupt:
            interrupted = _SIGNALS + interrupt.number
    return screen.finished(interrupted)


def _findings(options: VerifyOptions, lines: list[LockLine]) -> Iterator[LockFinding]:
    from pixian_batch.pipeline.verifying import unlocked, verify

    folder = os.path.dirname(os.path.abspath(options.lock))
    if options.paths:
        yield from unlocked(_walk(options), lines, folder)
    yield from verify(lines, folder)


def _walk(options: VerifyOptions) -> Iterator[Walked]:
    """The inputs, as a run finds them."""
    from pixian_batch.adapters.walking import Walker
    from pixian_batch.policy.left_out import LeftOut

    rules = options.walk_rules(convertible=options.convert)
    return Walker(rules, LeftOut()).walk(options.paths or ())
