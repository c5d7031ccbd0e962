"""What was seen is remembered to the last field, and whatever stands in the file, nothing is run and nothing breaks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pixian_batch.contract.params import Size
from pixian_batch.policy.look import Look, Shares, Suspicion
from pixian_batch.review.matte import Side
from pixian_batch.review.measures import MatteMeasures
from pixian_batch.review.remembering import NAME, Memory, Seen, is_ours

if TYPE_CHECKING:
    from pathlib import Path

MEASURES = MatteMeasures(
    size=Size(4, 3),
    wanted=Size(8, 6),
    look=Look(Shares(0.1, 0.2, 0.3), Suspicion.EMPTY, "nearly empty"),
    area=0.25,
    place=(0.5, 0.25),
    sides=(Side.LEFT, Side.BOTTOM),
    islands=3,
    halo=0.5,
)
SEEN = Seen((1, 2), (3, 4), 100, None, MEASURES)


def test_what_was_seen_comes_back(tmp_path: Path) -> None:
    with closing(Memory(str(tmp_path))) as memory:
        memory.keep([("a", SEEN), ("b", Seen())])
        assert memory.recall("c") is None
    with closing(Memory(str(tmp_path))) as memory:
        assert memory.recall("a") == SEEN
        assert memory.recall("b") == Seen()
        assert memory.forget_all_but(["a"]) == ["b"]
        assert memory.recall("b") is None
    assert is_ours(str(tmp_path))


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"measures": 3}', '{"measures": {"sides": ["up"]}}', '{"x": 1}']
)
def test_what_another_version_wrote_is_looked_at_again(tmp_path: Path, text: str) -> None:
    with closing(Memory(str(tmp_path))) as memory:
        memory.keep([("a", SEEN)])
    with closing(sqlite3.connect(tmp_path / NAME)) as db, db:
        db.execute("UPDATE seen SET what = ?", (text,))
    with closing(Memory(str(tmp_path))) as memory:
        assert memory.recall("a") is None


def test_a_damaged_file_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    assert not is_ours(str(tmp_path))
    with closing(Memory(str(tmp_path))) as memory:
        memory.keep([("a", SEEN)])
        assert memory.recall("a") == SEEN
