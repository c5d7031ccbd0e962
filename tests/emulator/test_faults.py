"""Each weather fault on a real socket: what the client sees, and what the bill says about it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import aiohttp
import pytest
from support.emulator_lab import Answer, Lab, basic, form, lab, picture, until

from pixian_batch.contract.kinds import Kind, is_whole, sniff
from pixian_batch.emulator.weather import RESULT_HEADERS, Chance, Fault, Latency, RateLimit, Weather

if TYPE_CHECKING:
    from pixian_batch.emulator.bill import Visit

PNG = picture(size=(64, 64))


def struck(*faults: str) -> Weather:
    return Weather(script=tuple(Fault.parse(fault) if fault else None for fault in faults))


async def left(here: Lab) -> Visit:
    """The first visit, once it is over on the server's side too."""
    await until(lambda: here.emulator.bill.entries)
    return here.emulator.bill.entries[0]


async def answer_to(fault: str) -> tuple[Answer, Visit]:
    async with lab(weather=struck(fault)) as here:
        answer = await here.post(PNG)
        return answer, await left(here)


@pytest.mark.parametrize(
    ("fault", "status", "code", "retry_after"),
    [
        ("unauthorized", 401, 1004, None),
        ("out_of_credits", 402, 1011, None),
        ("slow_down", 429, 1015, "1"),
        ("slow_down_bare", 429, 1015, None),
        ("error_500", 500, None, None),
        ("error_503", 503, -3, "5"),
    ],
)
@pytest.mark.asyncio
async def test_error_objects(fault: str, status: int, code: int | None, retry_after: str | None) -> None:
    answer, visit = await answer_to(fault)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers.get("Retry-After") == retry_after
    assert (visit.ready, visit.status, visit.fault) == (False, status, fault)


@pytest.mark.parametrize(("fault", "status"), [("error_502_html", 502), ("html_500", 500), ("html_200", 200)])
@pytest.mark.asyncio
async def test_html_pages(fault: str, status: int) -> None:
    answer, visit = await answer_to(fault)
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"<html>" in answer.body
    assert not visit.ready
    assert not visit.delivered


@pytest.mark.parametrize(
    ("fault", "status", "location"),
    [
        ("redirect_same", 307, "/api/v2/remove-background"),
        ("redirect_other", 302, "https://elsewhere.invalid/api/v2/remove-background"),
        ("redirect_other:http://127.0.0.1:9/x", 302, "http://127.0.0.1:9/x"),
        ("redirect_other_307", 307, "https://elsewhere.invalid/api/v2/remove-background"),
    ],
)
@pytest.mark.asyncio
async def test_redirects(fault: str, status: int, location: str) -> None:
    answer, visit = await answer_to(fault)
    assert (answer.status, answer.headers["Location"]) == (status, location)
    assert not visit.ready


@pytest.mark.parametrize(
    ("fault", "charged", "known"),
    [
        ("reset_before_read", False, False),
        ("reset_before_charge", False, True),
        ("reset_after_charge", True, True),
    ],
)
@pytest.mark.asyncio
async def test_resets(fault: str, charged: bool, known: bool) -> None:  # noqa: FBT001
    async with lab(weather=struck(fault)) as here:
        with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
            await here.post(PNG)
        visit = await left(here)
        assert (visit.ready, visit.image is not None, visit.status) == (charged, known, None)
        assert not visit.delivered
        assert not visit.client_left
        assert here.emulator.bill.totals.charges == charged
        assert (await here.post(PNG)).status == 200


@pytest.mark.asyncio
async def test_a_reset_is_a_reset_and_no_end_of_file() -> None:
    async with lab(weather=struck("reset_after_charge")) as here:
        with pytest.raises(aiohttp.ClientOSError, match="reset"):
            await here.post(PNG)


@pytest.mark.asyncio
async def test_a_cut_body_is_shorter_than_announced_and_charged() -> None:
    async with lab(weather=struck("cut_body")) as here:
        async with here.session.post(here.url, data=form(PNG), headers={"Authorization": basic()}) as reply:
            assert reply.status == 200
            announced = int(reply.headers["Content-Length"])
            assert len(await reply.content.readexactly(announced // 2)) == announced // 2
            with pytest.raises(aiohttp.ClientPayloadError):
                await reply.content.read(1)
        visit = await left(here)
        assert visit.ready
        assert not visit.delivered
        assert not visit.client_left


@pytest.mark.parametrize("fault", ["stall_before_charge", "stall_before_answer", "stall_in_body"])
@pytest.mark.asyncio
async def test_a_stall_lasts_until_the_client_leaves(fault: str) -> None:
    async with lab(weather=struck(fault)) as here:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await here.post(PNG)
        visit = await left(here)
        assert visit.ready == (fault != "stall_before_charge")
        assert visit.client_left
        assert not visit.delivered
        assert here.emulator.bill.totals.at_once == 0


@pytest.mark.parametrize(
    "fault", ["stall_before_charge:0.05", "stall_before_answer:0.05", "stall_in_body:0.05"]
)
@pytest.mark.asyncio
async def test_a_short_stall_ends_well(fault: str) -> None:
    answer, visit = await answer_to(fault)
    assert answer.status == 200
    assert is_whole(Kind.PNG, answer.body[-64:])
    assert visit.delivered
    assert visit.ready


@pytest.mark.parametrize("name", RESULT_HEADERS)
@pytest.mark.asyncio
async def test_headers_can_be_missing_or_wrong(name: str) -> None:
    missing, _ = await answer_to(f"header_missing:{name}")
    wrong, visit = await answer_to(f"header_wrong:{name}")
    assert name not in missing.headers
    assert wrong.headers[name] == "not-a-value"
    assert visit.delivered


@pytest.mark.asyncio
async def test_the_type_can_be_wrong_and_the_body_garbage() -> None:
    typed, _ = await answer_to("wrong_type")
    garbage, visit = await answer_to("garbage")
    assert typed.headers["Content-Type"] == "application/octet-stream"
    assert sniff(typed.body) is Kind.PNG
    assert garbage.headers["Content-Type"] == "image/png"
    assert sniff(garbage.body) is None
    assert visit.ready


@pytest.mark.asyncio
async def test_a_picture_can_have_weather_of_its_own() -> None:
    weather = Weather(by_image={hashlib.sha256(PNG).hexdigest(): (Fault.parse("slow_down"), None)})
    async with lab(weather=weather) as here:
        statuses = [(await here.post(data)).status for data in (picture(shade=9), PNG, PNG, PNG)]
    assert statuses == [200, 429, 200, 200]


@pytest.mark.asyncio
async def test_the_rate_limit_answers_429() -> None:
    limit = RateLimit(per_second=0.001, burst=3, retry_after=7)
    async with lab(weather=Weather(rate_limit=limit)) as here:
        answers = [await here.post(PNG) for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert (answers[4].code, answers[4].headers["Retry-After"]) == (1015, "7")
        assert here.emulator.bill.totals.charges == 3


@pytest.mark.asyncio
async def test_more_at_once_than_allowed_answers_429() -> None:
    weather = Weather(
        rate_limit=RateLimit(concurrent=2), chances=(Chance(Fault.parse("stall_before_answer:0.3"), every=1),)
    )
    async with lab(weather=weather) as here:
        answers = await asyncio.gather(*(here.post(PNG) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [200, 200, 429, 429, 429, 429]


@pytest.mark.asyncio
async def test_credentials_stop_working_at_a_request() -> None:
    async with lab(weather=Weather(unauthorized_from=2)) as here:
        assert [(await here.post(PNG)).status for _ in range(3)] == [200, 401, 401]


@pytest.mark.asyncio
async def test_a_read_request_is_charged_even_if_its_client_leaves() -> None:
    async with lab(weather=Weather(latency=Latency(0.3))) as here:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.15):
                await here.post(PNG)
        visit = await left(here)
        assert visit.client_left
        await until(lambda: visit.ready)
        assert here.emulator.bill.totals.charges == 1
        assert here.emulator.bill.totals.delivered == 0
