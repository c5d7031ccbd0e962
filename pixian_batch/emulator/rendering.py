"""Making results: pictures in, encoded answers out, in a small pool of threads. Charges nothing.

At most `engine_threads` pictures are decoded at once, and no more than there is `Room` for; all others
wait as spooled bytes.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pixian_batch.contract.params import DEFAULT_MAX_PIXELS, OutputFormat
from pixian_batch.emulator import refusals
from pixian_batch.emulator.memory import PixelMemory
from pixian_batch.emulator.result import RenderedResult, spooled
from pixian_batch.emulator.settings import EngineName
from pixian_batch.imaging.errors import (
    DeltaShrunkError,
    LayoutError,
    TooManyPixelsError,
    UnreadableImageError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from pixian_batch.contract.params import Params
    from pixian_batch.emulator.engine import Engine
    from pixian_batch.emulator.engine.model import Model
    from pixian_batch.emulator.form import Upload
    from pixian_batch.emulator.settings import EmulatorSettings, ModelChoice

_PIXELS_AT_ONCE: Final = 2 * DEFAULT_MAX_PIXELS
"""Two of the largest results that the API makes."""


class Renderer:
    """The engine and its threads. Start it before use, close it after."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self._settings = settings
        self._engine: Engine | None = None
        self.model: Model | None = None
        """A user's own network, once it is loaded."""
        self._memory = PixelMemory(_PIXELS_AT_ONCE)
        self._pool = ThreadPoolExecutor(settings.engine_threads, thread_name_prefix="emulator")

    async def start(self) -> None:
        """Load the engine; raises `EngineMissingError`."""
        self._engine = await asyncio.get_running_loop().run_in_executor(self._pool, self._load)

    async def close(self) -> None:
        """Drop what waits and end the threads."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def make(self, upload: Upload, params: Params) -> RenderedResult:
        """The result for an upload; raises `Refusal` when the picture cannot be used."""
        if self._engine is None and upload.size <= self._settings.spool_bytes:
            # Canned answers for small uploads cost less than a change of threads.
            return self._canned(upload, params)
        work = self._canned if self._engine is None else self._cut_out
        future = self._pool.submit(work, upload, params)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(_drop)
            raise

    def _canned(self, upload: Upload, params: Params) -> RenderedResult:
        from pixian_batch.emulator.canned import canned  # needs Pillow

        with _refusing():
            return canned(upload.open(), params, spool_bytes=self._settings.spool_bytes)

    def _cut_out(self, upload: Upload, params: Params) -> RenderedResult:
        from pixian_batch.imaging.probe import probe  # needs Pillow

        with _refusing(), self._memory.taken(probe(upload.open()).size.pixels):
            return self._rendered(upload, params)

    def _rendered(self, upload: Upload, params: Params) -> RenderedResult:
        from pixian_batch.imaging.compose import render  # needs numpy and Pillow
        from pixian_batch.imaging.pixels import open_picture  # needs numpy and Pillow

        if self._engine is None:
            raise RuntimeError("the renderer was not started")
        picture = open_picture(upload.open(), max_pixels=params.max_pixels)
        if picture.shrunk and params.result_format is OutputFormat.DELTA_PNG:
            raise refusals.delta_shrunk()  # before the engine works in vain
        rendered = render(picture, self._engine.matte(picture.rgb), params)
        return RenderedResult(
            body=spooled(rendered.body, spool_bytes=self._settings.spool_bytes),
            size=len(rendered.body),
            kind=rendered.kind,
            orientation=picture.orientation,
            input_size=picture.original_size,
            result_size=rendered.result_size,
            input_foreground=rendered.input_foreground,
            result_foreground=rendered.result_foreground,
        )

    def _load(self) -> Engine | None:
        if self._settings.engine is EngineName.U2NETP:
            from pixian_batch.emulator.engine import load_engine  # heavy

            self.model = _model(self._settings.model)
            return load_engine(model=self.model)
        if self._settings.engine is EngineName.PLAIN:
            from pixian_batch.emulator.engine.plain import PlainEngine  # needs numpy

            return PlainEngine()
        return None


def _model(choice: ModelChoice) -> Model | None:
    """A user's own network. Raises `ModelError`."""
    if choice.path is None:
        return None
    from pixian_batch.emulator.engine.model import read_model  # only for those who have one

    return read_model(str(choice.path), choice.given)


def _drop(future: Future[RenderedResult]) -> None:
    """A thread cannot be stopped, and nobody waits for its result any more."""
    if not future.cancelled() and future.exception() is None:
        future.result().close()


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what is wrong with a picture into the answer that says so."""
    try:
        yield
    except UnreadableImageError as error:
        raise refusals.unreadable_image(str(error)) from None
    except TooManyPixelsError:
        raise refusals.too_many_pixels() from None
    except LayoutError as error:
        raise refusals.impossible_layout(str(error)) from None
    except DeltaShrunkError:
        raise refusals.delta_shrunk() from None
