"""`run --lock`: what was bought stands in a file that can be committed, and a run over a part keeps the rest."""

from __future__ import annotations

import json
import os
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING

from support.schema import violation

from pixian_batch.cli.locking import lock_up
from pixian_batch.pipeline.lockfile import LockNotes
from pixian_batch.pipeline.spec import Outputs
from pixian_batch.policy.lockfile import read_lock
from pixian_batch.policy.outcome import Ending, Skipped, SkipReason
from pixian_batch.policy.progress import Summary
from pixian_batch.policy.stopping import Exit
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace

    Workspaces = Callable[..., Workspace]


def lock_of(home: Workspace) -> Path:
    return home.root / "pixian.lock"


def fields(home: Workspace) -> list[list[str]]:
    return [line.split("\t") for line in lock_of(home).read_text().splitlines()[1:]]


def locked(workspace: Workspaces, *names: str) -> Workspace:
    home = workspace()
    home.add(*names)
    code, _out, err = home.run("--lock", str(lock_of(home)))
    assert code == 0, err
    return home


def verify(home: Workspace, *options: str) -> tuple[int, str]:
    code, out, err = home.do("verify", "--lock", str(lock_of(home)), *options)
    return code, out + err


def test_each_result_has_a_line_of_what_it_is_and_cost(workspace: Workspaces) -> None:
    home = locked(workspace, "b.png", "a.png")
    shutil.copy(home.photos / "a.png", home.photos / "copy.png")
    assert home.run("--lock", str(lock_of(home)))[0] == 0
    [a, b, copy] = fields(home)
    assert [line[0] for line in (a, b, copy)] == ["in/a.png", "in/b.png", "in/copy.png"]
    assert (a[3], copy[3]) == ("out/a.png", "out/copy.png")
    assert (a[1], a[2], a[4], a[5]) == (copy[1], copy[2], copy[4], copy[5])
    assert Decimal(a[5]) + Decimal(b[5]) == home.emulator.bill.totals.charged
    assert verify(home, str(home.photos)) == (0, "as locked: 3 images\n")


def test_a_second_run_changes_no_byte_and_writes_nothing(workspace: Workspaces) -> None:
    home = locked(workspace, "a.png", "b/c.png")
    before = lock_of(home).stat()
    assert home.run("--lock", str(lock_of(home)))[0] == 0
    after = lock_of(home).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_run_over_a_part_keeps_the_rest(workspace: Workspaces) -> None:
    home = locked(workspace, "a.png", "b.png", "c.png", "d.png")
    before = fields(home)
    (home.photos / "c.png").unlink()
    (home.out / "c.png").unlink()
    (home.photos / "d.png").unlink()  # its result is there, and locked
    home.add("a.png")
    assert home.run("--include", "a.png", "--lock", str(lock_of(home)))[0] == 0
    after = fields(home)
    assert [line[0] for line in after] == ["in/a.png", "in/b.png", "in/d.png"]
    assert after[0] != before[0]
    assert after[1:] == [before[1], before[3]]


def test_a_result_that_was_altered_is_not_locked_anew_by_passing_by(workspace: Workspaces) -> None:
    home = locked(workspace, "a.png")
    result = home.out / "a.png"
    content = bytearray(result.read_bytes())
    content[-1] ^= 1
    result.write_bytes(content)
    before = lock_of(home).read_bytes()
    assert home.run("--lock", str(lock_of(home)))[0] == 0
    assert lock_of(home).read_bytes() == before
    assert verify(home)[0] == 13
    # unless its line is taken out
    lock_of(home).write_bytes(before.splitlines(keepends=True)[0])
    assert home.run("--lock", str(lock_of(home)))[0] == 0
    assert verify(home)[0] == 0
    # and a result that is bought once more is what it is now
    again = home.do(
        "redo", str(home.photos / "a.png"), "--out", str(home.out), *home.common, "--yes", "--lock",
        str(lock_of(home)),
    )  # fmt: skip
    assert again[0] == 0, again
    assert verify(home)[0] == 0


def test_drawn_results_and_free_ones_have_their_price(workspace: Workspaces) -> None:
    home = workspace()
    home.add("a.png", size=(400, 300))
    lock = ("--lock", str(lock_of(home)))
    assert home.run("--keep-master", "--target-size", "40 30", *lock)[0] == 0
    [line] = fields(home)
    assert line[5] == str(home.emulator.bill.totals.charged)
    assert "drawn=1" in line[2]
    test_out = str(home.root / "test")
    assert home.do("run", str(home.photos), "--out", test_out, *home.common, "--test", *lock)[0] == 0
    assert [line[3:6:2] for line in fields(home)][1] == ["test/a.png", "0"]
    assert verify(home) == (0, "as locked: 2 images, 1 of them free ones (--local, --test)\n")


def test_a_lock_that_cannot_be_is_refused_before_anything_is_spent(workspace: Workspaces) -> None:
    home = workspace()
    home.add("a.png")
    (home.root / "other.txt").write_text("mine")
    for path in (home.root / "other.txt", home.root, home.root / "no" / "pixian.lock"):
        code, out, err = home.run("--lock", str(path))
        assert (code, out) == (2, ""), err
        assert str(path) in err
    assert (home.root / "other.txt").read_text() == "mine"
    assert home.do("run", str(home.photos / "a.png"), "--out", "-", "--lock", "x", *home.common)[0] == 2
    assert home.emulator.bill.totals.requests == 0


def test_a_lock_that_cannot_be_written_at_the_end_is_the_runs_end(workspace: Workspaces) -> None:
    home = locked(workspace, "a.png")
    outputs = Outputs(str(home.out), home.ledger)
    damaged, missing = home.root / "damaged.lock", home.root / "no" / "pixian.lock"
    damaged.write_text("by somebody else, while the run went on")
    for path in (damaged, missing):
        for code, told in ((Exit.OK, Exit.DISK), (Exit.IN_DOUBT, Exit.DISK), (Exit.BUDGET, Exit.BUDGET)):
            summary = lock_up(str(path), LockNotes(), outputs, ended(home, code)).summary
            assert summary.exit_code is told
            assert (summary.stop is None) == (told is Exit.BUDGET)
    assert damaged.read_text() == "by somebody else, while the run went on"


def test_a_run_that_was_stopped_leaves_the_lock_as_it_was(workspace: Workspaces) -> None:
    home = locked(workspace, "a.png")
    before = lock_of(home).read_bytes()
    done = lock_up(str(lock_of(home)), LockNotes(), Outputs("x", "x"), ended(home, Exit.SIGTERM))
    assert "was not written" in done.messages[0].text
    assert lock_of(home).read_bytes() == before


def ended(home: Workspace, code: Exit) -> Summary:
    return Summary(
        tally=Tally(),
        stop=None,
        exit_code=code,
        seconds=0.0,
        out=str(home.out),
        ledger=home.ledger,
        free=False,
    )


def test_names_that_are_hostile_are_locked_and_proved(workspace: Workspaces) -> None:
    home = workspace()
    hostile = ["a\tb.png", "line\nbreak.png", "[bold]100%.png", "ü \u202e.png", "<<<<<<< HEAD.png"]
    hostile.append(os.fsdecode(b"\xff\xfe.png"))
    home.add(*hostile)
    assert home.run("--lock", str(lock_of(home)))[0] == 0
    assert len(fields(home)) == len(hostile)
    assert verify(home, str(home.photos))[0] == 0
    for name in hostile:
        (home.photos / name).unlink()
    code, said = verify(home)
    assert (code, len(said.splitlines())) == (13, len(hostile) + 1)
    assert "\u202e" not in said
    records = [json.loads(line) for line in verify(home, "--json")[1].splitlines()]
    assert [violation(record) for record in records] == [""] * (len(hostile) + 1)


def test_what_an_address_leads_to_is_not_locked(workspace: Workspaces) -> None:
    home = locked(workspace, "a.png")
    notes = LockNotes()
    notes.ended(Ending("https://example.com/a.png", str(home.out / "a.png"), Skipped(SkipReason.DONE)))
    outputs, lock = Outputs(str(home.out), home.ledger), home.root / "other.lock"
    done = lock_up(str(lock), notes, outputs, ended(home, Exit.OK))
    assert "1 input is a URL" in done.messages[1].text
    assert read_lock(lock.read_bytes()) == []
