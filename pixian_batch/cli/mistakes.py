"""What the parser finds wrong with a command line, in our words: none of typer's, click's or pydantic's reach a user.

Told apart by the names of its exceptions' classes, which have been the same in click and in typer's own copy of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer

from pixian_batch.display.shell import shell_word

if TYPE_CHECKING:
    from collections.abc import Sequence

PARSER_ERROR: Final[type[Exception]] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)
"""All that the parser raises, `typer.BadParameter` with it."""
_THEIRS: Final = re.compile(r"^Input should be|is not (a|an) valid|is not in the range|^Value ")
"""How messages begin that are about types, and not ours."""
_MISSING: Final = {
    "out": "say where the results go: --out ./cut",
    "OUT": "name the folder that was the --out of the runs",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and what to type or do in its place."""

    message: str
    hint: str = ""


class MistakeError(Exception):
    """A command line that cannot be meant, found by us."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.mistake = Mistake(message, hint)


def in_our_words(error: Any, *, program: str, words: Sequence[str]) -> Mistake:
    """An exception of the parser's. program: `pixian-batch run`; words: what was typed after it."""
    more = f"all options: {program} --help"
    name = type(error).__name__
    if name == "NoSuchOption":
        return Mistake(f"there is no option {error.option_name}", _nearest(error) or more)
    if name == "BadOptionUsage":
        return _bad_usage(error, more)
    if name == "MissingParameter":
        return _missing(error, program, words)
    if isinstance(error, typer.BadParameter):
        return _bad_value(error, more)
    if extra := re.search(r"unexpected extra arguments?(?:\(s\))? \((.*)\)", error.message):
        return Mistake(f"too many words: {extra[1]}", _usage(error) or more)
    return Mistake(error.message, more)


def _nearest(error: Any) -> str:
    """The option that was probably meant."""
    known = sorted(error.possibilities or ())
    if error.option_name.startswith("--no-"):
        return "--no-... takes back a switch that a file or a variable has set: --no-test"
    return f"did you mean {' or '.join(known)}?" if known else ""


def _bad_usage(error: Any, more: str) -> Mistake:
    if "not take" in error.message:
        return Mistake(
            f"{error.option_name} is a switch and takes no value", f"write {error.option_name} alone"
        )
    return Mistake(f"{error.option_name} needs a value", more)


def _missing(error: Any, program: str, words: Sequence[str]) -> Mistake:
    param = error.param
    if param is None:
        return Mistake("something is missing", f"see: {program} --help")
    name = param.opts[0] if param.param_type_name == "option" else (param.metavar or param.name).strip("{}[]")
    if param.name == "out" and param.param_type_name == "option":
        return Mistake("--out is missing: where do the results go?", _with_out(program, words, error))
    return Mistake(f"{name} is missing", _MISSING.get(name) or _usage(error))


def _with_out(program: str, words: Sequence[str], error: Any) -> str:
    """The command line as it was probably meant: of two folders, the second is where the results go."""
    given = [path for path in (error.ctx.params.get("paths") or ()) if path in words] if error.ctx else []
    typed = [word for word in words if word != "--out"]
    start = program.removesuffix(" run")
    if program.endswith(" decode") or not given:
        return f"add it: {start} ... --out {'cut.png' if program.endswith(' decode') else './cut'}"
    if len(given) == 2 and not given[1].startswith(("http://", "https://")):  # input and output
        at = len(typed) - 1 - typed[::-1].index(given[1])
        typed.insert(at, "--out")
        return f"did you mean: {_line(start, typed)}"
    return f"for example: {_line(start, [*typed, '--out', './cut'])}"


def _line(start: str, words: Sequence[str]) -> str:
    return " ".join([start, *map(shell_word, words)])


def _bad_value(error: Any, more: str) -> Mistake:
    param, message = error.param, error.message
    if param is None:
        return Mistake(message, more)
    where = _name_of(error)
    if not (cause := _about_type(error)) and not _THEIRS.search(message):
        text = message if message.startswith(where) else f"{where}: {message}"
        return Mistake(text, more)
    value = f"{cause[0].get('input')!r} is not" if cause else "this is not"
    return Mistake(f"{where}: {value} {_wanted(param, message)}", more)


def _about_type(error: Any) -> list[dict[str, Any]]:
    """What pydantic says of the value, where it was asked."""
    about = getattr(error.__cause__, "errors", None)
    return list(about()) if callable(about) and "Input should" in error.message else []


def _wanted(param: Any, message: str) -> str:
    """The kind of value that the parameter takes."""
    kind = getattr(param, "type", None)
    least, most = (getattr(param, name, None) for name in ("min", "max"))
    least, most = (
        least if least is not None else getattr(kind, "min", None),
        most or getattr(kind, "max", None),
    )
    if getattr(param, "is_flag", False) or "boolean" in message:
        return "true or false"
    if least is not None and most is not None:
        return f"a whole number from {least} to {most}"
    return f"a whole number, {least} or more" if least is not None else "a whole number"


def _name_of(error: Any) -> str:
    """The parameter as the user gave it: the option, the variable or the key of a file."""
    param = error.param
    if param.param_type_name == "argument":
        return str(param.metavar or param.name).strip("{}[]")
    source = error.ctx.get_parameter_source(param.name) if error.ctx else None
    if source is not None and source.name == "ENVIRONMENT" and param.envvar:
        return str(param.envvar)
    return str(param.opts[0])


def _usage(error: Any) -> str:
    """How the command is typed, by its own example."""
    examples = getattr(error.ctx.command, "examples", ()) if error.ctx else ()
    return f"for example: {examples[0]}" if examples else ""
