"""What holds for every test: a home that is nobody's, no options of a person's, and judgement without haste."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Property tests judge values, never speed: a busy machine must not fail them. Here, before any of them is
# imported: `@settings(...)` takes the rest from the profile of that moment.
settings.register_profile(
    "unhurried",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def a_home_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the user's options, credentials or caches, nor those of a test in another process."""
    home = str(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith(("PIXIAN_", "XDG_")) or name == "NETRC":
                patch.delenv(name)
        for name in ("HOME", "USERPROFILE"):
            patch.setenv(name, home)
        yield
