"""What leaves: the form, the file that is not the announced one. The facts (`Trace`) decide about money, so each test ends with them."""

from __future__ import annotations

import builtins
import errno
import os
from typing import TYPE_CHECKING, Any

import pytest
from support.pictures import put
from support.wires import Connection, http, raw_server

from pixian_batch.adapters.landing import Landing
from pixian_batch.adapters.wire.source import Base64Source, BytesSource, HeldSource, Source, UrlSource
from pixian_batch.adapters.wire.trace import SourceChangedError, Trace
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import params_from_text

if TYPE_CHECKING:
    from pathlib import Path

from support.sessions import BIG, IMAGE, NONE, SMALL, WHO, file_source, get, one_request, saying, wire


@pytest.mark.asyncio
async def test_the_head_of_a_request() -> None:
    heard = await one_request(SMALL)
    assert heard.line == "POST /api/v2/remove-background HTTP/1.1"
    assert heard["Authorization"] == "Basic dGhlLWlkOnRoZS1zZWNyZXQ="
    assert heard["User-Agent"].startswith("pixian-batch/")
    assert heard["Content-Type"].startswith("multipart/form-data; boundary=")
    assert heard["Content-Length"] == str(len(heard.body))
    assert not heard.all("Transfer-Encoding")
    assert not heard.all("Expect")
    assert heard["Accept-Encoding"] == "identity", "a compressed answer could not be read"


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [1, 1023, 64 * 1024, 512 * 1024, 512 * 1024 + 1, 3_000_001])
async def test_a_file_arrives_byte_for_byte(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    heard = await one_request(file_source(put(tmp_path / "a photo.jpg", content)))
    [part] = heard.parts()
    assert part.get_payload(decode=True) == content
    assert part.get_content_type() == "image/jpeg"
    assert part.get_param("name", header="Content-Disposition") == "image"
    assert part.get_filename() == "image.jpg", "the user's file names are nobody's business"


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [1, 64 * 1024, 3_000_001])
async def test_a_held_file_arrives_byte_for_byte_each_time_it_is_sent(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    with Landing(str(tmp_path)).hold(content) as held:
        assert os.listdir(tmp_path) == []
        for _ in range(2):
            [part] = (await one_request(HeldSource(held, Kind.PNG, size))).parts()
            assert part.get_payload(decode=True) == content
            assert part.get_content_type() == "image/png"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", list(Kind))
async def test_the_kind_of_the_bytes_is_announced(kind: Kind) -> None:
    [part] = (await one_request(BytesSource(b"\r\n--x\r\n\0\xff", kind))).parts()
    assert part.get_content_type() == kind.media_type
    assert part.get_payload(decode=True) == b"\r\n--x\r\n\0\xff"


@pytest.mark.asyncio
async def test_parameters_are_fields_before_the_image() -> None:
    texts = [("test", "true"), ("background_color", "#ff0000"), ("margin", "5% 10px")]
    parts = (await one_request(SMALL, params_from_text(texts))).parts()
    names = [part.get_param("name", header="Content-Disposition") for part in parts]
    assert names[-1] == "image"
    said = dict(zip(names, [part.get_payload(decode=True) for part in parts], strict=True))
    assert said["test"] == b"true"
    assert said["background.color"] in {b"#ff0000", b"#FF0000"}
    assert said["result.margin"] == b"5% 10px"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        (UrlSource("https://host/a b.jpg?x=ü&y=1"), "image.url", "https://host/a b.jpg?x=ü&y=1".encode()),
        (Base64Source(b"\0\xff"), "image.base64", b"AP8="),
    ],
)
async def test_images_that_are_text(source: Source, name: str, value: bytes) -> None:
    [part] = (await one_request(source)).parts()
    assert part.get_param("name", header="Content-Disposition") == name
    assert part.get_payload(decode=True) == value


def test_base64_has_a_limit() -> None:
    with pytest.raises(ValueError, match="binary"):
        Base64Source(b"\0" * 800_000)


@pytest.mark.asyncio
async def test_a_connection_is_used_again() -> None:
    async with raw_server(saying(*[http()] * 3)) as server, wire(server.url) as client:
        for _ in range(3):
            async with client.remove_background(SMALL, NONE, Trace()) as answer:
                await get(answer)
    assert server.connections == 1


def test_the_secret_does_not_show() -> None:
    assert "the-secret" not in repr(WHO)
    assert "the-secret" not in f"{WHO}"


@pytest.mark.asyncio
@pytest.mark.parametrize("change", ["grown", "cut", "touched", "gone", "folder"])
async def test_a_file_that_changed_before_it_was_sent_is_never_sent(tmp_path: Path, change: str) -> None:
    path = put(tmp_path / "a.jpg", IMAGE)
    source = file_source(path)
    if change in {"gone", "folder"}:
        os.unlink(path)
    if change == "folder":
        (tmp_path / "a.jpg").mkdir()
    if change in {"grown", "cut"}:
        put(path, IMAGE + b"x" if change == "grown" else IMAGE[:-1])
    if change == "touched":
        os.utime(path, ns=(1, 1))
    received: list[bytes] = []

    async def script(connection: Connection) -> None:
        head = await connection.head()
        received.append(await connection.gone())
        assert len(received[0]) < int(head["Content-Length"])

    trace = Trace()
    async with raw_server(script) as server, wire(server.url) as client:
        with pytest.raises(SourceChangedError):
            async with client.remove_background(source, NONE, trace):
                pass
    assert trace == Trace(source_changed=True)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (errno.EMFILE, "unreadable", "ulimit"),
        (errno.EACCES, "unreadable", "right to read"),
        (errno.EIO, "unreadable", "the disk fails"),
        (errno.ENOENT, "changed", "run again"),
    ],
)
async def test_why_a_file_cannot_be_opened_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, words: str
) -> None:
    path = put(tmp_path / "a.jpg", b"\0" * BIG)
    source = file_source(path)
    real = builtins.open

    def refused(file: object, *arguments: Any, **named: Any) -> Any:
        if file == path:
            raise OSError(number, os.strerror(number))
        return real(file, *arguments, **named)  # type: ignore[call-overload]  # whatever open takes

    async def script(connection: Connection) -> None:
        await connection.gone()

    async with raw_server(script) as server, wire(server.url) as client:
        monkeypatch.setattr(builtins, "open", refused)
        with pytest.raises(SourceChangedError) as caught:
            async with client.remove_background(source, NONE, Trace()):
                pass
    assert caught.value.code == code
    assert words in caught.value.hint
    assert "changed" not in str(caught.value)


@pytest.mark.asyncio
@pytest.mark.parametrize("change", ["grown", "cut", "rewritten"])
async def test_a_file_that_changes_while_it_is_sent_is_never_completed(tmp_path: Path, change: str) -> None:
    path = put(tmp_path / "a.jpg", b"\0" * BIG)
    received = bytearray()
    announced = 0

    async def script(connection: Connection) -> None:
        nonlocal announced
        announced = int((await connection.head())["Content-Length"])
        received.extend(await connection.reader.readexactly(100_000))
        if change == "cut":
            os.truncate(path, BIG // 2)
        else:
            with open(path, "ab" if change == "grown" else "rb+") as stream:  # a test
                stream.write(b"\1")
        received.extend(await connection.gone())

    trace = Trace()
    async with raw_server(script) as server, wire(server.url) as client:
        with pytest.raises(SourceChangedError):
            async with client.remove_background(file_source(path), NONE, trace):
                pass
        assert len(received) < announced
        assert trace == Trace(source_changed=True)
