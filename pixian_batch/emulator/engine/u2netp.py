"""U^2-NetP on onnxruntime: a coarse map of the whole picture, a closer look, refined edges.

The network sees 320 x 320 pixels, whatever the picture. When the subject fills only a part of it, the
network looks a second time, at the subject's surroundings alone. Its output is used as it comes (a
probability); stretching it to the full range, as is often done, invents a subject on an empty page.
Pictures of any size cost about the same: only tiles with an edge are worked on at full resolution.
"""

from __future__ import annotations

import os
import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Final

# Else onnxruntime 1.32 keeps a device id in the user's cache folder and looks up a telemetry host. `--local`
# promises no network, so this overrules the user's environment; it is read when the module is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from PIL import Image

from pixian_batch.emulator.engine.refine import reduced, refine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Window = tuple[slice, slice]

ort.disable_telemetry_events()

_SIDE: Final = 320
_MEAN: Final = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION: Final = np.array([0.229, 0.224, 0.225], np.float32)
_SUBJECT: Final = 0.5
"""From this probability on a pixel counts as subject when its box is sought."""
_PADDING: Final = 0.12
"""How far beyond the subject's box the second look reaches, as a part of the box's side."""
_WORTH_A_LOOK: Final = 0.6
"""The second look is taken when its window is at most this part of the picture."""
_AGREEMENT: Final = 0.6
"""The second look is believed when both looks overlap at least this much (IoU)."""


class U2NetP:
    """An `Engine`. One picture at a time is in the network, which bounds the memory."""

    def __init__(self, *, threads: int | None = None) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        options.enable_mem_pattern = False  # as fast, and 200 MB less at the peak
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        weights = files("pixian_batch.emulator.engine") / "weights" / "u2netp.fp16.onnx"
        self._session = ort.InferenceSession(
            weights.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._lock = threading.Lock()

    def matte(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `Engine.matte`."""
        small = reduced(rgb)
        coarse = self._look(small)
        window = _window(coarse, *rgb.shape[:2])
        if window is not None:
            part = rgb[window]
            small_part = reduced(part)
            closer = self._look(small_part)
            if _agree(coarse, closer, window, rgb.shape[:2]):
                alpha = np.zeros(rgb.shape[:2], np.uint8)
                alpha[window] = refine(part, small_part, closer)
                return alpha
        return refine(rgb, small, coarse)

    def _look(self, picture: Image.Image) -> NDArray[np.float32]:
        """The network's map (320 x 320) of the picture."""
        small = picture.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        pixels = np.asarray(small, np.float32)
        pixels = (pixels / max(float(pixels.max()), 1.0) - _MEAN) / _DEVIATION
        batch = np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis])
        with self._lock:
            (answer,) = self._session.run(None, {self._input: batch})
        fused: NDArray[np.float32] = np.asarray(answer, np.float32)[0, 0]
        return fused


def _window(coarse: NDArray[np.float32], height: int, width: int) -> Window | None:
    """Rows and columns of the picture around the subject; None when a closer look would show no more."""
    mask = coarse >= _SUBJECT
    rows, columns = (_padded(np.flatnonzero(mask.any(axis=axis))) for axis in (1, 0))
    if rows is None or columns is None:
        return None
    part = (rows[1] - rows[0]) * (columns[1] - columns[0])
    if part > _WORTH_A_LOOK:
        return None
    return _slice(rows, height), _slice(columns, width)


def _padded(indices: NDArray[np.intp]) -> tuple[float, float] | None:
    """Where the subject lies along one axis, with some surroundings; 0 and 1 are the picture's ends."""
    if not indices.size:
        return None
    first, last = float(indices[0]) / _SIDE, float(indices[-1] + 1) / _SIDE
    room = max((last - first) * _PADDING, 4 / _SIDE)
    return max(0.0, first - room), min(1.0, last + room)


def _slice(ends: tuple[float, float], length: int) -> slice:
    first = int(ends[0] * length)
    return slice(first, max(first + 1, round(ends[1] * length)))


def _agree(
    coarse: NDArray[np.float32], closer: NDArray[np.float32], window: Window, shape: tuple[int, ...]
) -> bool:
    """Whether the closer look found about the same subject as the first one."""
    (top, bottom), (left, right) = (
        (ends.start * _SIDE / length, ends.stop * _SIDE / length)
        for ends, length in zip(window, shape, strict=True)
    )
    before = Image.fromarray(coarse).resize(
        (_SIDE, _SIDE), Image.Resampling.BILINEAR, box=(left, top, right, bottom)
    )
    first, second = np.asarray(before) >= _SUBJECT, closer >= _SUBJECT
    return int((first & second).sum()) >= _AGREEMENT * int((first | second).sum())
