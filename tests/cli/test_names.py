"""Where results go is said once, and stays: templates, one folder, names that collide; nothing is bought for a name."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support.pictures import picture, put
from support.told import endings_told

from pixian_batch.emulator.weather import Fault, FaultKind, Weather

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace


def photo(kind: str, number: int) -> bytes:
    """Bytes, and as many of them, as no other number has."""
    return picture(kind, shade=number, size=(16, 12)) + b"behind" * number


class Names:
    """Photos, runs over them, and which photo's result stands where."""

    def __init__(self, home: Workspace) -> None:
        self.home = home
        self.shade = 0

    def add(self, *names: str) -> None:
        for name in names:
            self.shade += 1
            kind = "jpg" if name.endswith("jpg") else "png"
            put(self.home.photos / name, photo(kind, self.shade))

    def run(self, *options: str, code: int = 0) -> dict[str, dict[str, Any]]:
        """The records by the photo's path below the input folder."""
        plan = self.home.plan(*options)
        charges = self.charges
        ended, out, err = self.home.run("--json", *options)
        assert ended == code, out + err
        records = [json.loads(line) for line in out.splitlines()]
        images = [record for record in records if record["type"] == "image"]
        assert plan["new"] == self.charges - charges == sum(one["status"] == "done" for one in images)
        assert plan["collision"] == sum(
            (one["error"] or {}).get("code") == "collision" or one["reason"] == "collision" for one in images
        )
        return {os.path.relpath(one["input"], self.home.photos).replace(os.sep, "/"): one for one in images}

    def places(self, *options: str, code: int = 0) -> dict[str, str]:
        """The same, as the results' places."""
        return {
            name: os.path.relpath(one["output"], self.home.out).replace(os.sep, "/")
            for name, one in self.run(*options, code=code).items()
            if one["status"] != "failed" and one["reason"] != "collision"
        }

    @property
    def charges(self) -> int:
        return self.home.emulator.bill.totals.charges

    def on_disk(self) -> set[str]:
        return {
            path.relative_to(self.home.out).as_posix()
            for path in self.home.out.rglob("*")
            if path.is_file() and ".pixian-batch" not in path.parts
        }


@pytest.fixture
def names(workspace: Callable[..., Workspace]) -> Names:
    return Names(workspace())


def test_a_template_mirrors_the_tree_unless_it_names_the_folder(names: Names) -> None:
    names.add("a.jpg", "x/b.png")
    assert names.places("--name", "{stem}-cut.{ext}") == {"a.jpg": "a-cut.png", "x/b.png": "x/b-cut.png"}
    assert names.places("--name", "all/{folder}/{stem}_{suffix}.{ext}") == {
        "a.jpg": "all/a_jpg.png",
        "x/b.png": "all/x/b_png.png",
    }
    assert names.places("--name", "{folder}-{stem}.{ext}", "--flat") == {
        "a.jpg": "a.png",
        "x/b.png": "x-b.png",
    }
    assert names.charges == 2, "another name is no other image"


def test_the_hash_is_that_of_the_photos_bytes(names: Names) -> None:
    names.add("a.jpg")
    shutil.copy(names.home.photos / "a.jpg", names.home.photos / "b.jpg")
    [place] = set(names.places("--name", "{hash:12}.{ext}").values())
    assert len(place) == len("0123456789ab.png")
    names.add("a.jpg")
    places = names.places("--name", "{hash:12}.{ext}")
    assert places["b.jpg"] == place != places["a.jpg"]
    assert names.on_disk() == set(places.values())
    assert names.charges == 2


def test_the_date_is_that_of_exif_else_of_the_file(names: Names) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = "2019:02:03 04:05:06"
    names.home.photos.mkdir(parents=True)
    Image.new("RGB", (16, 12), "red").save(names.home.photos / "a.jpg", exif=exif)
    names.add("b.jpg")
    os.utime(names.home.photos / "b.jpg", (1_000_000_000, 1_000_000_000))
    places = names.places("--name", "{date}/{stem}.{ext}")
    assert places["a.jpg"] == "2019-02-03/a.png"
    assert places["b.jpg"].startswith("2001-09-")
    assert names.places("--name", "{date}/{stem}.{ext}") == places


def test_a_photo_that_has_not_changed_is_not_read_again_for_its_date(names: Names) -> None:
    """Its content is exchanged under its stamp: who reads it again would see another date."""
    names.add("a.jpg")
    path = names.home.photos / "a.jpg"
    before = path.stat()
    places = names.places("--name", "{date}-{hash}.{ext}")
    path.write_bytes(b"\0" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert names.places("--name", "{date}-{hash}.{ext}") == places


def test_a_counter_stays_when_photos_come_and_go(names: Names) -> None:
    names.add("b.jpg", "c.jpg", "x/b.jpg")
    first = names.places("--name", "{counter}.{ext}")
    assert first == {"b.jpg": "0001.png", "c.jpg": "0002.png", "x/b.jpg": "x/0001.png"}
    names.add("a.jpg", "x/a.jpg")
    (names.home.photos / "b.jpg").unlink()
    later = names.places("--name", "{counter}.{ext}")
    assert later == {
        "a.jpg": "0003.png",
        "c.jpg": "0002.png",
        "x/a.jpg": "x/0002.png",
        "x/b.jpg": "x/0001.png",
    }
    names.add("c.jpg")
    changed = names.places("--name", "{counter}.{ext}")
    assert changed == later, "a photo that was edited keeps its number"
    assert names.charges == 6


def test_numbers_tell_apart_what_has_one_name(names: Names) -> None:
    names.add("b/a.jpg", "c/A.jpg", "d/a.png")
    options = ("--flat", "--on-collision", "suffix")
    first = names.places(*options)
    assert first == {"b/a.jpg": "a.png", "c/A.jpg": "A-2.png", "d/a.png": "a-3.png"}
    names.add("a/a.jpg", "a/a.png")
    again = names.places(*options)
    assert again == {"a/a.jpg": "a-4.png", "a/a.png": "a-5.png", **first}
    assert names.places(*options) == again
    assert names.charges == 5


def test_names_that_differ_in_unicode_form_only_are_one(names: Names) -> None:
    names.add("x/\u00e9.jpg", "y/e\u0301.jpg")
    assert set(names.places("--flat", "--on-collision", "suffix").values()) == {"\u00e9.png", "e\u0301-2.png"}


def test_a_copy_of_a_photo_is_made_from_the_first_under_its_own_number(names: Names) -> None:
    names.add("a/p.jpg")
    for folder in "bcd":
        put(names.home.photos / folder / "p.jpg", (names.home.photos / "a" / "p.jpg").read_bytes())
    options = ("--flat", "--on-collision", "suffix")
    first = names.places(*options)
    assert sorted(first.values()) == ["p-2.png", "p-3.png", "p-4.png", "p.png"]
    assert set(names.places(*options).values()) == set(first.values())
    assert names.on_disk() == set(first.values())
    assert names.charges == 1


def test_only_the_later_ones_fail(names: Names) -> None:
    names.add("a.jpg", "a.png", "b.jpg")
    records = names.run(code=3)
    assert {name: one["status"] for name, one in records.items()} == {
        "a.jpg": "done",
        "a.png": "failed",
        "b.jpg": "done",
    }
    error = records["a.png"]["error"]
    assert "a.jpg, a.png" in error["message"]
    assert "--on-collision suffix" in error["hint"]
    assert names.run("--on-collision", "first")["a.png"]["reason"] == "collision"
    assert names.places("--on-collision", "suffix") == {
        "a.jpg": "a.png",
        "a.png": "a-2.png",
        "b.jpg": "b.png",
    }


@pytest.mark.parametrize(
    ("options", "place", "other"), [(("--flat",), "b.png", "a/b.jpg"), ((), "x/b.png", "x/b.jpg")]
)
def test_what_an_earlier_run_recorded_stays(
    names: Names, options: tuple[str, ...], place: str, other: str
) -> None:
    """A photo that comes before it in the walk does not take its place."""
    names.add("x/b.png")
    names.run(*options)
    kept = (names.home.out / place).read_bytes()
    names.add(other)
    records = names.run(*options, code=3)
    assert records["x/b.png"]["status"] == "skipped"
    [failed] = [one for one in records.values() if one["status"] == "failed"]
    assert failed["error"]["code"] == "collision"
    assert (names.home.out / place).read_bytes() == kept
    assert names.run(*options, "--on-collision", "suffix")
    assert names.charges == 2


def test_a_photo_that_was_edited_keeps_its_place_in_one_folder(names: Names) -> None:
    names.add("x/a.jpg")
    names.run("--flat")
    names.add("x/a.jpg")
    assert names.run("--flat")["x/a.jpg"]["status"] == "done"
    assert names.on_disk() == {"a.png"}


def test_a_place_cannot_be_a_file_and_a_folder(names: Names) -> None:
    names.add("a.jpg", "a.png/b.jpg")
    records = names.run("--on-collision", "suffix", code=3)
    assert {name: one["status"] for name, one in records.items()} == {
        "a.jpg": "done",
        "a.png/b.jpg": "failed",
    }


def test_urls_are_named_by_what_they_say(names: Names) -> None:
    home = names.home
    common = ("--out", str(home.out), *home.common, "--json", "http://127.0.0.1:9/p/cat.jpg?x=1")
    code, out, _ = home.do("run", *common, "--name", "{date}.{ext}")
    record = endings_told(out)[0]
    assert (code, record["error"]["code"]) == (3, "name")
    _, out, _ = home.do("run", *common, "--name", "{hash}-{stem}.{ext}", "--flat")
    assert os.path.basename(endings_told(out)[0]["output"]).endswith(".png")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--name", "{stam}.{ext}"), "{stam} is no field; there are {folder}"),
        (("--name", "../{stem}.{ext}"), "leave .. out"),
        (("--name", "{stem}.jpg"), "the results are png"),
        (("--flat", "--name", "{folder}/{stem}.{ext}"), "--flat"),
        (("--on-collision", "rename"), "rename"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_what_cannot_be_meant_is_said_at_the_start(
    names: Names, command: str, options: tuple[str, ...], message: str
) -> None:
    names.add("a.jpg")
    code, out, err = names.home.do(command, str(names.home.photos), "--out", str(names.home.out), *options)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert not names.home.out.exists()


def test_options_of_names_are_variables_too(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    names.add("x/a.jpg")
    monkeypatch.setenv("PIXIAN_BATCH_NAME", "{stem}-cut.{ext}")
    monkeypatch.setenv("PIXIAN_BATCH_FLAT", "1")
    assert names.places() == {"x/a.jpg": "a-cut.png"}


def test_an_image_in_doubt_keeps_its_name(workspace: Callable[..., Workspace]) -> None:
    """It has no result yet, and yet a photo that comes before it in the walk takes another."""
    first = hashlib.sha256(photo("jpg", 1)).hexdigest()
    reset = Fault(FaultKind.RESET_AFTER_CHARGE)
    names = Names(workspace(weather=Weather(by_image={first: (reset,)})))
    names.add("b/p.jpg")
    options = ("--flat", "--on-collision", "suffix", "--json")
    assert names.home.run(*options)[0] == 10
    names.add("a/p.jpg")
    code, out, _ = names.home.run(*options)
    records = [json.loads(line) for line in out.splitlines()]
    places = {one["input"][-7:]: os.path.basename(one["output"]) for one in records if one["type"] == "image"}
    assert (code, places) == (10, {"a/p.jpg": "p-2.png", "b/p.jpg": "p.png"})


def test_a_list_that_names_a_photo_twice_makes_one_result(names: Names, tmp_path: Path) -> None:
    names.add("a.jpg")
    path = str(names.home.photos / "a.jpg")
    listed = put(tmp_path / "list.txt", f"{path}\n{path}\n".encode())
    for template in ("{counter}.{ext}", "{stem}.{ext}"):
        code, _, err = names.home.do(
            "run", "--files-from", listed, "--out", str(names.home.out), *names.home.common, "--flat",
            "--name", template, "--on-collision", "suffix",
        )  # fmt: skip
        assert code == 0, err
    assert names.on_disk() == {"0001.png", "a.png"}
    assert names.charges == 1
