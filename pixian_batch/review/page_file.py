"""The page itself: its data, its script and its style in one file of HTML that nothing outside it can change.

Two walls stand between the name of a file and a running script. Whatever comes from outside is text: escaped by the
template, or in JSON whose `<` cannot end an element, and put on the page as text only. And the page's own policy lets
no script run but the one whose hash it names, nor lets it ask the network. Needs the extra `review`; proved by
tests/review/test_page.py, and in a browser by tests/review/test_browser.py.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from pixian_batch.review.svg import Chart

_MARK: Final = b'<meta name="generator" content="pixian-batch '
_HEAD: Final = 2000
"""Bytes in which the mark stands."""
_ESCAPED: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""What could end the element that the data stands in. All that is not ASCII is escaped by itself."""


class ReviewMissingError(Exception):
    """Jinja2 is not installed; `hint` says what to do."""

    hint = "pip install 'pixian-batch[review]'"

    def __init__(self) -> None:
        super().__init__("the report needs jinja2, which is not installed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page shows. data: of its script, plain values; sums: head, rows and total of a table by `by`."""

    title: str
    version: str
    made_at: str
    facts: Sequence[str]
    data: Mapping[str, Any]
    charts: Sequence[Chart] = ()
    sums: Sequence[Sequence[str]] = ()
    by: str = ""
    against: str | None = None


def check_jinja() -> None:
    """Raise `ReviewMissingError` where the page could not be made."""
    try:
        import jinja2  # noqa: F401  # only whether it is there
    except ImportError:
        raise ReviewMissingError from None


def is_page(path: str) -> bool:
    """Whether the file at `path` is a page of ours. Reads its head only."""
    try:
        with open(path, "rb") as stream:
            return _MARK in stream.read(_HEAD)
    except OSError:
        return False


def render(page: Page) -> bytes:
    """The page as a file. Raises `ReviewMissingError`."""
    check_jinja()
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        loader=PackageLoader("pixian_batch.review", "page"),
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    script, style = _own("page.js"), _own("page.css")
    text = environment.get_template("page.html.jinja").render(
        page=page,
        charts=[(chart, _as_it_is(chart.svg)) for chart in page.charts],  # drawn and escaped by us
        policy=policy(script, style),
        data=_as_it_is(embedded(page.data)),  # cannot end its element: see `embedded`
        js=_as_it_is(script),
        css=_as_it_is(style),
    )
    return text.encode()


def _as_it_is(text: str) -> Markup:
    """Not escaped again: files of ours, and what can hold no markup of anybody else's."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704  # that is its purpose


def policy(script: str, style: str) -> str:
    """The content security policy of a page with this one script and this one style."""
    return (
        f"default-src 'none'; script-src '{_fingerprint(script)}'; style-src '{_fingerprint(style)}';"
        " img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
    )


def embedded(data: Mapping[str, Any]) -> str:
    """JSON that can stand in an element of HTML, whatever it holds: pure ASCII without `<`."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for char, escape in _ESCAPED.items():
        text = text.replace(char, escape)
    return text


def _fingerprint(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _own(name: str) -> str:
    return files("pixian_batch.review").joinpath("page", name).read_text(encoding="utf-8")
