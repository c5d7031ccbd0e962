"""Whatever results are called: no photo is bought twice for its name, and none gets another one's result."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.commands import CREDENTIALS
from support.emulators import EmulatorThread
from support.kill_points import DRAWING, POINTS
from support.pictures import picture, put

from pixian_batch.cli.app import start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from support.sandboxes import Sandbox

Tree = dict[str, int]
KILLED = -9
templates = st.sampled_from(
    [
        *(None, "{stem}-cut.{ext}", "{counter}.{ext}", "{folder}_{stem}.{ext}", "{hash:8}.{ext}"),
        *(
            "{date}-{counter:2}.{ext}",
            "same.{ext}",
            "{stem}.{suffix}.{ext}",
            "{date:%Y}-{hash:4}-{stem}.{ext}",
        ),
        *("{folder}/{counter}-{stem}.{ext}", "{date:%Y/%m}/{stem}.{ext}"),
    ]
)
collisions = st.sampled_from(["suffix", "fail", "first"])
paths = st.builds(
    lambda folder, name: f"{folder}{name}",
    st.sampled_from(["", "x/", "X/", "x/a.png/"]),
    st.sampled_from(["a.jpg", "A.jpg", "a.png", "a-2.jpg", "b.jpg", "\u00e9.jpg", "e\u0301.jpg"]),
)
trees = st.dictionaries(paths, st.integers(0, 5), max_size=7)


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorThread]:
    with EmulatorThread() as running:
        yield running


def photo(number: int) -> bytes:
    return picture("jpg", shade=number, size=(8, 6)) + b"behind" * number


def grow(root: Path, tree: Mapping[str, int]) -> None:
    for place, number in tree.items():
        with contextlib.suppress(OSError):  # a folder stands there, or a file where one is needed
            put(root / place, photo(number))


def run(root: Path, url: str, options: list[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    """One run in this process; its records by the photo's path."""
    quick = ["--backoff-step", "10ms", "--min-free", "1MB", "--concurrency-max", "8", "--ramp-interval", "0"]
    words = [
        "run",
        str(root / "in"),
        "--out",
        str(root / "out"),
        "--api-url",
        url,
        "--json",
        *quick,
        *options,
    ]
    out, code = io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        try:
            start(words)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    records = map(json.loads, out.getvalue().splitlines())
    return code, {one["input"]: one for one in records if one["type"] == "image"}


@given(trees, trees, templates, collisions, st.sampled_from([[], ["--flat"]]))
@example({"x/a.jpg": 1}, {"a.jpg": 2, "A.jpg": 3}, None, "suffix", ["--flat"])
@example({"x/a.jpg": 1, "X/a.jpg": 1}, {"a.jpg": 1}, "{counter}.{ext}", "fail", ["--flat"])
@example({"a.jpg": 1, "b.jpg": 2}, {"a.jpg": 2, "b.jpg": 1}, "{stem}-cut.{ext}", "fail", [])
@settings(max_examples=15)
def test_two_runs_in_a_row_never_buy_twice(
    emulator: EmulatorThread, first: Tree, later: Tree, template: str | None, collision: str, flat: list[str]
) -> None:
    options = ["--on-collision", collision, *flat, *(["--name", template] if template else [])]
    if flat and template and "/" in template:
        return
    root = Path(tempfile.mkdtemp())
    try:
        before = dict(emulator.bill.as_json()["images"])
        for tree in (first, later):
            grow(root / "in", tree)
            (root / "in").mkdir(exist_ok=True)
            _, told = run(root, emulator.url, options)
            requests = emulator.bill.totals.requests
            _, again = run(root, emulator.url, options)
            assert emulator.bill.totals.requests == requests, "the second run sent something"
            check(root, told, again)
        judge(before, emulator.bill.as_json()["images"])
    finally:
        shutil.rmtree(root)


def check(root: Path, told: dict[str, dict[str, Any]], again: dict[str, dict[str, Any]]) -> None:
    """Same photo, same name; different bytes, different names; all under the output."""
    places = {path: one["output"] for path, one in told.items() if one["status"] != "failed"}
    places = {path: place for path, place in places.items() if told[path]["reason"] != "collision"}
    assert by_bytes({path: again[path]["output"] for path in places}) == by_bytes(places)
    assert {
        path for path, one in again.items() if one["status"] == "skipped" and one["reason"] == "done"
    } == set(places)
    bytes_of = {place: set[bytes]() for place in places.values()}
    for path, place in places.items():
        bytes_of[place].add(Path(path).read_bytes())
        assert Path(place).is_file()
        assert os.path.commonpath([os.path.realpath(place), root / "out"]) == str(root / "out")
    assert [place for place, photos in bytes_of.items() if len(photos) > 1] == []


def by_bytes(places: Mapping[str, str]) -> dict[bytes, list[str]]:
    """Copies of one photo have the same result: which of their names is whose does not matter."""
    found: dict[bytes, list[str]] = {}
    for path, place in sorted(places.items(), key=lambda item: item[1]):
        found.setdefault(Path(path).read_bytes(), []).append(place)
    return found


def judge(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    charged = Counter({digest: image["charges"] for digest, image in after.items()})
    charged.subtract({digest: image["charges"] for digest, image in before.items()})
    ours = {hashlib.sha256(photo(number)).hexdigest() for number in range(6)}
    assert all(charged[digest] <= 1 for digest in ours)


NOT_PASSED = {
    "before_copies",
    "after_copies",
    "in_copies_before_rename",
    "rebuilt_before_rename",
    "rebuilt_after_rename",
    # With --keep-metadata each has content of its own: none is copied with others.
    "in_copies",
}
OPTIONS = ["--flat", "--name", "{counter}-{hash}.{ext}", "--keep-metadata", "--keep-dates"]
"""What makes a result's file another one than the body that was paid for, and its name one that is found again."""


@pytest.mark.parametrize("point", [point for point in POINTS if point not in NOT_PASSED])
def test_a_kill_costs_nothing_twice_under_other_names(sandbox: Callable[..., Sandbox], point: str) -> None:
    home = sandbox()
    for number in range(6):
        put(home.photos / "x" / f"{number}.png", described(number))
        put(home.photos / "y" / f"{number}.png", described(number % 3))
    passage = 1 if "end_of_run" in point else 2
    options = [*OPTIONS, "--crop-to-foreground", "--keep-master"] if point in DRAWING else OPTIONS
    assert home.run(*options, kill=[point, passage]).code == KILLED
    outcome, undecided = home.run(*options), home.undecided()
    assert outcome.code == (10 if undecided else 0), outcome.stderr
    assert outcome.summary["failed"] == 0
    before = home.emulator.bill()
    assert before.most_charges <= 1
    assert home.strays() == []
    again = home.run(*options)
    assert again.summary["done"] == 0
    assert home.emulator.bill().payload == before.payload, "the third run sent something"
    sizes = dict(home.ask("SELECT name, size FROM place WHERE folder NOT LIKE '.pixian-batch/%'"))
    on_disk = {path.name: path.stat().st_size for path in home.results()}
    assert {name: on_disk.get(name) for name in sizes} == sizes


@pytest.mark.parametrize("point", ["before_rename", "after_rename", "before_placed"])
def test_what_was_put_in_place_with_its_words_is_known_as_whole(
    sandbox: Callable[..., Sandbox], point: str
) -> None:
    """The file is larger than the body that came: by its own size the next run knows it, and nobody has to decide."""
    home = sandbox()
    for number in range(2):  # the second is the last: nothing else is on the wire when it is put in its place
        put(home.photos / f"{number}.png", described(number))
    assert home.run(*OPTIONS, workers=1, kill=[point, 2]).code == KILLED
    outcome = home.run(*OPTIONS, workers=1)
    assert (outcome.code, home.undecided()) == (0, {}), outcome.stderr
    assert home.emulator.bill().totals["charges"] == 2


def described(number: int) -> bytes:
    """A photo that has something to be kept."""
    from PIL import Image

    exif, out = Image.Exif(), io.BytesIO()
    exif[33432] = f"(c) {number}"
    Image.new("RGB", (8, 8), (number, 1, 2)).save(out, "PNG", exif=exif, dpi=(300, 300))
    return out.getvalue()
