"""A running emulator beside the command line in this process: real runs, real ledgers, a real bill."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.pictures import picture, put

from pixian_batch.adapters.ledger import default_path
from pixian_batch.cli.app import start

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from support.emulators import EmulatorThread


@dataclass
class Workspace:
    """Inputs, an output folder, and a command line."""

    root: Path
    emulator: EmulatorThread
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
        result = self.capsys.readouterr()
        return code, result.out, result.err

    def run(self, *options: str) -> tuple[int, str, str]:
        return self.do("run", str(self.photos), "--out", str(self.out), *self.common, *options)

    @property
    def common(self) -> tuple[str, ...]:
        quick = ("--backoff-step", "10ms", "--idle-timeout", "5s", "--min-free", "1MB")
        return ("--api-url", self.emulator.url, *quick)

    def plan(self, *options: str) -> dict[str, Any]:
        code, out, err = self.do(
            "plan",
            str(self.photos),
            "--out",
            str(self.out),
            "--api-url",
            self.emulator.url,
            "--json",
            *options,
        )
        assert code == 0, err
        record: dict[str, Any] = json.loads(out)
        return record

    def status(self, *options: str) -> dict[str, Any]:
        code, out, err = self.do("status", str(self.out), "--json", *options)
        assert code == 0, err
        record: dict[str, Any] = json.loads(out)
        return record
