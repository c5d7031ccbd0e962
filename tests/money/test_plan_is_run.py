"""What `plan` says is what `run` does, for any state of photos, results and ledger that days of use can lead to.

Each example lives through some days (runs in all weathers and with all parameters, kills, deletions, edits, renames),
then plans, and runs in fair weather. Judged by the emulator's bill and by the run's records, folder by folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from support import memory
from support.kill_points import POINTS
from support.pictures import announced_png
from support.sandboxes import EmulatorProcess, Sandbox, png

if TYPE_CHECKING:
    from pathlib import Path

    from support.forks import ForkServer, Outcome
    from support.sandboxes import Bill

PRICE: Final = 'price = {base = "1", per_megapixel = "10000"}\n'
STORMS: Final = (
    "",
    "",
    'weather.chances = [{fault = "error_500", probability = 0.3}]',
    'weather.chances = [{fault = "reset_after_charge", probability = 0.3}]',
    'weather.chances = [{fault = "cut_body", probability = 0.3}]',
    'weather.chances = [{fault = "garbage", probability = 0.3}]',
)
PARAMETERS: Final = (
    (),
    ("--crop-to-foreground",),
    ("--via-delta",),
    ("--test",),
    ("--crop-to-foreground", "--keep-master"),
    ("--target-size", "9 9", "--keep-master"),
    ("--target-size", "9 9", "--keep-master", "--via-delta"),
    ("--background-color", "#ffffff", "--output-format", "png"),
)
FOLDERS: Final = ("", "a", "b")
NAMES: Final = tuple(f"{number}.png" for number in range(4))
WIDTHS: Final = (8, 8, 12)
Event = tuple[Any, ...]

photos = st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES))
results = photos
contents = st.integers(0, 7)
runs = st.fixed_dictionaries(
    {
        "parameters": st.sampled_from(PARAMETERS),
        "replace": st.booleans(),
        "resend": st.booleans(),
        "storm": st.sampled_from(STORMS),
        "kill": st.none() | st.tuples(st.sampled_from(sorted(POINTS)), st.integers(1, 4)),
    }
)
EVENTS: Final = st.one_of(
    st.tuples(st.just("photo"), photos, contents),
    st.tuples(st.just("photo"), photos, contents),
    st.tuples(st.just("touch"), photos),
    st.tuples(st.just("rename"), photos, photos),
    st.tuples(st.just("break"), photos, st.sampled_from((b"", b"\x89PNG\r\n\x1a\nnonsense", b"huge"))),
    st.tuples(st.just("twin"), photos),
    st.tuples(st.just("run"), runs),
    st.tuples(st.just("run"), runs),
    st.tuples(st.just("remove"), results),
    st.tuples(st.just("shorten"), results),
    st.tuples(st.just("move"), results, results),
    st.tuples(st.just("foreign"), results),
    st.tuples(st.just("folder"), results),
    st.tuples(st.just("remove kept")),
    st.tuples(st.just("remove masters")),
    st.tuples(st.just("remove spools")),
)
LAST: Final = st.fixed_dictionaries(
    {
        "parameters": st.sampled_from(PARAMETERS),
        "options": st.sets(st.sampled_from(("--replace", "--overwrite", "--trust-ledger", "--only-failed"))),
        "resend": st.booleans(),
    }
)
DAYS: Final = st.tuples(st.lists(EVENTS, min_size=2, max_size=9), LAST)


class Days:
    """One user's days."""

    def __init__(self, fork_server: ForkServer) -> None:
        self.root = memory.folder("pixian-batch-plan-is-run-")
        self.fork_server = fork_server
        self.home = Sandbox(fork_server, self.root, self._emulator(""))
        self.storm = ""
        self.home.add(2)
        (self.home.photos / "a").mkdir()
        (self.home.photos / "a" / "0.png").write_bytes(png(0))

    def _emulator(self, storm: str) -> EmulatorProcess:
        return EmulatorProcess(self.fork_server, f'{PRICE}bill_file = "{self.root / "bill.jsonl"}"\n{storm}')

    def weather(self, storm: str) -> None:
        if storm != self.storm:
            self.home.emulator.bill()
            self.home.emulator.stop()
            self.home.emulator, self.storm = self._emulator(storm), storm

    def end(self) -> None:
        self.home.emulator.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    # --- what may happen -----------------------------------------------------------------------------

    def live(self, event: Event) -> None:
        name, *rest = event
        with contextlib.suppress(OSError):  # what is not there cannot be moved
            getattr(self, name.replace(" ", "_"))(*rest)

    def _photo(self, where: tuple[str, str]) -> Path:
        path = self.home.photos / where[0] / where[1]
        path.parent.mkdir(exist_ok=True)
        return path

    def _result(self, where: tuple[str, str]) -> Path:
        path = self.home.out / where[0] / where[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def photo(self, where: tuple[str, str], content: int) -> None:
        self._photo(where).write_bytes(png(content, WIDTHS[content % len(WIDTHS)]))

    def touch(self, where: tuple[str, str]) -> None:
        os.utime(self._photo(where), ns=(1, 1))

    def rename(self, where: tuple[str, str], to: tuple[str, str]) -> None:
        os.replace(self._photo(where), self._photo(to))

    def twin(self, where: tuple[str, str]) -> None:
        self._photo(where).with_suffix(".jpg").write_bytes(png(9))

    def run(self, how: dict[str, Any]) -> None:
        self.weather(how["storm"])
        options = [*how["parameters"], *(["--replace"] if how["replace"] else []), "--retries", "1"]
        options += ["--in-doubt", "resend" if how["resend"] else "hold", "--idle-timeout", "1s"]
        self.home.run(*options, workers=2, **({"kill": list(how["kill"])} if how["kill"] else {}))

    def remove(self, where: tuple[str, str]) -> None:
        self._result(where).unlink()

    def shorten(self, where: tuple[str, str]) -> None:
        os.truncate(self._result(where), 5)

    def move(self, where: tuple[str, str], to: tuple[str, str]) -> None:
        os.replace(self._result(where), self._result(to))

    def foreign(self, where: tuple[str, str]) -> None:
        path = self._result(where)
        path.unlink(missing_ok=True)
        path.write_bytes(b"somebody's")

    def folder(self, where: tuple[str, str]) -> None:
        path = self._result(where)
        path.unlink(missing_ok=True)
        path.mkdir()

    def remove_kept(self) -> None:
        shutil.rmtree(self.home.out / ".pixian-batch" / "kept")

    def remove_masters(self) -> None:
        shutil.rmtree(self.home.out / ".pixian-batch" / "masters")

    def remove_spools(self) -> None:
        for path in self.home.out.rglob(".pixian-*.part"):
            path.unlink()


def break_(days: Days, where: tuple[str, str], content: bytes) -> None:
    days._photo(where).write_bytes(announced_png(8000, 8000) if content == b"huge" else content)


setattr(Days, "break", break_)


def judge(days: Days, last: dict[str, Any]) -> None:
    """Plan, run, compare."""
    home = days.home
    days.weather("")
    options = [*last["parameters"], *sorted(last["options"])]
    options += ["--in-doubt", "resend" if last["resend"] else "hold"]
    if "--only-failed" in options and not home.ledger.exists():
        options.remove("--only-failed")
    before, bill = snapshot(days.root), home.emulator.bill()
    arguments = ["plan", str(home.photos), "--out", str(home.out), "--api-url", home.emulator.api, "--json"]
    told = home.fork_server.ask(run=[*arguments, *options], env={}).wait()
    assert told.code == 0, told.stderr
    assert snapshot(days.root) == before, "a plan wrote something"
    assert home.emulator.bill().requests == bill.requests, "a plan sent something"
    plan = json.loads(told.stdout)
    outcome = home.run(*options, workers=3)
    if plan["replaces"] and "--replace" not in options:
        assert outcome.code == 2, outcome.stderr
        assert home.emulator.bill().requests == bill.requests
        assert outcome.summary["credits_charged"] == "0"
        return
    assert outcome.code in {0, 3, 8, 10}, (outcome.code, outcome.stderr)
    compare(plan, outcome)
    assert outcome.summary["replaced"] == plan["replaces"]
    within(plan, home.emulator.bill().charged - bill.charged, outcome)
    again = home.emulator.bill()
    sent = sum(record["attempts"] > 0 for record in outcome.images)
    assert sent == plan["new"] == delivered(again) - delivered(bill)


def delivered(bill: Bill) -> int:
    return sum(image["delivered"] for image in bill.images.values())


def within(plan: dict[str, Any], charged: Decimal, outcome: Outcome) -> None:
    if outcome.summary["free"]:
        assert charged == 0
    elif not plan["unpriced"] and not plan["extrapolated"]:
        assert Decimal(plan["credits_low"]) <= charged <= Decimal(plan["credits_high"])
    assert charged >= Decimal(plan["credits_low"])


def compare(plan: dict[str, Any], outcome: Outcome) -> None:
    """As many of each fate, and folder by folder: of twins any one may be the one that is bought."""
    done: dict[str, Counter[str]] = {}
    for record in outcome.images:
        done.setdefault(os.path.dirname(record["input"]), Counter())[fate(record)] += 1
    planned = {item["folder"]: planned_fates(item) for item in plan["folders"]}
    assert sum(done.values(), Counter()) == planned_fates(plan), outcome.stderr
    assert twins_alike(planned) == twins_alike(done), outcome.stderr


def planned_fates(plan: dict[str, Any]) -> Counter[str]:
    failed = sum(plan[name] for name in ("unreadable", "too_large", "collision", "blocked", "other"))
    return +Counter({**{name: plan[name] for name in FATES}, "failed": failed})


def twins_alike(folders: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    return {
        name: Counter({**counts, "new": counts["new"] + counts["duplicate"], "duplicate": 0})
        for name, counts in folders.items()
        if counts
    }


FATES: Final = (
    "new", "finished", "done", "trusted", "exists", "result", "duplicate", "in_doubt", "lost", "kept",
)  # fmt: skip


def fate(record: dict[str, Any]) -> str:
    """The plan's word for a record of the run."""
    match record["status"]:
        case "done":
            return "finished" if record["repaired"] else "new"
        case "skipped":
            return "exists" if record["reason"] == "bought" else str(record["reason"])
        case other:
            return str(other)


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """All that is there, without the two files that SQLite makes where it reads."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm", "bill.jsonl"))
    }


def live_and_judge(fork_server: ForkServer, events: list[Event], last: dict[str, Any]) -> None:
    days = Days(fork_server)
    try:
        for event in events:
            days.live(event)
        judge(days, last)
    finally:
        days.end()


def many(fork_server: ForkServer, *, examples: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(DAYS)
    def test(days: tuple[list[Event], dict[str, Any]]) -> None:
        live_and_judge(fork_server, *days)

    test()


def test_a_few_days(fork_server: ForkServer) -> None:
    many(fork_server, examples=5, number=0)


@pytest.mark.slow
@pytest.mark.parametrize("few", range(1, 13))
def test_many_days(fork_server: ForkServer, few: int) -> None:
    many(fork_server, examples=15, number=few)
