"""The Prometheus file: whole at any time, exact at the end, and it remembers the last success."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from support.commands import CREDENTIALS, PATIENCE, command
from support.emulators import EmulatorThread

import pixian_batch
from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.display.metrics import Metrics
from pixian_batch.emulator.weather import RateLimit, Weather
from pixian_batch.policy.outcome import Done, Ending, Failed, InDoubt, Problem
from pixian_batch.policy.progress import Snapshot, Summary
from pixian_batch.policy.stopping import Exit
from pixian_batch.policy.tally import Tally

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
LINE = re.compile(r'(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[a-z_]+"\})? [0-9.]+)')


def values(path: Path) -> dict[str, float]:
    """The samples of a file; every line is one that Prometheus understands."""
    text = path.read_text()
    assert text.endswith("\n")
    lines = text.splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name.removeprefix("pixian_batch_"): float(value) for name, value in pairs}


def summary(code: Exit, *endings: Ending) -> Summary:
    tally = Tally()
    for ending in endings:
        tally = tally.plus(ending)
    return Summary(tally, None, code, 12.5, "cut", "ledger.db", free=False)


def test_it_says_how_a_run_ended(tmp_path: Path) -> None:
    path = tmp_path / "pixian.prom"
    metrics = Metrics(str(path), now=lambda: 1000.0)
    tally = Tally()
    metrics.started(
        lambda: Snapshot(1.0, tally, 0, counted=True, workers=3, busy=1, resting=0, cap=5, throttled=7)
    )
    problem = Problem("x", "y", "")
    metrics.finished(
        summary(
            Exit.IN_DOUBT,
            Ending(
                "a", "b", Done(ResultHeaders(credits_charged=Decimal("0.25")), 200), attempts=2, seconds=1.0
            ),
            Ending("c", None, Failed(problem), attempts=1),
            Ending("d", None, InDoubt(problem, Decimal("1.5")), attempts=1),
        )
    )
    found = values(path)
    assert found['images{outcome="done"}'] == 1
    assert found['images{outcome="failed"}'] == 1
    assert found['images{outcome="in_doubt"}'] == 1
    assert found['images{outcome="lost"}'] == 0
    assert found['credits{kind="charged"}'] == 0.25
    assert found['credits{kind="in_doubt"}'] == 1.5
    assert found["requests"] == 4
    assert found["throttled"] == 7
    assert found["run_seconds"] == 12.5
    assert found["running"] == 0
    assert found["exit_code"] == 10
    assert found["updated_timestamp_seconds"] == 1000
    assert "last_success_timestamp_seconds" not in found
    assert [entry.name for entry in tmp_path.iterdir()] == ["pixian.prom"]


def test_the_last_success_is_remembered_by_the_runs_after_it(tmp_path: Path) -> None:
    path = tmp_path / "pixian.prom"
    Metrics(str(path), now=lambda: 1000.0).finished(summary(Exit.OK))
    Metrics(str(path), now=lambda: 2000.0).finished(summary(Exit.SERVICE))
    found = values(path)
    assert found["last_success_timestamp_seconds"] == 1000
    assert found["updated_timestamp_seconds"] == 2000
    assert found["exit_code"] == 7


def test_a_run_that_finds_another_one_leaves_its_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "pixian.prom"
    Metrics(str(path), now=lambda: 1000.0).finished(summary(Exit.OK))
    Metrics(str(path), now=lambda: 2000.0).finished(summary(Exit.LEDGER_IN_USE))
    assert values(path)["updated_timestamp_seconds"] == 1000


def test_a_file_that_cannot_be_written_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics(str(tmp_path / "gone" / "x.prom"), now=lambda: 1.0)
    metrics.finished(summary(Exit.OK))
    assert "cannot be written" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_a_running_run_answers_a_question_and_its_metrics_count_429(tmp_path: Path) -> None:
    metrics, verbose = tmp_path / "x.prom", tmp_path / "stderr.txt"
    root = str(Path(pixian_batch.__file__).parents[1])
    weather = Weather(rate_limit=RateLimit(per_second=2))
    with EmulatorThread(weather=weather) as emulator, verbose.open("w") as stream:
        env = {**os.environ, **CREDENTIALS, "PYTHONPATH": root}
        words = ["run", "--files-from", "-", "--out", str(tmp_path / "cut"), "--api-url", emulator.url]
        run = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pixian_batch",
                *words,
                "--metrics-file",
                str(metrics),
                "-v",
                "--backoff-step",
                "0.1",
            ],
            env=env,
            stdin=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
        assert run.stdin is not None
        run.stdin.write(f"{SAMPLES / 'cat.png'}\n{SAMPLES / 'coffee.png'}\n")
        run.stdin.flush()
        # The list stays open, so the run goes on until it has been asked.
        _wait_for(run, verbose, "done: ")
        run.send_signal(signal.SIGUSR1)
        _wait_for(run, verbose, "still counting")
        run.stdin.close()
        assert run.wait(PATIENCE) == 0
    assert values(metrics)['images{outcome="done"}'] == 2
    assert values(metrics)["throttled"] >= 1
    assert values(metrics)["requests"] == 2 + values(metrics)["throttled"]


def _wait_for(run: subprocess.Popen[str], path: Path, text: str) -> None:
    """Until a run has said `text`; a run that ends without saying so fails the test."""
    while text not in path.read_text():
        assert run.poll() is None, path.read_text()
        time.sleep(0.02)


def test_only_failed_sends_only_what_failed(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "cut"
    (photos / "below").mkdir(parents=True)
    (photos / "good.png").write_bytes((SAMPLES / "cat.png").read_bytes())
    (photos / "below" / "bad.png").write_bytes(b"no picture")
    with EmulatorThread() as emulator:
        words = ("run", str(photos), "--out", str(out), "--api-url", emulator.url)
        assert command(*words).code == 3
        (photos / "new.png").write_bytes((SAMPLES / "coffee.png").read_bytes())
        (photos / "below" / "bad.png").write_bytes((SAMPLES / "astronaut.png").read_bytes())
        result = command(*words, "--only-failed", "-v")
    assert result.code == 0, result.err
    assert "done: " in result.err
    assert (out / "below" / "bad.png").is_file()
    assert not (out / "new.png").exists()


def test_only_failed_needs_a_ledger(tmp_path: Path) -> None:
    result = command("run", str(SAMPLES), "--out", str(tmp_path / "cut"), "--only-failed", "--local")
    assert result.code == 2
    assert "Traceback" not in result.err
    assert not (tmp_path / "cut").exists()
