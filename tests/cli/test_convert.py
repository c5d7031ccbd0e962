"""`--convert`: WebP, AVIF and HEIC photos are bought once, under the key of their own bytes. Judged by the bill."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from support.foreign_samples import LOSSY, announcing, damaged, foreign, opened, scene
from support.pictures import content_of, picture, put

from pixian_batch.adapters import reading
from pixian_batch.contract.kinds import ForeignKind
from pixian_batch.emulator.settings import EngineName
from pixian_batch.emulator.weather import Fault, Weather

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from support.workspaces import Workspace


def records(out: str) -> list[dict[str, Any]]:
    return [record for line in out.splitlines() if (record := json.loads(line))["type"] == "image"]


def album(home: Workspace) -> None:
    """One of each kind, and a PNG."""
    home.add("plain.png")
    for number, kind in enumerate(LOSSY):
        put(home.photos / f"a{number}{kind.suffix}", foreign(kind))


def charges(home: Workspace) -> int:
    return home.emulator.bill.totals.charges


def asked(home: Workspace, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home.ledger)) as db:
        return db.execute(question).fetchall()


def test_without_it_they_are_left_out_and_it_is_named(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    album(home)
    put(home.photos / "b.cr2", b"x")
    _code, _out, err = home.run("--no-progress")
    assert (
        "were left out: the service does not take them — --convert takes .avif, .heic and .webp; develop"
        in err
    )
    assert charges(home) == 1
    code, _out, err = home.do("run", str(home.photos / "a2.webp"), "--out", str(home.out), *home.common)
    assert code == 3
    assert "add --convert" in err
    _code, out, _err = home.run("--convert", "--no-progress", "--json")
    assert json.loads(out.splitlines()[-1])["left_out"]["suffixes"] == [{"suffix": ".cr2", "count": 1}]


def test_each_is_bought_once_and_named_in_record_and_ledger(workspace: Callable[..., Workspace]) -> None:
    home = workspace(engine=EngineName.PLAIN)
    album(home)
    planned = home.plan("--convert")
    code, out, err = home.run("--convert", "--json", "--no-progress")
    assert code == 0, err
    assert (planned["new"], charges(home)) == (4, 4)
    made = {record["input"].rpartition(".")[2]: record["converted"] for record in records(out)}
    assert made == {"avif": "avif->jpeg", "heic": "heic->jpeg", "webp": "webp->jpeg", "png": None}
    keys = asked(home, "SELECT digest, canonical FROM image JOIN params ON params.id = params_id")
    photos = {path.name: blake3(path.read_bytes()).digest() for path in home.photos.iterdir()}
    png = "output.format=png"
    assert {(photos["a1.heic"], f"{png};converted=heic->jpeg/1"), (photos["plain.png"], png)} <= set(keys)
    assert {digest for digest, _params in keys} == set(photos.values())
    assert home.status()["converted"] == {"avif->jpeg": 1, "heic->jpeg": 1, "webp->jpeg": 1}
    assert "1 heic->jpeg" in home.do("status", str(home.out))[1]
    for number in range(3):
        cut = opened(content_of(home.out / f"a{number}.png"))
        assert (cut.size, cut.mode) == (scene().size, "RGBA")
    assert {path.name for path in home.out.iterdir()} == {
        *(f"a{number}.png" for number in range(3)), "plain.png", ".pixian-batch",
    }  # fmt: skip


def test_a_second_run_reads_nothing_anew_and_buys_nothing(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    album(home)
    assert home.run("--convert")[0] == 0
    for path in home.photos.iterdir():  # whoever looked into one would see
        times = path.stat()
        path.write_bytes(bytes(times.st_size))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    code, out, _err = home.run("--convert", "--json", "--no-progress")
    assert (code, json.loads(out.splitlines()[-1])["skipped"]) == (0, 4)
    assert home.plan("--convert")["done"] == 4
    code, out, _err = home.do(
        "run", *(str(home.photos / f"a{n}{kind.suffix}") for n, kind in enumerate(LOSSY)),
        "--out", str(home.out), *home.common, "--json",
    )  # fmt: skip
    assert (code, json.loads(out.splitlines()[-1])["skipped"]) == (0, 3), (
        "done is done, also without the option"
    )
    assert charges(home) == 4


def test_the_bytes_decide_and_not_the_name(workspace: Callable[..., Workspace]) -> None:
    """A HEIC that is called .jpg is converted; a JPEG that is called .heic, as phones send them, goes as it is."""
    home = workspace()
    put(home.photos / "really-heic.jpg", foreign(ForeignKind.HEIC))
    put(home.photos / "really-jpeg.heic", picture("jpg"))
    _code, out, _err = home.run("--convert", "--json", "--no-progress")
    made = {record["input"].rpartition("/")[2]: record["converted"] for record in records(out)}
    assert made == {"really-heic.jpg": "heic->jpeg", "really-jpeg.heic": None}


def test_the_same_photo_under_other_names_is_bought_once(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    for number in range(12):
        put(home.photos / f"{number}.webp", foreign(ForeignKind.WEBP))
    assert home.plan("--convert")["duplicate"] == 11
    _code, out, _err = home.run("--convert", "--json", "--no-progress", "--ramp-interval", "0")
    assert sorted(record["status"] for record in records(out)) == ["done", *["duplicate"] * 11]
    assert {record["converted"] for record in records(out)} == {"webp->jpeg"}
    put(home.photos / "later" / "again.webp", foreign(ForeignKind.WEBP))
    _code, out, _err = home.run("--convert", "--json", "--no-progress")
    assert json.loads(out.splitlines()[-1])["duplicates"] == 1
    assert charges(home) == 1


def test_a_damaged_one_fails_alone_and_is_not_sent(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    album(home)
    put(home.photos / "pixels.avif", damaged(ForeignKind.AVIF))
    put(home.photos / "cut.webp", foreign(ForeignKind.WEBP)[:-30])
    put(home.photos / "bomb.avif", announcing(ForeignKind.AVIF, 20_000, 20_000))
    planned = home.plan("--convert")
    assert (planned["new"], planned["unreadable"], planned["too_large"]) == (5, 1, 1)
    code, out, _err = home.run("--convert", "--json", "--no-progress")
    failed = {
        record["input"].rpartition("/")[2]: record["error"]["message"]
        for record in records(out)
        if record["status"] == "failed"
    }
    assert code == 3
    assert failed == {
        "pixels.avif": "its pixels cannot be decoded: the file is damaged",
        "cut.webp": "the WebP file is cut off",
        "bomb.avif": "400.0 megapixels; at most 179 are decoded here",
    }
    assert charges(home) == 4


def test_one_of_many_pictures_and_one_that_is_shrunk_are_said(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    put(home.photos / "moving.webp", foreign(ForeignKind.WEBP, save_all=True, append_images=[scene(shade=9)]))
    put(home.photos / "large.webp", foreign(ForeignKind.WEBP, scene(6600, 5000), quality=20, method=0))
    code, _out, err = home.run("--convert", "--no-progress", "--verbose")
    assert code == 0
    assert "moving.webp: has more pictures than one: the first is sent" in err
    assert (
        "large.webp: 33.0 megapixels, sent as 5744 x 4351 (25.0 megapixels): the service takes at most 32"
        in err
    )


def test_no_delta_is_rebuilt_from_it_and_that_is_said(workspace: Callable[..., Workspace]) -> None:
    home = workspace(engine=EngineName.PLAIN)
    put(home.photos / "a.webp", foreign(ForeignKind.WEBP))
    code, out, err = home.run("--convert", "--via-delta", "--json", "--verbose", "--no-progress")
    assert code == 0
    assert "from a JPEG made of WEBP, a rebuild is not proven to be exact" in err
    assert records(out)[0]["converted"] == "webp->jpeg"
    assert home.run("--convert", "--json", "--no-progress")[0] == 0
    assert charges(home) == 1, "the same image, with --via-delta and without"


def test_without_the_extra_it_says_what_to_install(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = workspace()
    album(home)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    reading.has_heic.cache_clear()
    try:
        planned = home.do("plan", str(home.photos), "--out", str(home.out), "--convert")[1]
        code, _out, err = home.run("--convert", "--no-progress")
    finally:
        reading.has_heic.cache_clear()
    assert code == 3
    for text in (planned, err):
        assert "HEIC photos are decoded by pillow-heif, which is not installed" in text
        assert "pip install 'pixian-batch[heic]'" in text
    assert charges(home) == 3


def test_a_price_is_asked_and_a_limit_kept_for_it(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    album(home)
    assert home.plan("--convert", "--calibrate", "5")["credits_low"] != "0"
    code, out, _err = home.run("--convert", "--max-credits", "0.12", "--json", "--no-progress")
    assert code == 6
    assert json.loads(out.splitlines()[-1])["credits_charged"] == "0.10"
    assert charges(home) == 2


def test_a_large_one_waits_on_the_disk_and_is_sent_again_from_there(
    workspace: Callable[..., Workspace],
) -> None:
    """Made once for an image, however often it is sent; the same bytes each time, and nothing left behind."""
    weather = Weather(script=(None, Fault.parse("error_500"), Fault.parse("error_500")))
    home = workspace(weather=weather)
    noise = Image.effect_noise((1200, 900), 90).convert("RGB")
    put(home.photos / "a.webp", foreign(ForeignKind.WEBP, noise, quality=90))
    code, out, err = home.run("--convert", "--json", "--no-progress")
    assert code == 0, err
    assert records(out)[0]["attempts"] == 3
    [image] = [image for image in home.emulator.bill.images.values() if image.requests]
    assert (image.requests, image.charges) == (3, 1)
    assert {path.name for path in home.out.iterdir()} == {"a.png", ".pixian-batch"}


def test_a_doubt_about_it_is_held_and_decided_like_any_other(workspace: Callable[..., Workspace]) -> None:
    home = workspace(weather=Weather(script=(None, Fault.parse("reset_after_charge"))))
    put(home.photos / "a.heic", foreign(ForeignKind.HEIC))
    assert home.run("--convert")[0] == 10
    assert home.run("--convert")[0] == 10
    assert charges(home) == 1
    code, out, err = home.run("--convert", "--in-doubt", "resend", "--json", "--no-progress")
    assert code == 0, err
    assert [record["converted"] for record in records(out)] == ["heic->jpeg"]
    assert charges(home) == 2


def test_a_run_that_converts_nothing_loads_no_pillow(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("plain.png")
    code = "import sys\nfrom pixian_batch.__main__ import main\ntry:\n    main()\nfinally:\n    print('LOADED', sorted(m for m in sys.modules if m in {'PIL', 'numpy', 'pillow_heif'}))"
    words = ["run", str(home.photos), "--out", str(home.out), *home.common, "--convert", "--no-progress"]
    words += ["--output-format", "jpeg"]  # to look at a PNG needs it
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"
    assert charges(home) == 1


WAYS = st.lists(
    st.tuples(
        st.sampled_from(["", "--convert"]),
        st.sampled_from(["", "--via-delta"]),
        st.sampled_from(["folder", "named", "moved"]),
    ),
    min_size=2,
    max_size=5,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ways=WAYS)
def test_in_any_order_of_runs_no_photo_is_bought_twice(
    workspace: Callable[..., Workspace], ways: list[tuple[str, str, str]]
) -> None:
    """With the option and without, by folder or by name, moved in between: one charge for one photo and its key."""
    home = workspace(engine=EngineName.PLAIN)
    album(home)
    for number, (convert, delta, how) in enumerate(ways):
        if how == "moved":
            folder = home.photos / f"moved-{number}"
            for path in [path for path in home.photos.rglob("*") if path.is_file()]:
                folder.mkdir(exist_ok=True)
                shutil.move(path, folder / path.name)
        named = [str(path) for path in sorted(home.photos.rglob("*")) if path.is_file()]
        inputs = named if how == "named" else [str(home.photos)]
        options = [word for word in (convert, delta, "--replace") if word]
        assert home.do("run", *inputs, "--out", str(home.out), *home.common, *options)[0] in {0, 3}
    bought = asked(
        home,
        "SELECT digest, canonical, count(*) FROM answer JOIN attempt ON attempt.id = attempt_id JOIN image ON image.id = image_id JOIN params ON params.id = params_id GROUP BY 1, 2",
    )
    assert [count for _digest, _params, count in bought if count > 1] == []
    assert charges(home) == len(bought)
    made = [digest for digest, params, _count in bought if "converted=" in params]
    assert len(made) == len(set(made)) == (3 if any(convert for convert, _delta, _how in ways) else 0)
