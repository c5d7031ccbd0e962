"""Values as fields of a record: strict Unicode, a name's exact bytes beside it where it is none, seconds. Pure."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from pixian_batch.display.text import name_bytes

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def named(key: str, name: str | None) -> dict[str, Any]:
    """`key`: the name as Unicode text; `key_bytes` beside it only when that is not the whole truth."""
    if name is None or not _SURROGATE.search(name):
        return {key: name}
    return {key: unicode_text(name), f"{key}_bytes": base64.b64encode(name_bytes(name)).decode()}


def all_named(key: str, names: tuple[str, ...]) -> dict[str, Any]:
    """As `named`, of several; the bytes of all of them when one is not Unicode."""
    texts: dict[str, Any] = {key: [unicode_text(name) for name in names]}
    if not any(_SURROGATE.search(name) for name in names):
        return texts
    return {**texts, f"{key}_bytes": [base64.b64encode(name_bytes(name)).decode() for name in names]}


def unicode_text(text: str) -> str:
    """`text` without lone surrogates, which strict JSON parsers refuse."""
    return _SURROGATE.sub("\ufffd", text)


def rounded(seconds: float) -> float:
    """To a thousandth, and never below zero."""
    return round(max(0.0, seconds), 3)
