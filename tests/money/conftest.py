"""One fork server for all tests of money; a sandbox for each."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from support import memory
from support.forks import ForkServer
from support.sandboxes import EmulatorProcess, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    if not hasattr(os, "fork"):
        pytest.skip("these tests fork and kill processes, which Windows cannot")
    server = ForkServer(tmp_path_factory.mktemp("fork-server"))
    yield server
    server.close()


@pytest.fixture
def users_disk() -> Iterator[Path]:
    """Where sandboxes are: in memory, but for tests of a disk itself."""
    place = memory.folder("pixian-batch-users-")
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def sandbox(fork_server: ForkServer, users_disk: Path) -> Iterator[Callable[..., Sandbox]]:
    """Makes sandboxes: `sandbox()` or `sandbox(toml)` with settings for its emulator."""
    sandboxes: list[Sandbox] = []

    def make(toml: str = "") -> Sandbox:
        sandboxes.append(
            Sandbox(fork_server, users_disk / f"sandbox-{len(sandboxes)}", EmulatorProcess(fork_server, toml))
        )
        return sandboxes[-1]

    yield make
    for one in sandboxes:
        one.emulator.stop()
