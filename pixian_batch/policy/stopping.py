"""Why a run stopped and the exit code it gives. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from pixian_batch.policy.tally import Tally


class Exit(IntEnum):
    """How a run can end, by its exit code: a stable promise to scripts."""

    OK = 0
    BUG = 1
    USAGE = 2
    SOME_FAILED = 3
    CREDENTIALS = 4
    CREDITS = 5
    BUDGET = 6
    SERVICE = 7
    DISK = 8
    TIME = 9
    IN_DOUBT = 10
    LEDGER_IN_USE = 11
    HOOK = 12
    """All done, and then the command of `--on-finish` failed."""
    NOT_COMPLYING = 13
    """`check`: an image does not comply with its profile; `verify`: something is not as locked."""
    SIGHUP = 129
    SIGINT = 130
    SIGQUIT = 131
    SIGUSR2 = 140
    SIGALRM = 142
    SIGTERM = 143
    SIGBREAK = 149
    SIGXCPU = 152

    @property
    def is_signal(self) -> bool:
        """Whether the user or the system asked us to stop."""
        return self > _SIGNALS

    @property
    def comes_often(self) -> bool:
        """Whether one cause sends it several times: a closing terminal (its own and its shell's), a CPU limit."""
        return self in {Exit.SIGHUP, Exit.SIGXCPU}


_SIGNALS: Final = 128
"""A signal's code is this and its number: Linux' where systems differ."""


_NO_REASONS: Final = {Exit.OK, Exit.SOME_FAILED, Exit.HOOK, Exit.NOT_COMPLYING}
REASONS: Final = tuple(code for code in Exit if code not in _NO_REASONS)
"""The codes that a `Stop` can have: of the others two are told from the tally, one comes after the run, one is of no run."""


MAKE_ROOM: Final = "make room, then run the same command again: it goes on where it stopped"
"""What to do about a disk that does not take any more."""


class DiskTrouble(Protocol):
    """An error of the disk that says what to do about it."""

    @property
    def hint(self) -> str:
        """What to do about it."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the run stops before its end, one of `REASONS`, and what to do about it."""

    cause: Exit
    message: str
    hint: str = ""

    @classmethod
    def disk(cls, error: DiskTrouble) -> Stop:
        """The disk, or a ledger on it, cannot be written."""
        return cls(Exit.DISK, str(error), error.hint)


def graver(one: Stop | None, other: Stop) -> Stop:
    """Of two reasons to stop the one that is told: a signal first, otherwise whichever came first."""
    if one is None or (other.cause.is_signal and not one.cause.is_signal):
        return other
    return one


def exit_code(tally: Tally, stop: Stop | None) -> Exit:
    """The exit code of a run: signal, then 4 to 9, then 10, then 3, then 0."""
    if stop is not None:
        return stop.cause
    if tally.kept:
        return (
            Exit.DISK
        )  # a folder that does not take its results stops nobody, and is the disk's trouble all the same
    if tally.undecided:
        return Exit.IN_DOUBT
    return Exit.SOME_FAILED if tally.failed else Exit.OK


def run_status(tally: Tally, stop: Stop | None) -> Literal["ok", "partial", "halted"]:
    """One word for the summary record."""
    if stop is not None:
        return "halted"
    return "partial" if tally.failed or tally.undecided or tally.kept else "ok"
