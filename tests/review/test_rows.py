"""The rows of a review: what the ledger and the disk say together, from real runs."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.commands import CREDENTIALS, here
from support.emulators import EmulatorThread
from support.reports import Reported

from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.review.rows import GONE, Row, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reported]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with EmulatorThread() as emulator:
        yield Reported(tmp_path, emulator)


def rows(home: Reported) -> dict[str, Row]:
    with closing(LedgerReader.open(home.ledger)) as reader:
        return {row.name: row for row in rows_of(reader, home.out)}


def test_every_result_and_every_photo_without_one(home: Reported) -> None:
    home.add("a.png", "deep/b.png", "gone.png")
    shutil.copy(Path(home.photos) / "a.png", Path(home.photos) / "deep" / "twin.png")
    (Path(home.photos) / "bad.png").write_bytes(b"no picture")
    assert home.run().code == 3
    (Path(home.out) / "gone.png").write_bytes(b"another file")
    os.unlink(Path(home.photos) / "deep" / "b.png")
    found = rows(home)
    assert set(found) == {"a.png", "deep/b.png", "deep/twin.png", "gone.png", "bad.png"}
    by = {name: (row.outcome, row.charged, row.folder) for name, row in found.items()}
    twins = {found["a.png"].outcome, found["deep/twin.png"].outcome}
    assert twins == {"done", "duplicate"}
    assert sum(row.charged or 0 for row in found.values()) == 3 * Decimal("0.05")
    assert by["deep/b.png"] == ("done", Decimal("0.05"), "deep")
    assert found["deep/b.png"].photo is None
    assert found["deep/b.png"].photo_gone
    assert found["deep/twin.png"].photo == str(Path(home.photos) / "deep" / "twin.png")
    assert found["gone.png"].outcome == GONE
    assert found["gone.png"].result is None
    assert found["bad.png"].outcome == "failed"
    assert found["bad.png"].error
    assert found["bad.png"].charged is None


def test_another_result_has_another_identity_and_the_old_one_has_no_row(home: Reported) -> None:
    home.add("a.png", "b.png")
    home.run()
    before = rows(home)
    done = here("redo", str(Path(home.photos) / "a.png"), *home.common, "--yes")
    assert done.code == 0, done.err
    after = rows(home)
    assert set(after) == set(before)
    assert after["a.png"].identity != before["a.png"].identity
    assert after["b.png"].identity == before["b.png"].identity
    assert after["a.png"].attempts == 2
    home.run("--replace", "--max-pixels", "1000")
    assert [row.parameters for row in rows(home).values()] == ["max_pixels=1000;output.format=png"] * 2


def test_a_ledger_without_images(home: Reported) -> None:
    os.makedirs(home.photos)
    home.run()
    assert rows(home) == {}
