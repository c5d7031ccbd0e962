"""Looks at each result that came, after it has landed: an empty one is not done without a word.

Off everybody's way: in threads of its own that give way to all others, when the image's place behind the workers
is free again. Where results come faster than they can be looked at, some are not, and that is counted. What goes wrong
here is no trouble of the image.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.results import look_at
from pixian_batch.contract.params import OutputFormat
from pixian_batch.policy.look import judged_by_headers
from pixian_batch.policy.outcome import Done

if TYPE_CHECKING:
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.pipeline.spec import Spec
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.look import Look
    from pixian_batch.policy.outcome import Ending

_MOST_THREADS: Final = 4
_WAITING: Final = 80_000_000
"""Pixels of results that may wait for each thread, some two seconds of work: so long a run may have to wait at its end."""
_USUAL: Final = 12_000_000
"""Pixels of a result whose size is not told."""
_NICE: Final = 5
"""No more: who waits for the processor may hold the interpreter's lock, which everybody needs."""


def _threads() -> int:
    return min(_MOST_THREADS, max(1, (os.cpu_count() or 1) // 2))


@dataclass(slots=True)
class Looker:
    """`await looker.look(ending)` gives the ending with what was seen of its result."""

    spec: Spec
    stop: StopSign
    threads: int = field(default_factory=_threads)
    _waiting: int = 0
    """Pixels of the results in line."""
    _executor: ThreadPoolExecutor | None = None

    async def look(self, ending: Ending) -> Ending:
        """Look at the result of an image that is done now; any other ending as it is. Never raises."""
        done = ending.outcome
        if not isinstance(done, Done) or ending.output is None:
            return ending
        return replace(ending, outcome=replace(done, look=await self._look(ending.output, done)))

    def close(self) -> None:
        """No more results."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _look(self, path: str, done: Done) -> Look | None:
        params = self.spec.params
        if params.background_color is not None or params.result_format is OutputFormat.JPEG:
            return judged_by_headers(done.headers, cropped=params.crop_to_foreground)
        size = done.headers.result_size
        pixels = size.pixels if size is not None else _USUAL
        if self.stop.hard or self._waiting + pixels > self.threads * _WAITING:
            return None
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self.threads, "looking", initializer=_give_way)
        self._waiting += pixels
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._executor, self._look_at, path, done.headers
            )
        except Exception:  # noqa: BLE001  # whatever Pillow meets in a picture, the image is paid for and here
            return None
        finally:
            self._waiting -= pixels

    def _look_at(self, path: str, headers: ResultHeaders) -> Look | None:
        """Blocking. A run that was told to stop at once waits for the look that goes on, not for those in line."""
        if self.stop.hard:
            return None
        params = self.spec.params
        delta = params.result_format is OutputFormat.DELTA_PNG and not self.spec.via_delta
        return look_at(path, headers, cropped=params.crop_to_foreground, delta=delta)


def _give_way() -> None:
    """The thread runs when nobody else has anything to do. Elsewhere than on Linux a thread has no niceness of its own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
