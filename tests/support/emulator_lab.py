"""What the emulator's tests share: a running emulator with a client, pictures, and readable answers."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from PIL import Image

from pixian_batch.emulator.server import Emulator
from pixian_batch.emulator.settings import EmulatorSettings, EngineName

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping


def basic(api_id: str = "id", secret: str = "secret") -> str:  # noqa: S107  # a throw-away pair
    return "Basic " + base64.b64encode(f"{api_id}:{secret}".encode()).decode()


def picture(kind: str = "PNG", size: tuple[int, int] = (32, 24), shade: int = 90) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (shade % 256, shade // 256 % 256, 40)).save(out, kind)
    return out.getvalue()


async def until(true: Callable[[], object]) -> None:
    """Wait until something that another task does has come true; fail after a minute."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  # the emulator has no events for its tests
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error object; fails when the answer is none."""
        assert self.headers["Content-Type"] == "application/json", self.body[:200]
        error = json.loads(self.body)["error"]
        assert error["status"] == self.status
        assert error["message"]
        return dict(error)

    @property
    def code(self) -> int | None:
        code = self.error["code"]
        assert code is None or isinstance(code, int)
        return code

    @property
    def message(self) -> str:
        return str(self.error["message"])


@dataclass(frozen=True)
class Lab:
    emulator: Emulator
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"{self.emulator.url}/remove-background"

    async def ask(self, method: str, url: str, **options: Any) -> Answer:
        options.setdefault("headers", {"Authorization": basic()})
        async with self.session.request(method, url, allow_redirects=False, **options) as reply:
            return Answer(reply.status, reply.headers, await reply.read())

    async def post(self, image: bytes | None = None, fields: Mapping[str, str] | None = None) -> Answer:
        """Send a form; the first of the fields may well be the only one."""
        return await self.ask("POST", self.url, data=form(image, fields))

    async def bill(self, query: str = "") -> dict[str, Any]:
        async with self.session.get(f"{self.emulator.origin}/emulator/bill{query}") as reply:
            bill: dict[str, Any] = await reply.json()
            return bill


def form(image: bytes | None = None, fields: Mapping[str, str] | None = None) -> aiohttp.MultipartWriter:
    writer = aiohttp.MultipartWriter("form-data")
    if image is not None:
        writer.append(io.BytesIO(image)).set_content_disposition("form-data", name="image", filename="a.png")
    for name, value in (fields or {}).items():
        writer.append(io.BytesIO(value.encode())).set_content_disposition(
            "form-data", name=name, quote_fields=False
        )
    return writer


@asynccontextmanager
async def lab(**changes: Any) -> AsyncIterator[Lab]:
    """A running emulator (canned unless told otherwise) and a client without patience for hangs."""
    settings = EmulatorSettings(**({"engine": EngineName.CANNED} | changes))
    timeout = aiohttp.ClientTimeout(total=60)
    async with Emulator(settings) as emulator, aiohttp.ClientSession(timeout=timeout) as session:
        yield Lab(emulator, session)
