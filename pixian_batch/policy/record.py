"""What is written down about images and attempts: the ledger's vocabulary. Pure.

An image is a `Key`: which bytes, with which parameters. An attempt is one request for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pixian_batch.contract.headers import ResultHeaders

_VIA_DELTA: Final = "via=delta"
_TEST: Final = "test=true"
_SERVICE: Final = "service="
_CONVERTED: Final = "converted="
_CONVERSION: Final = "/1"
"""The version of what is made of which photo. It changes only when another picture is meant, never with a library:
an image that was bought in an earlier one would have to be found under it, too."""
CONVERSIONS: Final = tuple(f"{kind}->{made}" for kind in ("avif", "heic", "webp") for made in ("jpeg", "png"))
"""All that can be made of photos before they are sent."""
_DRAWN: Final = "drawn=1"
"""Of a result that was made here of the full picture. Its version changes only when another picture is meant."""
_RENDERED: Final = ("result.", "background.")


class State(StrEnum):
    """Where an image stands. Only `open` (and an image never seen) may be sent without a decision."""

    OPEN = "open"
    SENDING = "sending"
    RECEIVED = "received"
    DONE = "done"
    IN_DOUBT = "in_doubt"
    LOST = "lost"


def state_after(verdict: Verdict) -> State:
    """The state of an image whose latest attempt ended as `verdict`."""
    match verdict:
        case Verdict.DELIVERED:
            return State.RECEIVED
        case Verdict.IN_DOUBT:
            return State.IN_DOUBT
        case Verdict.LOST:
            return State.LOST
        case _:
            return State.OPEN


@dataclass(frozen=True, slots=True)
class Key:
    """digest: 32 bytes of BLAKE3 over the input's bytes (over the URL for a URL); params: see `key_params`."""

    digest: bytes
    params: str

    @property
    def is_delta(self) -> bool:
        """Whether what is bought is a delta, and the result the full picture rebuilt from it."""
        return is_delta(self.params)

    @property
    def converted(self) -> str | None:
        """What was made of the photo before it was sent (`webp->png`); None when it was sent as it is."""
        return converted(self.params)

    @property
    def is_free(self) -> bool:
        """Whether its result cost nothing."""
        return is_free(self.params)


def key_params(
    canonical: str,
    *,
    via_delta: bool = False,
    service: str = "",
    conversion: str | None = None,
    drawn: bool = False,
) -> str:
    """The text of a key's params: `name=value` joined by `;`, all that changes the result besides the bytes.

    canonical: the request's parameters; service: whose results they are when not the service's own (`local`);
    conversion: one of `CONVERSIONS`, when what is sent is made of the photo first. The digest is of the photo itself.
    drawn: of a result that was not bought as it is, but drawn from the full picture, which was.
    """
    parts = (
        canonical,
        _VIA_DELTA if via_delta else "",
        _DRAWN if drawn else "",
        f"{_CONVERTED}{conversion}{_CONVERSION}" if conversion else "",
        f"{_SERVICE}{service}" if service else "",
    )
    return ";".join(filter(None, parts))


def is_delta(params: str) -> bool:
    """`Key.is_delta` of a key's bare params."""
    return _VIA_DELTA in params.split(";")


def is_drawn(params: str) -> bool:
    """Whether a result with these key params was drawn from the full picture: no attempt is its own."""
    return _DRAWN in params.split(";")


def converted(params: str) -> str | None:
    """`Key.converted` of a key's bare params."""
    words = (part for part in params.split(";") if part.startswith(_CONVERTED))
    return next((word.removeprefix(_CONVERTED).partition("/")[0] for word in words), None)


def is_free(params: str) -> bool:
    """`Key.is_free` of a key's bare params: made by a test request, or by another service than the paid one."""
    return any(part == _TEST or part.startswith(_SERVICE) for part in params.split(";"))


def is_rendering(wanted: str, *, of: str) -> bool:
    """Whether key params `wanted` could be met from a result with `of`: the full picture, without loss.

    Crop, margin, size, background and format are drawn on what was cut out; only the rest needs the service.
    """
    is_full = not any(part.startswith(_RENDERED) for part in _drawn(of))
    formats = set(_drawn(of)) & {"output.format=jpeg", "output.format=delta_png"}
    lossless = not formats or ("output.format=delta_png" in formats and is_delta(of))
    same = sorted(_not_drawn(wanted)) == sorted(_not_drawn(of))
    return is_full and lossless and same and "output.format=delta_png" not in _drawn(wanted)


def _drawn(params: str) -> list[str]:
    return [part for part in params.split(";") if part.startswith((*_RENDERED, "output."))]


def _not_drawn(params: str) -> list[str]:
    drawn = {*_drawn(params), _VIA_DELTA, ""}
    return [part for part in params.split(";") if part not in drawn]


@dataclass(frozen=True, slots=True)
class Sending:
    """An attempt, written down before its first byte leaves.

    place: the result's place under the output folder; spool: the path its body will stream to.
    at_most: credits it can cost, None when nothing is known; free: it cannot cost money.
    """

    attempt: int
    key: Key
    input: str
    place: str
    spool: str
    pixels: int | None
    at_most: Decimal | None
    free: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """The head of a 2xx answer; length: its Content-Length, if it said one."""

    http_status: int
    headers: ResultHeaders
    length: int | None


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended. kept: the path of what arrived of a lost result."""

    verdict: Verdict
    http_status: int | None = None
    code: int | str | None = None
    message: str = ""
    body_size: int | None = None
    seconds: float = 0.0
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows of a key: its state and its latest attempt.

    place: where its result stands (state `done`), or was to stand.
    """

    state: State
    attempt: int
    input: str
    place: str
    sent_at: str
    at_most: Decimal | None
    free: bool
    message: str = ""
    kept: str | None = None
    headers: ResultHeaders | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An attempt of an earlier run whose image is neither done nor decided.

    ended: None when the process died before it could say how the attempt ended.
    """

    sending: Sending
    answered: Answered | None
    ended: Ended | None
    sent_at: str


@dataclass(frozen=True, slots=True)
class Placed:
    """What stands at an output place: which image, and how many bytes."""

    key: Key
    size: int


# Plain tuples: a run over a million finished images reads one of each for every image.
Known: TypeAlias = tuple[int, int, bytes]
"""An input when it was last read: size, mtime in ns, digest."""
Stands: TypeAlias = tuple[bytes, str, int]
"""What stands at an output place: the two halves of the image's key (digest, params), and how many bytes."""
Asked: TypeAlias = "tuple[str, Sequence[str], str, Sequence[str]]"
"""What the ledger may be asked of one folder of inputs: its absolute path, names; the place of results, names."""
