"""Reports of real runs, and a browser to look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.browsers import MISSING, Chromium, find_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    path = find_chromium()
    if path is None:
        pytest.skip(MISSING)
    browser = Chromium(path)
    yield browser
    browser.close()
