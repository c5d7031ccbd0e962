"""What a run tells, and to whom: snapshots while it goes on, messages, the summary at its end; `Watcher`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pixian_batch.policy.left_out import LeftOut

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from pixian_batch.policy.concurrency import ConcurrencyChange
    from pixian_batch.policy.look import Suspicion
    from pixian_batch.policy.outcome import Ending
    from pixian_batch.policy.stopping import Exit, Stop
    from pixian_batch.policy.tally import Tally
    from pixian_batch.policy.verdict import Verdict


class Level(StrEnum):
    """How much a message matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence for the user, with what to do about it where there is something to do."""

    level: Level
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Why workers rest: `workers` of them now, `times` in the last `seconds`; the first of them sends again in `next_in`.

    why: how their requests ended; status: of the latest answer, None where none came.
    """

    why: Verdict
    status: int | None
    workers: int
    times: int
    seconds: float
    next_in: float


@dataclass(frozen=True, slots=True)
class Outage:
    """The service has failed for everyone for `seconds`; the last that it said."""

    seconds: float
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Bytes of bodies on the wire, in all and a second, lately: what is sent again counts again."""

    up: int = 0
    down: int = 0
    up_rate: float = 0.0
    down_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a run at one moment.

    elapsed: seconds since the start. found: inputs counted so far; counted: whether that is all.
    workers: allowed now; busy of them hold a request, resting wait (429, retry), cap is the most allowed.
    next_worker: seconds of full use until the ramp allows one more, or None. per_second: images bought a second, lately.
    eta: seconds, or None when unknown; at the rate that was measured, and at no better one while workers back off.
    paused: the service fails for everyone; probing.
    """

    elapsed: float
    tally: Tally
    found: int
    counted: bool
    workers: int
    busy: int
    resting: int
    cap: int
    next_worker: float | None = None
    per_second: float = 0.0
    eta: float | None = None
    paused: bool = False
    stop: Stop | None = None
    credits_ever: Decimal | None = None
    """Charged in this ledger in all runs, this one included."""
    free: bool = False
    """No request of this run can cost money."""
    throttled: int = 0
    """Requests for images that were answered 429."""
    backoffs: tuple[Backoff, ...] = ()
    """Why those who rest do so."""
    outage: Outage | None = None
    """Since when it is paused, and why."""
    newest: str = ""
    """The input whose result came last."""
    flow: Flow = Flow()


@dataclass(frozen=True, slots=True)
class Doubt:
    """One image that waits for a decision. lost: the service answered, and its result did not arrive whole.

    charged: what the service said it has charged, where it did.
    """

    input: str
    sent_at: str
    at_most: Decimal | None
    lost: bool = False
    charged: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A result that somebody should look at, and why."""

    input: str
    output: str
    suspicion: Suspicion
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The end of a run."""

    tally: Tally
    stop: Stop | None
    exit_code: Exit
    seconds: float
    out: str
    ledger: str
    free: bool
    """No request of this run could cost money."""
    began: bool = True
    """Whether the run got as far as its ledger."""
    credits_ever: Decimal | None = None
    doubts: tuple[Doubt, ...] = ()
    """The images in doubt or lost, the first ones by name; `tally.undecided` counts them all."""
    problems: tuple[tuple[str, int], ...] = field(default=())
    """Failures by message with their number, the most frequent first."""
    suspects: tuple[Suspect, ...] = ()
    """Results to be looked at, the first ones; `tally.suspects` counts them all."""
    left_out: LeftOut = field(default_factory=LeftOut)
    found: int = 0
    """Inputs that were found, each once."""
    counted: bool = True
    """Whether those are all: a run that is stopped early may not know."""
    flow: Flow = Flow()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What was asked for when a run began; nothing secret. started_at: UTC, ISO 8601.

    inputs: as they were named; listed: the file of names, or `-`. parameters: the words of the ledger; service:
    where requests go, `local` for the emulator in this process.
    """

    pid: int
    version: str
    started_at: str
    inputs: tuple[str, ...]
    listed: str | None
    out: str
    ledger: str
    parameters: str
    service: str


class Watcher:
    """Who is told of a run. This one does nothing; displays say only what they do.

    Calls come on the loop's thread; they are quick and never raise.
    """

    @property
    def tells_skipped(self) -> bool:
        """Whether `ended` is to come for each image that is done already; else only their number is counted."""
        return False

    def launched(self, launch: Launch) -> None:
        """What was asked for; always the first call, also of a run that is then refused."""

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        """The run begins; `snapshot()` tells its state at any time."""

    def counted(self, found: int) -> None:
        """It is known how many inputs there are."""

    def ended(self, ending: Ending) -> None:
        """One image's way has ended."""

    def concurrency(self, change: ConcurrencyChange) -> None:
        """Another number of workers is allowed, or rests."""

    def notify(self, message: Message) -> None:
        """Something the user should know."""

    def status(self) -> None:
        """Somebody asks how it stands: answer in one line, where there are lines."""

    def finished(self, summary: Summary) -> None:
        """The end; always the last call."""

    async def attend(self) -> None:
        """Runs beside the run, and is cancelled at its end."""
