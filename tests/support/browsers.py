"""A real browser for tests: the system's own Chromium, offline, in a thread of its own.

Playwright's plain interface keeps an event loop running in its thread, which no other test in that thread could bear.
Every visit ends with what must hold of every page: no error in the console, and no request left the machine.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

_T = TypeVar("_T")
NAMES: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "chrome-headless-shell",
)
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
        with self.opened(path, before=before, **context) as visit:
            return visit.do(body)

    @contextmanager
    def opened(self, path: str, *, before: str = "", **context: Any) -> Iterator[Visit]:
        """The same for several steps, between which the test does other things in its own thread."""
        settings = {"viewport": {"width": 1440, "height": 900}, "offline": True, **context}
        visit: Visit = self._thread.submit(self._open, path, before, settings).result()
        try:
            yield visit
        finally:
            self._thread.submit(visit.page.context.close).result()

    def _open(self, path: str, before: str, settings: dict[str, Any]) -> Visit:
        profile = self._browser.new_context(**settings)
        profile.set_default_timeout(_PATIENCE_MS)
        if before:
            profile.add_init_script(before)
        visit = Visit(profile.new_page(), self._thread)
        visit.page.goto(f"file://{quote(os.fsencode(path))}")
        visit.page.wait_for_selector("#count:not(:empty)")
        return visit


class Visit:
    """A page that is open, and all that went wrong with it."""

    def __init__(self, page: Page, thread: ThreadPoolExecutor) -> None:
        self.page = page
        self._thread = thread
        self.problems: list[str] = []
        page.on("console", lambda message: self.problems.extend(_complaint(message)))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.problems.extend(_left(request)))

    def do(self, body: Callable[[Page], _T]) -> _T:
        return self._thread.submit(self._do, body).result()

    def _do(self, body: Callable[[Page], _T]) -> _T:
        result = body(self.page)
        if self.problems:
            raise AssertionError("; ".join(self.problems))
        return result

    def _dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


def _complaint(message: ConsoleMessage) -> list[str]:
    return [message.text] if message.type in {"error", "warning"} else []


def _left(request: Request) -> list[str]:
    return [] if request.url.startswith(_LOCAL) else [f"a request: {request.url}"]
