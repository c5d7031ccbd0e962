"""A real browser for tests: the system's own Chromium, offline, in a thread of its own.

Playwright's plain interface keeps an event loop running in its thread, which no other test in that thread could bear.
Every visit ends with what must hold of every page: no error in the console, and no request left the machine.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

_T = TypeVar("_T")
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome-headless-shell")
MISSING: Final = "no Chromium is here: install Debian's package chromium (apt-get install chromium)"
_ARGUMENTS: Final = (
    *("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--no-first-run", "--disable-dev-shm-usage"),
)
_PATIENCE_MS: Final = 60_000
_LOCAL: Final = ("file:", "data:", "blob:", "about:")


def find_chromium() -> str | None:
    """The path of the system's Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """Begun once; each visit has a profile of its own, unless it goes on with the one before."""

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(1, "browser")
        self._path = path
        self._browser: Browser = self._thread.submit(self._begin).result()

    def _begin(self) -> Browser:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        arguments = [*_ARGUMENTS, *(["--no-sandbox"] if root else [])]
        return self._playwright.chromium.launch(executable_path=self._path, args=arguments)

    def close(self) -> None:
        self._thread.submit(self._end).result()
        self._thread.shutdown()

    def _end(self) -> None:
        self._browser.close()
        self._playwright.stop()

    def visit(self, path: str, body: Callable[[Page], _T], *, before: str = "", **context: Any) -> _T:
        """Open the file at `path` and do `body` with its page; `before` is a script that runs before its own."""
        return self._thread.submit(self._visit, path, body, before, context).result()

    def _visit(self, path: str, body: Callable[[Page], _T], before: str, context: dict[str, Any]) -> _T:
        settings = {"viewport": {"width": 1440, "height": 900}, "offline": True, **context}
        profile = self._browser.new_context(**settings)
        profile.set_default_timeout(_PATIENCE_MS)
        try:
            if before:
                profile.add_init_script(before)
            page = profile.new_page()
            problems: list[str] = []
            asked: list[str] = []
            page.on("console", lambda message: problems.extend(_complaint(message)))
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("dialog", lambda dialog: (problems.append(f"dialog {dialog.message}"), dialog.dismiss()))
            page.on("request", lambda request: asked.extend(_left(request)))
            page.goto(f"file://{path}")
            page.wait_for_selector("#count:not(:empty)")
            result = body(page)
            assert problems == []
            assert asked == []
            return result
        finally:
            profile.close()


def _complaint(message: ConsoleMessage) -> list[str]:
    return [message.text] if message.type in {"error", "warning"} else []


def _left(request: Request) -> list[str]:
    return [] if request.url.startswith(_LOCAL) else [request.url]
