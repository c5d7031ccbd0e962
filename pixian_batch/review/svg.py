"""SVG as text: elements whose every word is escaped, and the frame that a chart stands in. Pure.

A chart follows the page it stands in: text is `currentColor`, series take the variables `--chart-1` to `--chart-3`,
each with a colour that can be told from the ground, light or dark, and from the others by colour-blind eyes (Okabe
and Ito). There is no script, no `style` and nothing that is fetched, so the strictest policy of a page lets it be.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pixian_batch.display.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

Attribute: TypeAlias = "str | float"
WIDTH: Final = 400
"""Units of a chart's width: at 360 px its words are still 10.8 px high."""
FONT: Final = 12
BLUE: Final = "var(--chart-1, #0072b2)"
RED: Final = "var(--chart-2, #d55e00)"
GREEN: Final = "var(--chart-3, #009e73)"
INK: Final = "currentColor"


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole `<svg>` element, and its gist in words. id: of the chart on its page; the same words are in the SVG."""

    id: str
    title: str
    description: str
    svg: str


def framed(name: str, title: str, description: str, *, height: float, drawing: Iterable[str]) -> Chart:
    """A chart of a drawing. name: its id. The words may hold names: what cannot be seen in them is spelt out."""
    title, description = visible(title), visible(description)
    svg = tag(
        "svg",
        tag("title", escaped(title), id=f"{name}-title"),
        tag("desc", escaped(description), id=f"{name}-desc"),
        *drawing,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        class_=f"chart chart-{name}",
        viewBox=f"0 0 {WIDTH} {number(height)}",
        width="100%",
        font_family="inherit",
        font_size=FONT,
        fill=INK,
        aria_labelledby=f"{name}-title {name}-desc",
    )
    return Chart(name, title, description, svg)


def tag(element: str, *children: str, **attributes: Attribute | None) -> str:
    """An element. children: SVG already; attributes: `_` is written `-`, those that are None are left out."""
    written = "".join(
        f' {_NAMES.get(name) or name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{element}{written}>{''.join(children)}</{element}>" if children else f"<{element}{written}/>"


_NAMES: Final = {"viewBox": "viewBox"}


def words(text: str, x: float, y: float, **attributes: Attribute | None) -> str:
    """Words at a point, `text_anchor` start unless it is given."""
    return tag("text", escaped(text), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: Attribute | None) -> str:
    """A line between two points, in the colour of the text unless `stroke` is given."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **{"stroke": INK, **attributes})


def escaped(text: str) -> str:
    """Any text as SVG's, on one line; what cannot be seen, or stand in XML, is spelt out."""
    return html.escape(visible(text))


def number(value: float) -> str:
    """A coordinate, in hundredths."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value != int(value) else str(int(value))


def _value(value: Attribute) -> str:
    return escaped(value) if isinstance(value, str) else number(value)
