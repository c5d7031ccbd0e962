"""A result, and the photo it was made of -> a file with the photo's metadata and date. Blocking; moves nothing.

It is written beside the result, whole and synced, so that what was paid for is untouched until a rename.

Proved by tests/cli/test_keeping.py.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.landing.files import seal, write_all
from pixian_batch.policy.disk import system_word

if TYPE_CHECKING:
    from io import FileIO
    from typing import BinaryIO

    from pixian_batch.imaging.metadata import Piece

_BLOCK: Final = 1 << 20


class MetadataError(Exception):
    """A photo's metadata could not be carried over: why. The result is as it was."""


def describe(photo: str, result: str, path: str) -> bool:
    """Write `result` with the metadata of `photo` to `path`; False when there is none. Raises `MetadataError`."""
    from pixian_batch.imaging.errors import ImagingError  # only where it is asked for
    from pixian_batch.imaging.metadata import pieces_with, read_metadata

    try:
        with open(photo, "rb") as stream:
            metadata = read_metadata(stream)
        if not metadata:
            return False
        with open(result, "rb") as stream:
            pieces = pieces_with(stream, metadata, os.fstat(stream.fileno()).st_size)
            with open(path, "wb", buffering=0) as file:
                _write(stream, pieces, file)
    except OSError as error:
        raise MetadataError(system_word(error)) from error
    except ImagingError as error:
        raise MetadataError(str(error)) from error
    return True


def _write(stream: BinaryIO, pieces: list[Piece], file: FileIO) -> None:
    for piece in pieces:
        if isinstance(piece, bytes):
            write_all(file, piece)
            continue
        start, end = piece
        stream.seek(start)
        while start < end and (block := stream.read(min(_BLOCK, end - start))):
            write_all(file, block)
            start += len(block)
    seal(file, b"")


def date_as(photo: str, path: str) -> None:
    """Give `path` the date of the last change of `photo`. Raises `MetadataError`."""
    try:
        status = os.stat(photo)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    except OSError as error:
        raise MetadataError(system_word(error)) from error
