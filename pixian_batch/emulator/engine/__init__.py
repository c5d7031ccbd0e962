"""The emulator's own background removal. Importing it is cheap; the runtime loads with the engine.

It knows pixels only: no HTTP, no parameters, no files but its weights.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pixian_batch.emulator.engine.model import Model


class Engine(Protocol):
    """Finds the foreground of pictures. Blocking and safe to call from several threads."""

    def matte(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The foreground's alpha (H x W, 255 = foreground) of an upright sRGB picture (H x W x 3)."""
        ...


class EngineMissingError(Exception):
    """The engine cannot run here; the message says what to install."""


_lock = threading.Lock()
_loaded: dict[str, Engine] = {}


def load_engine(*, threads: int | None = None, model: Model | None = None) -> Engine:
    """The process's one engine for a model, loaded at the first call; without a model the built-in one.

    That takes about 0.3 s, and 0.2 GB once it has worked. `threads`, of the first call only, is how many
    processor threads one picture may use; None lets the runtime decide. Raises `EngineMissingError` where
    onnxruntime cannot be imported, and when it cannot work with the model.
    """
    word = model.word if model else ""
    with _lock:
        if word not in _loaded:
            _loaded[word] = _made(threads, model)
        return _loaded[word]


def _made(threads: int | None, model: Model | None) -> Engine:
    try:
        from pixian_batch.emulator.engine.cutting import Cutter  # heavy, and optional
        from pixian_batch.emulator.engine.network import built_in, of_user
    except ImportError as error:
        raise EngineMissingError(
            "the local engine needs onnxruntime: pip install 'pixian-batch[local]'"
            " (not every platform has a wheel of it)"
        ) from error
    return Cutter(of_user(model, threads=threads) if model else built_in(threads=threads))
