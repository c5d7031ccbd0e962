"""An emulator for other processes: on a thread of its own, with the canned engine."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pixian_batch.emulator.server import Emulator
from pixian_batch.emulator.settings import EmulatorSettings, EngineName

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 120.0


@contextmanager
def emulator_beside(**changes: Any) -> Iterator[Emulator]:
    """A running emulator; read its bill when nothing is under way."""
    settings = EmulatorSettings(
        **({"engine": EngineName.CANNED, "api_id": "id", "api_secret": "secret"} | changes)
    )
    ready: threading.Event = threading.Event()
    running: list[tuple[Emulator, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        done = asyncio.Event()
        async with Emulator(settings) as emulator:
            running.append((emulator, asyncio.get_running_loop(), done))
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(_PATIENCE)
    emulator, loop, done = running[0]
    try:
        yield emulator
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(_PATIENCE)
