"""Which name was probably meant. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEAR: Final = 0.6
"""Likeness from which a name is worth naming: difflib's own default."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The most alike of `names`, upper and lower case alike; None where none is near."""
    from difflib import get_close_matches  # rarely needed

    by_folded = {other.casefold(): other for other in sorted(names, reverse=True)}
    found = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=_NEAR)
    return by_folded[found[0]] if found else None
