"""A browser for the tests of the report's page, on CI machines that are thrown away: Debian's package `chromium`.

Only where CI is set, we are root, apt-get is there and no browser is. Everywhere else nothing is installed, and
wherever there is none the tests that need one are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from scripts._setup import say

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE: Final = 300.0
"""Seconds: a download of 100 MB, on a slow day."""
_INSTALL: Final = (
    "apt-get -qq update && exec apt-get -qq --yes --no-install-recommends install chromium fonts-dejavu-core"
)


@contextmanager
def browser_on_its_way() -> Iterator[None]:
    """Begin to install one where that is wanted; at the end of the block it is there, or it is told why not."""
    if not is_wanted():
        yield
        return
    say("-- browser: installing Debian's chromium, for the tests that need one")
    variables = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with tempfile.TemporaryFile() as said:
        apt = subprocess.Popen(
            ["sh", "-c", _INSTALL], env=variables, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            yield
            with suppress(subprocess.TimeoutExpired):
                apt.wait(_PATIENCE)
        finally:
            if apt.poll() is None:
                apt.terminate()
                apt.wait()
        said.seek(0)
        if apt.returncode:
            last = said.read().decode(errors="replace").strip().splitlines()[-1:]
            say(f"-- browser: none could be installed, its tests are skipped ({''.join(last) or 'too slow'})")


def is_wanted() -> bool:
    """Whether this is such a machine."""
    return (
        bool(os.environ.get("CI"))
        and getattr(os, "geteuid", lambda: -1)() == 0
        and shutil.which("apt-get") is not None
        and not any(map(shutil.which, _NAMES))
    )
