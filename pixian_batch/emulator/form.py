"""Receiving a request's form: streaming, strict, with bounded memory. Decides nothing about pixels.

Uploads go to a spool that lives in memory while it is small and in a temporary file beyond. The multipart
parser is not aiohttp's because that one trusts lengths inside the body and nests.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final
from urllib.parse import parse_qsl

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from pixian_batch.contract.kinds import Kind, sniff, sniff_foreign
from pixian_batch.contract.params import BY_WIRE, MAX_BASE64_CHARS, ParamError, Params, params_from_text
from pixian_batch.emulator import refusals
from pixian_batch.emulator.result import spooled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from pixian_batch.emulator.settings import EmulatorSettings

_MAX_PARTS: Final = 64
_MAX_BOUNDARY: Final = 70
_MAX_TEXT: Final = 4096
_MAX_BASE64_WITH_BREAKS: Final = MAX_BASE64_CHARS + MAX_BASE64_CHARS // 32
"""Base64 tools break lines every 64 or 76 characters; the breaks do not count against the limit."""
_MAX_URLENCODED: Final = 3 * _MAX_BASE64_WITH_BREAKS + _MAX_PARTS * _MAX_TEXT
"""The signs of base64 that are not letters or digits take three bytes each."""
_FORM_OVERHEAD: Final = 256 * 1024
_HEAD: Final = 256
_PLAIN_ENCODINGS: Final = frozenset({"", "binary", "8bit", "7bit", "identity"})


class Upload:
    """The bytes of one image: spooled, hashed, bounded. Close it."""

    def __init__(self, *, spool_bytes: int, max_bytes: int) -> None:
        self._spool = spooled(b"", spool_bytes=spool_bytes)
        self._max = max_bytes
        self._hash = hashlib.sha256()
        self.size = 0
        self.head = b""

    def write(self, data: bytes) -> None:
        """Append `data`; raises `Refusal` (413) beyond the limit."""
        self.size += len(data)
        if self.size > self._max:
            raise refusals.too_many_bytes(self._max)
        if len(self.head) < _HEAD:
            self.head += data[: _HEAD - len(self.head)]
        self._hash.update(data)
        self._spool.write(data)

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes so far, in hex."""
        return self._hash.hexdigest()

    def open(self) -> BinaryIO:
        """The bytes from their beginning."""
        self._spool.seek(0)
        return self._spool

    def close(self) -> None:
        """Give memory and disk back."""
        self._spool.close()


@dataclass(slots=True)
class Form:
    """The fields of a form as they came: texts by name, and the bytes of `image`."""

    texts: dict[str, str] = field(default_factory=dict)
    upload: Upload | None = None

    def close(self) -> None:
        """Drop the upload."""
        if self.upload is not None:
            self.upload.close()

    def params(self) -> Params:
        """The API parameters; raises `Refusal` (400) for a bad value."""
        texts = [(BY_WIRE[name].attribute, text) for name, text in self.texts.items() if name in BY_WIRE]
        try:
            return params_from_text(texts)
        except ParamError as error:
            raise refusals.bad_parameter(error) from None

    def source(self) -> str:
        """Which of the three image fields is given; raises `Refusal` when not exactly one is."""
        given: list[str] = [name for name in refusals.IMAGE_FIELDS if name in self.texts]
        if self.upload is not None:
            given.insert(0, "image")
        if not given:
            raise refusals.no_image()
        if len(given) > 1:
            raise refusals.several_images(given)
        return given[0]


def check_head(request: web.BaseRequest, settings: EmulatorSettings) -> None:
    """Refuse what the request's head alone shows to be wrong."""
    if request.query:
        raise refusals.query_parameters(list(request.query))
    if not request.body_exists or request.content_length == 0:
        raise refusals.no_image()
    content_type = request.headers.get("Content-Type", "")
    if not (_is_urlencoded(content_type) or content_type.lower().startswith("multipart/form-data")):
        raise refusals.not_multipart(content_type)
    if (request.content_length or 0) > settings.max_upload_bytes + _FORM_OVERHEAD:
        raise refusals.too_many_bytes(settings.max_upload_bytes)


async def read_form(request: web.BaseRequest, settings: EmulatorSettings) -> Form:
    """The request's form, wholly received. The caller closes it. Raises `Refusal`."""
    if _is_urlencoded(request.headers.get("Content-Type", "")):
        return await _read_urlencoded(request, settings)
    reader = MultipartReader(request.headers.get("Content-Type", ""), settings)
    try:
        async for block in _blocks(request, settings):
            reader.feed(block)
        reader.feed(b"")
    except BaseException:
        reader.form.close()
        raise
    return reader.form


def _is_urlencoded(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"


async def _read_urlencoded(request: web.BaseRequest, settings: EmulatorSettings) -> Form:
    """A form of texts only: how public clients send `image.url` and `image.base64`. Bytes cannot come so."""
    body = bytearray()
    async for block in _blocks(request, settings):
        body += block
        if len(body) > _MAX_URLENCODED:
            raise refusals.long_base64()
    receiver = _Receiver(settings)
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARTS
        )
    except ValueError:  # not ASCII, not UTF-8, or too many fields
        raise refusals.bad_urlencoded() from None
    for name, text in fields:
        receiver.take_text(name, text)
    return receiver.form


async def _blocks(request: web.BaseRequest, settings: EmulatorSettings) -> AsyncIterator[bytes]:
    received = 0
    while True:
        try:
            async with asyncio.timeout(settings.upload_idle):
                block = await request.content.readany()
        except TimeoutError:
            raise refusals.upload_too_slow(settings.upload_idle) from None
        except (aiohttp.ClientPayloadError, HttpProcessingError):
            raise refusals.cut_upload() from None
        if not block:
            return
        received += len(block)
        if received > settings.max_upload_bytes + _FORM_OVERHEAD:
            raise refusals.too_many_bytes(settings.max_upload_bytes)
        yield block


class MultipartReader:
    """Takes a multipart body apart while it arrives. Memory: one block, one boundary and one part's headers."""

    def __init__(self, content_type: str, settings: EmulatorSettings) -> None:
        boundary = parse_options_header(content_type)[1].get("boundary", "")
        if not (boundary.isascii() and 0 < len(boundary) <= _MAX_BOUNDARY):
            raise refusals.bad_multipart(
                f"the Content-Type names no boundary of 1 to {_MAX_BOUNDARY} ASCII characters "
                "(let your HTTP client set this header)"
            )
        # Latin-1 reads any bytes: a file name in an old encoding is no reason to refuse a picture.
        self._parser = PushMultipartParser(boundary, header_charset="latin-1")
        self._receiver = _Receiver(settings)

    @property
    def form(self) -> Form:
        """What has come so far; whole after an empty block."""
        return self._receiver.form

    def feed(self, block: bytes) -> None:
        """The next bytes of the body; none are its end. Raises `Refusal`."""
        try:
            for event in self._parser.parse(block):
                self._receiver.take(event)
        except MultipartError as error:
            raise refusals.bad_multipart(str(error) if block else self._receiver.missing()) from None


class _Receiver:
    """Sorts the parts of a form into texts and the upload, refusing what does not belong."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self.form = Form()
        self._settings = settings
        self._parts = 0
        self._name = ""
        self._text = bytearray()

    def take(self, event: MultipartSegment | bytes | None) -> None:
        """A part's head, some of its bytes, or its end. Raises `Refusal`."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is not None:
            self._append(event)
        elif self._name != "image":
            self._end_text()

    def missing(self) -> str:
        """What a body lacks that ended too early."""
        if self._parts:
            return "it ends before its last boundary"
        return "the boundary that the Content-Type names is not in the body, or no part follows it"

    def take_text(self, name: str, text: str) -> None:
        """A whole field of a form that holds texts only. Raises `Refusal`."""
        self._name = self._admitted(name)
        if name == "image":
            raise refusals.image_as_text(text)
        self._append(text.encode())
        self._end_text()

    def _begin(self, part: MultipartSegment) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise refusals.too_many_fields(_MAX_PARTS)
        self._name = self._admitted(part.name.encode("latin-1").decode("utf-8", "replace"))
        encodings = {part.header(name, "") for name in ("Content-Transfer-Encoding", "Content-Encoding")}
        if not {encoding.lower() for encoding in encodings} <= _PLAIN_ENCODINGS:
            raise refusals.encoded_part(self._name)
        if self._name == "image":
            settings = self._settings
            self.form.upload = Upload(spool_bytes=settings.spool_bytes, max_bytes=settings.max_upload_bytes)

    def _admitted(self, name: str) -> str:
        if not name:
            raise refusals.unnamed_part()
        if name not in refusals.KNOWN_FIELDS:
            raise refusals.unknown_field(name)
        if name in self.form.texts or (name == "image" and self.form.upload is not None):
            raise refusals.repeated_field(name)
        return name

    def _append(self, data: bytes) -> None:
        if self._name == "image" and self.form.upload is not None:
            self.form.upload.write(data)
            return
        self._text += data
        if self._name == "image.base64":
            if len(self._text) > _MAX_BASE64_WITH_BREAKS:
                raise refusals.long_base64()
        elif len(self._text) > _MAX_TEXT:
            raise refusals.too_long(self._name, _MAX_TEXT)

    def _end_text(self) -> None:
        try:
            self.form.texts[self._name] = self._text.decode()
        except UnicodeDecodeError:
            raise refusals.not_text(self._name) from None
        self._text.clear()


def decode_base64(text: str, settings: EmulatorSettings) -> Upload:
    """The upload that `image.base64` holds; raises `Refusal`."""
    text = "".join(text.split())
    if len(text) > MAX_BASE64_CHARS:
        raise refusals.long_base64()
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refusals.bad_base64() from None
    upload = Upload(spool_bytes=settings.spool_bytes, max_bytes=settings.max_upload_bytes)
    upload.write(data)
    return upload


def check_kind(upload: Upload, name: str) -> Kind:
    """The kind of an upload by its first bytes; raises `Refusal` for what the service does not read."""
    if not upload.size:
        raise refusals.empty_image(name)
    kind = sniff(upload.head)
    if kind is not None:
        return kind
    foreign = sniff_foreign(upload.head)
    if foreign is not None:
        raise refusals.foreign_kind(foreign)
    text = _as_text(upload.head)
    raise refusals.unreadable_image() if text is None else refusals.image_as_text(text)


def _as_text(head: bytes) -> str | None:
    # A UTF-8 character may be cut where the head ends.
    text = head.decode("utf-8", "ignore")
    close = len(head) - len(text.encode()) <= _UTF8_REST
    return text.strip() if close and text.strip() and text.replace("\n", " ").strip().isprintable() else None


_UTF8_REST: Final = 3
