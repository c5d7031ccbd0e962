"""Over all cores: everything is made once, in whatever process; a picture that ends its process takes no other with it."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support.pictures import put
from support.reports import photo

from pixian_batch.review import thumbnails
from pixian_batch.review.making import make_all
from pixian_batch.review.remembering import Memory
from pixian_batch.review.thumbnails import ThumbnailTask

if TYPE_CHECKING:
    from pathlib import Path


def tasks(tmp_path: Path, number: int) -> list[ThumbnailTask]:
    source = put(tmp_path / "photo.png", photo(1))
    return [
        ThumbnailTask(f"{index:04}", str(tmp_path), source, None, "", headers=None) for index in range(number)
    ]


def test_few_are_made_here(tmp_path: Path) -> None:
    heard: list[int] = []
    with closing(Memory(str(tmp_path))) as memory:
        assert make_all(tasks(tmp_path, 3), memory, told=heard.append) == {}
        assert all(memory.recall(f"{index:04}") for index in range(3))
    assert heard == [1, 2, 3]


def dies(task: ThumbnailTask) -> object:
    """In a process of its own: one picture ends it."""
    if task.key == "0007":
        os.kill(os.getpid(), signal.SIGKILL)
    return _MAKE(task)


_MAKE = thumbnails.make


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_one_picture_that_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "make", dies)
    with closing(Memory(str(tmp_path))) as memory:
        unlooked = make_all(tasks(tmp_path, 20), memory, told=lambda _number: None, processes=2)
        assert list(unlooked) == ["0007"]
        assert unlooked["0007"].measures is not None
        assert "process" in unlooked["0007"].measures.problem
        assert sum(memory.recall(f"{index:04}") is not None for index in range(20)) == 19
