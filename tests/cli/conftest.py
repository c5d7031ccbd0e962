"""Workspaces with emulators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.emulators import EmulatorThread
from support.workspaces import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def workspace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Workspace]]:
    """Makes workspaces: `workspace()` or `workspace(credits=..., weather=...)` with settings for its emulator."""
    monkeypatch.setenv("PIXIAN_API_ID", "id")
    monkeypatch.setenv("PIXIAN_API_SECRET", "secret")
    emulators: list[EmulatorThread] = []

    def make(**settings: Any) -> Workspace:
        emulators.append(EmulatorThread(**settings))
        return Workspace(tmp_path / f"workspace-{len(emulators)}", emulators[-1], capsys)

    yield make
    for emulator in emulators:
        emulator.stop()
