"""One purchase serves all: what is drawn from a master that was bought is free, and the same as what would be bought."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from support.sandboxes import EmulatorProcess, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.forks import ForkServer, Outcome
    from support.sandboxes import Sandbox

CROP = ("--crop-to-foreground",)
CARD = ("--crop-to-foreground", "--margin", "10%", "--target-size", "40x30", "--background-color", "#a0c0ff")
WISHES = (
    CROP,
    CARD,
    ("--margin", "3px 5% 2px 1px"),
    ("--target-size", "33 21", "--vertical-alignment", "bottom", "--output-format", "png"),
    ("--background-color", "#FFFFFF", "--output-format", "png"),
    ("--output-format", "jpeg", "--jpeg-quality", "90"),
    (*CARD, "--max-pixels", "400"),
)


def masters(home: Sandbox) -> list[Path]:
    folder = home.out / ".pixian-batch" / "masters"
    return sorted(path for path in folder.rglob("*") if path.is_file())


def standing(home: Sandbox) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.results()}


def result(outcome: Outcome) -> bytes:
    """The one of a run over one photo."""
    assert outcome.code == 0, outcome.stderr
    (record,) = outcome.images
    return Path(record["output"]).read_bytes()


def charges(home: Sandbox) -> int:
    return int(home.emulator.bill().totals["charges"])


def photo(path: Path, side: int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.radial_gradient("L").resize((side, side)).convert("RGB").save(path)


@pytest.fixture
def plain(sandbox: Callable[..., Sandbox], fork_server: ForkServer) -> Sandbox:
    """One whose service cuts an ellipse out, and does all that the parameters ask for."""
    home = sandbox()
    home.emulator.stop()
    home.emulator = EmulatorProcess(fork_server, engine="plain")
    return home


def test_every_wish_is_drawn_from_one_purchase_as_the_service_would_have_made_it(plain: Sandbox) -> None:
    photo(plain.photos / "a.png")
    out = plain.out
    bought = []
    for number, wish in enumerate(WISHES):
        plain.out = out.with_name(f"bought-{number}")
        bought.append(result(plain.run(*wish)))
    before, plain.out = charges(plain), out
    assert [result(plain.run(*wish, "--keep-master", "--replace")) for wish in WISHES] == bought
    assert charges(plain) == before + 2  # with --max-pixels it is another picture
    assert len(masters(plain)) == 2


def test_a_free_result_is_drawn_as_well_and_never_in_the_place_of_a_bought_one(plain: Sandbox) -> None:
    photo(plain.photos / "a.png")
    assert plain.run("--test", *CARD, "--keep-master").statuses() == {"done": 1}
    assert charges(plain) == 0
    free = standing(plain)
    assert plain.run(*CARD, "--keep-master").statuses() == {"done": 1}
    assert standing(plain) != free
    assert plain.run("--test", *CARD, "--keep-master", "--replace").statuses() == {"skipped": 1}
    assert (charges(plain), len(masters(plain))) == (1, 2)


def test_what_was_drawn_is_done_with_and_without_the_option(plain: Sandbox) -> None:
    for name in ("a.png", "b/a.png"):
        photo(plain.photos / name, 20 + len(name))
    photo(plain.photos / "b" / "twin.png", 20 + len("b/a.png"))
    assert plain.run(*CARD, "--keep-master").statuses() == {"done": 2, "duplicate": 1}
    assert [path.parent.name for path in masters(plain)] == ["masters", "b"]
    requests = plain.emulator.bill().requests
    for options in (CARD, (*CARD, "--keep-master")):
        assert plain.run(*options).statuses() == {"skipped": 3}
    plain.results()[0].unlink()
    assert plain.run(*CARD, "--keep-master").statuses() == {"skipped": 2, "duplicate": 1}
    assert plain.emulator.bill().requests == requests


def test_a_full_result_that_is_here_is_a_master(plain: Sandbox) -> None:
    photo(plain.photos / "a.png")
    assert plain.run("--keep-master").code == 0
    full = standing(plain)
    assert masters(plain) == []  # it is the full picture itself
    assert plain.run(*CROP, "--keep-master").code == 2, "replaced without being asked for"
    assert plain.run(*CROP, "--keep-master", "--replace").statuses() == {"duplicate": 1}
    assert plain.run("--replace").statuses() == {"duplicate": 1}
    assert standing(plain) == full
    assert charges(plain) == 1


def test_a_delta_is_a_master_too(plain: Sandbox) -> None:
    photo(plain.photos / "a.png")
    assert plain.run(*CARD, "--keep-master", "--via-delta").code == 0
    assert plain.run(*CROP, "--keep-master", "--replace").statuses() == {"duplicate": 1}
    (master,) = masters(plain)
    with Image.open(master) as image:
        assert (image.mode, image.size) == ("RGBA", (30, 30))
    assert charges(plain) == 1


def test_what_cannot_be_drawn_is_kept_and_drawn_otherwise_for_free(plain: Sandbox) -> None:
    photo(plain.photos / "a.png", 1500)
    much = ("--margin", "2200px", "--keep-master")  # with 1000 pixels a side there would be room
    outcome = plain.run(*much)
    (record,) = outcome.images
    assert (record["status"], record["error"]["code"]) == ("kept", "draw"), record
    assert plain.run(*much).statuses() == {"failed": 1}
    assert charges(plain) == 1
    assert plain.run("--margin", "20px", "--keep-master").statuses() == {"duplicate": 1}
    assert charges(plain) == 1


def test_a_master_that_is_broken_is_said_and_never_bought_again_by_itself(plain: Sandbox) -> None:
    photo(plain.photos / "a.png")
    assert plain.run(*CROP, "--keep-master").code == 0
    (master,) = masters(plain)
    master.write_bytes(bytes(master.stat().st_size))
    outcome = plain.run(*CARD, "--keep-master", "--replace")
    assert outcome.statuses() == {"failed": 1}
    assert master.name in outcome.images[0]["error"]["message"]
    assert charges(plain) == 1


def test_bought_again_on_purpose_the_old_master_is_kept(plain: Sandbox) -> None:
    photo(plain.photos / "a.png")
    assert plain.run(*CROP, "--keep-master").code == 0
    arguments = [
        "redo", str(plain.photos / "a.png"), "--out", str(plain.out), "--api-url", plain.emulator.api,
        *CROP, "--keep-master", "--yes",
    ]  # fmt: skip
    env = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
    told = plain.fork_server.ask(run=arguments, env=env).wait()
    assert told.code == 0, told.stderr
    assert charges(plain) == 2
    kept = [path for path in (plain.out / ".pixian-batch" / "kept").rglob("*.png") if path.is_file()]
    assert len(kept) == 2, kept  # the result, and what it was drawn from


def test_the_bill_counts_a_master_to_the_folder_of_its_result(plain: Sandbox) -> None:
    photo(plain.photos / "shoes" / "red.png")
    assert plain.run(*CROP, "--keep-master").code == 0
    env = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
    told = plain.fork_server.ask(run=["export", str(plain.out), "--by", "folder", "--csv"], env=env).wait()
    assert told.stdout.splitlines()[1].startswith("shoes,1,")
    status = plain.fork_server.ask(run=["status", str(plain.out), "--json"], env=env).wait()
    assert (status.records[0]["images"], list(status.records[0]["credits_by_folder"])) == (1, ["shoes"])


def test_a_rebuilt_ledger_still_knows_what_was_drawn(plain: Sandbox) -> None:
    for number in range(12):
        photo(plain.photos / f"{number}.png", 20 + number)
    assert plain.run(*CROP, "--keep-master").code == 0
    requests, whole = plain.emulator.bill().requests, plain.ledger.read_bytes()
    for page in range(0, len(whole), 4096):
        plain.ledger.write_bytes(whole[:page] + bytes(4096) + whole[page + 4096 :])
        for path in plain.ledger.parent.glob("ledger.db-*"):
            path.unlink()
        if plain.run(*CROP, "--keep-master").code == 8:  # set aside, and rebuilt
            outcome = plain.run(*CROP, "--keep-master")
            assert outcome.code in {0, 3}, outcome.stderr
        assert plain.emulator.bill().requests == requests, page


def test_nothing_is_bought_for_what_can_never_be_drawn(plain: Sandbox) -> None:
    photo(plain.photos / "a.png")
    for options in (("--output-format", "delta_png"), ("--target-size", "10 10", "--margin", "6px")):
        assert plain.run(*options, "--keep-master").code == 2
    assert plain.emulator.bill().requests == 0


def test_the_master_has_what_the_photo_kept_of_itself(plain: Sandbox) -> None:
    path = plain.photos / "a.jpg"
    exif = Image.Exif()
    exif[0x8298] = "(c) me"
    Image.radial_gradient("L").convert("RGB").save(path, exif=exif)
    assert plain.run(*CROP, "--keep-master", "--keep-metadata").code == 0
    for content in (*standing(plain).values(), masters(plain)[0].read_bytes()):
        with Image.open(io.BytesIO(content)) as image:
            assert image.getexif()[0x8298] == "(c) me"


def test_long_names_fit(plain: Sandbox) -> None:
    name = "ü" * 120 + ".png"
    (plain.photos / name).write_bytes(png(1))
    assert plain.run(*CROP, "--keep-master").code == 0
    assert len(masters(plain)) == 1
