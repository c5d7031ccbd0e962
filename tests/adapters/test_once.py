"""An input that is named twice counts once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pixian_batch.adapters.walking import (
    Batch,
    FoundUrl,
    Trouble,
    Walker,
    WalkRules,
    may_repeat,
    once,
    size_of,
)

if TYPE_CHECKING:
    from pathlib import Path


def walked(*inputs: str, listed: bool = False) -> list[str]:
    rules = WalkRules(lambda names: [f"{name}.png" for name in names])
    told = []
    for item in once(Walker(rules).walk(inputs, listed=listed)):
        match item:
            case Batch():
                assert len(item.names) == len(item.results) == size_of(item)
                assert item.results == [f"{name}.png" for name in item.names]
                told += [f"{item.place}|{name}" for name in item.names]
            case FoundUrl(url):
                told.append(url)
            case Trouble(path):
                told.append(f"!{path}")
    return told


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.jpg", "in/b.jpg", "in/sub/c.jpg", "other/a.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")


@pytest.mark.usefixtures("photos")
def test_the_same_file_for_the_same_place_comes_once() -> None:
    all_of_it = ["|a.jpg", "|b.jpg", "sub|c.jpg"]
    assert walked("in") == walked("in", "./in") == walked("in", "in/a.jpg", "in/*.jpg") == all_of_it
    assert walked("in/b.jpg", "in") == ["|b.jpg", "|a.jpg", "sub|c.jpg"]
    assert walked("in", "other") == [*all_of_it, "|a.jpg"], "another file, though it collides"
    assert walked("in", "in/sub") == [*all_of_it, "|c.jpg"], "another place"
    assert walked("in/a.jpg", "in/a.jpg", listed=True) == ["in|a.jpg"]
    url = "https://example.org/a.jpg"
    assert walked(url, "gone", url, "./gone") == [url, "!gone"]


@pytest.mark.usefixtures("photos")
def test_only_inputs_that_may_meet_are_remembered() -> None:
    assert not may_repeat(["in"])
    assert not may_repeat(["in", "other", "in-2", "https://example.org/a.jpg"])
    assert not may_repeat(["in/*.jpg"])
    assert may_repeat(["in", "./in"])
    assert may_repeat(["other", "in/sub", "in"])
    assert may_repeat(["in/*.jpg", "other"])
