"""What one image costs in things that can be counted: no seconds, so the machine's mood does not matter.

A real run in a process of its own, against a real server; the counters wrap the standard library only.
The bounds leave a little room: they are there to catch a visit or a statement more per image.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.emulators import EmulatorThread
from support.pictures import picture

from pixian_batch.adapters.landing.filesystems import can_sync_whole
from pixian_batch.adapters.ledger import opening, questions, writing
from pixian_batch.policy.record import Ended, Key, Placed, Sending
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

IMAGES: Final = 60
PROGRAM: Final = """
import asyncio.base_events, json, os, sqlite3, sys
from collections import Counter
seen = Counter()

hop = asyncio.base_events.BaseEventLoop.run_in_executor
def counted_hop(self, executor, work, *arguments):
    # Of a round's visits each image has a share, the smaller the more come together: that is the machine's mood.
    function = getattr(work, "args", (None,))[0] if type(work).__name__ == "partial" else work
    seen["shared" if getattr(function, "__name__", "") in ("move_all", "_photos_at") else "hops"] += 1
    return hop(self, executor, work, *arguments)
asyncio.base_events.BaseEventLoop.run_in_executor = counted_hop

connect = sqlite3.connect
def counted_connect(*arguments, **options):
    made = connect(*arguments, **options)
    def trace(statement):
        seen["statements"] += 1
        seen["commits"] += statement == "COMMIT"
    made.set_trace_callback(trace)
    return made
sqlite3.connect = counted_connect

fsync = os.fsync
def counted_fsync(descriptor):
    seen["fsyncs"] += 1
    fsync(descriptor)
os.fsync = counted_fsync

def counted(name):
    call = getattr(os, name)
    def count(*arguments, **options):
        seen[name] += 1
        return call(*arguments, **options)
    setattr(os, name, count)
for name in ("scandir", "stat"):
    counted(name)

sys.argv[0] = "pixian-batch"
from pixian_batch.__main__ import main
try:
    main()
finally:
    print("COUNTS " + json.dumps(seen), file=sys.stderr)
"""


def run_counted(*inputs: Path | str, out: Path, url: str) -> dict[str, int]:
    command = [
        *(sys.executable, "-c", PROGRAM, "run", *map(str, inputs), "--out", str(out), "--api-url", url),
        *("--concurrency-max", "20", "--ramp-interval", "0", "--min-free", "1MB", "--no-progress"),
    ]
    env = {**os.environ, "PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    counts: dict[str, int] = json.loads(done.stderr.rsplit("COUNTS ", 1)[1])
    return counts


def photos(folder: Path, count: int = IMAGES) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}.png").write_bytes(picture(shade=number))
    return folder


def test_one_image_costs_one_request_and_a_bounded_number_of_visits(tmp_path: Path) -> None:
    source, out = photos(tmp_path / "in"), tmp_path / "out"
    with EmulatorThread() as emulator:
        few = run_counted(photos(tmp_path / "few", 10), out=tmp_path / "out-few", url=emulator.url)
        first = emulator.bill.totals.requests
        many = run_counted(source, out=out, url=emulator.url)
        second = emulator.bill.totals.requests - first
    assert second - first == IMAGES - 10  # and both as many before the first: the credentials are asked about
    assert first <= 10 + 3
    each = {name: (many[name] - few[name]) / (IMAGES - 10) for name in many}
    # Read, hash and look at the result's place; make the spool; write, sync and close the body; look at the result.
    assert each["hops"] <= 4
    assert each["shared"] <= 2  # rounds of one, at worst
    # Standing; sending (2); answered; ended (2); placed (3); the hash of the input; its share of BEGIN and COMMIT.
    assert each["statements"] <= 10 + 2 * 5
    # The body, and its folder after the rename. SQLite's own are in its commits.
    assert each["fsyncs"] <= 2.2


def test_a_run_over_what_is_done_asks_the_ledger_by_the_folder(tmp_path: Path) -> None:
    source, out = photos(tmp_path / "in"), tmp_path / "out"
    with EmulatorThread() as emulator:
        run_counted(source, out=out, url=emulator.url)
        again = run_counted(source, out=out, url=emulator.url)
    assert again["hops"] < IMAGES / 2
    assert again["statements"] < IMAGES
    assert again.get("fsyncs", 0) < 5


def test_a_run_over_what_is_done_walks_once_and_asks_two_stats_an_image(tmp_path: Path) -> None:
    counts = []
    with EmulatorThread() as emulator:
        for number in (10, IMAGES):
            source, out = photos(tmp_path / f"in{number}", number), tmp_path / f"out{number}"
            first = run_counted(source, out=out, url=emulator.url)
            counts.append(run_counted(source, out=out, url=emulator.url))
            assert first["scandir"] > counts[-1]["scandir"]  # with work to do, the total is counted ahead
    few, many = counts
    assert few["scandir"] == many["scandir"] == 1
    assert many["stat"] - few["stat"] == 2 * (IMAGES - 10)
    # Each transaction has a BEGIN and a COMMIT, and how many questions share one is the threads' mood.
    plain = [count["statements"] - 2 * count["commits"] for count in counts]
    assert plain[0] == plain[1]


@pytest.mark.parametrize("listed", [False, True])
def test_small_folders_and_listed_names_share_their_visits(tmp_path: Path, *, listed: bool) -> None:
    """Each by itself would be three visits to a thread and two transactions."""
    source, out = photos(tmp_path / "in"), tmp_path / "out"
    for number, photo in enumerate(sorted(source.iterdir())):
        folder = source / f"{number:04}"
        folder.mkdir()
        photo.rename(folder / photo.name)
    names = tmp_path / "names"
    names.write_text("".join(f"{path}\n" for path in sorted(source.glob("*/*"))))
    more = ["--files-from", str(names)] if listed else [str(source)]
    with EmulatorThread() as emulator:
        run_counted(*more, out=out, url=emulator.url)
        again = run_counted(*more, out=out, url=emulator.url)
    assert again["commits"] < IMAGES / 2
    assert again["hops"] < IMAGES / 2
    assert again["statements"] < 3 * IMAGES


def test_the_few_unsettled_images_are_found_without_reading_all() -> None:
    """Counted in steps of SQLite's machine: a search through all finished images takes several for each."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        opening.create(db)
        writing.begin_run(db, "2026-01-01", "1", "pixian")
        for number in range(1, 501):
            key = Key(number.to_bytes(32, "big"), "x=1")
            writing.write_sending(
                db, 1, "2026-01-01", Sending(number, key, "a", "b", "c", 1, None, free=False)
            )
            if number > 2:
                writing.write_placed(db, [("a", f"{number}", Placed(key, 1))])
            elif number > 1:
                writing.write_ended(db, "2026-01-01", [(number, Ended(Verdict.IN_DOUBT))])
        steps: list[None] = []
        db.set_progress_handler(lambda: steps.append(None), 1)
        assert [item.attempt for item in questions.undecided(db)] == [2]
        assert [item.sending.attempt for item in questions.unfinished(db)] == [1]
    assert len(steps) < 500


HEAVY: Final = ("PIL", "numpy", "onnxruntime", "rich", "aiohttp.web", "multiprocessing", "keyring")


def test_a_run_loads_nothing_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    command = [sys.executable, "-X", "importtime", "-m", "pixian_batch", "run", str(tmp_path / "in")]
    env = {**os.environ, "PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
    said = subprocess.run(
        [*command, "--out", str(tmp_path / "out"), "--api-url", "http://127.0.0.1:9", "--no-progress"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(re.findall(r"(?m)\| +([\w.]+)$", said.stderr))
    assert "pixian_batch.pipeline.run" in loaded
    assert not loaded & {*HEAVY, "pixian_batch.emulator.server", "pixian_batch.library.client"}


def test_help_needs_neither_the_parser_nor_the_wire() -> None:
    for page, unwanted in (([], {"typer", "asyncio"}), (["run"], {"pydantic", "aiohttp", "asyncio", "rich"})):
        said = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "pixian_batch", *page, "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert not set(re.findall(r"(?m)\| +([\w.]+)$", said.stderr)) & unwanted


def test_version_loads_next_to_nothing() -> None:
    command = [sys.executable, "-I", "-c", "import sys; print(len(sys.modules))"]
    bare = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pixian_batch", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    ours = re.findall(r"(?m)\| +(pixian_batch[\w.]*)$", said.stderr)
    assert len(ours) <= 3  # the package, its display room, and the streams that everything else writes to
    assert len(said.stderr.splitlines()) <= bare + 60


@pytest.mark.skipif(
    shutil.which("strace") is None, reason="counts system calls with strace, which is not here"
)
def test_an_image_needs_a_bounded_number_of_system_calls(tmp_path: Path) -> None:
    with EmulatorThread() as emulator:
        counts = [
            _system_calls(photos(tmp_path / f"in{count}", count), tmp_path / f"out{count}", emulator.url)
            for count in (10, IMAGES)
        ]
    # futex, getpid and epoll depend on the threads' mood; what touches files and the ledger does not.
    for call, most in {"openat": 6, "fsync": 2.2, "rename": 1.1, "statfs": 1.1, "mkdir": 0.1}.items():
        assert (counts[1].get(call, 0) - counts[0].get(call, 0)) / (IMAGES - 10) <= most, call


def _system_calls(source: Path, out: Path, url: str) -> dict[str, int]:
    summary = out.with_suffix(".strace")
    command: list[Any] = [
        *("strace", "-f", "-c", "-o", summary, sys.executable, "-m", "pixian_batch", "run", source),
        *("--out", out, "--api-url", url, "--ramp-interval", "0", "--concurrency-max", "20"),
        *("--min-free", "1MB", "--no-progress"),
    ]
    env = {**os.environ, "PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
    env["PYTHONDONTWRITEBYTECODE"] = "1"  # whichever run is the first: its files are not to be counted
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip("this machine does not let strace attach")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in summary.read_text().splitlines()]
    return {row[-1]: int(row[3]) for row in rows if len(row) >= 5 and row[3].isdigit()}


def test_duplicates_share_their_syncs_and_commits(tmp_path: Path) -> None:
    """Of one photo, bought once: what a further copy costs, when it is new and when its bytes are known."""
    source, out = photos(tmp_path / "in", 1), tmp_path / "out"
    counts = []
    with EmulatorThread() as emulator:
        for number in (1, 400):
            for twin in range(number):
                shutil.copy(source / "0000.png", source / f"twin-{number}-{twin:04}.png")
            counts.append(run_counted(source, out=out, url=emulator.url))
        known = [path for path in out.iterdir() if path.name.startswith("twin-400-")]
        for path in known:
            path.unlink()
        again = run_counted(source, out=out, url=emulator.url)
        assert emulator.bill.totals.charges == 1
    assert len(known) == 400
    each = {name: (counts[1][name] - counts[0].get(name, 0)) / 399 for name in counts[1]}
    assert each["hops"] <= 1.3  # read and hashed; the rest is its share of a round
    assert each["commits"] <= 0.3
    if can_sync_whole(str(tmp_path)):
        assert each["fsyncs"] <= 0.3
    assert again["hops"] / 400 <= 1.3
    assert again["commits"] / 400 <= 0.3
