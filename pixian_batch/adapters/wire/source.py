"""Where an image to be sent comes from. Values; nothing is opened here.

Proved by tests/adapters/wire/test_upload.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pixian_batch.contract.params import MAX_BASE64_CHARS

if TYPE_CHECKING:
    from typing import BinaryIO

    from pixian_batch.contract.kinds import ForeignKind, Kind


@dataclass(frozen=True, slots=True)
class FileSource:
    """A local image. `stamp` (size, mtime_ns): the file must still be just this while it is sent.

    kind: one that the service does not take where something else will be made of it first.
    """

    path: str
    kind: Kind | ForeignKind
    stamp: tuple[int, int]


@dataclass(frozen=True, slots=True)
class BytesSource:
    """An image in memory, sent as a binary part."""

    content: bytes
    kind: Kind | ForeignKind


@dataclass(frozen=True, slots=True)
class HeldSource:
    """An image in an open file of our own that has no name, so nobody else can change it. size: its bytes."""

    file: BinaryIO
    kind: Kind
    size: int


@dataclass(frozen=True, slots=True)
class Base64Source:
    """A small image in memory, sent as base64 text of at most 1 MB."""

    content: bytes

    def __post_init__(self) -> None:
        if (len(self.content) + 2) // 3 * 4 > MAX_BASE64_CHARS:
            raise ValueError(f"base64 of at most {MAX_BASE64_CHARS:,} characters: send the image as binary")


@dataclass(frozen=True, slots=True)
class UrlSource:
    """An image that the service fetches itself."""

    url: str


Source: TypeAlias = FileSource | BytesSource | HeldSource | Base64Source | UrlSource
