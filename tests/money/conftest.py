"""One forge for all tests of money; a house for each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from money.bench import Emulated, Forge, House

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    if not hasattr(os, "fork"):
        pytest.skip("these tests fork and kill processes, which Windows cannot")
    made = Forge(tmp_path_factory.mktemp("forge"))
    yield made
    made.close()


@pytest.fixture
def house(forge: Forge, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Makes houses: `house()` or `house(toml)` with settings for its emulator."""
    made: list[House] = []

    def make(toml: str = "") -> House:
        made.append(House(forge, tmp_path / f"house-{len(made)}", Emulated(forge, toml)))
        return made[-1]

    yield make
    for one in made:
        one.emulator.stop()
