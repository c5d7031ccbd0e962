"""Paths -> the addresses that a page beside them uses: relative where that can be, escaped, whatever a file is called. Pure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pixian_batch.display.text import name_bytes

_SAFE: Final = "/-._~"


def link(path: str, beside: str) -> str:
    """The address of the file at the absolute `path` in a page in the folder `beside`."""
    try:
        way = os.path.relpath(path, beside)
    except ValueError:  # another drive of Windows
        return Path(path).as_uri()
    return quote(name_bytes(way.replace(os.sep, "/")), safe=_SAFE)


def file_address(path: str) -> str:
    """The `file://` address of a path, for a browser that is opened with it."""
    absolute = os.path.abspath(path)
    return Path(absolute).as_uri() if os.name == "nt" else f"file://{quote(name_bytes(absolute), safe=_SAFE)}"
