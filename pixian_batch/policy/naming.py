"""Where a result goes: from an input's place in its tree to its output path. Pure: strings only.

Places are relative paths with `/`, as found under an input root; file names are never changed but for
their suffix.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from pixian_batch.contract.params import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUFFIX: Final = {
    OutputFormat.PNG: ".png",
    OutputFormat.JPEG: ".jpg",
    OutputFormat.DELTA_PNG: ".delta.png",
}
_MAX_PART: Final = 120
_UNSAFE: Final = re.compile(r"[^\w.\-+=@ ]")
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def output_place(place: str, output: OutputFormat) -> str:
    """The result's place: `a/b.jpeg` becomes `a/b.png` (`a/b.delta.png` for a delta that is kept)."""
    folder, slash, name = place.rpartition("/")
    stem, dot, _suffix = name.rpartition(".")
    return folder + slash + (stem if dot and stem else name) + _SUFFIX[output]


def url_place(url: str) -> str:
    """A safe relative place for a URL: `host/path/name.jpg`; a query is told apart by its hash."""
    parts = urlsplit(url)
    names = [
        _safe(unquote(name, errors="replace"))
        for name in parts.path.split("/")
        if name not in {"", ".", ".."}
    ]
    last = names.pop() if names else "image"
    if parts.query:
        stem, dot, suffix = last.rpartition(".")
        digest = hashlib.blake2b(parts.query.encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
        last = f"{stem}@{digest}.{suffix}" if dot and stem else f"{last}@{digest}"
    host = _safe((parts.hostname or "host") + (f"+{parts.port}" if parts.port else ""))
    return "/".join([host, *names, last])


def _safe(name: str) -> str:
    name = _UNSAFE.sub("_", name).strip(" .")[:_MAX_PART] or "_"
    return "_" + name if _RESERVED.fullmatch(name) else name


def folded(place: str) -> str:
    """What a file system that ignores case and Unicode form takes `place` for."""
    # ASCII is the common case by far, and lower() is fifty times faster than the full fold.
    return place.lower() if place.isascii() else unicodedata.normalize("NFC", place.casefold())


def collisions(places: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """From (input, output place) pairs: every input whose output another one wants, with all rivals."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for source, place in places:
        wanted[folded(place)].append(source)
    return {source: rivals for rivals in wanted.values() if len(rivals) > 1 for source in rivals}
