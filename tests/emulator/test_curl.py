"""The vendor's quick start with plain curl."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from support.emulator_lab import lab, picture

from pixian_batch.contract.kinds import Kind, is_whole

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


async def curl(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", "--max-time", "15", *arguments, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@pytest.mark.parametrize("size", [(60, 40), (900, 700)])
@pytest.mark.asyncio
async def test_a_file_is_uploaded(tmp_path: Path, size: tuple[int, int]) -> None:
    photo, result = tmp_path / "example.bmp", tmp_path / "result.png"
    photo.write_bytes(picture("BMP", size))
    async with lab(api_id="id", api_secret="secret") as here:
        code = await curl(
            here.url,
            "-u",
            "id:secret",
            "-F",
            f"image=@{photo}",
            "-o",
            str(result),
            "-w",
            "%{http_code}",
            "-f",
        )
    assert code == "200"
    assert is_whole(Kind.PNG, result.read_bytes()[-64:])


@pytest.mark.asyncio
async def test_a_url_is_given(tmp_path: Path) -> None:
    async def photo(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=picture("JPEG"), content_type="image/jpeg")

    runner = web.ServerRunner(web.Server(photo))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    result = tmp_path / "result.png"
    async with lab(allow_fetch=(f"127.0.0.1:{port}",)) as here:
        field = f"image.url=http://127.0.0.1:{port}/example.jpeg"
        code = await curl(here.url, "-u", "id:secret", "-F", field, "-o", str(result), "-w", "%{http_code}")
    await runner.cleanup()
    assert code == "200"
    assert is_whole(Kind.PNG, result.read_bytes()[-64:])


@pytest.mark.asyncio
async def test_the_usual_slip_is_explained() -> None:
    async with lab() as here:
        assert "-F image=@FILE" in await curl(here.url, "-u", "id:secret", "-F", "image=example.jpeg")
        assert "-F image=@FILE" in await curl(here.url, "-u", "id:secret", "-d", "image=@example.jpeg")
