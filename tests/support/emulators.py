"""An emulator in a thread of this process: for other processes, and for code that blocks its own thread.

Where the emulator itself must outlive a kill, see `sandboxes.EmulatorProcess`; the command `serve` itself is
started by `commands.serving`.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self

from pixian_batch.emulator.server import Emulator
from pixian_batch.emulator.settings import EmulatorSettings, EngineName

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from pixian_batch.emulator.bill import Bill

_PATIENCE = 120.0


class EmulatorThread:
    """Runs from its construction to `stop`, or to the end of its `with` block.

    settings: those of the emulator; the engine is canned and the credentials are id and secret unless told.
    """

    def __init__(self, **settings: Any) -> None:
        usual = {"engine": EngineName.CANNED, "api_id": "id", "api_secret": "secret"}
        self._settings = EmulatorSettings(**(usual | settings))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(_PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with Emulator(self._settings) as self.emulator:
            self._ready.set()
            await self._end.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(_PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The API's URL."""
        return self.emulator.url

    @property
    def bill(self) -> Bill:
        """To be read when nothing is under way."""
        return self.emulator.bill

    def call(self, function: Callable[[], object]) -> None:
        """Call it in the emulator's own thread: until it returns no request is answered."""
        self._loop.call_soon_threadsafe(function)

    @property
    def requests(self) -> dict[str, int]:
        """Requests that carried an image, by the SHA-256 of its bytes."""
        return {name: image.requests for name, image in self.bill.images.items()}

    @property
    def total(self) -> int:
        return self.bill.totals.requests
