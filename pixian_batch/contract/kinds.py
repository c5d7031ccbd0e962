"""The image kinds of the API: names, first bytes, last bytes. Pure.

`sniff` believes bytes, never names. `is_whole` tells a complete PNG or JPEG from one that was cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from pixian_batch.contract.params import OutputFormat


@dataclass(frozen=True, slots=True)
class _Traits:
    media_type: str
    suffixes: tuple[str, ...]
    magics: tuple[bytes, ...]


class _ImageKind(Enum):
    """What all kinds can be asked."""

    _value_: _Traits

    @property
    def media_type(self) -> str:
        """The MIME type, e.g. `image/png`."""
        return self.value.media_type

    @property
    def suffix(self) -> str:
        """The usual file name suffix with its dot."""
        return self.value.suffixes[0]


class Kind(_ImageKind):
    """What an image file is, by its bytes."""

    BMP = _Traits("image/bmp", (".bmp", ".dib"), (b"BM",))
    GIF = _Traits("image/gif", (".gif",), (b"GIF87a", b"GIF89a"))
    JPEG = _Traits("image/jpeg", (".jpg", ".jpeg", ".jpe", ".jif", ".jfif"), (b"\xff\xd8\xff",))
    PNG = _Traits("image/png", (".png",), (b"\x89PNG\r\n\x1a\n",))
    TIFF = _Traits("image/tiff", (".tif", ".tiff"), (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))


INPUT_SUFFIXES: Final = frozenset(suffix for kind in Kind for suffix in kind.value.suffixes)
"""Lower-case suffixes that are taken for inputs while walking."""


class ForeignKind(_ImageKind):
    """A kind that the service does not take, and of which `--convert` makes one that it does."""

    AVIF = _Traits("image/avif", (".avif",), ())
    HEIC = _Traits("image/heic", (".heic", ".heif", ".hif"), ())
    WEBP = _Traits("image/webp", (".webp",), ())


CONVERTED_SUFFIXES: Final = frozenset(suffix for kind in ForeignKind for suffix in kind.value.suffixes)
"""Lower-case suffixes that are inputs, too, with `--convert`."""
_OTHERS: Final = "bpg jp2 jxl jxr psb psd tga"
_RAW: Final = (
    "3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f"
)
RAW_SUFFIXES: Final = frozenset(f".{word}" for word in _RAW.split(" "))
"""Lower-case suffixes of the raw kinds of cameras: developing them is a matter of taste, so nobody does it here."""
FOREIGN_SUFFIXES: Final = CONVERTED_SUFFIXES | RAW_SUFFIXES | {f".{word}" for word in _OTHERS.split(" ")}
"""Lower-case suffixes of photos that the service does not take."""

HEAD_BYTES: Final = 16
"""How many first bytes `sniff` and `is_whole` want to see."""
TAIL_BYTES: Final = 64
"""How many last bytes `is_whole` wants to see."""


def sniff(head: bytes) -> Kind | None:
    """The kind of the image that begins with `head`, or None for anything the service does not read."""
    return next((kind for kind in Kind if head.startswith(kind.value.magics)), None)


def sniff_foreign(head: bytes) -> str | None:
    """The name of a well-known kind that the service does not read, for a friendlier message."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "HEIC" if head[8:11] in {b"hei", b"hev", b"mif", b"msf"} else "video")
    return next((name for magic, name in _FOREIGN.items() if head.startswith(magic)), None)


_BRANDS: Final = {b"avif": "AVIF", b"avis": "AVIF", b"crx ": "camera's raw"}
_FOREIGN: Final = {
    b"%PDF": "PDF",
    b"8BPS": "PSD",
    b"<svg": "SVG",
    b"<?xml": "SVG",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"II\xbc": "JPEG XR",
    b"FUJIFILM": "camera's raw",
    b"FOVb": "camera's raw",
    b"IIU\0": "camera's raw",
    b"IIR": "camera's raw",
    b"MMOR": "camera's raw",
    b"\0\5\x16\7": "macOS companion (._)",
}
"""First bytes of other kinds, and what they are called."""


def size_told(head: bytes) -> tuple[int, int] | None:
    """Width and height of the PNG or JPEG that begins with `head`; None where that does not reach far enough."""
    if head.startswith(b"\x89PNG") and len(head) >= 24:
        return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    at = 2 if head.startswith(b"\xff\xd8") else len(head)
    while at + 9 <= len(head) and head[at] == 0xFF:
        if head[at + 1] in _JPEG_FRAMES:
            return int.from_bytes(head[at + 7 : at + 9]), int.from_bytes(head[at + 5 : at + 7])
        at += 2 + int.from_bytes(head[at + 2 : at + 4])
    return None


_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def is_whole(kind: Kind, tail: bytes) -> bool:
    """Whether a PNG or JPEG that ends with `tail` (its last `TAIL_BYTES`) was received to its end."""
    if kind is Kind.PNG:
        return tail.endswith(b"\0\0\0\0IEND\xae\x42\x60\x82")
    if kind is Kind.JPEG:
        return tail.rstrip(b"\0").endswith(b"\xff\xd9")
    return False


def result_kind(output: OutputFormat) -> Kind:
    """The kind of file that a decided output format (never `auto`) gives."""
    return Kind.JPEG if output is OutputFormat.JPEG else Kind.PNG
