"""The emulator's own background removal. Importing it is cheap; the runtime loads with the engine.

It knows pixels only: no HTTP, no parameters, no files but its weights.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Engine(Protocol):
    """Finds the foreground of pictures. Blocking and safe to call from several threads."""

    def matte(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The foreground's alpha (H x W, 255 = foreground) of an upright sRGB picture (H x W x 3)."""
        ...


class EngineMissingError(Exception):
    """The engine cannot run here; the message says what to install."""


_lock = threading.Lock()
_loaded: list[Engine] = []


def load_engine(*, threads: int | None = None) -> Engine:
    """The process's one engine, loaded at the first call (about 0.3 s; 0.2 GB once it has worked).

    `threads`, of the first call only, is how many processor threads one picture may use; None lets
    the runtime decide. Raises `EngineMissingError` where onnxruntime cannot be imported.
    """
    with _lock:
        if not _loaded:
            try:
                from pixian_batch.emulator.engine.u2netp import U2NetP  # heavy, and optional
            except ImportError as error:
                raise EngineMissingError(
                    "the local engine needs onnxruntime: pip install 'pixian-batch[local]'"
                    " (not every platform has a wheel of it)"
                ) from error
            _loaded.append(U2NetP(threads=threads))
        return _loaded[0]
