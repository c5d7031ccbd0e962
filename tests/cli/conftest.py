"""Desks with emulators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cli.bench import Beside, Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Desk]]:
    """Makes desks: `desk()` or `desk(credits=..., weather=...)` with settings for its emulator."""
    monkeypatch.setenv("PIXIAN_API_ID", "id")
    monkeypatch.setenv("PIXIAN_API_SECRET", "secret")
    made: list[Beside] = []

    def make(**settings: Any) -> Desk:
        made.append(Beside(**settings))
        return Desk(tmp_path / f"desk-{len(made)}", made[-1], capsys)

    yield make
    for emulator in made:
        emulator.stop()
