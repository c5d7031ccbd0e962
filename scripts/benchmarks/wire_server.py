"""A server that costs as little as Python can: it throws the upload away and answers a canned PNG.

For client benchmarks, where the server must not be the bottleneck. One process, one thread, epoll; an
upload over plain TCP is dropped inside the kernel (MSG_TRUNC), over TLS it is decrypted and dropped. It
speaks just enough HTTP for the clients measured here, and is Linux only. What it has done and what that
cost is printed as one JSON line when its standard input closes.

usage: python wire_server.py '{"answer": BYTES, "latency": SECONDS, "sigma": S, "cert": PATH, "key": PATH}'
"""

from __future__ import annotations

import heapq
import json
import random
import resource
import select
import socket
import ssl
import struct
import sys
import time
import zlib
from dataclasses import dataclass
from math import exp
from typing import Final

_BLOCK: Final = 1 << 20
_SMALL: Final = 512
"""An upload below this holds no image: the probe of the credentials."""
_HEAD_END: Final = b"\r\n\r\n"
_CREDITS: Final = (
    "X-Credits-Charged: 0.25\r\nX-Input-Orientation: 1\r\nX-Input-Size: 4000 3000\r\nX-Result-Size: 4000 3000\r\n"
    "X-Input-Foreground: 0 0 4000 3000\r\nX-Result-Foreground: 0 0 4000 3000\r\n"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """answer: bytes of the canned PNG; latency: median seconds; sigma: of a log-normal tail (0: constant)."""

    answer: int = 200_000
    latency: float = 0.0
    sigma: float = 0.0
    cert: str = ""
    key: str = ""


def canned_png(size: int) -> bytes:
    """A valid 1 x 1 PNG of `size` bytes: the rest is in a private chunk."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0))
    tail = chunk(b"IDAT", zlib.compress(b"\0\x80\x80\x80\xff")) + chunk(b"IEND", b"")
    padding = max(0, size - len(head) - len(tail) - 12)
    return head + chunk(b"prVt", bytes(padding)) + tail


def middle(times: list[float]) -> float:
    """Seconds from the first tenth to the last one: without the time that filling and emptying take."""
    return times[len(times) * 9 // 10] - times[len(times) // 10] if times else 0.0


def _answer(status: str, kind: str, body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


class Connection:
    """One client: reads a head, drops a body, answers, again."""

    def __init__(self, sock: socket.socket, server: Server) -> None:
        self.sock = sock
        self._server = server
        self._tls = isinstance(sock, ssl.SSLSocket)
        self._shaken = not self._tls
        self._head = b""
        self._left = -1  # bytes of the upload still to come; -1: in the head
        self._length = 0
        self._out = memoryview(b"")

    def ready(self) -> None:
        """Something can be read or written. Raises OSError when the client has gone."""
        try:
            if not self._shaken:
                self.sock.do_handshake()  # type: ignore[attr-defined]  # an SSLSocket then
                self._shaken = True
            if self._out and not self._push():
                return
            while self._pull():
                pass
        except (ssl.SSLWantReadError, BlockingIOError):
            self._server.watch(self, select.EPOLLIN)
        except ssl.SSLWantWriteError:
            self._server.watch(self, select.EPOLLOUT)

    def _pull(self) -> bool:
        if self._left > 0:
            self._left -= self._drop(self._left)
        else:
            self._read_head()
        if self._left == 0:
            self._left = -1
            self._server.finished(self, self._length)
            return False
        return True

    def _drop(self, most: int) -> int:
        wanted = min(most, _BLOCK)
        if self._tls:
            got = self.sock.recv_into(self._server.scratch, wanted)
        else:
            got = self.sock.recv_into(self._server.scratch, wanted, socket.MSG_TRUNC)
        if not got:
            raise ConnectionResetError
        return got

    def _read_head(self) -> None:
        block = self.sock.recv(65536)
        if not block:
            raise ConnectionResetError
        self._head += block
        head, end, rest = self._head.partition(_HEAD_END)
        if not end:
            return
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        self._length = int(lines.get(b"content-length", b"0"))
        if lines.get(b"expect") and not rest:
            self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._left = self._length - len(rest)
        self._head = b""

    def say(self, answer: bytes) -> None:
        """Send an answer; what the socket does not take yet goes when it is ready."""
        self._out = memoryview(answer)
        try:
            if self._push():
                self.ready()
        except (ssl.SSLWantWriteError, BlockingIOError):
            self._server.watch(self, select.EPOLLOUT)

    def _push(self) -> bool:
        while self._out:
            self._out = self._out[self.sock.send(self._out[:_BLOCK]) :]
        self._server.watch(self, select.EPOLLIN)
        return True


class Server:
    """The loop over all connections."""

    def __init__(self, settings: Settings) -> None:
        self.scratch = bytearray(_BLOCK)
        self._settings = settings
        self._random = random.Random(6)  # noqa: S311  # weather, not secrets
        self._png = _answer("200 OK", "image/png", canned_png(settings.answer), _CREDITS)
        self._bad = _answer(
            "400 Bad Request",
            "application/json",
            b'{"error":{"status":400,"code":1006,"message":"no image"}}',
        )
        self._tls = _tls(settings)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._epoll.register(0, select.EPOLLIN)
        self._open: dict[int, Connection] = {}
        self._wants: dict[int, int] = {}
        self._due: list[tuple[float, int, Connection, bytes]] = []
        self.requests = 0
        self.first = 0.0  # of the monotonic clock, which all processes share
        self.last = 0.0
        self.answered: list[float] = []
        self.bytes = 0
        self.connections = 0

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        """Until standard input closes."""
        while True:
            wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else -1
            for descriptor, _event in self._epoll.poll(wait):
                if descriptor == 0:
                    return
                if descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor in self._open:
                    self._guarded(self._open[descriptor])
            self._answer_due()

    def _answer_due(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            _at, _number, connection, answer = heapq.heappop(self._due)
            self.last = time.monotonic()
            self.answered.append(self.last)
            self._guarded(connection, answer)

    def _guarded(self, connection: Connection, answer: bytes | None = None) -> None:
        descriptor = connection.sock.fileno()
        try:
            if answer is None:
                connection.ready()
            else:
                connection.say(answer)
        except OSError:
            self._open.pop(descriptor, None)
            self._wants.pop(descriptor, None)
            connection.sock.close()

    def _accept(self) -> None:
        sock, _address = self._listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.connections += 1
        self._open[sock.fileno()] = Connection(sock, self)
        self._wants[sock.fileno()] = select.EPOLLIN
        self._epoll.register(sock, select.EPOLLIN)

    def watch(self, connection: Connection, event: int) -> None:
        """Wake the connection at this event."""
        descriptor = connection.sock.fileno()
        if self._wants.get(descriptor) != event:
            self._wants[descriptor] = event
            self._epoll.modify(descriptor, event)

    def finished(self, connection: Connection, length: int) -> None:
        """An upload has come to its end."""
        if length < _SMALL:
            connection.say(self._bad)
            return
        self.first = self.first or time.monotonic()
        self.requests += 1
        self.bytes += length
        wait = self._settings.latency
        if self._settings.sigma:
            wait *= exp(self._random.gauss(0.0, self._settings.sigma))
        if wait:
            heapq.heappush(self._due, (time.monotonic() + wait, self.requests, connection, self._png))
        else:
            connection.say(self._png)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings.cert, settings.key)
    return context


def main() -> None:
    """Serve, then say what it cost."""
    server = Server(Settings(**json.loads(sys.argv[1])))
    print(server.port, flush=True)
    server.serve()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "requests": server.requests,
                "first": server.first,
                "last": server.last,
                "middle": middle(server.answered),
                "connections": server.connections,
                "bytes": server.bytes,
                "cpu": usage.ru_utime + usage.ru_stime,
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
