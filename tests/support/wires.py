"""A raw server on loopback that says exactly the bytes a test wants, and hears exactly what was sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING

from support.pictures import picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from email.message import EmailMessage

PNG = picture("png")


@dataclass(frozen=True)
class Heard:
    """One request as it came over the wire."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        [value] = self.all(name)
        return value

    def parts(self) -> list[EmailMessage]:
        """The parts of its form, by the standard library's parser."""
        head = f"Content-Type: {self['Content-Type']}\r\nMIME-Version: 1.0\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        assert not message.defects
        return list(message.iter_parts())  # type: ignore[arg-type]


@dataclass
class Connection:
    """One accepted connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: RawServer

    async def head(self) -> Heard:
        """The head of a request."""
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = raw.rstrip().split("\r\n")
        pairs = [(name, value.strip()) for name, _colon, value in (item.partition(":") for item in rest)]
        return Heard(line, pairs, b"")

    async def request(self) -> Heard:
        """A whole request; it is remembered by the server."""
        head = await self.head()
        length = int((head.all("Content-Length") or ["0"])[0])
        heard = Heard(head.line, head.headers, await self.reader.readexactly(length))
        self.server.heard.append(heard)
        return heard

    async def say(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    def reset(self) -> None:
        """Close with RST in place of FIN."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.close()

    async def gone(self) -> bytes:
        """Wait until the other end has closed; everything that still came."""
        rest = b""
        with contextlib.suppress(ConnectionError):
            while block := await self.reader.read(1 << 16):
                rest += block
        return rest


@dataclass
class RawServer:
    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    failures: list[BaseException] = field(default_factory=list)


@asynccontextmanager
async def raw_server(
    script: Callable[[Connection], Awaitable[None]], *, receive_buffer: int | None = None
) -> AsyncIterator[RawServer]:
    """Run `script` on every connection; its own failures are raised at the end."""
    state = RawServer()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        state.connections += 1
        try:
            await script(Connection(reader, writer, state))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except BaseException as error:  # noqa: BLE001  # shown by the test that owns the server
            state.failures.append(error)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    listener = socket.create_server(("127.0.0.1", 0))
    if receive_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    limit = receive_buffer or 1 << 20
    server = await asyncio.start_server(serve, sock=listener, limit=limit)
    state.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v2"
    try:
        yield state
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
    assert not state.failures, state.failures


def http(
    body: bytes = PNG,
    status: str = "200 OK",
    *,
    length: int | None = -1,
    kind: str = "image/png",
    headers: str = "",
) -> bytes:
    """The bytes of an answer; `length` None announces none, -1 the true one."""
    announced = "" if length is None else f"Content-Length: {len(body) if length < 0 else length}\r\n"
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{announced}{headers}\r\n"
    return head.encode("latin-1") + body


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port on which nobody listens: bound until the end, so that no other process gets it meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
