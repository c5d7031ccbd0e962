"""Reading settings by their annotations: from a TOML file, and from options laid over what it gave.

A setting is listed once, as a field of a dataclass. Its type says how TOML is read; a `FromText` beside the
type says that it is written as a text of its own, an `Option` that `serve` has an option for it, and a plain
text what an error calls it. This module knows none of the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, get_args, get_origin, get_type_hints

from pixian_batch.policy.encoding import toml_trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import DataclassInstance

    _T = TypeVar("_T", bound=DataclassInstance)
    _N = TypeVar("_N")


class SettingsError(ValueError):
    """A settings file that cannot be used; the text names the file, the key and what was meant."""


@dataclass(frozen=True, slots=True)
class FromText:
    """A setting that is written as a text; `parse` makes its value of it and raises ValueError."""

    parse: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Option:
    """An option of `serve` for a setting.

    name, kind (the type of its value): the setting's, unless told.
    lay: the setting's old value and what was given -> its new value; raises ValueError.
    """

    group: str
    help: str
    metavar: str | None = None
    name: str = ""
    kind: Any = None
    lay: Callable[[Any, Any], Any] = lambda _, given: given


_PLAIN: Final = Option("", "")


def options_of(settings: type) -> Iterator[Option]:
    """Every option for settings of this kind and those within them, in their order, with name and kind."""
    for name, hint in _hints(settings).items():
        if hint.is_table:
            yield from options_of(hint.kind)
        for option in hint.noted(Option):
            yield replace(option, name=option.name or name, kind=option.kind or hint.kind)


def lay_over(base: _T, given: Mapping[str, Any]) -> _T:
    """`base` with the options that were `given` laid over it, by name; None and [] leave it alone.

    A setting without an option can be given, too, by its own name. Raises ValueError.
    """
    changes = {}
    for name, hint in _hints(type(base)).items():
        value = getattr(base, name)
        if hint.is_table:
            value = lay_over(value, given)
        else:
            for option in hint.noted(Option) or [_PLAIN]:
                answer = given.get(option.name or name)
                value = value if answer in (None, []) else option.lay(value, answer)
        changes[name] = value
    return replace(base, **changes)


def read_file(settings: type[_T], path: Path) -> _T:
    """The settings in the TOML file at `path`; raises `SettingsError` and OSError."""
    try:
        return read_text(settings, path.read_text(encoding="utf-8"), base=path.parent)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None


def read_text(settings: type[_T], text: str, *, base: Path | None = None) -> _T:
    """The settings in a TOML text; relative paths in it are below `base`. Raises `SettingsError`."""
    import tomllib  # not for the help

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(toml_trouble(error)) from None
    return _TableReader(base or Path()).table(settings, table, "")


@dataclass(frozen=True, slots=True)
class _Hint:
    """An annotation: the type without `| None` (what TOML does not name is None), and the notes beside it."""

    kind: Any
    notes: tuple[Any, ...]

    @property
    def is_table(self) -> bool:
        return is_dataclass(self.kind) and not self.noted(FromText)

    def noted(self, kind: type[_N]) -> list[_N]:
        return [note for note in self.notes if isinstance(note, kind)]

    def inner(self) -> list[_Hint]:
        return [_hint(argument) for argument in get_args(self.kind) if argument is not Ellipsis]


def _hint(annotation: Any) -> _Hint:
    kind, *notes = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    if NoneType in get_args(kind):
        kind = next(part for part in get_args(kind) if part is not NoneType)
    return _Hint(kind, tuple(notes))


def _hints(settings: type) -> dict[str, _Hint]:
    annotations = get_type_hints(settings, include_extras=True)
    return {name: _hint(annotation) for name, annotation in annotations.items()}


_SCALARS: Final[Mapping[Any, tuple[Any, str]]] = {
    str: (str, "a text"),
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
}


@dataclass(frozen=True, slots=True)
class _TableReader:
    """TOML's values -> settings; every method takes the place in the file, for errors."""

    base: Path

    def table(self, settings: type[_T], value: Any, where: str) -> _T:
        if not isinstance(value, dict):
            raise SettingsError(f"{where} must be a table")
        hints = _hints(settings)
        values = {}
        for name, inner in value.items():
            place = f"{where}.{name}" if where else name
            if name not in hints:
                raise SettingsError(_unknown(place, name, list(hints)))
            values[name] = self.value(hints[name], inner, place)
        try:
            return settings(**values)
        except TypeError:
            missing = ", ".join(name for name in hints if name not in values)
            raise SettingsError(f"{where or 'it'} lacks a value: it has no {missing}") from None
        except ValueError as error:
            raise SettingsError(f"{where + ': ' if where else ''}{error}") from None

    def value(self, hint: _Hint, value: Any, where: str) -> Any:
        for note in hint.noted(FromText):
            return _parsed(note, value, where)
        if hint.is_table:
            return self.table(hint.kind, value, where)
        if get_origin(hint.kind) is tuple:
            return self.items(hint, value, where)
        if get_origin(hint.kind) is Mapping:
            return self.mapping(hint, value, where)
        if hint.kind is Path:
            return self.base / _scalar(str, value, where)
        return _scalar(hint.kind, value, where)

    def items(self, hint: _Hint, value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise SettingsError(f"{where} must be a list")
        (inner,) = hint.inner()
        places = (f"{where}[{index}]" if inner.is_table else where for index in range(len(value)))
        return tuple(self.value(inner, item, place) for item, place in zip(value, places, strict=True))

    def mapping(self, hint: _Hint, value: Any, where: str) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise SettingsError(f"{where} must be {next(iter(hint.noted(str)), 'a table')}")
        key, inner = hint.inner()
        return {
            self.value(key, name, where): self.value(inner, item, f"{where}.{name}")
            for name, item in value.items()
        }


def _unknown(place: str, name: str, known: list[str]) -> str:
    from difflib import get_close_matches  # only for a mistake

    close = get_close_matches(name, known, n=1)
    advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
    return f"{place} is not a setting; {advice}"


def _parsed(note: FromText, value: Any, where: str) -> Any:
    try:
        return note.parse(_scalar(str, value, where))
    except SettingsError:
        raise
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from None


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is Decimal:
        return _decimal(value, where)
    if issubclass(kind, StrEnum):
        return _choice(kind, value, where)
    accepted, called = _SCALARS[kind]
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise SettingsError(f"{where} must be {called}, not {value!r}")
    return kind(value)


def _choice(kind: type[StrEnum], value: Any, where: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise SettingsError(f"{where} must be one of {', '.join(kind)}, not {value!r}") from None


def _decimal(value: Any, where: str) -> Decimal:
    # A float in the file (0.1) is meant as it is written, not as its nearest binary fraction.
    number = value if isinstance(value, str | int | float) and not isinstance(value, bool) else "no number"
    try:
        amount = Decimal(str(number))
    except InvalidOperation:
        raise SettingsError(f"{where} must be a decimal number, not {value!r}") from None
    if not amount.is_finite():
        raise SettingsError(f"{where} must be finite")
    return amount
