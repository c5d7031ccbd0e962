"""A line of limited speed on loopback: passes TCP on, each direction at so many bits a second for all connections.

Prints the port that it listens on, and at SIGTERM the bytes that went up and down. It adds no latency.

usage: python -m scripts.benchmarks.relay PORT BITS_PER_SECOND
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from typing import Final

_BLOCK: Final = 16 * 1024
_HOST: Final = "127.0.0.1"


class Line:
    """One direction: whoever wants to send waits until all that came before it has passed."""

    def __init__(self, bits_per_second: float) -> None:
        self._bytes_per_second = bits_per_second / 8
        self._free_at = 0.0
        self.passed = 0

    async def take(self, count: int) -> None:
        """Wait until `count` bytes have passed."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + count / self._bytes_per_second
        self.passed += count
        await asyncio.sleep(self._free_at - now)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line) -> None:
    with suppress(ConnectionError):
        while block := await reader.read(_BLOCK):
            await line.take(len(block))
            writer.write(block)
            await writer.drain()
        writer.write_eof()


async def _serve(port: int, bits_per_second: float) -> None:
    up, down = Line(bits_per_second), Line(bits_per_second)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(_HOST, port)
        try:
            await asyncio.gather(_carry(reader, far_writer, up), _carry(far_reader, writer, down))
        finally:
            far_writer.close()
            writer.close()

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_server(connected, _HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    server.close()
    print(up.passed, down.passed, flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
