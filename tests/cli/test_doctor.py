"""`pixian-batch doctor`: each check says ok, warning or problem, and what to do. Nothing is spent."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import CREDENTIALS, command
from support.emulators import EmulatorThread

from pixian_batch.cli import checkups
from pixian_batch.cli.checkups import CheckResult, CheckStatus
from pixian_batch.cli.commands.doctor import exit_of
from pixian_batch.emulator.weather import Fault, FaultKind, Weather
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def doctor(*arguments: str, env: Mapping[str, str] = CREDENTIALS) -> tuple[dict[str, tuple[str, str]], int]:
    """check -> (level, message and hint), and the exit code."""
    result = command("doctor", "--json", *arguments, env=env)
    record: dict[str, Any] = json.loads(result.out)
    assert record["exit_code"] == result.code
    assert (record["v"], record["type"]) == (1, "doctor")
    return {
        check["name"]: (check["level"], f"{check['message']} {check['hint']}") for check in record["checks"]
    }, result.code


def test_all_is_well_and_nothing_is_spent(tmp_path: Path) -> None:
    out = tmp_path / "cut"
    with EmulatorThread() as emulator:
        checks, code = doctor("--api-url", emulator.url, "--out", str(out))
        totals = emulator.bill.totals
    assert code == 0
    assert {name: level for name, (level, _) in checks.items() if level != "ok"} == {}
    assert list(checks) == [
        *("versions", "proxy", "service", "credentials", "clock", "output", "disk", "ledger", "engine")
    ]
    assert not out.exists()
    assert (totals.charges, totals.tests) == (0, 0)


def test_text_says_what_to_do() -> None:
    result = command("doctor", env={})
    assert result.code == 4
    assert "problem  credentials  PIXIAN_API_ID and PIXIAN_API_SECRET are not set\n" in result.out
    assert "-> set both to the API id and secret" in result.out


def test_bad_credentials() -> None:
    with EmulatorThread(api_secret="other") as emulator:
        checks, code = doctor("--api-url", emulator.url)
    assert code == 4
    assert checks["credentials"][0] == "problem"
    assert checks["service"][0] == "ok"
    assert (
        "secret" not in json.dumps(checks).replace("PIXIAN_API_SECRET", "").replace("API secret", "").split()
    )


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", *options, *name, "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    with EmulatorThread(tls_cert=cert, tls_key=key) as emulator:
        checks, code = doctor("--api-url", emulator.url)
        trusting = {**CREDENTIALS, "SSL_CERT_FILE": str(cert)}
        trusted, trusted_code = doctor("--api-url", emulator.url, env=trusting)
    assert code == 7
    assert "the certificate of 127.0.0.1 is not trusted" in checks["service"][1]
    assert trusted_code == 0
    assert "its certificate is good" in trusted["service"][1]


def test_a_wrong_address() -> None:
    with EmulatorThread() as emulator:
        checks, code = doctor("--api-url", emulator.url.replace("/api/v2", "/v3"))
    assert code == 7
    assert "no Pixian API there" in checks["service"][1]


def test_nobody_there() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        checks, code = doctor("--api-url", f"http://127.0.0.1:{held.getsockname()[1]}/api/v2")
    assert code == 7
    assert "does not answer" in checks["service"][1]


def test_local_asks_nobody_and_needs_the_engine(tmp_path: Path) -> None:
    checks, code = doctor("--local", env={})
    assert (list(checks), code) == (["versions", "engine"], 0)
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('not for this machine')")
    checks, code = doctor("--local", env={"PYTHONPATH": str(tmp_path)})
    assert (checks["engine"][0], code) == ("problem", 2)
    assert "pip install 'pixian-batch[local]'" in checks["engine"][1]
    checks, code = doctor(env={"PYTHONPATH": str(tmp_path)})
    assert (checks["engine"][0], code) == ("warning", 4)


def test_the_ledger_is_read_and_not_touched(tmp_path: Path) -> None:
    weather = Weather(script=(None, Fault(FaultKind.RESET_AFTER_CHARGE)))
    with EmulatorThread(weather=weather) as emulator:
        command("docs/samples", "--out", str(tmp_path), "--api-url", emulator.url, "--concurrency-max", "1")
        checks, code = doctor("--api-url", emulator.url, "--out", str(tmp_path))
    assert code == 0
    assert checks["ledger"][0] == "warning"
    assert "3 images bought, 1 image in doubt" in checks["ledger"][1]
    assert "pixian-batch resolve" in checks["ledger"][1]


def test_damaged_and_foreign_ledgers(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"SQLite format 3\0" + os.urandom(4096))
    assert checkups.ledger(str(path)).exit is Exit.DISK
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA application_id = 0x50584C42")
        db.execute("PRAGMA user_version = 99")
        db.execute("CREATE TABLE x (y)")
    db.close()
    found = checkups.ledger(str(path))
    assert (found.level, found.hint) == (CheckStatus.PROBLEM, "upgrade pixian-batch")
    assert checkups.ledger(str(tmp_path / "none.db")).level is CheckStatus.OK


def test_outputs_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [found.level for found in checkups.output(str(tmp_path / "file"))] == [CheckStatus.PROBLEM]
    assert [found.exit for found in checkups.output("/proc/nowhere")] == [Exit.DISK]


@pytest.mark.parametrize(
    ("environment", "level", "message"),
    [
        ({}, CheckStatus.OK, "none"),
        (
            {"HTTPS_PROXY": "http://me:pass@proxy:3128"},
            CheckStatus.OK,
            "http://proxy:3128 (from HTTPS_PROXY)",
        ),
        ({"https_proxy": "proxy:3128"}, CheckStatus.OK, "http://proxy:3128 (from https_proxy)"),
        (
            {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "pixian.ai"},
            CheckStatus.OK,
            "none: api.pixian.ai is in NO_PROXY",
        ),
        (
            {"HTTPS_PROXY": "https://proxy:3128"},
            CheckStatus.PROBLEM,
            "the proxy https://proxy:3128 (from HTTPS_PROXY) cannot be used: only http:// proxies can",
        ),
    ],
)
def test_the_proxy_is_named_without_its_password(
    environment: dict[str, str], level: CheckStatus, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = checkups.proxy("https://api.pixian.ai/api/v2")
    assert (found.level, found.message) == (level, message)
    assert checkups.proxy("http://127.0.0.1:80/api/v2").message == "none: this machine"


@pytest.mark.parametrize(("seconds", "message"), [(0, "agrees"), (-3600, "ahead of"), (3600, "behind")])
def test_the_clock(seconds: int, message: str) -> None:
    theirs = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    found = checkups.clock(format_datetime(theirs, usegmt=True))
    assert message in found.message
    assert (found.level is CheckStatus.OK) is (seconds == 0)


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_service_without_a_clock(date: str) -> None:
    assert checkups.clock(date).level is CheckStatus.WARNING


def test_why_nobody_was_reached() -> None:
    error = OSError("it broke")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed")
    assert "certificate" in checkups.unreached(error, "https://a.example").message
    error.__cause__ = socket.gaierror("who?")
    assert "a.example is not known" in checkups.unreached(error, "https://a.example").message


def test_of_several_problems_the_gravest_code_is_given() -> None:
    def found(code: Exit) -> CheckResult:
        return checkups.problem("x", "y", "z", code)

    assert exit_of([found(Exit.USAGE), found(Exit.DISK), found(Exit.SERVICE)]) is Exit.SERVICE
    assert exit_of([found(Exit.USAGE), checkups.warning("x", "y", "z")]) is Exit.USAGE
    assert exit_of([checkups.ok("x", "y")]) is Exit.OK


def test_looking_at_the_engine_leaves_the_arithmetic_of_its_caller_alone() -> None:
    """onnxruntime has the thread that loads a model take the smallest floats for zero, for good."""
    code = (
        "from pixian_batch.cli.checkups import engine; print(engine(needed=True).level.value);"
        "x = float('5e-324'); print(x * 1 > 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.split() == ["ok", "True"]
