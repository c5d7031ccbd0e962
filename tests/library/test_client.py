"""The library against the emulator on loopback: results, patience, honesty about money. Judged by the bill."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import socket
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image
from support.emulator_lab import Lab, lab, picture, until
from support.foreign_samples import LOSSY, damaged, foreign
from support.pictures import put

import pixian_batch
from pixian_batch import PixianClient
from pixian_batch.emulator.settings import EngineName, PackState
from pixian_batch.emulator.weather import Chance, Fault, FaultKind, Weather

if TYPE_CHECKING:
    from pixian_batch.contract.kinds import ForeignKind

PNG = picture(size=(64, 48))


def struck(*faults: str) -> Weather:
    return Weather(script=tuple(Fault.parse(fault) if fault else None for fault in faults))


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def kept(path: str) -> bytes:
    return Path(path).read_bytes()


def client(here: Lab, **options: Any) -> PixianClient:
    settings: dict[str, Any] = {"api_url": here.emulator.url, "backoff_step": 0.0, **options}
    return PixianClient("id", "secret", **settings)


def sent(here: Lab) -> int:
    """Requests with this image that the emulator has seen."""
    return len(here.emulator.bill.entries)


async def charges(here: Lab) -> Any:
    bill = await here.bill()
    return bill["images"][hashlib.sha256(PNG).hexdigest()]["charges"]


# --- results -----------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_bytes_in_bytes_out() -> None:
    async with lab() as here, client(here) as pixian:
        result = await pixian.remove_background(PNG)
    assert result.content is not None
    assert opened(result.content).size == (64, 48)
    assert (result.kind, result.path, result.attempts) == (pixian_batch.Kind.PNG, None, 1)
    assert result.headers.credits_charged == Decimal("0.05")
    assert result.headers.result_size == pixian_batch.Size(64, 48)
    assert result.warnings == ()


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", LOSSY)
async def test_a_photo_of_another_kind_is_converted_when_that_is_asked_for(
    tmp_path: Path, kind: ForeignKind
) -> None:
    photo = foreign(kind)
    path = put(tmp_path / f"a{kind.suffix}", photo)
    async with lab(engine=EngineName.PLAIN) as here, client(here) as pixian:
        for source in (path, photo, pixian_batch.Base64(photo)):
            result = await pixian.remove_background(source, convert=True)
            assert result.content is not None
            assert opened(result.content).size == (96, 64)
            assert result.converted == f"{kind.name.lower()}->jpeg"
        [image] = (await here.bill())["images"].values()
        assert image["charges"] == 3, "the library keeps no ledger"
        with pytest.raises(pixian_batch.InputError, match=r"does not read.*convert=True"):
            await pixian.remove_background(path)
        with pytest.raises(pixian_batch.InputError, match=r"does not read.*convert=True"):
            await pixian.remove_background(photo)
        with pytest.raises(pixian_batch.InputError, match="damaged"):
            await pixian.remove_background(damaged(kind), convert=True)
        assert (await pixian.remove_background(PNG, convert=True)).converted is None
        via_delta = await pixian.remove_background(path, convert=True, via_delta=True)
        assert "a rebuild is not proven to be exact" in via_delta.warnings[0]


@pytest.mark.asyncio
async def test_a_file_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    to = tmp_path / "new" / "b.png"
    async with lab() as here, client(here) as pixian:
        result = await pixian.remove_background(tmp_path / "a.png", to=to)
    assert (result.content, result.path) == (None, str(to))
    assert opened(to.read_bytes()).size == (64, 48)
    assert os.listdir(to.parent) == ["b.png"]


@pytest.mark.asyncio
async def test_a_bare_file_name_goes_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(PNG)
    async with lab() as here, client(here) as pixian:
        await pixian.remove_background("a.png", to="b.png")
    assert sorted(os.listdir()) == ["a.png", "b.png"]


@pytest.mark.asyncio
async def test_base64_and_parameters_arrive() -> None:
    async with lab() as here, client(here) as pixian:
        result = await pixian.remove_background(
            pixian_batch.Base64(PNG), background_color="#FFFFFF", target_size=(30, 20), margin="1px"
        )
    assert result.kind is pixian_batch.Kind.JPEG
    assert result.headers.result_size == pixian_batch.Size(30, 20)


@pytest.mark.asyncio
async def test_a_url_is_fetched_by_the_service() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {len(PNG)}\r\n\r\n"
        writer.write(head.encode() + PNG)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, lab(allow_fetch=(host,)) as here, client(here) as pixian:
        result = await pixian.remove_background(f"http://{host}/a.png")
    assert result.headers.input_size == pixian_batch.Size(64, 48)


@pytest.mark.asyncio
async def test_a_test_request_is_free_and_priced() -> None:
    async with lab() as here, client(here) as pixian:
        result = await pixian.remove_background(PNG, test=True)
    assert result.headers.credits_charged == 0
    assert result.headers.credits_calculated == Decimal("0.05")


@pytest.mark.asyncio
async def test_a_missing_header_warns_and_loses_nothing() -> None:
    async with lab(weather=struck("header_missing:X-Credits-Charged")) as here, client(here) as pixian:
        result = await pixian.remove_background(PNG)
    assert result.content
    assert result.headers.credits_charged is None
    assert result.warnings == ("the answer has no X-Credits-Charged header",)


# --- by way of a delta -------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_via_delta_rebuilds_the_png_from_the_original(tmp_path: Path) -> None:
    original = tmp_path / "turned.jpg"
    noise = Image.effect_noise((80, 60), 90).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    noise.save(original, exif=exif, quality=95)
    async with lab(engine=EngineName.PLAIN) as here, client(here) as pixian:
        direct = await pixian.remove_background(original, output_format="png")
        via = await pixian.remove_background(original, via_delta=True, to=tmp_path / "out.png")
    assert via.rebuilt
    assert direct.content is not None
    mine, theirs = opened((tmp_path / "out.png").read_bytes()), opened(direct.content)
    assert mine.size == theirs.size == (60, 80)
    alpha = theirs.getchannel("A").point(lambda a: 255 * (a == 255))
    assert alpha.getbbox() is not None
    black = Image.new("RGBA", mine.size)
    assert Image.composite(mine, black, alpha).tobytes() == Image.composite(theirs, black, alpha).tobytes()
    assert sorted(os.listdir(tmp_path)) == ["out.png", "turned.jpg"]


@pytest.mark.asyncio
async def test_via_delta_takes_png_when_the_image_would_be_shrunk() -> None:
    async with lab() as here, client(here) as pixian:
        result = await pixian.remove_background(PNG, via_delta=True, max_pixels=1000)
        assert sent(here) == 1
    assert not result.rebuilt
    assert result.content
    assert "64 x 48 is more than max_pixels (1,000)" in result.warnings[0]


@pytest.mark.asyncio
async def test_via_delta_takes_png_from_a_layout_that_is_not_proven() -> None:
    deep = io.BytesIO()
    Image.new("I;16", (30, 20), 9999).save(deep, "PNG")
    async with lab(engine=EngineName.PLAIN) as here, client(here) as pixian:
        result = await pixian.remove_background(deep.getvalue(), via_delta=True)
    assert not result.rebuilt
    assert (
        "PNG, grey, 16 bits, a rebuild is not proven to be exact: it was asked for as PNG"
        in result.warnings[0]
    )


@pytest.mark.parametrize(
    ("source", "parameters", "said"),
    [
        ("https://example.com/a.png", {}, "needs the original here"),
        (PNG, {"margin": "10px"}, "via_delta ignores margin"),
        (PNG, {"output_format": "jpeg"}, "leave output_format='jpeg' out"),
    ],
)
@pytest.mark.asyncio
async def test_via_delta_refuses_what_it_cannot_give(source: str | bytes, parameters: Any, said: str) -> None:
    async with lab() as here, client(here) as pixian:
        with pytest.raises(ValueError, match=said):
            await pixian.remove_background(source, via_delta=True, **parameters)
        assert sent(here) == 0


# --- patience ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["slow_down", "slow_down_bare"])
@pytest.mark.asyncio
async def test_throttled_waits_and_sends_again(fault: str) -> None:
    bare = ["slow_down_bare"] * 6 if fault == "slow_down_bare" else [fault]
    async with lab(weather=struck(*bare)) as here, client(here) as pixian:
        result = await pixian.remove_background(PNG)
        assert await charges(here) == 1
    assert result.attempts == len(bare) + 1


@pytest.mark.asyncio
async def test_a_caller_may_limit_the_waiting() -> None:
    weather = struck(*["slow_down_bare"] * 5)
    async with lab(weather=weather) as here, client(here, max_throttles=1) as pixian:
        with pytest.raises(pixian_batch.RateLimitedError) as caught:
            await pixian.remove_background(PNG)
        assert sent(here) == 2
    assert (caught.value.status, caught.value.code, caught.value.attempts) == (429, 1015, 2)


@pytest.mark.asyncio
async def test_a_turn_remembers_its_429s_until_a_success() -> None:
    # The vendor's rule is for a thread: two images in a row with a 429 each are two 429s in a row.
    weather = struck("slow_down_bare", "slow_down_bare", "slow_down_bare")
    async with lab(weather=weather) as here, client(here, max_throttles=0, concurrency=1) as pixian:
        for wanted in (1.0, 2.0, 3.0):
            pixian._retry_policy = type(pixian._retry_policy)(step=1.0)
            with pytest.raises(pixian_batch.RateLimitedError) as caught:
                await pixian.remove_background(PNG)
            assert caught.value.retry_after == wanted


@pytest.mark.parametrize("fault", ["error_500", "error_502_html", "html_500", "redirect_other"])
@pytest.mark.asyncio
async def test_unavailable_is_tried_again(fault: str) -> None:
    async with lab(weather=struck(fault, fault)) as here, client(here) as pixian:
        result = await pixian.remove_background(PNG)
        assert await charges(here) == 1
    assert result.attempts == 3


@pytest.mark.asyncio
async def test_unavailable_for_good() -> None:
    always = Weather(chances=(Chance(Fault(FaultKind.ERROR_500), probability=1.0),))
    async with lab(weather=always) as here, client(here, retries=2) as pixian:
        with pytest.raises(pixian_batch.UnavailableError) as caught:
            await pixian.remove_background(PNG)
        assert sent(here) == 3
    assert (caught.value.status, caught.value.attempts) == (500, 3)


@pytest.mark.asyncio
async def test_not_sent_is_tried_again_and_has_a_cause() -> None:
    with socket.socket() as held:  # bound, and not listening: connections are refused
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/api/v2"
        async with PixianClient("id", "secret", api_url=url, backoff_step=0, retries=1) as pixian:
            with pytest.raises(pixian_batch.NotSentError) as caught:
                await pixian.remove_background(PNG)
    assert caught.value.attempts == 2
    causes: list[BaseException] = [caught.value]
    while causes[-1].__cause__:
        causes.append(causes[-1].__cause__)
    assert isinstance(causes[-1], (aiohttp.ClientError, OSError))


# --- honesty about money -----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["reset_after_charge", "stall_before_answer", "reset_before_charge"])
@pytest.mark.asyncio
async def test_in_doubt_is_never_sent_again(fault: str) -> None:
    async with lab(weather=struck(fault)) as here, client(here, idle_timeout=1.0) as pixian:
        with pytest.raises(pixian_batch.InDoubtError, match="may have been charged") as caught:
            await pixian.remove_background(PNG)
        await asyncio.sleep(0.05)
        assert sent(here) == 1
    assert (caught.value.status, caught.value.attempts) == (None, 1)


@pytest.mark.parametrize("fault", ["cut_body", "garbage", "html_200", "wrong_type"])
@pytest.mark.asyncio
async def test_a_lost_result_is_never_bought_again(fault: str) -> None:
    async with lab(weather=struck(fault)) as here, client(here) as pixian:
        if fault == "wrong_type":  # only the label is wrong: the bytes decide
            assert (await pixian.remove_background(PNG)).content
        else:
            with pytest.raises(pixian_batch.LostResultError) as caught:
                await pixian.remove_background(PNG)
            assert caught.value.partial
            assert caught.value.path is None
            assert caught.value.status == 200
        assert sent(here) == 1


@pytest.mark.asyncio
async def test_a_lost_result_says_its_credits_and_keeps_what_came(tmp_path: Path) -> None:
    async with lab(weather=struck("cut_body")) as here, client(here) as pixian:
        with pytest.raises(pixian_batch.LostResultError) as caught:
            await pixian.remove_background(PNG, to=tmp_path / "out.png")
    error = caught.value
    assert error.credits_charged == Decimal("0.05")
    assert error.path is not None
    assert error.partial is None
    assert kept(error.path).startswith(b"\x89PNG\r\n\x1a\n")
    assert os.listdir(tmp_path) == [os.path.basename(error.path)]


@pytest.mark.asyncio
async def test_a_free_request_may_be_sent_again() -> None:
    async with lab(weather=struck("reset_after_charge", "cut_body")) as here, client(here) as pixian:
        assert (await pixian.remove_background(PNG, test=True)).attempts == 3


@pytest.mark.asyncio
async def test_a_delta_that_does_not_fit_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    # The service answers as if it had been sent another picture: a delta of the wrong size.
    other = picture(size=(48, 64))
    async with lab() as here, client(here) as pixian:
        delta = await pixian.remove_background(other, output_format="delta_png")
        assert delta.content is not None
        monkeypatch.setattr("pixian_batch.emulator.canned._body", lambda _size, _output: delta.content)
        for to in (None, tmp_path / "out.png"):
            with pytest.raises(pixian_batch.LostResultError, match="do not belong together") as caught:
                await pixian.remove_background(tmp_path / "a.png", via_delta=True, to=to)
            left = caught.value.partial
            if to is not None:
                assert caught.value.path
                left = kept(caught.value.path)
            assert left == delta.content
            assert caught.value.credits_charged == Decimal("0.05")


@pytest.mark.asyncio
async def test_another_original_than_the_one_that_was_sent_is_never_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    async with lab(weather=struck("stall_in_body:0.3")) as here, client(here) as pixian:
        call = asyncio.create_task(pixian.remove_background(path, via_delta=True))
        await until(lambda: here.emulator.bill.totals.charges)
        path.write_bytes(picture(size=(64, 48), shade=3))  # as large as the one that was sent
        with pytest.raises(pixian_batch.LostResultError, match="changed after it was sent") as caught:
            await call
    assert caught.value.partial


@pytest.mark.asyncio
async def test_a_file_that_changes_while_it_waits_is_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    async with lab(weather=struck("stall_in_body:0.3")) as here, client(here, concurrency=1) as pixian:
        first = asyncio.create_task(pixian.remove_background(PNG))
        await until(lambda: here.emulator.bill.totals.charges)
        second = asyncio.create_task(pixian.remove_background(path))
        await until(lambda: pixian._turns._waiters)
        path.write_bytes(picture(size=(64, 48), shade=3))
        with pytest.raises(pixian_batch.InputError, match="changed while it was being sent"):
            await second
        await first
        assert here.emulator.bill.totals.charges == 1


# --- whose move it is --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "kind", "status"),
    [
        ({"api_id": "other", "api_secret": "secret"}, pixian_batch.CredentialsError, 401),
        ({"credits": Decimal(0)}, pixian_batch.OutOfCreditsError, 402),
        ({"pack_state": PackState.DORMANT}, pixian_batch.OutOfCreditsError, 402),
        ({"max_upload_bytes": 50}, pixian_batch.RefusedError, 413),
    ],
)
@pytest.mark.asyncio
async def test_refusals_are_typed_and_not_repeated(
    settings: Any, kind: type[pixian_batch.PixianError], status: int
) -> None:
    async with lab(**settings) as here, client(here) as pixian:
        with pytest.raises(kind) as caught:
            await pixian.remove_background(PNG)
    assert (caught.value.status, caught.value.attempts) == (status, 1)
    assert caught.value.message
    assert caught.value.hint
    assert "--" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"hello", "no image|not"), (PNG[:100], "cut off"), (b"RIFF\0\0\0\0WEBPVP8 ", "WebP")],
)
@pytest.mark.asyncio
async def test_what_is_no_image_is_never_sent(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    async with lab() as here, client(here) as pixian:
        for source in (content, path, pixian_batch.Base64(content)):
            with pytest.raises(pixian_batch.InputError, match=f"(?i){said}") as caught:
                await pixian.remove_background(source)
            assert (caught.value.code, caught.value.attempts) == ("unreadable", 0)
        assert sent(here) == 0


@pytest.mark.asyncio
async def test_too_much_is_never_sent(tmp_path: Path) -> None:
    huge = io.BytesIO()
    Image.new("1", (8000, 4001)).save(huge, "PNG")
    noise = io.BytesIO()
    Image.effect_noise((1000, 1000), 99).save(noise, "PNG")
    async with lab() as here, client(here) as pixian:
        with pytest.raises(pixian_batch.InputError, match="megapixels"):
            await pixian.remove_background(huge.getvalue())
        with pytest.raises(pixian_batch.InputError, match="base64"):
            await pixian.remove_background(pixian_batch.Base64(noise.getvalue()))
        with pytest.raises(pixian_batch.InputError):
            await pixian.remove_background(tmp_path / "nowhere.png")
        with pytest.raises(TypeError, match="int"):
            await pixian.remove_background(3)  # type: ignore[arg-type]
        assert sent(here) == 0


@pytest.mark.asyncio
async def test_destinations_that_cannot_be_meant_cost_nothing(tmp_path: Path) -> None:
    original = tmp_path / "a.png"
    original.write_bytes(PNG)
    (tmp_path / "file").touch()
    async with lab() as here, client(here) as pixian:
        for to, said in ((original, "original itself"), (tmp_path, "folder"), (tmp_path / "b.jpg", "PNG")):
            with pytest.raises(ValueError, match=said):
                await pixian.remove_background(original, to=to)
        with pytest.raises(pixian_batch.OutputError):
            await pixian.remove_background(original, to=tmp_path / "file" / "b.png")
        assert sent(here) == 0
    assert original.read_bytes() == PNG


@pytest.mark.asyncio
async def test_a_call_waits_for_its_turn() -> None:
    weather = Weather(script=(Fault.parse("stall_before_answer:0.5"),) * 5)
    # A wait in the queue is not idleness: it does not count against the time-out.
    async with lab(weather=weather) as here, client(here, concurrency=1, idle_timeout=2.0) as pixian:
        results = await asyncio.gather(*(pixian.remove_background(PNG) for _ in range(5)))
    assert [result.attempts for result in results] == [1] * 5


@pytest.mark.asyncio
async def test_a_cancelled_call_leaves_no_spool(tmp_path: Path) -> None:
    async with lab(weather=struck("stall_in_body")) as here, client(here) as pixian:
        call = asyncio.create_task(pixian.remove_background(PNG, to=tmp_path / "b.png"))
        await until(lambda: here.emulator.bill.totals.charges)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert os.listdir(tmp_path) == []


# --- the account -------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_account_and_credentials() -> None:
    async with lab(credits=Decimal("12.5")) as here, client(here) as pixian:
        await pixian.check_credentials()
        account = await pixian.account()
    assert (account.credits, account.state, account.credit_pack) == (Decimal("12.5"), "active", "Rehearsal")


@pytest.mark.asyncio
async def test_bad_credentials_and_wrong_addresses() -> None:
    async with lab(api_id="other", api_secret="x") as here, client(here) as pixian:
        with pytest.raises(pixian_batch.CredentialsError):
            await pixian.check_credentials()
        with pytest.raises(pixian_batch.CredentialsError):
            await pixian.account()
    async with lab() as here, client(here, api_url=f"{here.emulator.origin}/nowhere") as pixian:
        with pytest.raises(pixian_batch.RefusedError, match="no Pixian API"):
            await pixian.check_credentials()


@pytest.mark.asyncio
async def test_nobody_there_is_not_in_doubt() -> None:
    async with lab() as here:
        url = here.emulator.url
    async with PixianClient("id", "secret", api_url=url) as pixian:
        for question in (pixian.account, pixian.check_credentials):
            with pytest.raises(pixian_batch.NotSentError):
                await question()


def test_secrets_go_nowhere_but_to_https_or_this_machine() -> None:
    for url in ("http://api.pixian.ai/api/v2", "ftp://127.0.0.1", "https://id:secret@api.pixian.ai/api/v2"):
        with pytest.raises(ValueError, match=r"https|URL"):
            PixianClient("id", "secret", api_url=url)


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIXIAN_API_ID", raising=False)
    monkeypatch.delenv("PIXIAN_API_SECRET", raising=False)
    with pytest.raises(pixian_batch.CredentialsError, match="ID and PIXIAN_API_SECRET are not set"):
        PixianClient()
    with pytest.raises(pixian_batch.CredentialsError, match="go together"):
        PixianClient("id")
