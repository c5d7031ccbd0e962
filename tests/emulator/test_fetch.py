"""image.url: fetched where the operator allows it, and nowhere else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from support.emulator_lab import Answer, Lab, lab, picture

from pixian_batch.emulator.fetch import is_allowed, is_public

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PNG = picture()


PAGES = {
    "/a.png": (PNG, "image/png"),
    "/untyped": (PNG, "application/octet-stream"),
    "/page": (b"<html>", "text/html"),
    "/lie": (b"<html>", "image/png"),
    "/large": (PNG + bytes(300_000), "image/png"),
}
HOPS = {
    "/hop": "/a.png",
    "/loop": "/loop",
    "/inside": "http://[::1]:9/secret",
    "/named": "http://localhost:9/secret",
    "/file": "file:///etc/passwd",
}


async def _site(request: web.BaseRequest) -> web.StreamResponse:
    if request.path == "/slow":
        await asyncio.sleep(30)
    if request.path in HOPS:
        return web.Response(status=302, headers={"Location": HOPS[request.path]})
    if request.path in PAGES:
        body, content_type = PAGES[request.path]
        return web.Response(body=body, content_type=content_type)
    return web.Response(status=404)


@asynccontextmanager
async def site() -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(_site, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def by_url(here: Lab, url: str) -> Answer:
    return await here.post(None, {"image.url": url})


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/a.png", 200, None),
        ("/hop", 200, None),
        ("/untyped", 200, None),
        ("/missing", 400, 1020),
        ("/page", 400, 1021),
        ("/lie", 400, 1021),
        ("/large", 413, 1012),
        ("/slow", 400, 1022),
        ("/loop", 400, 1022),
        ("/inside", 400, 1022),
        ("/named", 400, 1022),
        ("/file", 400, 1024),
    ],
)
@pytest.mark.asyncio
async def test_a_url_is_fetched_or_refused_with_its_code(path: str, status: int, code: int | None) -> None:
    async with (
        site() as there,
        lab(allow_fetch=("127.0.0.1",), fetch_timeout=0.5, max_upload_bytes=200_000) as here,
    ):
        answer = await by_url(here, there + path)
        assert answer.status == status
        if code is not None:
            assert answer.code == code
            assert here.emulator.bill.totals.charges == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/a.png",
        "http://localhost:{port}/a.png",
        "http://[::ffff:127.0.0.1]:{port}/a.png",
        "http://0.0.0.0:{port}/a.png",
    ],
)
@pytest.mark.asyncio
async def test_this_machine_is_not_fetched_from_unless_allowed(url: str) -> None:
    async with site() as there, lab() as here:
        answer = await by_url(here, url.format(port=there.rpartition(":")[2]))
    assert (answer.status, answer.code) == (400, 1022)
    assert "--allow-fetch" in answer.message


@pytest.mark.asyncio
async def test_a_url_that_is_none_is_refused() -> None:
    urls = [
        "",
        "a.png",
        "ftp://h/a",
        "http://",
        "http://u:p@h/a",
        "http://h:99999/a",
        "http://2130706433/a",
        "http://127.1/a",
        "file:///etc/passwd",
        "http://[/",
    ]
    async with lab(allow_fetch=("*",)) as here:
        for url in urls:
            answer = await by_url(here, url)
            assert (answer.status, answer.code) == (400, 1024), url


@pytest.mark.asyncio
async def test_the_open_internet_can_be_forbidden_without_a_look_at_it() -> None:
    async with lab(fetch_public=False) as here:
        for url in ("http://nothing.invalid/a.png", "http://8.8.8.8/a.png"):
            answer = await by_url(here, url)
            assert (answer.status, answer.code) == (400, 1022)
            assert "--allow-fetch" in answer.message


@pytest.mark.asyncio
async def test_nothing_listens_there() -> None:
    async with site() as there:
        pass
    async with lab(allow_fetch=("127.0.0.1",)) as here:
        answer = await by_url(here, there + "/a.png")
    assert (answer.status, answer.code) == (400, 1022)


def test_addresses_that_are_not_public() -> None:
    addresses = ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.1", "100.64.0.1", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
     "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1"]  # fmt: skip
    for address in addresses:
        assert not is_public(address), address


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


def test_hosts_are_allowed_by_pattern() -> None:
    assert is_allowed("LOCALHOST", 80, ("localhost",))
    assert is_allowed("img.example.com", 80, ("*.example.com",))
    assert is_allowed("127.0.0.1", 8000, ("127.0.0.1:8000",))
    assert not is_allowed("127.0.0.1", 8001, ("127.0.0.1:8000",))
    assert not is_allowed("example.com.evil", 80, ("*.example.com", "example.com"))
