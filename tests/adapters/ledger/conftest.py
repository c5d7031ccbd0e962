"""A ledger that a run holds, at its usual place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from pixian_batch.adapters.ledger import Ledger, default_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> str:
    return default_path(str(tmp_path / "out"))


@pytest_asyncio.fixture
async def ledger(path: str) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(path)
    await opened.begin_run(version="1", service="test")
    yield opened
    await opened.close()
