"""The mistakes that real users make, each with its status, its code and a message that helps.

`auth.py` and `form.py` see them, `refusals.py` has the words.
"""

from __future__ import annotations

import base64
from typing import Any

import aiohttp
import pytest
from support.emulator_lab import Lab, basic, form, lab, picture

PNG = picture()
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(50)
HEIC = b"\x00\x00\x00\x18ftypheic" + bytes(50)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v2/remove-background", "POST /api/v2/remove-background"),
        ("/removebg", "POST /api/v2/remove-background"),
        ("/api/v1/remove-background", "POST /api/v2/remove-background"),
        ("/api/v2/remove-background/", "POST /api/v2/remove-background"),
        ("/v1.0/account", "GET /api/v2/account"),
        ("/", "POST /api/v2/remove-background"),
    ],
)
@pytest.mark.asyncio
async def test_a_wrong_path_is_told_the_right_one(path: str, meant: str) -> None:
    async with lab() as here:
        answer = await here.ask("POST", here.emulator.origin + path, data=form(PNG))
    assert answer.status == 404
    assert meant in answer.message


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "/remove-background", "POST"), ("PUT", "/account", "GET")]
)
@pytest.mark.asyncio
async def test_a_wrong_method_is_told_the_right_one(method: str, path: str, allowed: str) -> None:
    async with lab() as here:
        answer = await here.ask(method, here.emulator.url + path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert allowed in answer.message


@pytest.mark.parametrize(
    ("authorization", "code", "hint"),
    [
        (None, 1001, "carries no credentials"),
        ("Bearer abc", 1001, "Basic"),
        ("Basic", 1001, "base64"),
        ("Basic !!!", 1001, "base64"),
        ("Basic " + base64.b64encode(b"nocolon").decode(), 1001, "base64"),
        (basic("id", ""), 1004, "empty"),
        (basic("", ""), 1001, "unknown"),
        (basic("other", "secret"), 1001, "unknown"),
        (basic("id", "wrong"), 1004, "secret"),
        (basic("id", "secret:x"), 1004, "secret"),
    ],
)
@pytest.mark.asyncio
async def test_wrong_credentials_are_told_apart(authorization: str | None, code: int, hint: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with lab(api_id="id", api_secret="secret") as here:
        for method, path in (("POST", "/remove-background"), ("GET", "/account")):
            answer = await here.ask(method, here.emulator.url + path, headers=headers)
            assert (answer.status, answer.code) == (401, code)
            assert hint in answer.message
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert here.emulator.bill.totals.requests == 0
        assert (await here.post(PNG)).status == 200


async def refused(here: Lab, **options: Any) -> tuple[int, int | None, str]:
    answer = await here.ask("POST", here.url, **options)
    return answer.status, answer.code, answer.message


@pytest.mark.parametrize(
    ("data", "content_type", "hint"),
    [
        (b'{"image.url": "x"}', "application/json", "JSON"),
        (PNG, "image/png", "whole body"),
        (b"x", "text/plain", "multipart/form-data"),
        (b"x", "multipart/form-data", "boundary"),
        (b"x", "multipart/form-data; boundary=abc", "not in the body"),
    ],
)
@pytest.mark.asyncio
async def test_a_body_that_is_no_form_is_told_so(data: bytes, content_type: str, hint: str) -> None:
    headers = {"Authorization": basic(), "Content-Type": content_type}
    async with lab() as here:
        status, code, message = await refused(here, data=data, headers=headers)
    assert (status, code) == (400, 1019)
    assert hint in message


@pytest.mark.asyncio
async def test_a_request_without_any_body_has_no_image() -> None:
    async with lab() as here:
        status, code, _ = await refused(here)
    assert (status, code) == (400, 1005)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("format", "output.format"),
        ("output_format", "output.format"),
        ("result.format", "output.format"),
        ("bg.color", "background.color"),
        ("backgroundColor", "background.color"),
        ("output.quality", "output.jpeg_quality"),
        ("Max_Pixels", "max_pixels"),
        ("result.marginn", "result.margin"),
        ("image_file", "image"),
        ("zzz", "There are image, image.base64"),
    ],
)
@pytest.mark.asyncio
async def test_a_wrong_name_is_told_the_right_one(name: str, meant: str) -> None:
    async with lab() as here:
        answer = await here.post(PNG, {name: "png"})
    assert (answer.status, answer.code) == (400, 1019)
    assert name in answer.message
    assert meant in answer.message


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"background.color": "FFFFFF"}, "lacks its #"),
        ({"max_pixels": "99"}, "outside 100"),
        ({"test": "yes"}, "neither true nor false"),
        ({"result.margin": "10"}, "needs a unit"),
        ({"output.format": "webp"}, "none of auto, png"),
        ({"output.jpeg_quality": "x" * 5000}, "longer than"),
    ],
)
@pytest.mark.asyncio
async def test_a_wrong_value_is_told_why(fields: dict[str, str], hint: str) -> None:
    async with lab() as here:
        answer = await here.post(PNG, fields)
    assert (answer.status, answer.code) == (400, 1019)
    assert hint in answer.message


@pytest.mark.parametrize(
    ("image", "code", "hint"),
    [
        (WEBP, 1006, "WebP"),
        (HEIC, 1006, "HEIC"),
        (b"", 1006, "0 bytes"),
        (b"photo.jpg", 1016, "file name"),
        (b"https://example.com/a.jpg", 1016, "image.url"),
        (base64.b64encode(PNG * 3), 1016, "image.base64"),
        (b"\x00\x01\x02\xff" * 9, 1006, "Failed to read"),
        (PNG[:60], 1006, "Failed to read"),
    ],
)
@pytest.mark.asyncio
async def test_an_image_that_is_none_is_told_why(image: bytes, code: int, hint: str) -> None:
    async with lab() as here:
        answer = await here.post(image)
        assert here.emulator.bill.totals.charges == 0
    assert (answer.status, answer.code) == (400, code)
    assert hint in answer.message


@pytest.mark.asyncio
async def test_there_is_exactly_one_image() -> None:
    async with lab() as here:
        none = await here.post(None, {"test": "true"})
        two = await here.post(PNG, {"image.url": "http://example.com/a.png"})
        assert (none.status, none.code) == (400, 1005)
        assert (two.status, two.code) == (400, 1019)
        assert "image and image.url" in two.message


@pytest.mark.parametrize("name", ["image", "test"])
@pytest.mark.asyncio
async def test_a_field_is_given_once(name: str) -> None:
    body = aiohttp.MultipartWriter("form-data")
    for _ in range(2):
        value = PNG if name == "image" else b"true"
        body.append(value).set_content_disposition("form-data", name=name)
    async with lab() as here:
        answer = await here.ask("POST", here.url, data=body)
    assert (answer.status, answer.code) == (400, 1019)
    assert "more than once" in answer.message


@pytest.mark.asyncio
async def test_parameters_in_the_query_string_are_refused() -> None:
    async with lab() as here:
        answer = await here.ask("POST", here.url + "?test=true&output.format=png", data=form(PNG))
    assert (answer.status, answer.code) == (400, 1019)
    assert "test, output.format" in answer.message


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        (base64.b64encode(PNG).decode(), 200, None),
        (base64.encodebytes(PNG).decode(), 200, None),
        ("data:image/png;base64," + base64.b64encode(PNG).decode(), 400, 1006),
        ("", 400, 1006),
        ("A" * 1_000_004, 413, 1012),
        ("A" * 1_200_000, 413, 1012),
        ("äöü", 400, 1006),
    ],
)
@pytest.mark.asyncio
async def test_base64(text: str, status: int, code: int | None) -> None:
    async with lab() as here:
        answer = await here.post(None, {"image.base64": text})
        assert answer.status == status
        if status != 200:
            assert answer.code == code


@pytest.mark.asyncio
async def test_parts_that_are_encoded_unnamed_or_no_text_are_refused() -> None:
    async with lab() as here:
        for headers, value, hint in (
            (
                {"Content-Disposition": 'form-data; name="image"', "Content-Transfer-Encoding": "base64"},
                PNG,
                "plain",
            ),
            ({"Content-Disposition": "form-data"}, b"x", "no name"),
            ({"Content-Disposition": 'form-data; name="test"'}, b"\xff\xfe", "UTF-8"),
        ):
            lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items()).encode()
            body = b"--abc\r\n" + lines + b"\r\n" + value + b"\r\n--abc--\r\n"
            whole = {"Authorization": basic(), "Content-Type": "multipart/form-data; boundary=abc"}
            status, code, message = await refused(here, data=body, headers=whole)
            assert (status, code) == (400, 1019)
            assert hint in message


@pytest.mark.asyncio
async def test_too_many_bytes_are_refused_before_and_while_they_come() -> None:
    async with lab(max_upload_bytes=100_000) as here:
        announced = await here.post(PNG + bytes(500_000))
        assert (announced.status, announced.code) == (413, 1012)
        slightly = await here.post(PNG + bytes(100_001))
        assert (slightly.status, slightly.code) == (413, 1012)

        async def endless() -> Any:
            yield b'--abc\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + PNG
            for _ in range(20):
                yield bytes(50_000)

        headers = {"Authorization": basic(), "Content-Type": "multipart/form-data; boundary=abc"}
        status, code, _ = await refused(here, data=endless(), headers=headers)
        assert (status, code) == (413, 1012)


@pytest.mark.asyncio
async def test_only_one_expectation_can_be_met() -> None:
    async with lab() as here:
        headers = {"Authorization": basic(), "Expect": "a miracle"}
        status, _, message = await refused(here, data=form(PNG), headers=headers)
    assert status == 417
    assert "a miracle" in message
