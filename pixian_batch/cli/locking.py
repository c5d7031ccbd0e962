"""What `run --lock` does: a lock that can be written is seen to before anything is spent, and is written at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.cli.mistakes import MistakeError
from pixian_batch.cli.request import check_writable
from pixian_batch.display.text import images, printable
from pixian_batch.pipeline.lockfile import LockNotes, write_lock_file
from pixian_batch.pipeline.verifying import read_lock_file
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.lockfile import LockError
from pixian_batch.policy.progress import Level, Message
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from pixian_batch.pipeline.spec import Outputs
    from pixian_batch.policy.progress import Summary

_AGAIN: Final = "run the same command again: it writes the lock, and what is done costs nothing"
_LOCKED: Final = frozenset({Exit.OK, Exit.SOME_FAILED, Exit.IN_DOUBT})
"""Ends after which a lock that cannot be written is what is to be told."""


def check_lock(path: str) -> None:
    """That the lock can be written, and that what it would replace is one. Raises `MistakeError`."""
    check_writable(path, "--lock")
    try:
        read_lock_file(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise MistakeError(f"--lock {path}: {system_word(error)}", "name another file") from error
    except LockError as error:
        raise MistakeError(f"--lock {path}: {error}", error.hint) from error


@dataclass(frozen=True, slots=True)
class Locked:
    """What became of the lock: the run's summary, another one where it could not be written, and what is to be said."""

    summary: Summary
    messages: tuple[Message, ...] = ()


def lock_up(path: str, notes: LockNotes, outputs: Outputs, summary: Summary) -> Locked:
    """Write the lock of a run that has ended as `summary` says. Blocking."""
    if not summary.began or summary.exit_code.is_signal:
        return Locked(
            summary,
            (Message(Level.WARNING, f"the lock was not written: the run {_ended(summary)}", _AGAIN),),
        )
    try:
        number = write_lock_file(path, notes, outputs)
    except (OSError, LockError, LedgerError) as error:
        return Locked(_not_locked(path, error, summary))
    written = Message(Level.INFO, printable(f"locked: {images(number)} in {path}"))
    return Locked(summary, (written, *([_about_urls(notes.urls)] if notes.urls else [])))


def _not_locked(path: str, error: Exception, summary: Summary) -> Summary:
    """The lock was asked for and is not there: the disk's trouble, unless something graver has ended the run."""
    if summary.exit_code not in _LOCKED:
        return summary
    why = system_word(error) if isinstance(error, OSError) else str(error)
    stop = Stop(Exit.DISK, printable(f"the lock {path} could not be written: {why}"), _AGAIN)
    return replace(summary, stop=stop, exit_code=stop.cause)


def _ended(summary: Summary) -> str:
    return "was stopped" if summary.began else "did not begin"


def _about_urls(number: int) -> Message:
    who = "1 input is a URL" if number == 1 else f"{number:,} inputs are URLs"
    return Message(
        Level.WARNING,
        f"{who} and not in the lock: nobody can prove offline what an address leads to",
        "download it, and name the file, where it is to be locked",
    )
