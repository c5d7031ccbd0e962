"""`pixian-batch account` against a served emulator."""

from __future__ import annotations

import json
import socket

import pytest
from cli.kit import CREDENTIALS, command, serving


def test_text_and_json() -> None:
    with serving("--engine", "canned", "--credits", "1234.5") as url:
        text = command("account", "--api-url", url)
        record = command("account", "--api-url", url, "--json")
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
    with serving("--engine", "canned", "--pack-state", "dormant") as url:
        said = command("account", "--api-url", url)
    assert "renew it" in said.out


def test_bad_credentials_end_with_4() -> None:
    env = {**CREDENTIALS, "PIXIAN_BATCH_SERVE_SECRET": "other"}
    with serving("--engine", "canned", "--api-id", "id", env=env) as url:
        said = command("account", "--api-url", url, "--json")
        assert (
            command("account", "--api-url", url, env={**CREDENTIALS, "PIXIAN_API_SECRET": "other"}).code == 0
        )
    assert (said.code, said.out) == (4, "")
    assert "check PIXIAN_API_ID and PIXIAN_API_SECRET" in said.err


def test_no_credentials_end_with_4() -> None:
    said = command("account", env={})
    assert said.code == 4
    assert "PIXIAN_API_ID and PIXIAN_API_SECRET are not set" in said.err


def test_nobody_there_ends_with_7() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        said = command("account", "--api-url", f"http://127.0.0.1:{held.getsockname()[1]}/api/v2")
    assert said.code == 7
    assert "not reached" in said.err


@pytest.mark.parametrize("url", ["http://api.pixian.ai/api/v2", "https://id:secret@api.pixian.ai/api/v2"])
def test_secrets_are_not_sent_just_anywhere(url: str) -> None:
    assert command("account", "--api-url", url).code == 2
