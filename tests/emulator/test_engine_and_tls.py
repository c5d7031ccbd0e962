"""The real engine behind the socket, HTTPS, and the description of the API (`openapi.py`)."""

from __future__ import annotations

import io
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw
from support.emulator_lab import basic, form, lab, picture

from pixian_batch.contract.params import BY_WIRE
from pixian_batch.emulator.settings import EngineName
from pixian_batch.emulator.weather import RESULT_HEADERS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.asyncio
async def test_the_real_engine_finds_the_subject() -> None:
    pytest.importorskip("onnxruntime", reason="the engine's runtime is an extra")
    out = io.BytesIO()
    image = Image.new("RGB", (320, 240), (235, 235, 235))
    ImageDraw.Draw(image).ellipse((200, 80, 280, 180), fill=(200, 30, 30))
    image.save(out, "JPEG")
    async with lab(engine=EngineName.U2NETP, free=True) as here:
        answer = await here.post(out.getvalue())
    assert answer.status == 200
    with Image.open(io.BytesIO(answer.body)) as result:
        alpha, width = result.getchannel("A").tobytes(), result.width
    assert alpha[130 * width + 240] > 200
    assert alpha[60 * width + 60] < 50


@pytest.mark.asyncio
async def test_https(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    try:
        subprocess.run(  # before anything runs
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    async with lab(tls_cert=cert, tls_key=key) as here:
        assert here.url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(cert))
        headers = {"Authorization": basic()}
        async with here.session.post(here.url, data=form(picture()), headers=headers, ssl=context) as reply:
            assert reply.status == 200
            assert await reply.read()
        assert here.emulator.bill.totals.delivered == 1


@pytest.mark.asyncio
async def test_the_description_names_every_parameter_and_header() -> None:
    async with lab() as here, here.session.get(here.emulator.origin + "/emulator/openapi.json") as reply:
        description = await reply.json()
    post = description["paths"]["/api/v2/remove-background"]["post"]
    properties = post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert set(properties) == {"image", "image.base64", "image.url", *BY_WIRE}
    texts = post["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert set(texts) == {"image.base64", "image.url", *BY_WIRE}
    assert set(post["responses"]["200"]["headers"]) == set(RESULT_HEADERS)
