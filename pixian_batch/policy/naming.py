"""Where a result goes: from an input's place in its tree to its output path. Pure: strings only.

Places are relative paths with `/`, as found under an input root; file names are never changed but for
their suffix.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from pixian_batch.contract.params import OutputFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SUFFIX: Final = {
    OutputFormat.PNG: ".png",
    OutputFormat.JPEG: ".jpg",
    OutputFormat.DELTA_PNG: ".delta.png",
}
_MAX_PART_BYTES: Final = 180
"""Of a URL's part: file systems take 255, and suffixes of results and of spool files come on top."""
_MAX_SUFFIX: Final = 10
MASTERS: Final = ".pixian-batch/masters"
"""Under the output folder, as a place: full pictures from which results were drawn, in the same tree."""
_UNSAFE: Final = re.compile(r"[^\w.\-+=@ ]")
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]) *(\..*)?")


class OnCollision(StrEnum):
    """What becomes of photos whose results want a place that another one has."""

    SUFFIX = "suffix"
    """The later ones get a number: `a-2.png`."""
    FAIL = "fail"
    """The later ones fail, with what to do."""
    FIRST = "first"
    """Only the first is made; the later ones are passed by."""


def output_place(place: str, output: OutputFormat) -> str:
    """The result's place: `a/b.jpeg` becomes `a/b.png` (`a/b.delta.png` for a delta that is kept)."""
    folder, slash, name = place.rpartition("/")
    stem, dot, _suffix = name.rpartition(".")
    return folder + slash + (stem if dot and stem else name) + _SUFFIX[output]


def output_names(names: Iterable[str], output: OutputFormat) -> list[str]:
    """`output_place` of many files in one folder; a call for each would be a tenth of a run over what is done."""
    suffix = _SUFFIX[output]
    return [(name[:dot] if (dot := name.rfind(".")) > 0 else name) + suffix for name in names]


def master_place(place: str, digest: bytes, params: str) -> str:
    """Where the full picture is kept from which the result at `place` is drawn: called like it, and by its image's key.

    So no other photo's, nor one with other parameters, ever wants the same place.
    """
    folder, _, name = place.rpartition("/")
    stem = name.rpartition(".")[0] or name
    while len(stem.encode(errors="surrogatepass")) > _MAX_PART_BYTES:
        stem = stem[:-1]
    key = hashlib.blake2b(digest + params.encode(), digest_size=8).hexdigest()
    return "/".join(filter(None, (MASTERS, folder, f"{stem}-{key}.png")))


def is_master(place: str) -> bool:
    """Whether a place is that of a full picture from which results are drawn."""
    return place.startswith(f"{MASTERS}/")


def tree_place(place: str) -> str:
    """The same place in the tree of the results: a master counts to the folder of what is drawn from it."""
    return place.removeprefix(f"{MASTERS}/")


def suffix_of(output: OutputFormat) -> str:
    """The suffix that results of a format get, with its dot."""
    return _SUFFIX[output]


def is_reserved(name: str) -> bool:
    """Whether some system keeps a name for itself, with any suffix: `con.png`."""
    return _RESERVED.fullmatch(name) is not None


def shortened(stem: str) -> str:
    """A stem that file systems take with what comes on top, told apart from its like by a hash where it was cut."""
    return stem if len(stem.encode("utf-8", "surrogateescape")) <= _MAX_PART_BYTES else _cut(stem)


def url_place(url: str) -> str:
    """A safe relative place for any text as a URL: `host/path/name.jpg`; a query is told apart by its hash.

    Never raises: whether the URL makes sense is for others to say.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a broken IPv6 address, a port that is no number
        return f"host/image@{_digest(url)}"
    names = [
        _safe(unquote(name, errors="replace"))
        for name in parts.path.split("/")
        if name not in {"", ".", ".."}
    ]
    last = names.pop() if names else "image"
    if parts.query:
        stem, dot, suffix = last.rpartition(".")
        digest = _digest(parts.query)
        last = f"{stem}@{digest}.{suffix}" if dot and stem else f"{last}@{digest}"
    host = _safe((parts.hostname or "host") + (f"+{port}" if port else ""))
    return "/".join([host, *names, last])


def _safe(name: str) -> str:
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", name)).strip(" .") or "_"
    name = "_" + name if _RESERVED.fullmatch(name) else name
    return name if len(name.encode()) <= _MAX_PART_BYTES else _cut(name)


def _cut(name: str) -> str:
    """`name` short enough for a file system, its suffix kept, told apart from its like by a hash."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > _MAX_SUFFIX or not suffix.isascii():
        stem, dot, suffix = name, "", ""
    tail = f"@{_digest(name)}{dot}{suffix}"
    kept = stem.encode("utf-8", "surrogateescape")[: _MAX_PART_BYTES - len(tail)]
    return kept.decode(errors="ignore") + tail


def _digest(text: str) -> str:
    # 64 bits: among a million URLs that differ only in their query, two alike are not to be expected.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def folded(place: str) -> str:
    """What a file system that ignores case and Unicode form takes `place` for."""
    # ASCII is the common case by far, and lower() is fifty times faster than the full fold.
    if place.isascii():
        return place.lower()
    # Decomposed first: the fold of a composed letter may lose marks that its parts would keep in order.
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", place).casefold())


def all_folded(names: Sequence[str]) -> list[str]:
    """`folded` for many names without a `/`."""
    joined = "/".join(names)
    return joined.lower().split("/") if names and joined.isascii() else [folded(name) for name in names]


def collisions(places: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """From (input, output place) pairs: every input whose output another one wants, with all rivals.

    An output that would stand where others need a folder has lost to them: of these the first is named.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    folders: dict[str, str] = {}
    for source, place in places:
        key = folded(place)
        wanted[key].append(source)
        while (key := key.rpartition("/")[0]) and key not in folders:
            folders[key] = source
    rivals = {source: sources for sources in wanted.values() if len(sources) > 1 for source in sources}
    for place, sources in wanted.items():
        if place in folders:
            rivals |= {source: [*sources, folders[place]] for source in sources}
    return rivals
