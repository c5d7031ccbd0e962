"""The report in a real browser: what a person does with it by mouse and keys, whatever the files are called."""

from __future__ import annotations

import csv
import io
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import axe_playwright_python
import pytest
from support.commands import CREDENTIALS, here
from support.emulators import EmulatorThread
from support.reports import HOSTILE, PLAIN, SCRIPT, Reported

from pixian_batch.review.entries import FIELDS, OUTCOMES, Entry, SharedTexts, values
from pixian_batch.review.page_file import Page, render
from pixian_batch.review.remembering import Seen
from pixian_batch.review.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page as Page_
    from support.browsers import Chromium

pytestmark = pytest.mark.slow
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
TOTAL = len(PLAIN) + len(HOSTILE) + 3
NO_STORAGE = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied'); } });"


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    """Plain and hostile names, one photo twice, one that failed; looked at by tests that change nothing."""
    with EmulatorThread() as emulator, pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        home = Reported(tmp_path_factory.mktemp("reported"), emulator)
        home.add(*PLAIN, *HOSTILE)
        home.add("dot.png", size=(2, 2))  # the emulator's canned engine keeps all of it
        (Path(home.photos) / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
        (Path(home.photos) / "twin.png").write_bytes((Path(home.photos) / "a1.png").read_bytes())
        assert home.run().code == 3
        home.report()
        yield home


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reported]:
    """One's own, to be changed."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with EmulatorThread() as emulator:
        yield Reported(tmp_path, emulator)


def names(page: Page_) -> list[str]:
    """The names on the cards, in their order."""
    return page.locator(".card .name").all_inner_texts()


def saved(page: Page_, button: str) -> bytes:
    with page.expect_download() as waiting:
        page.locator(button).click()
    return Path(waiting.value.path()).read_bytes()


def until(page: Page_, condition: str) -> None:
    """Wait, frame by frame: the page's own policy forbids the polling that Playwright's own wait would do."""
    page.evaluate(
        f"new Promise((resolve) => {{ const look = () => ({condition}) ? resolve() : requestAnimationFrame(look); look(); }})"
    )


def only(page: Page_, text: str) -> None:
    page.locator("#search").fill(text)
    page.locator("#search").press("Escape")


def test_the_slider_moves_by_keyboard(chromium: Chromium, reported: Reported) -> None:
    def body(page: Page_) -> None:
        page.keyboard.press("Space")
        slider = page.get_by_role("slider", name="Before and after")
        assert slider.is_visible()
        clip = "getComputedStyle(document.querySelector('.layer.after')).clipPath"
        before = page.evaluate(clip)
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        assert slider.input_value() == "53"
        assert page.evaluate(clip) == "inset(0px 0px 0px 53%)" != before
        page.keyboard.press("Home")
        assert slider.get_attribute("aria-valuetext") == "0 % Photo"
        page.keyboard.press("Space")
        assert not page.locator("#detail").is_visible()

    chromium.visit(reported.page, body)


def test_filters_search_and_the_natural_order(chromium: Chromium, reported: Reported) -> None:
    def body(page: Page_) -> None:
        total = TOTAL
        assert page.locator("#count").inner_text().startswith(f"{total} pictures")
        page.locator("#sort").select_option("name")
        only(page, "A1")
        assert names(page) == ["a1.png", "a10.png"]
        only(page, "")
        assert [name for name in names(page) if name.startswith("a")] == ["a1.png", "a2.png", "a10.png"]
        page.locator("#folder").select_option("shop/red")
        assert names(page) == ["shop/red/mug.png"]
        page.locator("#filters [type=reset]").click()
        page.locator("#outcome").select_option("duplicate")
        assert names(page) in (["twin.png"], ["a1.png"])
        page.locator("#outcome").select_option("failed")
        assert page.locator(".card.without").count() == 1
        page.locator("#outcome").select_option("")
        page.locator("#credits-from").fill("1000")
        assert page.locator("#nothing").is_visible()
        page.locator("#clear").click()
        page.locator("#credits-from").fill("0.01")
        charged = total - 2  # not the failed one, not the duplicate
        assert page.locator("#count").inner_text().startswith(f"{charged} of {total}")
        page.locator("#filters [type=reset]").click()
        page.locator("#attempts").fill("2")
        assert page.locator("#nothing").is_visible()
        page.locator("#filters [type=reset]").click()
        reason = page.locator("#reason option").nth(1)
        page.locator("#reason").select_option(reason.get_attribute("value"))
        assert 0 < len(names(page)) <= total
        page.locator("#filters [type=reset]").click()
        page.locator("#least").fill("100")
        assert page.locator(".card").count() < total

    chromium.visit(reported.page, body)


def test_keys(chromium: Chromium, reported: Reported) -> None:
    def body(page: Page_) -> None:
        now = "[...document.querySelectorAll('.card')].findIndex((card) => card.classList.contains('now'))"
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        assert page.evaluate(now) == 1
        page.keyboard.press("ArrowDown")
        columns = page.evaluate(now) - 1
        assert columns > 1
        page.keyboard.press("ArrowUp")
        for key, ground in zip("12345", ("checker", "white", "black", "grey", "colour"), strict=True):
            page.keyboard.press(key)
            assert page.evaluate("document.documentElement.dataset.ground") == ground
        page.keyboard.press("?")
        assert page.locator("#help").is_visible()
        page.keyboard.press("j")
        page.keyboard.press("Escape")
        assert not page.locator("#help").is_visible()
        assert page.evaluate(now) == 1
        page.keyboard.press("/")
        page.keyboard.type("jar")  # a name, no keys
        assert page.locator("#search").input_value() == "jar"
        page.keyboard.press("Escape")
        only(page, "mug")
        page.keyboard.press("j")
        page.keyboard.press("Space")
        assert page.locator("#detail").is_visible()
        for view in (2, 1, 1):  # side by side, result, slider
            page.keyboard.press("v")
            assert page.locator(".pane").count() == view
        page.keyboard.down("z")
        assert "scale(" in page.evaluate("document.querySelector('.frame').style.transform")
        page.keyboard.up("z")
        assert page.evaluate("document.querySelector('.frame').style.transform") == ""

    chromium.visit(reported.page, body)


def test_one_to_one_is_one_pixel_on_one(chromium: Chromium, reported: Reported) -> None:
    def body(page: Page_) -> None:
        only(page, "a2")
        page.keyboard.press("Space")
        page.locator("#zoom").focus()
        page.keyboard.press("Enter")
        page.wait_for_function(
            "document.querySelectorAll('.layer.after img').length === 1"
        )  # the large one has come
        box = page.locator(".layer.after img").bounding_box()
        assert box is not None
        assert round(box["width"]) == 48  # 96 pixels, two to a point

    chromium.visit(reported.page, body, device_scale_factor=2)


def test_choices_survive_a_reload_and_a_report_made_again(chromium: Chromium, mine: Reported) -> None:
    mine.add(*PLAIN)
    mine.run()
    mine.report()

    def choose(page: Page_) -> None:
        page.locator("#sort").select_option("name")
        page.get_by_role("button", name="Accept a1.png").click()
        page.get_by_role("button", name="Reject a2.png").click()

    def look_again(page: Page_) -> None:
        page.reload()
        page.wait_for_selector(".card")
        assert "1 accepted, 1 rejected" in page.locator("#count").inner_text()
        assert page.get_by_role("button", name="Reject a2.png").get_attribute("aria-pressed") == "true"
        page.locator("#choice").select_option("none")
        assert len(names(page)) == len(PLAIN) - 1  # with the late one
        page.locator("#choice").select_option("r")
        page.locator(".card .open").focus()
        page.keyboard.press("u")
        assert "0 rejected" in page.locator("#count").inner_text()

    with chromium.opened(mine.page) as visit:
        visit.do(choose)
        mine.add("late.png")
        mine.run()
        assert mine.report()["fresh"] == 1
        visit.do(look_again)


def test_denied_storage_is_said(chromium: Chromium, reported: Reported) -> None:
    def body(page: Page_) -> None:
        assert not page.locator("#storage-banner").is_visible()
        page.keyboard.press("r")
        assert "Export" in page.get_by_role("alert").inner_text()
        assert "1 rejected" in page.locator("#count").inner_text()

    chromium.visit(reported.page, body, before=NO_STORAGE)


def test_rejects_are_bought_once_more_and_nothing_else(chromium: Chromium, mine: Reported) -> None:
    mine.add("a1.png", "b/two.png", "caf\udce9.png", "two\nlines.png", SCRIPT)
    assert mine.run("--crop-to-foreground").code == 0
    mine.report()
    before = mine.emulator.bill.totals.charges

    def body(page: Page_) -> tuple[bytes, str]:
        for name in ("two.png", "caf", "lines"):
            only(page, name)
            page.keyboard.press("r")
        return saved(page, "#export-reject"), page.locator("#advice code").inner_text()

    listed, advice = chromium.visit(mine.page, body)
    photos = os.fsencode(mine.photos)
    assert set(listed.rstrip(b"\0").split(b"\0")) == {
        photos + b"/b/two.png",
        photos + b"/caf\xe9.png",
        photos + b"/two\nlines.png",
    }
    path = mine.root / "reject.txt"
    path.write_bytes(listed)
    words = shlex.split(advice)
    assert words[:2] == ["pixian-batch", "redo"]
    assert words[-1] == "--crop-to-foreground"
    words[words.index("reject.txt")] = str(path)
    done = here(*words[1:], "--api-url", mine.emulator.url, "--min-free", "1MB", "--yes")
    assert done.code == 0, done.err
    assert mine.emulator.bill.totals.charges == before + 3
    mine.report()

    def again(page: Page_) -> str:
        return page.locator("#count").inner_text()

    assert "0 rejected" in chromium.visit(mine.page, again)


def test_accept_and_csv(chromium: Chromium, reported: Reported) -> None:
    def body(page: Page_) -> tuple[bytes, bytes]:
        for name in ("shop/red", "a10"):
            only(page, name)
            page.keyboard.press("a")
        return saved(page, "#export-accept"), saved(page, "#export-csv")

    accepted, table = chromium.visit(reported.page, body)
    assert accepted == b"a10.png\nshop/red/mug.png\n"
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert len(rows) == TOTAL
    assert {row["name"] for row in rows if row["choice"] == "accepted"} == {"a10.png", "shop/red/mug.png"}
    assert next(row for row in rows if row["outcome"] == "failed")["error"]


def test_hostile_names_are_names(chromium: Chromium, reported: Reported) -> None:
    def body(page: Page_) -> None:
        title = page.title()
        shown = names(page)
        assert "x</script><img src=x onerror=\"document.title='run'\">.png" in shown
        assert "two\\x0alines.png" in shown
        assert "right\\u202egnp.png" in shown
        assert "caf\\xe9 \\u2028.png" in shown
        assert "{{ 7 * 7 }}${7*7}.png" in shown
        assert page.locator("script").count() == 2
        assert page.locator("b, img[onerror]").count() == 0
        for _ in range(len(shown)):  # every picture is there in full size, whatever its file is called
            page.keyboard.press("j")
        page.keyboard.press("Space")
        for name in range(len(shown)):
            if page.locator("#stage .missing").count() == 0:
                page.wait_for_selector(".pane.full")
                assert page.locator("#notes").inner_text() == "", name
            page.keyboard.press("k")
        assert page.title() == title

    chromium.visit(reported.page, body)


def test_a_script_that_gets_in_does_not_run(chromium: Chromium, reported: Reported, tmp_path: Path) -> None:
    """The second wall: the policy holds even where an escape would have been missed."""
    page_text = Path(reported.page).read_text(encoding="utf-8")
    broken = page_text.replace(
        "<main>", "<main><script>document.title = 'run'</script><img src=x onerror=\"document.title='run'\">"
    )
    assert broken != page_text
    path = tmp_path / "broken.html"
    path.write_text(broken, encoding="utf-8")

    def body(page: Page_) -> str:
        return page.title()

    with pytest.raises(AssertionError, match="Content Security Policy"):
        chromium.visit(str(path), body)
    looser = broken.replace("script-src 'sha256-", "script-src 'unsafe-inline' 'sha999-")
    path.write_text(looser, encoding="utf-8")
    with pytest.raises(AssertionError):  # the measure sees: without the policy it would have run
        chromium.visit(str(path), _not_run)


def _not_run(page: Page_) -> None:
    assert page.title() != "run"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chromium: Chromium, reported: Reported, scheme: str) -> None:
    def body(page: Page_) -> None:
        _axe(page)
        page.keyboard.press("Space")
        _axe(page)
        page.keyboard.press("v")
        _axe(page)
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        _axe(page)

    for width in (390, 1440):
        chromium.visit(reported.page, body, color_scheme=scheme, viewport={"width": width, "height": 844})


def _axe(page: Page_) -> None:
    page.evaluate(f"{AXE.read_text(encoding='utf-8')}; undefined")
    found: list[dict[str, Any]] = page.evaluate("axe.run().then((result) => result.violations)")
    assert [(item["id"], [node["html"] for node in item["nodes"]][:3]) for item in found] == []


def test_every_width_and_print(chromium: Chromium, reported: Reported) -> None:
    def body(page: Page_) -> None:
        for width in (390, 768, 1440, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            until(page, "document.querySelector('.card').getBoundingClientRect().right <= innerWidth")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        page.emulate_media(media="print")
        assert not page.locator(".tools").is_visible()
        page.pdf(path=os.path.join(reported.root, "page.pdf"))

    chromium.visit(reported.page, body)
    assert os.path.getsize(os.path.join(reported.root, "page.pdf")) > 10_000


def test_one_file_needs_no_other(chromium: Chromium, mine: Reported, tmp_path: Path) -> None:
    mine.add("a1.png", "a2.png")
    mine.run()
    alone = tmp_path / "elsewhere" / "review.html"
    alone.parent.mkdir()
    mine.report("--inline", "--to", str(alone))
    for folder in (mine.out, mine.photos):
        os.rename(folder, folder + "-gone")

    def body(page: Page_) -> None:
        until(page, "[...document.querySelectorAll('.card img')].every((image) => image.naturalWidth > 0)")
        assert page.locator(".card img").count() == 4

    chromium.visit(str(alone), body)


def test_two_outputs_side_by_side(chromium: Chromium, mine: Reported) -> None:
    mine.add("a1.png", "shop/red/mug.png")
    mine.run()
    other = str(mine.root / "other")
    here("run", mine.photos, *mine.common[2:], "--out", other, "--test")
    mine.report("--against", other)

    def body(page: Page_) -> None:
        assert page.locator(".card img").count() == 4
        page.keyboard.press("Space")
        assert page.locator(".tag").all_inner_texts() == ["other", "out"]
        page.locator("#before").select_option("photo")
        assert page.locator(".tag").all_inner_texts() == ["Photo", "out"]
        page.locator("#view label").nth(1).click()
        assert page.locator(".tag").all_inner_texts() == ["Photo", "other", "out"]

    chromium.visit(mine.page, body)


def test_ten_thousand_pictures_and_only_what_can_be_seen_is_there(chromium: Chromium, tmp_path: Path) -> None:
    rows = [
        Entry(
            Row(
                identity=f"{number}",
                name=f"f{number // 200}/IMG_{number:05}.png",
                folder=f"f{number // 200}",
                input="x",
                outcome="done",
            ),
            Seen(),
        )
        for number in range(10_000)
    ]
    texts = SharedTexts(lambda _parameters: "")
    data = {
        "v": 1,
        "identity": "many",
        "title": "many",
        "against": None,
        "fields": FIELDS,
        "outcomes": OUTCOMES,
        "rows": [values(entry, texts) for entry in rows],
        "folders": list(texts.folders),
        "redo": [],
        "copy": "",
        "reasons": {},
    }
    path = tmp_path / "many.html"
    path.write_bytes(render(Page(title="many", version="0", made_at="", facts=[], data=data)))

    def body(page: Page_) -> None:
        for share in (0, 0.5, 1):
            page.evaluate(f"scrollTo({{top: document.body.scrollHeight * {share}, behavior: 'instant'}})")
            until(
                page,
                "[...document.querySelectorAll('.card')].some((card) => card.getBoundingClientRect().top < innerHeight && card.getBoundingClientRect().bottom > 0)",
            )
            assert 0 < page.locator(".card").count() < 100
        assert page.locator(".card[aria-posinset='10000']").count() == 1
        page.locator("#search").fill("IMG_05000")
        assert names(page) == ["f25/IMG_05000.png"]

    chromium.visit(str(path), body)
