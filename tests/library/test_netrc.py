"""A user's netrc neither replaces nor breaks the credentials that were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.emulator_lab import picture

from pixian_batch.adapters.wire.session import WireSession
from pixian_batch.adapters.wire.source import BytesSource
from pixian_batch.adapters.wire.trace import Trace
from pixian_batch.contract.account import Credentials
from pixian_batch.contract.kinds import Kind
from pixian_batch.contract.params import Params
from pixian_batch.emulator.server import Emulator
from pixian_batch.emulator.settings import EmulatorSettings, EngineName

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("entry", ["default", "machine 127.0.0.2"])
@pytest.mark.asyncio
async def test_netrc(entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"{entry} login other password wrong\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    settings = EmulatorSettings(engine=EngineName.CANNED, api_id="id", api_secret="secret")
    # 127.0.0.2 is this machine too, but not by one of the names for which the environment is not trusted.
    async with (
        Emulator(settings, host="127.0.0.2") as emulator,
        WireSession(Credentials("id", "secret"), api_url=emulator.url) as wire,
        wire.remove_background(BytesSource(picture(), Kind.PNG), Params(), Trace()) as answer,
    ):
        assert answer.status == 200
