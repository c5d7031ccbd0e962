"""Emulator settings from a small TOML file. Unknown keys are errors that say what was probably meant."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pixian_batch.emulator.settings import EmulatorSettings, EngineName, PackState, Price
from pixian_batch.emulator.weather import Chance, Fault, Latency, RateLimit, Weather

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_T = TypeVar("_T")


class SettingsError(ValueError):
    """A settings file that cannot be used; the text names the file, the key and what was meant."""


def settings_from_toml(path: Path) -> EmulatorSettings:
    """The settings in the TOML file at `path`; raises `SettingsError` and OSError."""
    try:
        return settings_from_text(path.read_text(encoding="utf-8"), base=path.parent)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None


def settings_from_text(text: str, *, base: Path | None = None) -> EmulatorSettings:
    """The settings in a TOML text; relative paths in it are below `base`. Raises `SettingsError`."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(error)) from None
    settings = _build(EmulatorSettings, said, _SETTINGS, where="")
    return _below(settings, base or Path())


def _below(settings: EmulatorSettings, base: Path) -> EmulatorSettings:
    moved = {name: base / path for name in _PATHS if (path := getattr(settings, name)) is not None}
    return replace(settings, **moved)


_PATHS: Final = ("bill_file", "tls_cert", "tls_key")


def _build(kind: type[_T], said: Any, readers: Mapping[str, Callable[[Any, str], Any]], *, where: str) -> _T:
    if not isinstance(said, dict):
        raise SettingsError(f"{where} must be a table")
    values = {}
    for name, value in said.items():
        full = f"{where}.{name}" if where else name
        if name not in readers:
            raise SettingsError(_unknown(full, name, readers))
        values[name] = readers[name](value, full)
    try:
        return kind(**values)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{where + ': ' if where else ''}{error}") from None


def _unknown(full: str, name: str, readers: Mapping[str, object]) -> str:
    close = get_close_matches(name, readers, n=1)
    advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(readers)}"
    return f"{full} is not a setting; {advice}"


def _of(kind: type | tuple[type, ...], name: str) -> Callable[[Any, str], Any]:
    def read(value: Any, full: str) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise SettingsError(f"{full} must be {name}, not {value!r}")
        return value

    return read


_text: Final = _of(str, "a text")
_truth: Final = _of(bool, "true or false")
_whole: Final = _of(int, "a whole number")
_number: Final = _of((int, float), "a number")


def _seconds(value: Any, full: str) -> float:
    return float(_number(value, full))


def _path(value: Any, full: str) -> Path:
    return Path(_text(value, full))


def _decimal(value: Any, full: str) -> Decimal:
    # A float in the file (0.1) is meant as it is written, not as its nearest binary fraction.
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise SettingsError(f"{full} must be a decimal number, not {value!r}")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise SettingsError(f"{full} must be a decimal number, not {value!r}") from None
    if not amount.is_finite():
        raise SettingsError(f"{full} must be finite")
    return amount


def _choice(kind: type[EngineName | PackState]) -> Callable[[Any, str], Any]:
    def read(value: Any, full: str) -> Any:
        try:
            return kind(value)
        except ValueError:
            raise SettingsError(f"{full} must be one of {', '.join(kind)}, not {value!r}") from None

    return read


def _list(value: Any, full: str) -> list[Any]:
    if not isinstance(value, list):
        raise SettingsError(f"{full} must be a list")
    return value


def _texts(value: Any, full: str) -> tuple[str, ...]:
    return tuple(_text(item, full) for item in _list(value, full))


def _fault(value: Any, full: str) -> Fault:
    try:
        return Fault.parse(_text(value, full))
    except ValueError as error:
        raise SettingsError(f"{full}: {error}") from None


def _script(value: Any, full: str) -> tuple[Fault | None, ...]:
    """Faults in the order of the requests; "fair" or an empty text is a request without one."""
    return tuple(None if item in {"", "fair"} else _fault(item, full) for item in _texts(value, full))


def _by_image(value: Any, full: str) -> dict[str, tuple[Fault | None, ...]]:
    if not isinstance(value, dict):
        raise SettingsError(f"{full} must be a table of SHA-256 = [faults]")
    return {digest.lower(): _script(faults, f"{full}.{digest}") for digest, faults in value.items()}


def _table(kind: type[_T], readers: Mapping[str, Callable[[Any, str], Any]]) -> Callable[[Any, str], _T]:
    return lambda value, full: _build(kind, value, readers, where=full)


def _chances(value: Any, full: str) -> tuple[Chance, ...]:
    read = _table(Chance, {"fault": _fault, "probability": _seconds, "every": _whole})
    return tuple(read(item, f"{full}[{index}]") for index, item in enumerate(_list(value, full)))


_WEATHER: Final = {
    "seed": _whole,
    "latency": _table(Latency, {"median": _seconds, "sigma": _seconds}),
    "rate_limit": _table(
        RateLimit, {"per_second": _seconds, "burst": _whole, "concurrent": _whole, "retry_after": _whole}
    ),
    "chances": _chances,
    "script": _script,
    "by_image": _by_image,
    "unauthorized_from": _whole,
}
_SETTINGS: Final = {
    "engine": _choice(EngineName),
    "api_id": _text,
    "api_secret": _text,
    "free": _truth,
    "pack": _text,
    "pack_state": _choice(PackState),
    "use_before": _text,
    "credits": _decimal,
    "price": _table(Price, {"base": _decimal, "per_megapixel": _decimal, "quantum": _decimal}),
    "weather": _table(Weather, _WEATHER),
    "max_upload_bytes": _whole,
    "spool_bytes": _whole,
    "engine_threads": _whole,
    "max_waiting": _whole,
    "upload_idle": _seconds,
    "fetch_public": _truth,
    "allow_fetch": _texts,
    "fetch_timeout": _seconds,
    "bill_file": _path,
    "bill_entries": _whole,
    "tls_cert": _path,
    "tls_key": _path,
}
# A setting that a file cannot name would be a trap: checked at import.
assert set(_SETTINGS) == {field.name for field in fields(EmulatorSettings)}  # noqa: S101
assert set(_WEATHER) == {field.name for field in fields(Weather)}  # noqa: S101
