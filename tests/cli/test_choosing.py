"""Choosing among the photos: what plan says of it is what run does, and no choice buys anything twice."""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.emulators import EmulatorThread
from support.pictures import picture, put
from support.workspaces import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Words = tuple[str, ...]
Photo = tuple[str, int, int]
LEFT = ("older", "smaller", "larger", "urls", "not_sampled", "over_limit")


def bought(home: Workspace) -> int:
    return home.emulator.bill.totals.charges


def most_often(home: Workspace) -> int:
    return max((image.charges for image in home.emulator.bill.images.values()), default=0)


def left_out(record: dict[str, Any]) -> dict[str, int]:
    return {name: record["left_out"][name] for name in LEFT if record["left_out"][name]}


def summary(home: Workspace, *options: str, code: int = 0) -> dict[str, Any]:
    ended, out, err = home.run("--json", "--no-progress", *options)
    assert ended == code, err
    record: dict[str, Any] = json.loads(out.splitlines()[-1])
    return record


def age(path: Path, **ago: float) -> None:
    when = (datetime.now(UTC) - timedelta(**ago)).timestamp()
    os.utime(path, (when, when))


# --- limit ----------------------------------------------------------------------------------------


def test_a_limit_buys_so_many_and_the_next_run_goes_on(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add(*(f"{folder}/{number}.png" for folder in "ab" for number in range(4)))
    for run, (new, over) in enumerate(((3, 5), (3, 2), (2, 0), (0, 0))):
        planned = home.plan("--limit", "3")
        assert (planned["new"], left_out(planned)) == (new, {"over_limit": over} if over else {})
        ended = summary(home, "--limit", "3")
        assert (ended["done"], ended["skipped"], ended["not_started"]) == (new, min(3 * run, 8), 0)
        assert left_out(ended) == left_out(planned)
    assert (bought(home), most_often(home)) == (8, 1)


def test_it_is_said_once_and_the_total_follows_it(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add(*(f"{number}.png" for number in range(30)))
    _, _, err = home.run("--no-progress", "--limit", "4")
    assert (
        err.count(
            "26 photos that were not done yet were left out by --limit — the next run goes on with them"
        )
        == 1
    )
    assert "4 of 4 images (100.0 %)" in err
    text = home.do("plan", str(home.photos), "--out", str(home.out), "--limit", "4")[1]
    assert text.count("22 photos that were not done yet were left out by --limit") == 1


def test_duplicates_and_what_cannot_be_read_do_not_count(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png", "c.png", "e.png", "f.png")
    shutil.copy(home.photos / "a.png", home.photos / "b.png")
    shutil.copy(home.photos / "a.png", home.photos / "g.png")  # behind the last one
    put(home.photos / "d.png", b"\x89PNG\r\n\x1a\nnonsense")
    put(home.photos / "h.png", b"\x89PNG\r\n\x1a\nnonsense")
    planned = home.plan("--limit", "3")
    assert {name: planned[name] for name in ("new", "duplicate", "unreadable")} == {
        "new": 3,
        "duplicate": 1,
        "unreadable": 1,
    }
    ended = summary(home, "--limit", "3", code=3)
    assert (ended["done"], ended["duplicates"], ended["failed"]) == (3, 1, 1)
    assert left_out(ended) == left_out(planned) == {"over_limit": 3}
    assert sorted(path.name for path in home.out.glob("*.png")) == ["a.png", "b.png", "c.png", "e.png"]


def test_it_falls_on_the_first_by_order_with_many_workers(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    for number in range(24):
        # The large ones come first and take longer to read.
        home.add(f"{number:02}.png", size=(300 - 10 * number, 200))
        age(home.photos / f"{number:02}.png", hours=(number * 7) % 24 + 1)
    newest = sorted(home.photos.iterdir(), key=lambda path: -path.stat().st_mtime)[:5]
    summary(home, "--limit", "5", "--order", "newest", "--concurrency-start", "20", "--concurrency-max", "20")
    assert {path.name for path in home.out.glob("*.png")} == {path.name for path in newest}
    smallest = sorted(home.photos.iterdir(), key=lambda path: path.stat().st_size)[:3]
    shutil.rmtree(home.out)
    summary(
        home, "--limit", "3", "--order", "smallest", "--concurrency-start", "20", "--concurrency-max", "20"
    )
    assert {path.name for path in home.out.glob("*.png")} == {path.name for path in smallest}


# --- sample, dates, sizes ---------------------------------------------------------------------------


def test_a_second_run_over_a_sample_buys_nothing(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add(*(f"{folder}/{number}.png" for folder in "abc" for number in range(6)))
    planned = home.plan("--sample", "5")
    assert (planned["new"], left_out(planned)) == (5, {"not_sampled": 13})
    assert {item["folder"][-1]: item["new"] for item in planned["folders"]} in (
        {"a": 2, "b": 2, "c": 1},
        {"a": 2, "b": 1, "c": 2},
        {"a": 1, "b": 2, "c": 2},
    )
    ended = summary(home, "--sample", "5")
    assert (ended["done"], left_out(ended)) == (5, {"not_sampled": 13})
    again = summary(home, "--sample", "5")
    assert (again["done"], again["skipped"], bought(home)) == (0, 5, 5)
    assert summary(home)["done"] == 13
    assert most_often(home) == 1


def test_dates_and_sizes_are_said_by_plan_and_run(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("new.png", "old.png")
    home.add("large.png", size=(400, 400))
    age(home.photos / "old.png", days=3)
    limit = str(os.stat(home.photos / "new.png").st_size)
    options = ("--newer-than", "2d", "--max-size", limit)
    sentence = "1 photo older than --newer-than and 1 larger than --max-size were left out"
    assert home.do("plan", str(home.photos), "--out", str(home.out), *options)[1].count(sentence) == 1
    _, _, err = home.run("--no-progress", *options)
    assert (err.count(sentence), bought(home)) == (1, 1)
    assert "1 of 1 image (100.0 %)" in err
    assert left_out(summary(home, *options)) == {"older": 1, "larger": 1}
    assert left_out(home.plan(*options, "https://example.com/x.jpg")) == {"older": 1, "larger": 1, "urls": 1}


@pytest.mark.parametrize(
    ("since", "taken"),
    [
        ("36h", 1),
        ("1w", 2),
        ("{day}", 1),
        ("{day}T00:00", 1),
        ("{moment}", 1),
        ("2020-02-29", 2),
        ("2001-02-03T04:05:06+07:00", 2),
    ],
)
def test_dates_moments_and_ages(workspace: Callable[..., Workspace], since: str, taken: int) -> None:
    home = workspace()
    home.add("new.png", "old.png")
    age(home.photos / "old.png", days=3)
    now = datetime.now().astimezone()
    text = since.format(
        day=f"{now - timedelta(days=1):%Y-%m-%d}", moment=(now - timedelta(days=1)).isoformat()
    )
    assert home.plan("--newer-than", text)["new"] == taken


def test_a_date_begins_at_the_local_midnight(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no TZ")
    home = workspace()
    home.add("a.png")
    when = datetime(2026, 1, 10, 2, 0, tzinfo=UTC).timestamp()  # the 10th in London, the 9th in New York
    os.utime(home.photos / "a.png", (when, when))
    taken = {}
    try:
        for zone in ("Europe/London", "America/New_York"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            taken[zone] = home.plan("--newer-than", "2026-01-10")["new"]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert taken == {"Europe/London": 1, "America/New_York": 0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--limit", "0"), "--limit 0: would buy nothing"),
        (("--limit", "-3"), "--limit -3: would buy nothing"),
        (("--sample", "0"), "--sample 0: would take nothing"),
        (("--sample", "3", "--limit", "3"), "--sample and --limit"),
        (("--min-size", "2M", "--max-size", "1M"), "--min-size is more than --max-size"),
        (("--max-size", "0"), "--max-size 0"),
        (("--newer-than", "yesterday"), "neither a date nor an age"),
        (("--newer-than", "2d3h"), "neither a date nor an age"),
        (("--newer-than", "2999-01-01"), "in the future"),
        (("--newer-than", "999999w"), "neither a date nor an age"),
        (("--order", "oldest"), "none of name, newest, smallest"),
        (("--min-size", "big"), "is not a size"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_spent(
    workspace: Callable[..., Workspace], options: tuple[str, ...], said: str
) -> None:
    home = workspace()
    home.add("a.png")
    for words in (("plan",), ("run",), ("run", "--dry-run")):
        code, out, err = home.do(words[0], str(home.photos), "--out", str(home.out), *words[1:], *options)
        assert (code, out) == (2, "")
        assert said in " ".join(err.split()), err
    assert not home.out.exists()
    assert home.emulator.total == 0


def test_sizes_are_thousands_unless_they_say_otherwise(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    with open(home.photos / "a.png", "ab") as file:
        file.truncate(1010)
    assert [home.plan("--min-size", size)["new"] for size in ("1K", "1kB", "1KiB", "1010", "1011")] == [
        1,
        1,
        0,
        1,
        0,
    ]


# --- plan and run -----------------------------------------------------------------------------------


def test_a_dry_run_prints_what_plan_prints_whatever_else_a_run_is_told(
    workspace: Callable[..., Workspace], tmp_path: Path
) -> None:
    home = workspace()
    home.add("a.png", "b/c.png", "d.png")
    shared = (str(home.photos), "--out", str(home.out), "--limit", "2", "--api-url", home.emulator.url)
    of_a_run = (
        *("--quiet", "--max-credits", "1", "--log-file", str(tmp_path / "log"), "--on-finish", "false"),
        *("--ask-above", "0", "--concurrency-start", "2"),
    )
    for more in ((), ("--json",)):
        planned = home.do("plan", *shared, *more)
        assert home.do("run", *shared, *more, *of_a_run, "--dry-run") == planned
        assert home.do("run", *shared, *more, "-n") == planned
        assert planned[0] == 0
    assert (home.emulator.total, home.out.exists(), (tmp_path / "log").exists()) == (0, False, False)


def test_a_dry_run_over_what_failed_is_a_plan_of_that(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png")
    put(home.photos / "b.png", b"\x89PNG\r\n\x1a\nnonsense")
    assert home.run()[0] == 3
    home.add("c.png")
    assert home.plan("--only-failed")["unreadable"] == 1
    code, out, _ = home.run("--only-failed", "--dry-run", "--json")
    record = json.loads(out)
    assert (code, record["unreadable"], record["new"], record["done"]) == (0, 1, 0, 0)
    # The total of a run over what failed is known, too.
    assert "1 of 1 image (100.0 %)" in home.run("--only-failed", "--no-progress")[2]


PHOTOS = st.lists(
    st.tuples(st.sampled_from(["", "a", "b/c"]), st.integers(0, 9), st.integers(0, 5)),
    unique_by=lambda photo: photo[:2],
    min_size=1,
    max_size=9,
)
CHOICES = st.one_of(
    st.just(()),
    st.integers(1, 4).map(lambda number: ("--limit", str(number))),
    st.integers(1, 4).map(lambda number: ("--sample", str(number))),
    st.sampled_from(
        [("--newer-than", "36h"), ("--min-size", "90"), ("--max-size", "95"), ("--include", "*[1-5].png")]
    ),
)
ORDERS = st.sampled_from(["name", "newest", "smallest"])


class Captured:
    """Standard output and error, handed out as `capsys` does: fixtures are not made anew for each example."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.readouterr()

    def readouterr(self) -> Captured:
        """What was written since the last time."""
        self.out, self.err = (getattr(stream, "getvalue", str)() for stream in (sys.stdout, sys.stderr))
        for name in ("stdout", "stderr"):
            self._patch.setattr(sys, name, io.StringIO())
        return self


def test_plan_is_run_and_nothing_is_bought_twice_whatever_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any tree, with duplicates in it, and any choices one after the other; judged by the emulator's bill."""
    monkeypatch.setenv("PIXIAN_API_ID", "id")
    monkeypatch.setenv("PIXIAN_API_SECRET", "secret")
    captured: Any = Captured(monkeypatch)
    number = itertools.count()
    with EmulatorThread() as emulator:

        @settings(max_examples=25, deadline=None)
        @given(PHOTOS, st.lists(st.tuples(CHOICES, CHOICES, ORDERS), min_size=1, max_size=3))
        def any_tree(photos: list[Photo], choices: list[tuple[Words, Words, str]]) -> None:
            emulator.bill.reset()
            home = tree(Workspace(tmp_path / f"{next(number)}", emulator, captured), photos)
            for one, other, order in choices:
                if {one[:1], other[:1]} != {("--limit",), ("--sample",)}:
                    plan_and_run(home, (*one, *other, "--order", order))
            assert most_often(home) <= 1

        any_tree()


def tree(home: Workspace, photos: list[Photo]) -> Workspace:
    """The photos, of which those of one shade have the same bytes."""
    for folder, number, shade in photos:
        path = home.photos / folder / f"{number}.png"
        put(path, picture("png", shade=shade, size=(8 + 3 * shade, 6)))
        age(path, hours=number * 10)
    return home


def plan_and_run(home: Workspace, options: Words) -> None:
    before = bought(home)
    planned = home.plan(*options)
    ended = summary(home, *options)
    assert bought(home) - before == planned["new"] == ended["done"]
    assert (ended["skipped"], ended["duplicates"]) == (planned["done"], planned["duplicate"])
    assert left_out(ended) == left_out(planned)
