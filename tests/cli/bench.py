"""A running emulator beside the command line in this process: real runs, real ledgers, a real bill."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli.kit import PATIENCE
from support.pictures import picture, put

from pixian_batch.adapters.ledger import default_path
from pixian_batch.cli.app import start
from pixian_batch.emulator.server import Emulator
from pixian_batch.emulator.settings import EmulatorSettings, EngineName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


class Beside:
    """An emulator in a thread of its own."""

    def __init__(self, **settings: Any) -> None:
        self._settings = EmulatorSettings(**({"engine": EngineName.CANNED} | settings))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with Emulator(self._settings) as self.emulator:
            self._ready.set()
            await self._end.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)

    def call(self, function: Callable[[], object]) -> None:
        """Call it in the emulator's own thread: until it returns no request is answered."""
        self._loop.call_soon_threadsafe(function)

    @property
    def requests(self) -> dict[str, int]:
        """Requests that carried an image, by the SHA-256 of its bytes."""
        return {name: account.requests for name, account in self.emulator.bill.images.items()}

    @property
    def total(self) -> int:
        return self.emulator.bill.totals.requests


@dataclass
class Desk:
    """Inputs, an output folder, and a command line."""

    root: Path
    emulator: Beside
    capsys: pytest.CaptureFixture[str]
    names: list[str] = field(default_factory=list)

    @property
    def photos(self) -> Path:
        return self.root / "in"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def ledger(self) -> str:
        return default_path(str(self.out))

    def add(self, *names: str, size: tuple[int, int] = (8, 6)) -> None:
        for name in names:
            self.names.append(name)
            put(self.photos / name, picture("png", shade=len(self.names), size=size))

    def digest(self, name: str) -> str:
        return hashlib.sha256((self.photos / name).read_bytes()).hexdigest()

    def do(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command in this process: exit code, standard output and error."""
        self.capsys.readouterr()
        code = 0
        try:
            start(list(arguments))
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def run(self, *options: str) -> tuple[int, str, str]:
        return self.do("run", str(self.photos), "--out", str(self.out), *self.common, *options)

    @property
    def common(self) -> tuple[str, ...]:
        quick = ("--backoff-step", "10ms", "--idle-timeout", "5s", "--min-free", "1MB")
        return ("--api-url", self.emulator.emulator.url, *quick)

    def plan(self, *options: str) -> dict[str, Any]:
        code, said, wrong = self.do(
            "plan",
            str(self.photos),
            "--out",
            str(self.out),
            "--api-url",
            self.emulator.emulator.url,
            "--json",
            *options,
        )
        assert code == 0, wrong
        found: dict[str, Any] = json.loads(said)
        return found

    def status(self, *options: str) -> dict[str, Any]:
        code, said, wrong = self.do("status", str(self.out), "--json", *options)
        assert code == 0, wrong
        found: dict[str, Any] = json.loads(said)
        return found
