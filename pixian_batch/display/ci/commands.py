"""GitHub's workflow commands as text, by the rules of its toolkit, and lines that can never be one. Pure.

The runner reads both streams of a step. A line is a command when it begins, after white space, with `::`; and, as of
old, when `##[` stands anywhere in it. What we do not mean as a command is rewritten so that it is none.
Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions and actions/runner's ActionCommand.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})
_BEGINNING: Final = re.compile(r"(?m)^(\s*):(?=:)")
_OLD: Final = "##["


class AnnotationLevel(StrEnum):
    """How an annotation looks; GitHub shows at most ten of each a step and drops the others silently."""

    ERROR = "error"
    WARNING = "warning"


def annotation(level: AnnotationLevel, title: str, message: str, path: str | None) -> str:
    """The command for one annotation, a line. path: relative to the repository, with `/`; None: of no file."""
    properties = [f"file={path.translate(_PROPERTY)}"] if path else []
    properties.append(f"title={title.translate(_PROPERTY)}")
    return f"::{level.value} {','.join(properties)}::{message.translate(_DATA)}\n"


def group(title: str) -> str:
    """The beginning of a part of the log that is folded."""
    return f"::group::{title.translate(_DATA)}\n"


END_OF_GROUP: Final = "::endgroup::\n"


def harmless(text: str) -> str:
    r"""`text`, of one line or more, with nothing that the runner takes for a command: `\x3a:warning::`, `#\x23[error]`."""
    if ":" in text:
        text = _BEGINNING.sub(r"\1\\x3a", text)
    return text.replace(_OLD, r"#\x23[")


def step_output(name: str, value: str, token: Callable[[], str]) -> str:
    """Lines of GITHUB_OUTPUT for one value. token: gives a word that nobody can foresee, so that no value can end it."""
    delimiter = f"ghadelimiter_{token()}"
    while delimiter in value or delimiter in name:
        delimiter = f"ghadelimiter_{token()}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
