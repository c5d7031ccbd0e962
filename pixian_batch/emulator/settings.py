"""How an emulator is set up: credentials, account, price, limits, weather. Values only, no I/O.

Each setting is listed here (or in `weather.py`) and nowhere else: `reading.py` makes of its annotation how it
is read from a file, and the option that `serve` has for it.
"""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pixian_batch.emulator.reading import Option
from pixian_batch.emulator.weather import Weather

_MEGAPIXEL: Final = Decimal(1_000_000)
_SERVER, _ACCOUNT = "Server", "Account"
"""Groups of options in the help of `serve`."""


class EngineName(StrEnum):
    """Who cuts the subject out. Only `u2netp` looks at the picture; the others are for rehearsals."""

    U2NETP = "u2netp"
    PLAIN = "plain"
    CANNED = "canned"


class PackState(StrEnum):
    """The account's credit pack: `none` and `dormant` refuse everything but test requests."""

    ACTIVE = "active"
    DORMANT = "dormant"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Price:
    """Credits for one image. This formula is OURS: the vendor publishes none.

    credits = base + per_megapixel x megapixels, rounded half up to a whole number of `quantum`.
    """

    base: Decimal = Decimal("0.05")
    per_megapixel: Decimal = Decimal("0.10")
    quantum: Decimal = Decimal("0.01")

    def of(self, pixels: int) -> Decimal:
        """The credits for an image of `pixels` pixels, counted after `max_pixels` has shrunk it."""
        exact = self.base + self.per_megapixel * pixels / _MEGAPIXEL
        return (exact / self.quantum).quantize(Decimal(1), ROUND_HALF_UP) * self.quantum


@dataclass(frozen=True, slots=True)
class EmulatorSettings:
    """Everything that can be chosen about an emulator.

    `api_id` None accepts every non-empty pair of credentials. `credits` is what the account holds
    before the first charge on the bill. `free` charges nothing and asks for no pack: the server of `run --local`. Sizes are bytes, times seconds.
    """

    engine: Annotated[
        EngineName,
        Option(
            _SERVER,
            "u2netp (cuts the subject out), plain (an ellipse, every parameter), canned (grey, very fast).",
            "NAME",
        ),
    ] = EngineName.U2NETP
    api_id: Annotated[
        str | None,
        Option(
            _ACCOUNT,
            "The only id that is let in, with PIXIAN_BATCH_SERVE_SECRET as its secret. Any pair unless told.",
            "ID",
        ),
    ] = None
    api_secret: str = field(default="", repr=False)
    free: Annotated[bool, Option(_ACCOUNT, "Charge nothing.")] = False
    pack: str = "Rehearsal"
    pack_state: Annotated[PackState, Option(_ACCOUNT, "active, dormant or none.", "STATE")] = PackState.ACTIVE
    use_before: str = "2099-12-31"
    credits: Annotated[
        Decimal,
        Option(
            _ACCOUNT,
            "What the account holds at first, 1000000 unless told; it falls with the bill, then 402.",
            "N",
        ),
    ] = Decimal(1_000_000)
    price: Price = Price()
    weather: Weather = field(default_factory=Weather)
    max_upload_bytes: int = 128 * 1024 * 1024
    spool_bytes: int = 256 * 1024
    engine_threads: int = 2
    max_waiting: int = 1000
    upload_idle: float = 180.0
    fetch_public: bool = True
    allow_fetch: Annotated[
        tuple[str, ...],
        Option(
            _SERVER,
            "Let image.url be fetched from this host of your own network; may be given often.",
            "HOST[:PORT]",
            lay=lambda hosts, more: (*hosts, *more),
        ),
    ] = ()
    fetch_timeout: float = 30.0
    bill_file: Annotated[Path | None, Option(_SERVER, "Keep the bill in this file too.", "FILE")] = None
    bill_entries: int = 10_000
    tls_cert: Annotated[Path | None, Option(_SERVER, "Serve HTTPS: certificate.", "FILE")] = None
    tls_key: Annotated[Path | None, Option(_SERVER, "Serve HTTPS: its key.", "FILE")] = None

    def __post_init__(self) -> None:
        for name in _ABOVE_ZERO:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")
        if self.api_id is not None and not (self.api_id and self.api_secret):
            raise ValueError("api_id and api_secret go together, and neither may be empty")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together")
        if self.price.quantum <= 0 or self.price.base < 0 or self.price.per_megapixel < 0:
            raise ValueError("a price has a quantum above 0 and no negative part")


_ABOVE_ZERO: Final = (
    "max_upload_bytes",
    "spool_bytes",
    "engine_threads",
    "max_waiting",
    "upload_idle",
    "fetch_timeout",
)
