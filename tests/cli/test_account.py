"""`pixian-batch account` against a served emulator."""

from __future__ import annotations

import json
import socket
from decimal import Decimal

import pytest
from support.commands import CREDENTIALS, command
from support.emulators import EmulatorThread

from pixian_batch.emulator.settings import PackState


def test_text_and_json() -> None:
    with EmulatorThread(credits=Decimal("1234.5")) as emulator:
        text = command("account", "--api-url", emulator.url)
        record = command("account", "--api-url", emulator.url, "--json")
    assert text.code == record.code == 0
    assert text.out.splitlines() == [
        "credits     1,234.50",
        "pack        Rehearsal",
        "state       active",
        "use before  2099-12-31",
    ]
    assert json.loads(record.out) == {
        "v": 1,
        "type": "account",
        "credits": "1234.5",
        "credit_pack": "Rehearsal",
        "state": "active",
        "use_before": "2099-12-31",
    }


def test_a_dormant_pack_is_told() -> None:
    with EmulatorThread(pack_state=PackState.DORMANT) as emulator:
        result = command("account", "--api-url", emulator.url)
    assert "renew it" in result.out


def test_bad_credentials_end_with_4() -> None:
    good = {**CREDENTIALS, "PIXIAN_API_SECRET": "other"}
    with EmulatorThread(api_secret="other") as emulator:
        result = command("account", "--api-url", emulator.url, "--json")
        assert command("account", "--api-url", emulator.url, env=good).code == 0
    assert (result.code, result.out) == (4, "")
    assert "check PIXIAN_API_ID and PIXIAN_API_SECRET" in result.err


def test_no_credentials_end_with_4() -> None:
    result = command("account", env={})
    assert result.code == 4
    assert "PIXIAN_API_ID and PIXIAN_API_SECRET are not set" in result.err


def test_nobody_there_ends_with_7() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        result = command("account", "--api-url", f"http://127.0.0.1:{held.getsockname()[1]}/api/v2")
    assert result.code == 7
    assert "not reached" in result.err


@pytest.mark.parametrize("url", ["http://api.pixian.ai/api/v2", "https://id:secret@api.pixian.ai/api/v2"])
def test_secrets_are_not_sent_just_anywhere(url: str) -> None:
    assert command("account", "--api-url", url).code == 2
