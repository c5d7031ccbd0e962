"""What holds for every test: a home that is nobody's, no options of a person's, and judgement without haste."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Property tests judge values, never speed: a busy machine must not fail them. And the same commit gives the same
# answer each time: `--hypothesis-profile search` looks for new examples, and what it finds becomes an `@example`.
# Here, before any of them is imported: `@settings(...)` takes the rest from the profile of that moment.
_UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("repeatable", _UNHURRIED, derandomize=True)
settings.register_profile("search", _UNHURRIED)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def a_home_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the user's options, credentials or caches, nor those of a test in another process."""
    home = str(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith(("PIXIAN_", "XDG_", "GITHUB_", "GITLAB_", "CI_")) or name == "NETRC":
                patch.delenv(name)
        for name in ("HOME", "USERPROFILE"):
            patch.setenv(name, home)
        yield
