"""The options of `pixian-batch serve` as values, laid over a settings file. Parses no argv, reads no environment.

Every flag that is None (or empty) leaves the file's setting, or the default, alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pixian_batch.emulator.settings import EmulatorSettings, EngineName, PackState
from pixian_batch.emulator.toml import settings_from_toml
from pixian_batch.emulator.weather import Chance, Fault, FaultKind, Weather

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from _typeshed import DataclassInstance

    _T = TypeVar("_T", bound=DataclassInstance)
_FAIR: Final = "fair"


@dataclass(frozen=True, slots=True)
class WeatherFlags:
    """The weather options. Seconds, requests a second, a probability; see `Weather`.

    Each of `faults` is `FAULT=PROBABILITY` or `FAULT/N` (every Nth request). `script` names the faults
    of the first requests in their order, `fair` for none. `fail_rate` is the probability of a 500.
    """

    seed: int | None = None
    latency: float | None = None
    latency_sigma: float | None = None
    rate_limit: float | None = None
    burst: int | None = None
    concurrent_limit: int | None = None
    retry_after: int | None = None
    fail_rate: float | None = None
    faults: tuple[str, ...] = ()
    script: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServeFlags:
    """The other options; names are those of `EmulatorSettings`, and `file` is the settings file (`--weather`)."""

    file: Path | None = None
    engine: EngineName | None = None
    api_id: str | None = None
    api_secret: str | None = field(default=None, repr=False)
    free: bool | None = None
    pack_state: PackState | None = None
    credits: Decimal | None = None
    allow_fetch: tuple[str, ...] = ()
    bill_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None


def settings_from_flags(flags: ServeFlags, weather: WeatherFlags) -> EmulatorSettings:
    """Settings for `serve`; raises ValueError (of which `SettingsError` is one) and OSError."""
    base = EmulatorSettings() if flags.file is None else settings_from_toml(flags.file)
    return _changed(
        base,
        engine=flags.engine,
        api_id=flags.api_id,
        api_secret=flags.api_secret,
        free=flags.free,
        pack_state=flags.pack_state,
        credits=flags.credits,
        allow_fetch=(*base.allow_fetch, *flags.allow_fetch),
        bill_file=flags.bill_file,
        tls_cert=flags.tls_cert,
        tls_key=flags.tls_key,
        weather=weather_from_flags(base.weather, weather),
    )


def weather_from_flags(base: Weather, flags: WeatherFlags) -> Weather:
    """`base` with the flags laid over it; raises ValueError."""
    limit = _changed(
        base.rate_limit,
        per_second=flags.rate_limit,
        burst=flags.burst,
        concurrent=flags.concurrent_limit,
        retry_after=flags.retry_after,
    )
    chances = [chance_from_text(text) for text in flags.faults]
    if flags.fail_rate:
        chances.append(Chance(Fault(FaultKind.ERROR_500), probability=flags.fail_rate))
    return _changed(
        base,
        seed=flags.seed,
        latency=_changed(base.latency, median=flags.latency, sigma=flags.latency_sigma),
        rate_limit=limit,
        chances=(*chances, *base.chances),
        script=tuple(None if name == _FAIR else Fault.parse(name) for name in flags.script) or None,
    )


def chance_from_text(text: str) -> Chance:
    """A chance from `FAULT=PROBABILITY` or `FAULT/N`, e.g. `cut_body=0.05`, `error_503/10`; raises ValueError."""
    fault, _, number = text.rpartition("=")
    if fault and number.isascii() and number.replace(".", "", 1).isdigit():
        return Chance(Fault.parse(fault), probability=float(number))
    fault, _, number = text.rpartition("/")
    if fault and number.isascii() and number.isdigit():
        return Chance(Fault.parse(fault), every=int(number))
    raise ValueError(f"{text!r} is neither FAULT=PROBABILITY (cut_body=0.05) nor FAULT/N (error_503/10)")


def _changed(base: _T, **changes: Any) -> _T:
    return replace(base, **{name: value for name, value in changes.items() if value is not None})
