"""`verify`: whatever happens to a photo, a result or the lock is found, named with what to do, and needs no ledger."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from support.commands import here
from support.schema import violation

from pixian_batch.policy.lockfile import LockLine, write_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Three photos, their results and their lock; no ledger anywhere."""
    lines = []
    for number in range(3):
        source, result = (folder + f"/{number}.png" for folder in ("photos", "photos/cut"))
        for name in (source, result):
            put(tmp_path / name, name.encode())
        lines.append(
            LockLine(
                input=source,
                input_hash=blake3(source.encode()).hexdigest(),
                parameters="",
                output=result,
                output_hash=blake3(result.encode()).hexdigest(),
                credits="1.5",
            )
        )
    put(tmp_path / "pixian.lock", write_lock(lines))
    return tmp_path


def test_what_is_as_locked_is_proved_from_anywhere(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = here("verify", "--lock", str(shop / "pixian.lock"), str(shop / "photos"))
    assert (done.code, done.out, done.err) == (0, "as locked: 3 images\n", "")
    monkeypatch.chdir(shop)
    assert here("verify", "photos").code == here("verify").code == 0
    assert here("verify", "--quiet").out == ""


def test_each_thing_that_is_not_as_locked_is_found(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop)
    photo, result = shop / "photos/1.png", shop / "photos/cut/1.png"
    whole = (shop / "pixian.lock").read_bytes()
    twice = whole + whole.splitlines()[1].replace(b"1.5", b"2.5") + b"\n"
    cases: dict[str, Callable[[], object]] = {
        "input_changed": lambda: put(photo, b"other"),
        "input_missing": photo.unlink,
        "output_altered": lambda: put(result, b"other"),
        "output_missing": result.unlink,
        "pointer": lambda: put(photo, LFS),
        "unreadable": lambda: make_folder(photo),
        "locked_twice": lambda: put(shop / "pixian.lock", twice),
        "not_locked": lambda: put(shop / "photos/new.png", b"new"),
    }
    for kind, happens in cases.items():
        safe = shutil.copytree(shop, shop.parent / f"{shop.name}-{kind}")
        happens()
        done = here("verify", "photos", "--json")
        *findings, summary = [json.loads(line) for line in done.out.splitlines()]
        assert (done.code, summary["exit_code"], summary["whole"]) == (13, 13, True)
        assert [finding["kind"] for finding in findings] == [kind]
        assert {name for name, number in summary["findings"].items() if number} == {kind}
        assert [violation(record) for record in (*findings, summary)] == ["", ""]
        told = here("verify", "photos")
        assert (told.code, len(told.out.splitlines())) == (13, 2)
        assert told.out.splitlines()[1].startswith("not as locked (")
        assert findings[0]["hint"] in told.out
        shutil.rmtree(shop)
        safe.rename(shop)
        monkeypatch.chdir(shop)


def test_many_of_a_kind_are_counted_and_named_where_that_is_asked_for(tmp_path: Path) -> None:
    lines = [
        LockLine(
            input=f"{number}.jpg",
            input_hash="0" * 64,
            parameters="",
            output=f"{number}.png",
            output_hash="0" * 64,
            credits="?",
        )
        for number in range(450)
    ]
    lock = put(tmp_path / "pixian.lock", write_lock(lines))
    done = here("verify", "--lock", str(lock))
    assert (done.code, len(done.out.splitlines())) == (13, 43)
    assert "photos missing: 430 more" in done.out
    assert "not as locked (450 images): photos missing: 450, results missing: 450" in done.out
    assert len(here("verify", "--lock", str(lock), "--verbose").out.splitlines()) == 901


def test_without_a_lock_that_can_be_read_nothing_is_proved(tmp_path: Path) -> None:
    lock = tmp_path / "pixian.lock"
    for content in (None, b"\xff\xd8", b"<<<<<<< HEAD\n", b"# pixian-lock v9: x\n"):
        if content is not None:
            lock.write_bytes(content)
        done = here("verify", "--lock", str(lock))
        assert (done.code, done.out) == (2, "")
        assert str(lock) in done.err
    assert here("verify", "--lock", str(tmp_path)).code == 2
    put(lock, write_lock([]))
    assert here("verify", "--lock", str(lock), str(tmp_path / "no")).code == 2
    assert here("verify", "--lock", str(lock), "https://example.com/a.png").code == 2


def test_what_a_run_keeps_for_itself_is_no_input(shop: Path) -> None:
    put(shop / "photos/cut/.pixian-batch/kept/0.png", b"kept")
    assert here("verify", "--lock", str(shop / "pixian.lock"), str(shop / "photos")).code == 0
    put(shop / "photos/x.webp", b"webp")
    words = ("verify", "--lock", str(shop / "pixian.lock"), str(shop / "photos"))
    assert [here(*words).code, here(*words, "--convert").code] == [0, 13]
    assert here(*words, "--convert", "--exclude", "*.webp").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
def test_a_pipe_in_a_photos_place_is_not_waited_for(shop: Path) -> None:
    (shop / "photos/0.png").unlink()
    os.mkfifo(shop / "photos/0.png")
    done = here("verify", "--lock", str(shop / "pixian.lock"))
    assert (done.code, "is not a file" in done.out) == (13, True)
