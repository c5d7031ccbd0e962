"""Rows, and what was seen of them -> the data of the page: plain values, in columns, each name as it can be shown. Pure.

The order of `FIELDS` is what the page's script reads. Text is text there, never markup; exact names, which need not be
UTF-8, come as bytes beside the text. Proved by tests/review/test_entries.py.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.display.text import name_bytes, plain_decimal, visible
from pixian_batch.review.asking import is_bare_delta

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from pixian_batch.review.remembering import Seen
    from pixian_batch.review.rows import Row
    from pixian_batch.review.suspicion import Assessment

Area = tuple[float, float, float, float]
_WHOLE: Final[Area] = (0, 0, 1, 1)
_LAID_OUT: Final = "result."
"""Crop, margin, target size: what makes a result another picture than the photo."""
_SAME: Final = 0.01
"""How much the shapes of two pictures may differ and still be the same: rounding of small ones."""
FIELDS: Final = (
    *("id", "name", "place", "placeBytes", "folder", "outcome", "photo", "photoGone", "result", "thumbPhoto"),
    *("thumbResult", "photoSize", "resultSize", "area", "score", "reasons", "charged", "calculated"),
    *(
        "attempts",
        "megapixels",
        "date",
        "parameters",
        "seconds",
        "error",
        "input",
        "inputShown",
        "inputBytes",
    ),
    *("digest", "redo", "delta", "renamed", "other"),
)
OUTCOMES: Final = {
    "done": "done",
    "duplicate": "made from a duplicate",
    "gone": "result gone",
    "failed": "failed",
    "in_doubt": "in doubt",
    "lost": "lost",
    "kept": "kept, not yet placed",
    "open": "not bought yet",
    "sending": "on its way",
}
"""Outcome -> as the page says it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row with all that is known of it. photo, result: addresses of the files; thumbs: of the small pictures."""

    row: Row
    seen: Seen
    assessment: Assessment | None = None
    photo: str | None = None
    result: str | None = None
    thumb_photo: str | None = None
    thumb_result: str | None = None


@dataclass(slots=True)
class SharedTexts:
    """Texts that many rows share, each once: folders, and the commands that buy rejects once more."""

    redo: Callable[[str], str]
    folders: dict[str, int] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)

    def folder(self, name: str) -> int:
        """The number of a folder."""
        return self.folders.setdefault(visible(name), len(self.folders))

    def command(self, parameters: str) -> int:
        """The number of a command."""
        return self.commands.setdefault(self.redo(parameters), len(self.commands))


def values(entry: Entry, texts: SharedTexts, other: Entry | None = None) -> list[Any]:
    """The values of a row, in the order of `FIELDS`. other: of the same photo in the output that it is compared with."""
    row, seen = entry.row, entry.seen
    shown = {
        "id": row.identity,
        "name": visible(row.name),
        "folder": texts.folder(row.folder),
        "outcome": row.outcome,
        **_exact("place", row.name),
        **_exact("input", row.input),
        "inputShown": visible(row.input),
        "photo": entry.photo,
        "photoGone": row.photo_gone,
        "result": entry.result,
        "thumbPhoto": entry.thumb_photo,
        "thumbResult": entry.thumb_result,
        "photoSize": seen.photo_size,
        "resultSize": seen.result_size,
        "area": area_of(row, seen),
        **_judged(entry.assessment),
        **_facts(row),
        "digest": row.digest.hex()[:16],
        "redo": texts.command(row.parameters) if row.result and row.photo else None,
        "delta": is_bare_delta(row.parameters),
        "other": None if other is None else _other(other),
    }
    return [shown[name] for name in FIELDS]


def _facts(row: Row) -> dict[str, Any]:
    return {
        "charged": _credits(row.charged),
        "calculated": _credits(row.calculated),
        "attempts": row.attempts,
        "megapixels": None if row.pixels is None else round(row.pixels / 1e6, 2),
        "date": row.date[:19].replace("T", " ") + " UTC" if row.date else "",
        "parameters": visible(row.parameters.replace(";", "; ")),
        "seconds": None if row.seconds is None else f"{row.seconds:.1f}",
        "error": None if row.error is None else visible(row.error),
        "renamed": row.result is not None and _stem(row.name) != _stem(row.input),
    }


def _judged(assessment: Assessment | None) -> dict[str, Any]:
    if assessment is None:
        return {"score": 0, "reasons": []}
    return {
        "score": round(assessment.score, 4),
        "reasons": [[reason.kind, visible(reason.text)] for reason in assessment.reasons],
    }


def _other(entry: Entry) -> dict[str, Any]:
    return {
        "thumb": entry.thumb_result,
        "result": None if is_bare_delta(entry.row.parameters) else entry.result,
        "size": entry.seen.result_size,
        "area": area_of(entry.row, entry.seen),
        "parameters": visible(entry.row.parameters.replace(";", "; ")),
        "charged": _credits(entry.row.charged),
        **_judged(entry.assessment),
    }


def area_of(row: Row, seen: Seen) -> Area | None:
    """Where a result lies over its photo: left, top, width and height in shares of the photo; None where nobody knows.

    A result that was neither cropped nor laid out is all of it. Of the others, the foreground lies where the photo's is.
    """
    if seen.photo_size is None or seen.result_size is None:
        return None
    same = _same_shape(seen.photo_size, seen.result_size)
    if _LAID_OUT not in row.parameters:
        return _WHOLE if same else None
    headers = row.headers
    if headers is None or not (headers.input_size and headers.input_foreground and headers.result_foreground):
        return None
    size, theirs, ours = headers.input_size, headers.input_foreground, headers.result_foreground
    turned = not _same_shape(seen.photo_size, (size.width, size.height))
    if turned or not (ours.width and ours.height and theirs.width and theirs.height):
        return None
    across, down = theirs.width / ours.width / size.width, theirs.height / ours.height / size.height
    return (
        theirs.left / size.width - ours.left * across,
        theirs.top / size.height - ours.top * down,
        seen.result_size[0] * across,
        seen.result_size[1] * down,
    )


def _same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return abs(one[0] / one[1] - other[0] / other[1]) <= _SAME * max(one[0] / one[1], other[0] / other[1])


def _exact(name: str, text: str) -> dict[str, Any]:
    """A name as it is, and its bytes where it is not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return {name: visible(text), f"{name}Bytes": base64.b64encode(name_bytes(text)).decode()}
    return {name: text, f"{name}Bytes": None}


def _credits(amount: Decimal | None) -> str | None:
    return None if amount is None else plain_decimal(amount)


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]
