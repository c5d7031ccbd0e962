"""Folders of photos, and what a walk says of them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.pictures import put

from pixian_batch.adapters.walking import Batch, Trouble, Walked, Walker, WalkRules
from pixian_batch.contract.params import OutputFormat
from pixian_batch.policy.naming import output_names

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="names and files that only POSIX systems have")


def walk(*inputs: object, listed: bool = False, **rules: Any) -> list[Walked]:
    walker = Walker(WalkRules(lambda names: output_names(names, OutputFormat.PNG), **rules))
    return list(walker.walk([os.fspath(i) for i in inputs], listed=listed))  # type: ignore[call-overload]


def places(found: Iterable[Walked]) -> list[str]:
    """Places of all files, in the order of the walk; fails when anything else was found."""
    names = []
    for item in found:
        assert isinstance(item, Batch), item
        names += [f"{item.place}/{name}".lstrip("/") for name in item.names]
    return names


def troubles(found: Iterable[Walked]) -> list[tuple[str, str]]:
    return [(item.path, item.code) for item in found if isinstance(item, Trouble)]


def tree(root: Path, *names: str) -> Path:
    for name in names:
        put(root / name)
    return root
