"""What was asked for, drawn on a full picture that is here: opened and written here, drawn in `imaging`. Blocking.

Proved by tests/money/test_masters.py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pixian_batch.adapters.landing.files import disk_errors, write_synced
from pixian_batch.policy.disk import system_word

if TYPE_CHECKING:
    from pixian_batch.contract.headers import Box
    from pixian_batch.contract.params import Params, Size


class DrawError(Exception):
    """A full picture that cannot be read, or on which this cannot be drawn; it is where it was."""


def draw_file(master: str, params: Params, file: str) -> tuple[Size, Box]:
    """Write what `params` ask for, drawn on the PNG at `master`, whole and synced; its size, and where its foreground is.

    Raises `DrawError`, and `DiskError` when `file` cannot be written.
    """
    from pixian_batch.imaging.compose import draw  # Pillow and numpy, only where something is drawn
    from pixian_batch.imaging.errors import ImagingError

    try:
        with open(master, "rb") as stream:
            drawn = draw(stream, params)
    except ImagingError as error:
        raise DrawError(f"{master}: {error}") from error
    except OSError as error:
        raise DrawError(f"{master}: {system_word(error)}") from error
    with disk_errors(file):
        os.makedirs(os.path.dirname(file), exist_ok=True)
        write_synced(drawn.body, file)
    return drawn.result_size, drawn.result_foreground
