"""Where one result goes: into memory, or by a spool file beside its destination to a path. Files only."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from pixian_batch.adapters.landing import Landing, Spool, rebuild_files
from pixian_batch.adapters.wire.exchange import MemorySink
from pixian_batch.contract.kinds import Kind, result_kind

if TYPE_CHECKING:
    from pixian_batch.contract.params import Params
    from pixian_batch.library.sources import Prepared

ResultSink: TypeAlias = MemorySink | Spool


@dataclass(frozen=True, slots=True)
class Destination:
    """The file that a result is written to; whatever stands there is replaced, by a rename."""

    path: str

    def check(self, source: str | None, params: Params) -> None:
        """Raise ValueError for a destination that cannot be meant, before anything is sent."""
        kind = result_kind(params.result_format)
        named = next((known for known in Kind if self.path.lower().endswith(known.value.suffixes)), kind)
        if named is not kind:
            raise ValueError(
                f"the result is a {kind.name} and {self.path!r} is named like a {named.name}: "
                f"name it *{kind.suffix}, or ask for another output_format"
            )
        if os.path.isdir(self.path):
            raise ValueError(f"{self.path!r} is a folder: name the file")
        if source and os.path.exists(self.path) and os.path.samefile(source, self.path):
            raise ValueError(f"{self.path!r} is the original itself: name another file")

    async def open(self) -> Spool:
        """A spool beside the destination. Raises `DiskError`."""
        folder = os.path.dirname(self.path)
        return await Spool.open(os.path.join(folder or ".", f".pixian-{uuid.uuid4().hex}.part"))

    async def take(self, path: str) -> None:
        """Move a synced file here. Raises `DiskError`."""
        folder, name = os.path.split(self.path)
        await Landing(folder or ".").put(path, name)

    async def write(self, content: bytes, beside: str) -> None:
        """Write and sync `content` beside, then move it here. Raises `DiskError`."""
        await Landing(os.path.dirname(self.path) or ".").write(content, beside)
        await self.take(beside)


async def open_sink(destination: Destination | None) -> ResultSink:
    """Where the body of one attempt goes. Raises `DiskError`."""
    return MemorySink() if destination is None else await destination.open()


async def finish(destination: Destination | None, sink: ResultSink) -> bytes | None:
    """The result's bytes, or None once it stands at its destination. Raises `DiskError`."""
    if isinstance(sink, MemorySink):
        return bytes(sink.content)
    if destination is not None:
        await destination.take(sink.path)
    return None


async def finish_rebuilt(
    destination: Destination | None, sink: ResultSink, original: Prepared, orientation: int | None
) -> bytes | None:
    """As `finish`, for a delta: the full PNG is made of it. Raises `RebuildError`, `DiskError`; the delta stays."""
    delta = sink.path if isinstance(sink, Spool) else partial(io.BytesIO, sink.content)
    content = await asyncio.to_thread(rebuild_files, original.open, delta, orientation=orientation)
    if destination is None or isinstance(sink, MemorySink):
        return content
    await destination.write(content, f"{sink.path}.rebuilt")
    with contextlib.suppress(OSError):
        os.unlink(sink.path)  # the delta: the rebuilt picture is safe
    return None
