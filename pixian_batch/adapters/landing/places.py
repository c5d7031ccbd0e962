"""The output folder and its places: paths, results put and copied there, free room. Knows no ledger.

Places are relative paths with `/`. What stands at a place is always a whole, synced file.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing import files, keeping
from pixian_batch.adapters.landing.copying import copy_all, copy_one
from pixian_batch.adapters.landing.files import DiskError, disk_errors
from pixian_batch.adapters.landing.spool import cut_head
from pixian_batch.policy.disk import system_word
from pixian_batch.policy.naming import folded
from pixian_batch.policy.progress import Level, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import BinaryIO

_MARGIN_RESULT: Final = 1 << 20
_UNSYNCED: Final = Message(
    Level.WARNING,
    "the output folder cannot be synced (a network share?): results are whole and count",
    "after a power failure there, look whether the latest ones are still in place",
)


@dataclass(frozen=True, slots=True)
class Twin:
    """A result that needed no request. of: the place of what it was made from, or is already; size: in bytes."""

    of: str
    size: int
    fresh: bool


@dataclass(slots=True)
class Landing:
    """The output folder `out`.

    min_free: bytes of the disk that are left alone; bytes_per_pixel: the dearest result so far.
    """

    out: str
    min_free: int = 100_000_000
    bytes_per_pixel: float = 1.0
    results: int = 0
    result_bytes: int = 0
    """Of the results so far, those of earlier runs included: what the next ones will need is told from them."""
    notify: Callable[[Message], None] = lambda _message: None
    """Tells the user what is to be known of the output."""
    _in_flight: int = 0
    _unsynced: set[str] = field(default_factory=set)
    """Folders that cannot be synced."""
    _token: str = field(default_factory=lambda: secrets.token_hex(4))

    def path(self, place: str) -> str:
        """The path of a place."""
        return os.path.join(self.out, place if os.sep == "/" else place.replace("/", os.sep))

    def spool_path(self, place: str, attempt: int) -> str:
        """The spool of an attempt: hidden, beside its destination.

        The token keeps apart the spools of two ledgers that share an output folder.
        """
        return os.path.join(os.path.dirname(self.path(place)), f".pixian-{attempt}-{self._token}.part")

    def spool_of(self, place: str, spool: str) -> str:
        """Where a spool of an earlier run is now: the output may have another path than it had then."""
        return os.path.join(os.path.dirname(self.path(place)), os.path.basename(spool))

    def partial_of(self, place: str, kept: str) -> str:
        """Where what arrived of a result is now: beside its place, or rescued in the temporary folder."""
        return self.spool_of(place, kept) if os.path.basename(kept).startswith(".pixian-") else kept

    def claim_room(self, pixels: int | None) -> int:
        """Set room aside for a result before it is bought; raises `DiskError` below the low-water mark."""
        wanted = int((pixels or 0) * self.bytes_per_pixel) + _MARGIN_RESULT
        free = files.free_bytes(self.out)
        if free is not None and free < self.min_free + self._in_flight + wanted:
            raise DiskError(self.out, f"only {free // 1_000_000} MB are free (--min-free keeps some)")
        self._in_flight += wanted
        return wanted

    def free_room(self, claimed: int, *, pixels: int | None = None, size: int | None = None) -> None:
        """Give back what `claim_room` set aside; learn from a result of `size` bytes."""
        self._in_flight -= claimed
        if size is not None:
            self.results += 1
            self.result_bytes += size
        if pixels and size:
            self.bytes_per_pixel = max(self.bytes_per_pixel, size / pixels)

    def shortage(self, images: int) -> tuple[int, int] | None:
        """(needed, free) bytes when `images` more results will hardly fit; None when they will, or nobody knows."""
        if not self.results:
            return None
        needed = images * self.result_bytes // self.results + self.min_free
        free = files.free_bytes(self.out)
        return (needed, free) if free is not None and needed > free else None

    async def put(self, file: str, place: str) -> int:
        """Move a synced file to its place, whatever stands there; its size. Raises `DiskError`."""
        [size] = await self.put_all([(file, place)])
        if isinstance(size, DiskError):
            raise size
        return size

    async def put_all(self, arrivals: Sequence[tuple[str, str]]) -> list[int | DiskError]:
        """Move synced files to their places, (file, place), whatever stands there; of each its size.

        Durable when this returns: each folder is synced once, however many results came to it.
        """
        moves = [(file, self.path(place)) for file, place in arrivals]
        known = bool(self._unsynced)
        sizes = await asyncio.to_thread(files.move_all, moves, self._unsynced)
        if self._unsynced and not known:
            self.notify(_UNSYNCED)
        return sizes

    async def make_all(
        self, wanted: Sequence[tuple[str, Sequence[tuple[str, int]]]], *, all_known: bool
    ) -> list[Twin | DiskError | None]:
        """Results from others that stand already, durable when this returns: (place, (place, size) of the others).

        None: none of those stands with its size. all_known: the others are all that there are; otherwise None,
        too, where something stands at the place itself, since it may be one of the others by another name.
        """
        known = bool(self._unsynced)
        made = await asyncio.to_thread(self._make_all, wanted, all_known=all_known)
        if self._unsynced and not known:
            self.notify(_UNSYNCED)
        return made

    def _make_all(
        self, wanted: Sequence[tuple[str, Sequence[tuple[str, int]]]], *, all_known: bool
    ) -> list[Twin | DiskError | None]:
        made: list[Twin | DiskError | None] = [None] * len(wanted)
        sources: dict[int, str] = {}
        for number, (place, others) in enumerate(wanted):
            if os.path.lexists(self.path(place)):
                if not all_known:
                    continue
                made[number] = self._stands_already(place, others)
            if made[number] is None and (source := self._standing(others)) is not None:
                sources[number] = source
        copies = [(self.path(source), self.path(wanted[number][0])) for number, source in sources.items()]
        sizes = copy_all(copies, self._unsynced, spare=self.min_free + self._in_flight)
        for (number, source), size in zip(sources.items(), sizes, strict=True):
            made[number] = Twin(source, size, fresh=True) if isinstance(size, int) else size
        return made

    def _standing(self, others: Sequence[tuple[str, int]]) -> str | None:
        """The first of these places at which its result stands."""
        return next((place for place, size in others if self.size(place) == size), None)

    def _stands_already(self, place: str, others: Sequence[tuple[str, int]]) -> Twin | None:
        """What stands at `place`, when that is one of the others: in another spelling, on a disk that folds names."""
        sizes = {one: size for one, size in others if self.size(one) == size}
        if place in sizes:
            return Twin(place, sizes[place], fresh=False)
        same = next((one for one in sizes if folded(one) == folded(place) and self.is_same(one, place)), None)
        return None if same is None else Twin(same, sizes[same], fresh=False)

    async def copy(self, file: str, to: str) -> None:
        """A synced copy of a file, new or not, its folders made. Raises `DiskError`."""
        with disk_errors(to):
            await asyncio.to_thread(copy_one, file, to)

    async def keep(self, place: str, kept: str) -> int:
        """Keep the result at `place` at the place `kept` as well; its size. Raises `DiskError`."""
        with disk_errors(self.path(kept)):
            return await asyncio.to_thread(keeping.keep, self.path(place), self.path(kept))

    async def write(self, content: bytes, path: str) -> None:
        """Write and sync a file at `path`. Raises `DiskError`."""
        with disk_errors(path):
            await asyncio.to_thread(files.write_synced, content, path)

    def hold(self, content: bytes) -> BinaryIO:
        """An open file without a name in the output folder, with `content`; gone when it is closed. Raises `DiskError`.

        Nothing is left of it when the process is killed. Blocking.
        """
        with disk_errors(self.out):
            file = tempfile.TemporaryFile(dir=self.out, prefix=".pixian-", suffix=".sent", buffering=0)  # noqa: SIM115  # the caller's
            try:
                files.write_all(file, content)
            except BaseException:
                file.close()
                raise
            return file

    async def cut_head(self, spool: str) -> None:
        """Make a spool with a head one without. Raises `DiskError`."""
        await asyncio.to_thread(cut_head, spool)

    async def sync(self, path: str) -> None:
        """Make a file's content durable. Raises `DiskError`."""
        with disk_errors(path):
            await asyncio.to_thread(files.sync, path)

    def remove(self, path: str) -> None:
        """Remove a file that is not needed any more, if it is there."""
        files.remove(path)

    def size(self, place: str) -> int | None:
        """The size of the file at a place; None when there is none."""
        try:
            status = os.stat(self.path(place))
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def is_same(self, one: str, place: str) -> bool:
        """Whether `place` is the very file at the place `one`, by another name."""
        try:
            return os.path.samefile(self.path(one), self.path(place))
        except OSError:
            return False

    def refusal(self, place: str) -> str | None:
        """Why a result can never stand at `place`, whatever it is; None when it can."""
        path = self.path(place)
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return self._closed(os.path.dirname(path))
        except NotADirectoryError:
            return f"{path}: a file stands where its folder should be"
        except OSError as error:  # a name that is too long, or that the file system does not take
            return f"{path}: {system_word(error)}"
        if stat.S_ISDIR(status.st_mode):
            return f"{path}: a folder stands there"
        return self._closed(os.path.dirname(path))

    def _closed(self, folder: str) -> str | None:
        """Why no file can be made in `folder`, or in the one where it will be made."""
        folder = folder or os.curdir
        while not os.path.lexists(folder) and folder != (above := os.path.dirname(folder) or os.curdir):
            folder = above
        if os.access(folder, os.W_OK | os.X_OK):
            return None
        return f"{folder}: no file can be made there (closed to this user, or read-only)"

    def check_writable(self) -> None:
        """Prove that the output folder takes files. Raises `DiskError`. Blocking."""
        with disk_errors(self.out):
            os.makedirs(self.out, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.out) as probe:
                probe.write(b"\0")
