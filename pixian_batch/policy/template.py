"""The user's template of results' names, `{stem}-cut.{ext}`: read once, then filled in for each photo. Pure.

A place that it gives is always one under the output folder, with a name that every system takes: what the
template itself says wrong is refused when it is read, what a photo's own name makes of it is made safe.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from string import Formatter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.contract.params import OutputFormat
from pixian_batch.policy.naming import OnCollision, is_reserved, shortened, suffix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

FIELDS: Final = {
    "folder": "the photo's folder in its tree",
    "stem": "its name without the suffix",
    "ext": "the result's suffix: png, jpg",
    "suffix": "the photo's own suffix",
    "counter": "a number of its folder's results, from 0001; {counter:6} has six digits",
    "date": "when it was taken, as 2026-05-31; {date:%Y%m%d-%H%M%S} writes it in another way",
    "hash": "the start of its content hash; {hash:16} is longer",
}
_DATE: Final = {"Y": r"\d{4}", **dict.fromkeys("mdHMS", r"\d{2}")}
"""The codes of a date that may be used, with what they look like."""
_USUAL_DATE: Final = "%Y-%m-%d"
_USUAL_DIGITS: Final = 4
_MOST_DIGITS: Final = 9
_USUAL_HASH: Final = 8
_HASH: Final = range(4, 65)
_NOWHERE: Final = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
"""Characters that some system's names cannot have."""
_MARK: Final = "\uf700"
"""The first of the private characters that stand for values not known yet."""
_OURS: Final = ".pixian"
"""How hidden files and folders of our own begin."""
_JOINT: Final = re.compile(r"^[-_ +@/]")
_OTHER_SUFFIXES: Final = {OutputFormat.JPEG: (".jpeg",)}
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class TemplateError(ValueError):
    """A template that cannot be used: why, and what one may look like."""


@dataclass(frozen=True, slots=True)
class NameFacts:
    """What a photo's result may be named by. None: not known, or not yet.

    digest: hexadecimal.
    """

    folder: str
    stem: str
    suffix: str
    counter: int | None = None
    date: Moment | None = None
    digest: str | None = None


def facts_of(place: str) -> NameFacts:
    """What the place of a photo in its tree says."""
    folder, _, name = place.rpartition("/")
    dot = name.rfind(".")
    stem, suffix = (name[:dot], name[dot + 1 :]) if dot > 0 else (name, "")
    return NameFacts(folder, shortened(stem), suffix)


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    spec: str

    @property
    def pattern(self) -> str:
        """What its value looks like, for those that need not be known."""
        if self.name == "counter":
            return rf"\d{{{self.digits},}}"
        return re.sub("%(.)", lambda code: _DATE[code[1]], re.escape(self.spec).replace(r"\%", "%"))

    @property
    def digits(self) -> int:
        return int(self.spec)


Moment: TypeAlias = tuple[int, int, int, int, int, int]
"""Year, month, day, hour, minute, second, where the photo was taken."""
_Part: TypeAlias = "str | _Field"


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read. flat: it names all results in one folder; else under the photo's own folder, unless
    `{folder}` is in it. ext: the results' suffix, without its dot.
    """

    parts: tuple[_Part, ...]
    ext: str
    flat: bool = False

    def uses(self, name: str) -> bool:
        """Whether a field is in it."""
        return any(isinstance(part, _Field) and part.name == name for part in self.parts)

    def place(self, facts: NameFacts) -> str:
        """The result's place. Raises ValueError when a value that it needs is not known."""
        return self._fill(facts, _unknown)

    def shape(self, facts: NameFacts) -> Shape:
        """The places that the result of a photo may have: counter, and date when it is None, may be any."""
        marks: list[_Field] = []

        def mark(part: _Field) -> str:
            marks.append(part)
            return chr(ord(_MARK) + len(marks) - 1)

        return Shape(self._fill(facts, mark), tuple(part.pattern for part in marks), self.tail)

    def counted(self) -> re.Pattern[str]:
        """What the names in a folder look like, with any values; the group is the counter."""
        text = ""
        for part in self.parts:
            if isinstance(part, str):
                text += "".join("\n" if char == "/" else re.escape(char) for char in part)
            else:
                text += f"({part.pattern})" if part.name == "counter" and "(" not in text else ".*?"
        return re.compile(text.rpartition("\n")[2])

    @property
    def tail(self) -> str:
        """What every place ends with."""
        last = self.parts[-1]
        dot = last.rfind(".") if isinstance(last, str) else -1
        return f".{self.ext}" if dot < 0 else str(last)[dot:]

    def _fill(self, facts: NameFacts, unknown: Callable[[_Field], str]) -> str:
        text = ""
        bare = False
        for part in self.parts:
            if isinstance(part, str):
                # What joins a folder to what follows is not needed where there is none.
                text += _JOINT.sub("", part) if bare else part
                bare = False
                continue
            value = self._value(part, facts)
            text += unknown(part) if value is None else value
            bare = part.name == "folder" and not value
        names = text.split("/")
        names[-1] = f"_{names[-1]}" if names[-1] == self.tail else names[-1]  # an empty name
        place = "/".join(_safe(name, facts.folder) for name in names)
        return f"{facts.folder}/{place}" if facts.folder and not self._is_whole else place

    @property
    def _is_whole(self) -> bool:
        return self.flat or self.uses("folder")

    def _value(self, part: _Field, facts: NameFacts) -> str | None:
        match part.name:
            case "folder":
                return shortened(facts.folder.replace("/", "-")) if self.flat else facts.folder
            case "ext":
                return self.ext
            case "counter":
                return None if facts.counter is None else f"{facts.counter:0{part.digits}d}"
            case "date":
                return None if facts.date is None else _written(facts.date, part.spec)
            case "hash":
                return None if facts.digest is None else facts.digest[: int(part.spec)]
            case name:
                return str(getattr(facts, name))


@dataclass(frozen=True, slots=True)
class Shape:
    """All places that the result of one photo may have. marked: one of them, with a mark for each open value."""

    marked: str
    patterns: tuple[str, ...]
    tail: str

    def key_pair(self) -> tuple[str, str]:
        """`key_of` of its places: without, and with the number that tells apart those of one name."""
        example = self.marked
        for index, pattern in enumerate(self.patterns):
            example = example.replace(chr(ord(_MARK) + index), _example(pattern))
        return key_of(example), key_of(numbered(example, 2, self.tail))

    def fits(self, place: str) -> bool:
        """Whether `place` is one of them."""
        if place == self.marked or (len(self.patterns) == 1 and self._fits_one(place)):
            return True
        stem = re.escape(self.marked[: -len(self.tail)])
        for index, pattern in enumerate(self.patterns):
            stem = stem.replace(re.escape(chr(ord(_MARK) + index)), pattern)
        return re.fullmatch(rf"{stem}(-[2-9]|-[1-9]\d+)?{re.escape(self.tail)}", place) is not None

    def _fits_one(self, place: str) -> bool:
        """The usual case, without a pattern for each photo."""
        before, _, after = self.marked.partition(_MARK)
        value = place[len(before) : len(place) - len(after)]
        ends = place.startswith(before) and place.endswith(after)
        return ends and re.fullmatch(self.patterns[0], value) is not None


def _example(pattern: str) -> str:
    """A text that looks like a pattern of ours."""
    return re.sub(r"\\(.)", r"\1", re.sub(r"\\d\{\d,?\}", "0", pattern))


def key_of(place: str) -> str:
    """`place` with every number alike: places of one shape have the same."""
    return re.sub(r"\d+", "#", place)


def numbered(place: str, number: int, tail: str) -> str:
    """The place for another one of the same name: `a.png`, `a-2.png`."""
    return f"{place[: -len(tail)]}-{number}{tail}"


def read_template(text: str, output: OutputFormat, *, flat: bool = False) -> Template:
    """Make sense of a template of results' names. Raises `TemplateError`."""
    suffixes = (suffix_of(output), *_OTHER_SUFFIXES.get(output, ()))
    return template_for(text, output.value, suffixes, flat=flat)


def template_for(
    text: str, kind: str, suffixes: Sequence[str], *, known: Mapping[str, str] = _NONE, flat: bool = False
) -> Template:
    """Make sense of a template of names of files of a `kind`, whose suffix is the first of `suffixes`.

    known: further fields, whose values are the same in every name. Raises `TemplateError`.
    """
    template = Template(tuple(_parts(text, known)), suffixes[0][1:], flat)
    literals = "".join(part for part in template.parts if isinstance(part, str))
    if odd := _NOWHERE.search(literals):
        raise TemplateError(f"{odd[0]!r} cannot be in a file's name on every system")
    if flat and ("/" in literals or any("/" in _spec(part) for part in template.parts)):
        raise TemplateError("--flat puts all results in one folder: leave the / out, or --flat")
    _check_end(template, kind, suffixes)
    _check_names(template)
    return template


def _spec(part: _Part) -> str:
    return part.spec if isinstance(part, _Field) else ""


def _parts(text: str, known: Mapping[str, str]) -> list[_Part]:
    parts: list[_Part] = []
    try:
        for literal, name, spec, conversion in Formatter().parse(text):
            parts += [literal] if literal else []
            if name is not None and name in known and not (spec or conversion):
                parts.append(known[name])
            elif name is not None:
                parts.append(_field(name, spec or "", conversion, [*FIELDS, *known]))
    except TemplateError:
        raise
    except ValueError:
        raise TemplateError("a { or } has no other half: a field is {stem}, a brace itself is {{") from None
    return parts


def _field(name: str, spec: str, conversion: str | None, names: Iterable[str]) -> _Field:
    if name not in FIELDS or conversion:
        raise TemplateError(f"{{{name}}} is no field; there are {', '.join(f'{{{one}}}' for one in names)}")
    match name:
        case "counter":
            digits = spec.lstrip("0") or ("1" if spec else str(_USUAL_DIGITS))
            if not digits.isdecimal() or not digits.isascii() or int(digits) > _MOST_DIGITS:
                raise TemplateError(f"{{counter:{spec}}}: write the number of digits, 1 to 9: {{counter:4}}")
            return _Field(name, digits)
        case "hash":
            length = spec or str(_USUAL_HASH)
            if not length.isdecimal() or not length.isascii() or int(length) not in _HASH:
                raise TemplateError(f"{{hash:{spec}}}: write the number of digits, 4 to 64: {{hash:16}}")
            return _Field(name, str(int(length)))
        case "date":
            return _date(spec)
        case _ if spec:
            raise TemplateError(f"{{{name}:{spec}}}: {{{name}}} takes nothing after a colon")
    return _Field(name, "")


def _date(spec: str) -> _Field:
    codes = re.findall(r"%(.?)", spec)
    if spec and (not codes or not set(codes) <= set(_DATE)):
        raise TemplateError(f"{{date:{spec}}}: write it of %Y %m %d %H %M %S: {{date:%Y-%m-%d}}")
    if odd := _NOWHERE.search(spec):
        raise TemplateError(f"{{date:{spec}}}: {odd[0]!r} cannot be in a file's name on every system")
    return _Field("date", spec or _USUAL_DATE)


def _check_end(template: Template, kind: str, suffixes: Sequence[str]) -> None:
    """That a file is named as what it is."""
    last = template.parts[-1] if template.parts else ""
    if isinstance(last, _Field):
        before = template.parts[-2] if len(template.parts) > 1 else ""
        if last.name == "ext" and isinstance(before, str) and before.endswith("."):
            return
    elif last.lower().endswith(tuple(suffixes)):
        return
    raise TemplateError(f"the results are {kind}: end the template with .{{ext}}")


def _check_names(template: Template) -> None:
    """That what the template itself says makes names under the output folder."""
    filled = _sample(template)
    if filled.startswith("/"):
        raise TemplateError("it would lead out of the output folder: begin with a name, not with /")
    for name in filled.split("/"):
        if name in {".", ".."}:
            raise TemplateError(f"it would lead out of the output folder: leave {name} out")
        if not name or name.startswith(template.tail):
            raise TemplateError("it gives an empty name: add {stem}")
        if name != name.strip(" ") or name.endswith("."):
            raise TemplateError(
                f"{name!r}: a name may neither begin nor end with a blank, nor end with a dot"
            )
        if is_reserved(name) or name.lower().startswith(_OURS):
            raise TemplateError(f"{name!r} is a reserved name: choose another")
    folders = re.split("/", "".join("\0" if _is_counter(part) else _text(part) for part in template.parts))
    if any("\0" in folder for folder in folders[:-1]):
        raise TemplateError("{counter} numbers the results of a folder: it belongs into the file's name")


def _is_counter(part: _Part) -> bool:
    return isinstance(part, _Field) and part.name == "counter"


def _text(part: _Part) -> str:
    return _spec(part) if isinstance(part, _Field) else part


def _sample(template: Template) -> str:
    """The template filled in with what cannot be at fault."""
    values = {"folder": "folder", "stem": "stem", "ext": template.ext, "suffix": "jpg", "counter": "1"}
    return "".join(
        part if isinstance(part, str) else values.get(part.name, _text(part) if part.name == "date" else "h")
        for part in template.parts
    )


def _safe(name: str, folder: str) -> str:
    """A name of the template's making that every system takes; those of the photo's own folders stay as they are."""
    if name in folder.split("/") and name:
        return name
    name = f"{name.rstrip(' .')}_" if name != name.rstrip(" .") else name or "_"
    return f"_{name}" if name.lower().startswith(_OURS) or is_reserved(name) else name


def _written(date: Moment, spec: str) -> str:
    numbers = dict(zip(_DATE, date, strict=True))
    return re.sub("%(.)", lambda code: f"{numbers[code[1]]:0{4 if code[1] == 'Y' else 2}d}", spec)


def _unknown(part: _Field) -> str:
    raise ValueError(f"{part.name} is not known")


@dataclass(frozen=True, slots=True)
class Naming:
    """How results are named. template: None where the tree is mirrored, with the photos' own names.

    single: the one place of a run with one result, "" for others.
    """

    template: Template | None = None
    on_collision: OnCollision = OnCollision.FAIL
    single: str = ""

    @property
    def is_mirrored(self) -> bool:
        """Whether each result's place follows from its photo's alone, whatever else there is."""
        return self.template is None and not self.single
