"""An emulator in a thread of its own: for code that blocks, as scripts and the documentation's examples do."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from emulator.kit import lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def emulator_in_a_thread(**settings: Any) -> Iterator[str]:
    """The API's URL: for code that blocks its own thread."""
    loop, ready, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    urls: list[str] = []

    async def life() -> None:
        async with lab(**settings) as here:
            urls.append(here.emulator.url)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(life(),))
    thread.start()
    assert ready.wait(120)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
