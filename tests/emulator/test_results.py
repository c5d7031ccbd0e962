"""Good requests: every header, the account, the price, all three ways to send a picture.

`service.py` and `account.py`, with the engines that cost nothing: `canned.py`, `plain.py`.
"""

from __future__ import annotations

import asyncio
import io
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.emulator_lab import lab, picture

from pixian_batch.contract.headers import read_result_headers
from pixian_batch.contract.kinds import Kind, is_whole, sniff
from pixian_batch.contract.params import BY_WIRE, FIELDS, ParamError, Size, params_from_text
from pixian_batch.emulator.settings import EmulatorSettings, EngineName, PackState, Price

ENGINES = [EngineName.CANNED, EngineName.PLAIN]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.asyncio
async def test_a_result_has_all_its_headers(engine: EngineName) -> None:
    async with lab(engine=engine) as here:
        paid = await here.post(picture(size=(300, 200)))
        free = await here.post(picture(size=(300, 200)), {"test": "true"})
    headers = read_result_headers(paid.headers)
    assert headers.warnings == ()
    assert (headers.credits_charged, headers.credits_calculated) == (Decimal("0.06"), None)
    assert (headers.input_size, headers.result_size, headers.input_orientation) == (
        Size(300, 200),
        Size(300, 200),
        1,
    )
    assert paid.headers["Content-Type"] == "image/png"
    assert sniff(paid.body) is Kind.PNG
    assert is_whole(Kind.PNG, paid.body[-64:])
    headers = read_result_headers(free.headers, test=True)
    assert headers.warnings == ()
    assert (headers.credits_charged, headers.credits_calculated) == (Decimal(0), Decimal("0.06"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["BMP", "GIF", "JPEG", "PNG", "TIFF"])
@pytest.mark.asyncio
async def test_every_kind_of_input_is_read(kind: str, engine: EngineName) -> None:
    async with lab(engine=engine) as here:
        assert (await here.post(picture(kind))).status == 200


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("fields", "kind", "size"),
    [
        ({"background.color": "#ff0000"}, "JPEG", (60, 40)),
        ({"background.color": "#ff0000", "output.format": "png"}, "PNG", (60, 40)),
        ({"result.target_size": "30 50"}, "PNG", (30, 50)),
        ({"output.format": "delta_png"}, "PNG", (60, 40)),
        ({"output.format": "delta_png", "result.target_size": "30 50"}, "PNG", (60, 40)),
    ],
)
@pytest.mark.asyncio
async def test_the_result_is_what_was_asked_for(
    engine: EngineName, fields: dict[str, str], kind: str, size: tuple[int, int]
) -> None:
    async with lab(engine=engine) as here:
        answer = await here.post(picture(size=(60, 40)), fields)
    with Image.open(io.BytesIO(answer.body)) as image:
        image.load()
        assert (image.format, image.size) == (kind, size)
    assert answer.headers["X-Result-Size"] == f"{size[0]} {size[1]}"


@pytest.mark.asyncio
async def test_the_plain_engine_cuts_out_the_middle_and_marks_tests() -> None:
    async with lab(engine=EngineName.PLAIN) as here:
        paid = await here.post(picture(size=(200, 100)))
        free = await here.post(picture(size=(200, 100)), {"test": "true"})
    with Image.open(io.BytesIO(paid.body)) as image:
        assert image.mode == "RGBA"
        assert image.getpixel((0, 0)) == (0, 0, 0, 0)
        middle = image.getpixel((100, 50))
        assert isinstance(middle, tuple)
        assert middle[3] == 255
    assert free.body != paid.body


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.asyncio
async def test_a_delta_that_would_be_shrunk_is_refused_and_free(engine: EngineName) -> None:
    async with lab(engine=engine) as here:
        answer = await here.post(picture(size=(60, 40)), {"output.format": "delta_png", "max_pixels": "2000"})
        assert (answer.status, answer.code) == (400, 1019)
        assert "delta_png" in answer.message
        assert here.emulator.bill.totals.charges == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.asyncio
async def test_turned_photos_are_answered_upright(engine: EngineName) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(out, "JPEG", exif=exif)
    async with lab(engine=engine) as here:
        headers = read_result_headers((await here.post(out.getvalue())).headers)
    assert (headers.input_orientation, headers.input_size, headers.result_size) == (
        6,
        Size(40, 60),
        Size(40, 60),
    )


@pytest.mark.asyncio
async def test_the_price_counts_pixels_after_max_pixels() -> None:
    price = Price(base=Decimal(1), per_megapixel=Decimal(100), quantum=Decimal("0.5"))
    async with lab(price=price) as here:
        whole = await here.post(picture(size=(400, 250)))
        shrunk = await here.post(picture(size=(400, 250)), {"max_pixels": "10000"})
    assert (whole.headers["X-Credits-Charged"], shrunk.headers["X-Credits-Charged"]) == ("11.0", "2.0")


@pytest.mark.asyncio
async def test_free_emulators_charge_nothing_and_need_no_pack() -> None:
    async with lab(free=True, pack_state=PackState.NONE, credits=Decimal(0)) as here:
        answer = await here.post(picture())
        assert (answer.status, answer.headers["X-Credits-Charged"]) == (200, "0")
        assert here.emulator.bill.totals.charges == 1


@pytest.mark.parametrize(
    ("state", "hint"), [(PackState.NONE, "no credit pack"), (PackState.DORMANT, "dormant")]
)
@pytest.mark.asyncio
async def test_without_a_pack_only_tests_are_answered(state: PackState, hint: str) -> None:
    async with lab(pack_state=state) as here:
        paid = await here.post(picture())
        assert (paid.status, paid.code) == (402, 1008)
        assert hint in paid.message
        assert (await here.post(picture(), {"test": "true"})).status == 200
        assert (await here.post()).status == 400
        account = await here.session.get(
            here.emulator.url + "/account", headers={"Authorization": "Basic YTpi"}
        )
        assert (await account.json())["state"] == "dormant"


@pytest.mark.asyncio
async def test_credits_run_out_exactly() -> None:
    async with lab(credits=Decimal("0.11")) as here:
        first, second = await here.post(picture()), await here.post(picture(shade=1))
        third = await here.post(picture(shade=2))
        assert [first.status, second.status, third.status] == [200, 200, 402]
        assert third.code == 1011
        assert here.emulator.bill.totals.charged == Decimal("0.10")
        account = await here.ask("GET", here.emulator.url + "/account")
        assert account.status == 200
        assert b'"credits": 0.01' in account.body


texts = st.one_of(
    st.sampled_from(
        [
            "true",
            "false",
            "TRUE",
            "1",
            "100",
            "99",
            "25000000",
            "25000001",
            "#fff",
            "#FFFFFF",
            "ffffff",
            "0px",
            "5%",
        ]
    ),
    st.sampled_from(
        ["1px 2% 3.5px", "1px  2px", "10 20", "10x20", "0 5", "32000 1000", "32001 1", "top", "middle"]
    ),
    st.sampled_from(
        ["png", "jpeg", "jpg", "auto", "delta_png", "", " ", "85", "0", "101", "½", "\uff11", "\u2003true"]
    ),
    st.text(alphabet="0123456789 .px%#-+eaftru", max_size=12),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=8),
)
asked = st.tuples(st.sampled_from([field.wire for field in FIELDS]), texts)


@settings(max_examples=40, deadline=None)
@given(st.lists(asked, min_size=1, max_size=25))
def test_the_emulator_accepts_exactly_what_the_contract_accepts(batch: list[tuple[str, str]]) -> None:
    async def statuses() -> list[int]:
        async with lab() as here:
            return [(await here.post(picture(size=(20, 20)), {wire: text})).status for wire, text in batch]

    assert asyncio.run(statuses()) == [200 if accepted(wire, text) else 400 for wire, text in batch]


def accepted(wire: str, text: str) -> bool:
    try:
        params = params_from_text([(BY_WIRE[wire].attribute, text)])
    except ParamError:
        return False
    # A delta needs an unshrunk input: the only rule that looks at the picture (20 x 20) as well.
    return not (params.output_format == "delta_png" and params.max_pixels < 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"api_id": "x"},
        {"api_id": "", "api_secret": "y"},
        {"engine_threads": 0},
        {"price": Price(quantum=Decimal(0))},
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"together|above 0"):
        EmulatorSettings(**changes)  # type: ignore[arg-type]


def test_a_secret_is_not_shown() -> None:
    assert "hush" not in repr(EmulatorSettings(api_id="id", api_secret="hush"))
