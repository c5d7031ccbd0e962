"""What can go wrong, decided: which request meets which fault and how late it is answered. Pure.

A forecast depends on the seed and on the request's number alone, so a run can be repeated. Applying
a forecast to a socket is `faults.py`'s work; this module knows neither sockets nor clocks.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Annotated, Final, Self

from pixian_batch.contract import headers
from pixian_batch.emulator.reading import FromText, Option


class Stage(IntEnum):
    """When in a request's life a fault strikes."""

    ARRIVAL = 1
    """Before the body is read."""
    READ = 2
    """After the request was read and found good, before anything is charged."""
    CHARGED = 3
    """After the charge, while or before the answer leaves."""


class FaultKind(StrEnum):
    """Every way in which the emulator can misbehave."""

    RESET_BEFORE_READ = "reset_before_read"
    UNAUTHORIZED = "unauthorized"
    OUT_OF_CREDITS = "out_of_credits"
    SLOW_DOWN = "slow_down"
    SLOW_DOWN_BARE = "slow_down_bare"
    REDIRECT_SAME = "redirect_same"
    REDIRECT_OTHER = "redirect_other"
    REDIRECT_OTHER_307 = "redirect_other_307"
    ERROR_500 = "error_500"
    ERROR_502_HTML = "error_502_html"
    ERROR_503 = "error_503"
    HTML_200 = "html_200"
    HTML_500 = "html_500"
    RESET_BEFORE_CHARGE = "reset_before_charge"
    STALL_BEFORE_CHARGE = "stall_before_charge"
    RESET_AFTER_CHARGE = "reset_after_charge"
    STALL_BEFORE_ANSWER = "stall_before_answer"
    STALL_IN_BODY = "stall_in_body"
    CUT_BODY = "cut_body"
    HEADER_MISSING = "header_missing"
    HEADER_WRONG = "header_wrong"
    WRONG_TYPE = "wrong_type"
    GARBAGE = "garbage"

    @property
    def stage(self) -> Stage:
        """When this fault strikes."""
        if self in _ON_ARRIVAL:
            return Stage.ARRIVAL
        return Stage.READ if self in _ON_READ else Stage.CHARGED


_ON_ARRIVAL: Final = frozenset(
    {
        FaultKind.RESET_BEFORE_READ,
        FaultKind.UNAUTHORIZED,
        FaultKind.OUT_OF_CREDITS,
        FaultKind.SLOW_DOWN,
        FaultKind.SLOW_DOWN_BARE,
        FaultKind.REDIRECT_SAME,
        FaultKind.REDIRECT_OTHER,
        FaultKind.REDIRECT_OTHER_307,
    }
)
_ON_READ: Final = frozenset(
    {
        FaultKind.ERROR_500,
        FaultKind.ERROR_502_HTML,
        FaultKind.ERROR_503,
        FaultKind.HTML_200,
        FaultKind.HTML_500,
        FaultKind.RESET_BEFORE_CHARGE,
        FaultKind.STALL_BEFORE_CHARGE,
    }
)
_STALLS: Final = frozenset(
    {FaultKind.STALL_BEFORE_CHARGE, FaultKind.STALL_BEFORE_ANSWER, FaultKind.STALL_IN_BODY}
)
_HEADER_FAULTS: Final = frozenset({FaultKind.HEADER_MISSING, FaultKind.HEADER_WRONG})
_REDIRECTS: Final = frozenset({FaultKind.REDIRECT_OTHER, FaultKind.REDIRECT_OTHER_307})
RESULT_HEADERS: Final = (
    headers.CREDITS_CHARGED,
    headers.CREDITS_CALCULATED,
    headers.INPUT_ORIENTATION,
    headers.INPUT_SIZE,
    headers.RESULT_SIZE,
    headers.INPUT_FOREGROUND,
    headers.RESULT_FOREGROUND,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `detail`: seconds of a stall ("" = until the client leaves), a header, a URL."""

    kind: FaultKind
    detail: str = ""

    def __post_init__(self) -> None:
        if self.kind in _STALLS:
            if self.detail and not _is_seconds(self.detail):
                raise ValueError(f"{self.kind}: {self.detail!r} is not a number of seconds")
        elif self.kind in _HEADER_FAULTS:
            if self.detail not in RESULT_HEADERS:
                raise ValueError(f"{self.kind} needs a header, one of {', '.join(RESULT_HEADERS)}")
        elif self.kind in _REDIRECTS:
            if self.detail and not self.detail.startswith(("http://", "https://")):
                raise ValueError(f"{self.kind}: {self.detail!r} is not a URL")
        elif self.detail:
            raise ValueError(f"{self.kind} takes no detail, and {self.detail!r} was given")

    @classmethod
    def parse(cls, text: str) -> Self:
        """A fault from `kind` or `kind:detail`, e.g. `stall_in_body:5`; raises ValueError."""
        kind, _, detail = text.strip().partition(":")
        try:
            known = FaultKind(kind)
        except ValueError:
            raise ValueError(f"{kind!r} is no fault; there are {', '.join(FaultKind)}") from None
        return cls(known, detail.strip())

    def __str__(self) -> str:
        return f"{self.kind}:{self.detail}" if self.detail else str(self.kind)

    @property
    def seconds(self) -> float | None:
        """How long a stall lasts; None = until the client leaves."""
        return float(self.detail) if self.detail else None


def _is_seconds(text: str) -> bool:
    try:
        return 0 <= float(text) < float("inf")
    except ValueError:
        return False


FAIR: Final = "fair"


def fault_or_fair(text: str) -> Fault | None:
    """A fault as `Fault.parse` reads it, or None for `fair`; raises ValueError."""
    return None if text == FAIR else Fault.parse(text)


_GROUP: Final = "Weather"
_MAX_SIGMA: Final = 5.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds before an answer: `median` exactly, or log-normal around it when `sigma` is above 0."""

    median: Annotated[float, Option(_GROUP, "Answers take this long.", "SECONDS", "latency")] = 0.0
    sigma: Annotated[float, Option(_GROUP, "Spread of the latency (log-normal).", "N", "latency_sigma")] = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.median < float("inf") and 0 <= self.sigma <= _MAX_SIGMA):
            raise ValueError(f"a latency has a median from 0 and a sigma of 0..{_MAX_SIGMA}")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """When to answer 429: above `per_second` (with `burst` in hand) or above `concurrent` at once."""

    per_second: Annotated[
        float | None, Option(_GROUP, "429 above so many requests a second.", "N", "rate_limit")
    ] = None
    burst: Annotated[int, Option(_GROUP, "Requests that may come at once.", "N")] = 1
    concurrent: Annotated[
        int | None, Option(_GROUP, "429 above so many at once.", "N", "concurrent_limit")
    ] = None
    retry_after: Annotated[int | None, Option(_GROUP, "Send this with every 429.", "SECONDS")] = None

    def __post_init__(self) -> None:
        if self.per_second is not None and not 0 < self.per_second < float("inf"):
            raise ValueError("a rate limit is above 0 requests a second")
        if self.burst < 1 or (self.concurrent is not None and self.concurrent < 1):
            raise ValueError("burst and concurrent are at least 1")


@dataclass(frozen=True, slots=True)
class Chance:
    """A fault that strikes with a probability, or at every Nth request from the Nth on."""

    fault: Annotated[Fault, FromText(Fault.parse)]
    probability: float = 0.0
    every: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(f"{self.fault}: a probability is 0..1")
        if self.every < 0 or bool(self.every) == bool(self.probability):
            raise ValueError(f"{self.fault}: give either a probability or every (an N of 1 or more)")

    @classmethod
    def parse(cls, text: str) -> Self:
        """A chance from `FAULT=PROBABILITY` (`cut_body=0.05`) or `FAULT/N` (`error_503/10`); raises ValueError."""
        fault, _, number = text.rpartition("=")
        if fault and number.isascii() and number.replace(".", "", 1).isdigit():
            return cls(Fault.parse(fault), probability=float(number))
        fault, _, number = text.rpartition("/")
        if fault and number.isascii() and number.isdigit():
            return cls(Fault.parse(fault), every=int(number))
        raise ValueError(f"{text!r} is neither FAULT=PROBABILITY (cut_body=0.05) nor FAULT/N (error_503/10)")


Chances = tuple[Chance, ...]
Script = tuple[Annotated[Fault | None, FromText(lambda text: fault_or_fair(text or FAIR))], ...]
"""Faults of requests in their order; in TOML `fair` or an empty text is a request without one."""


def _failing(chances: Chances, rate: float) -> Chances:
    return (Chance(Fault(FaultKind.ERROR_500), probability=rate), *chances) if rate else chances


def _likelier(chances: Chances, texts: list[str]) -> Chances:
    return (*map(Chance.parse, texts), *chances)


def _scripted(_: Script, texts: list[str]) -> Script:
    return tuple(map(fault_or_fair, texts))


@dataclass(frozen=True, slots=True)
class Weather:
    """All that may go wrong. `script` rules the first requests, `by_image` a picture's first ones.

    `by_image` maps the SHA-256 (hex) of the uploaded bytes to the faults of that picture's requests
    in order; None means fair weather. Both come before `chances`, whose first that strikes wins.
    """

    seed: Annotated[int, Option(_GROUP, "The same seed, the same weather.", "N")] = 0
    latency: Latency = Latency()
    rate_limit: RateLimit = RateLimit()
    chances: Annotated[
        Chances,
        Option(_GROUP, "This part of the requests answers 500.", "P", "fail_rate", kind=float, lay=_failing),
        Option(
            _GROUP,
            "cut_body=0.05, or error_503/10 for every tenth; may be given often.",
            "FAULT=P",
            "fault",
            lay=_likelier,
        ),
    ] = ()
    script: Annotated[
        Script, Option(_GROUP, "The first requests' faults, in order; fair for none.", "FAULT", lay=_scripted)
    ] = ()
    by_image: Annotated[
        Mapping[Annotated[str, FromText(str.lower)], Script], "a table of SHA-256 = [faults]"
    ] = field(default_factory=dict)
    unauthorized_from: int | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What request number n meets: seconds of latency, and a fault or fair weather."""

    latency: float = 0.0
    fault: Fault | None = None


def forecast(weather: Weather, number: int) -> Forecast:
    """The weather of the request with this `number` (1, 2, 3 ...)."""
    dice = random.Random(f"{weather.seed}:{number}")  # noqa: S311  # repeatable on purpose, guards nothing
    latency = weather.latency.median
    if weather.latency.sigma:
        latency *= dice.lognormvariate(0.0, weather.latency.sigma)
    return Forecast(latency, _fault(weather, number, dice))


def _fault(weather: Weather, number: int, dice: random.Random) -> Fault | None:
    if weather.unauthorized_from is not None and number >= weather.unauthorized_from:
        return Fault(FaultKind.UNAUTHORIZED)
    if number <= len(weather.script):
        return weather.script[number - 1]
    for chance in weather.chances:
        # Every chance rolls its own die, also when it does not matter, so that adding a fault at
        # the end of a file leaves the earlier ones where they were.
        rolled = dice.random() < chance.probability
        if rolled or (chance.every and number % chance.every == 0):
            return chance.fault
    return None


def fault_of_image(weather: Weather, digest: str, visit: int) -> Fault | None:
    """The fault of the `visit`-th request (from 1) that carries the image with this SHA-256."""
    faults = weather.by_image.get(digest, ())
    return faults[visit - 1] if visit <= len(faults) else None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket's state: `tokens` in hand at the instant `at` (seconds of any steady clock)."""

    tokens: float
    at: float


def draw(bucket: Bucket, limit: RateLimit, now: float) -> tuple[Bucket, bool]:
    """The bucket after one request at `now`, and whether that request may pass."""
    if limit.per_second is None:
        return bucket, True
    grown = bucket.tokens + max(now - bucket.at, 0.0) * limit.per_second
    tokens = min(grown, float(limit.burst))
    if tokens >= 1:
        return Bucket(tokens - 1, now), True
    return Bucket(tokens, now), False
