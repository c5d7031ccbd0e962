"""Forms without a file part: what `requests.post(url, data={...})` and public clients send for URLs and base64."""

from __future__ import annotations

import base64
import io
from urllib.parse import urlencode

import pytest
from support.emulator_lab import Answer, Lab, basic, lab, picture

PNG = picture()


async def send(here: Lab, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> Answer:
    headers = {"Authorization": basic(), "Content-Type": content_type}
    return await here.ask("POST", here.url, data=io.BytesIO(body), headers=headers)


@pytest.mark.parametrize("charset", ["", "; charset=utf-8"])
@pytest.mark.asyncio
async def test_base64_with_the_parameters_of_a_public_client(charset: str) -> None:
    # What pixian-ai 1.0.0 sends, defaults and all.
    fields = {
        "max_pixels": 25000000,
        "result.crop_to_foreground": False,
        "result.margin": "0px",
        "result.vertical_alignment": "middle",
        "output.format": "auto",
        "output.jpeg_quality": 75,
        "image.base64": base64.b64encode(PNG).decode(),
    }
    async with lab() as here:
        answer = await send(here, urlencode(fields).encode(), f"application/x-www-form-urlencoded{charset}")
    assert (answer.status, answer.headers["X-Input-Size"]) == (200, "32 24")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"image=x", 1016),
        (b"test=true", 1005),
        (b"format=png", 1019),
        (b"test=true&test=true", 1019),
        (b"test=%FF", 1019),
        (b"test=\xff", 1019),
        (b"&".join(b"test=true" for _ in range(99)), 1019),
        (b"image.base64=" + b"%2B" * 1_100_000, None),
        (b"test=" + b"x" * 5000, 1019),
    ],
)
@pytest.mark.asyncio
async def test_mistakes_get_the_same_answers_as_in_multipart(body: bytes, code: int | None) -> None:
    async with lab() as here:
        answer = await send(here, body)
        assert answer.status in {400, 413}
        assert answer.message
        assert code is None or answer.code == code
        assert here.emulator.bill.totals.charges == 0
