"""Text that comes from outside, in Markdown and HTML as GitHub and GitLab render it: always text, never markup. Pure.

Whatever could be syntax is a numeric entity, which no rule of Markdown takes for it, inside of a table, either. Names stand in <code>, where nobody is mentioned and nothing is linked.
"""

from __future__ import annotations

import re

from pixian_batch.display.text import printable

_SHORT = 300
"""Characters of a name or a message in a table."""
_PLAIN = " /,;'()"
_LINKED = "www."
"""Becomes a link, wherever it stands."""


def code(text: str, width: int = _SHORT) -> str:
    """A name: monospaced and literal."""
    return f"<code>{_entities(printable(text, width))}</code>"


def prose(text: str, width: int = _SHORT) -> str:
    """A sentence that may hold anything; a joiner keeps `@somebody` and `#12` from being mentions."""
    joined = re.sub(r"([@#!])(?=\w)", "\\1\N{WORD JOINER}", printable(text, width))
    return _entities(joined)


def fenced(text: str) -> str:
    """A block to be copied. It is of one line, and its fence is longer than any row of backticks in it."""
    longest = max((len(row) for row in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{text}\n{fence}\n"


def row(*cells: str) -> str:
    """A row of a table; cells are Markdown already."""
    return f"| {' | '.join(cells)} |\n"


def head(*cells: str) -> str:
    """A table's first two lines."""
    return row(*cells) + row(*(["---"] * len(cells)))


def _entities(text: str) -> str:
    plain = _PLAIN if _LINKED in text.lower() else _PLAIN + "."
    return "".join(
        char if not char.isascii() or char.isalnum() or char in plain else f"&#{ord(char)};" for char in text
    )
