"""`pixian-batch serve`: what it says, how it ends, what its flags do."""

from __future__ import annotations

import json
import signal
import socket
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import PATIENCE, command, here, serving, started

if TYPE_CHECKING:
    from pathlib import Path


def bill(url: str) -> Any:
    origin = url.removesuffix("/api/v2")
    with urllib.request.urlopen(f"{origin}/emulator/bill") as answer:  # noqa: S310  # our own address
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_how_to_use_it_and_ends_cleanly(number: signal.Signals) -> None:
    with started("--engine", "canned") as (process, url):
        assert bill(url)["totals"]["requests"] == 0
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert f"curl {url}/remove-background" in err
    assert f"--api-url {url}" in err
    assert "Ctrl-C ends it" in err
    assert (
        err.splitlines()[-1] == "Stopped. 0 requests, 0 results delivered, 0 credits charged, 1000000 left."
    )
    assert "Traceback" not in err


def test_its_own_command_runs_against_it(tmp_path: Path) -> None:
    with serving("--engine", "plain", "--script", "fair", "--script", "error_500") as url:
        result = command(
            *("docs/samples/cat.png", "--out", str(tmp_path), "--api-url", url),
            *("--backoff-step", "0", "--json"),
        )
        totals = bill(url)["totals"]
    assert result.code == 0, result.err
    assert (totals["requests"], totals["charges"], totals["delivered"]) == (3, 1, 1)


def test_every_flag_reaches_the_settings(tmp_path: Path) -> None:
    (tmp_path / "storm.toml").write_text("credits = 5\n[weather]\nscript = ['error_500']\n")
    with serving(
        *("--weather", str(tmp_path / "storm.toml"), "--engine", "canned", "--pack-state", "active"),
        *(
            "--credits",
            "0",
            "--seed",
            "4",
            "--latency",
            "0.001",
            "--latency-sigma",
            "0.1",
            "--rate-limit",
            "50",
        ),
        *("--burst", "50", "--concurrent-limit", "9", "--retry-after", "2", "--fail-rate", "0.001"),
        *("--fault", "cut_body=0.001", "--fault", "error_503/1000", "--allow-fetch", "127.0.0.1:1"),
        *("--bill-file", str(tmp_path / "bill.jsonl"), "--script", "fair"),
    ) as url:
        result = command("docs/samples/cat.png", "--out", str(tmp_path / "out"), "--api-url", url)
    assert result.code == 5  # no credits, and the script's one fair request in place of the file's 500
    assert (tmp_path / "bill.jsonl").exists()


MISTAKES = (
    (["--engine", "magic"], "'magic' is none of u2netp, plain, canned"),
    (["--fault", "rain=0.5"], "'rain' is no fault"),
    (["--fault", "cut_body"], "neither FAULT=PROBABILITY"),
    (["--weather", "nowhere.toml"], "nowhere.toml"),
    (["--api-id", "a"], "api_id and api_secret go together"),
    (["--tls-cert", "nowhere.pem", "--tls-key", "nowhere.key"], "tls"),
    (["--credits", "lots"], "'lots' is not an amount of credits"),
)
"""(arguments, a part of the message)"""


def test_mistakes_are_told_and_end_with_2() -> None:
    for arguments, message in MISTAKES:
        ended = here("serve", "--port", "0", "--engine", "canned", *arguments)
        assert ended.code == 2, arguments
        assert message in " ".join(ended.err.replace("│", " ").split()), arguments
        assert "Traceback" not in ended.err, arguments


def test_a_taken_port_is_told() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = str(held.getsockname()[1])
        ended = command("serve", "--port", port, "--engine", "canned")
    assert ended.code == 2
    assert f"127.0.0.1:{port}" in ended.err
    assert "choose another --port" in ended.err


def test_a_missing_engine_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('not for this machine')")
    ended = command("serve", "--port", "0", env={"PYTHONPATH": str(tmp_path)})
    assert ended.code == 2
    assert "pip install 'pixian-batch[local]'" in ended.err
    assert "--engine plain" in ended.err
