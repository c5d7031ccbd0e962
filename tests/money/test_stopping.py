"""Locks, signals and a service that fails for everyone: what is in flight lands, and nothing new is bought."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.forks import PATIENCE
from support.pictures import put
from support.sandboxes import Sandbox, audit, png, until_bill
from support.wires import Connection, http, raw_server

from pixian_batch.adapters.signals import STOPS
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from support.forks import Child

IN_USE, SERVICE = 11, 7


def until_in_flight(home: Sandbox, number: int, *, charges: int = 0) -> None:
    """Wait until so many requests are at the service at once, and so many were charged."""
    until_bill(
        home, lambda bill: bill.totals["at_once"] >= number and bool(bill.totals["charges"] >= charges)
    )


def as_users_start_it(
    home: Sandbox, *more: str, before: Sequence[str] = (), **options: Any
) -> subprocess.Popen[str]:
    """Not forked: `python -m pixian_batch` in a process of its own."""
    command = [
        *before, sys.executable, "-m", "pixian_batch", str(home.photos), "--out", str(home.out), "--api-url",
        home.emulator.api, "--ramp-interval", "0", "--concurrency-max", "3", "--min-free", "1MB", *more,
    ]  # fmt: skip
    env = {**os.environ, "PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret", "TERM": "xterm"}
    return subprocess.Popen(command, env=env, text=True, **options)


# --- one run per ledger ------------------------------------------------------------------------------


def test_two_runs_race_for_one_ledger(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox("weather.latency.median = 0.3")
    home.add(8)
    runs = [home.begin() for _ in range(4)]
    codes = sorted(run.wait().code for run in runs)
    assert codes == [0, IN_USE, IN_USE, IN_USE]
    bill = home.emulator.bill()
    assert bill.requests == 8 + 1, "a run without the lock sent something"
    loser = next(run.wait() for run in runs if run.wait().code == IN_USE)
    assert loser.summary["stop"]["cause"] == "ledger_in_use"


def test_the_lock_of_a_killed_run_is_free(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox("weather.latency.median = 0.2")
    home.add(4)
    assert home.run(kill=["upload_after_tail", 2]).code == -9
    assert home.run().code in {0, 10}


def test_the_ledger_can_be_read_while_a_run_goes_on(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox("weather.latency.median = 0.3")
    home.add(8)
    run = home.begin(workers=2)
    until_in_flight(home, 2, charges=2)
    assert home.ask("SELECT count(*) FROM attempt")[0][0] >= 2
    assert run.wait().code == 0


# --- signals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [(number, int(Exit[number.name])) for number in STOPS], ids=str)
def test_the_first_signal_lets_what_is_in_flight_land(
    sandbox: Callable[..., Sandbox], number: signal.Signals, code: int
) -> None:
    home = sandbox("weather.latency.median = 0.4")
    home.add(30)
    run = home.begin(workers=3)
    until_in_flight(home, 3, charges=3)
    run.send(number)
    outcome = run.wait()
    assert outcome.code == code, outcome.stderr
    bill = home.emulator.bill()
    assert outcome.summary["done"] == bill.totals["charges"] == bill.totals["delivered"] < 30
    assert outcome.summary["in_doubt"] == 0
    assert outcome.summary["status"] == "halted"
    assert home.ask("SELECT exit_code FROM run") == [(code,)]
    audit(home, home.run(), workers=0)


def test_a_hangup_that_comes_more_than_once_is_no_second_thought(sandbox: Callable[..., Sandbox]) -> None:
    """A closing terminal sends its own SIGHUP, its shell another; a CPU limit sends SIGXCPU each second."""
    home = sandbox("weather.latency.median = 0.6")
    home.add(30)
    run = home.begin(workers=3)
    until_in_flight(home, 3)
    for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGXCPU, signal.SIGHUP):
        run.send(number)
    outcome = run.wait()
    assert outcome.code == 129, outcome.stderr
    assert home.undecided() == {}
    assert outcome.summary["done"] == home.emulator.bill().totals["charges"] > 0


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["live", "records"])
def test_a_terminal_that_goes_away(sandbox: Callable[..., Sandbox], options: list[str]) -> None:
    """The session's leader is told by SIGHUP; whatever is written to the terminal from then on is EIO."""
    home = sandbox("weather.latency.median = 0.6")
    home.add(30)
    ours, theirs = os.openpty()
    with as_users_start_it(
        home, *options, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=lambda: os.login_tty(theirs)
    ) as run:
        os.close(theirs)
        until_in_flight(home, 3)
        os.close(ours)
        code = run.wait(PATIENCE)
    bill = home.emulator.bill()
    assert code == 129
    assert home.undecided() == {}
    assert len(home.results()) == bill.totals["charges"] == bill.totals["delivered"] > 0
    audit(home, home.run(), workers=0)


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM"])
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(
    sandbox: Callable[..., Sandbox], name: str
) -> None:
    """As nohup does, and a script's `&`."""
    home = sandbox("weather.latency.median = 0.3")
    home.add(9)
    with as_users_start_it(
        home, stderr=subprocess.DEVNULL, before=["sh", "-c", f'trap "" {name}; exec "$@"', "sh"]
    ) as run:
        until_in_flight(home, 3)
        run.send_signal(getattr(signal, f"SIG{name}"))
        assert run.wait(PATIENCE) == 0
    assert len(home.results()) == home.emulator.bill().totals["charges"] == 9


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_leaves(sandbox: Callable[..., Sandbox], stream: str) -> None:
    home = sandbox("weather.latency.median = 0.3")
    home.add(9)
    pipes: dict[str, Any] = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        stream: subprocess.PIPE,
    }
    with as_users_start_it(home, "--json", "--verbose", **pipes) as run:
        until_in_flight(home, 3)
        pipe = getattr(run, stream)
        pipe.close()
        run.wait(PATIENCE)
    bill = home.emulator.bill()
    assert home.undecided() == {}
    assert len(home.results()) == bill.totals["charges"] == bill.totals["delivered"] > 0


@pytest.mark.parametrize("fault", ["stall_before_charge", "stall_before_answer", "stall_in_body"])
def test_the_second_signal_gives_up_what_is_in_flight(sandbox: Callable[..., Sandbox], fault: str) -> None:
    home = sandbox(f'weather.chances = [{{fault = "{fault}", every = 1}}]')
    home.add(30)
    run = home.begin("--idle-timeout", "10m", workers=5)
    until_in_flight(home, 5)
    run.send(signal.SIGINT)
    run.send(signal.SIGINT)
    outcome = run.wait()  # not the ten minutes of the time-out
    assert outcome.code == 130, outcome.stderr
    undecided = home.undecided()
    assert outcome.summary["in_doubt"] + outcome.summary["lost"] == len(undecided) == 5
    assert len(outcome.summary["in_doubt_images"]) == 5
    assert home.ask("SELECT state, count(*) FROM image WHERE state IN ('sending', 'received')")[0][1] == 0
    assert home.ask("PRAGMA integrity_check") == [("ok",)]


def test_the_second_signal_while_requests_are_just_beginning(sandbox: Callable[..., Sandbox]) -> None:
    """What is being written down when everything stops is not sent any more: nobody would wait for it."""
    home = sandbox('weather.chances = [{fault = "stall_before_answer", every = 1}]')
    home.add(60)
    run = home.begin("--idle-timeout", "10m", workers=20, slow_spools=1.0)
    until = time.monotonic() + PATIENCE
    while not (home.ledger.exists() and home.written_down()):
        assert time.monotonic() < until
        time.sleep(0.01)
    run.send(signal.SIGINT)
    run.send(signal.SIGINT)
    outcome = run.wait()
    assert outcome.code == 130, outcome.stderr
    assert outcome.summary["in_doubt"] == 0
    assert home.emulator.bill().images == {}


def test_a_resting_worker_wakes_at_the_signal(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox('weather.chances = [{fault = "slow_down_bare", every = 2}]')
    home.add(10)
    run = home.begin("--backoff-step", "10m", workers=3)
    until = time.monotonic() + PATIENCE
    while home.emulator.bill(settled=False).totals["by_status"].get("429", 0) < 1:
        assert time.monotonic() < until
        time.sleep(0.01)
    time.sleep(0.2)  # it has the answer, and rests
    run.send(signal.SIGTERM)
    outcome = run.wait()  # not the ten minutes of its rest
    assert outcome.code == 143, outcome.stderr
    assert outcome.summary["failed"] == outcome.summary["in_doubt"] == 0


def test_the_command_itself_as_users_start_it(sandbox: Callable[..., Sandbox]) -> None:
    """Not forked: `python -m pixian_batch`, killed by its process id, then started again."""
    home = sandbox("weather.latency.median = 0.3")
    home.add(12)
    with as_users_start_it(home, "--json", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
        until_in_flight(home, 3, charges=3)
        first.kill()
    with as_users_start_it(home, "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as again:
        stdout, stderr = again.communicate(timeout=PATIENCE)
    last: dict[str, Any] = json.loads(stdout.splitlines()[-1])
    assert again.returncode == 10, stderr
    assert last["type"] == "summary"
    assert last["in_doubt"] == len(home.undecided()) <= 3
    assert last["done"] + last["skipped"] + last["in_doubt"] == 12
    assert home.emulator.bill().most_charges == 1


# --- time that did not run -----------------------------------------------------------------------------


def stopped_for(run: Child, home: Sandbox, seconds: float) -> None:
    """Stop the run as Ctrl-Z does; let it go on when all answers have come and so much time has passed."""
    os.kill(run.pid, signal.SIGSTOP)
    ends = time.monotonic() + seconds
    until_bill(home, lambda bill: not bill.totals["at_once"] and time.monotonic() > ends)
    os.kill(run.pid, signal.SIGCONT)


def until_recorded(home: Sandbox, verdict: str, number: int) -> None:
    """Wait until the run has taken in so many answers of a class."""
    until_bill(home, lambda bill: bill.requests >= number)  # by then there is a ledger
    question = f"SELECT count(*) FROM verdict WHERE verdict = '{verdict}'"  # noqa: S608  # ours
    until_bill(home, lambda _: home.ask(question)[0][0] >= number)


def test_answers_that_came_while_the_process_was_stopped_are_taken(sandbox: Callable[..., Sandbox]) -> None:
    """Ctrl-Z and `fg`, three times, each for longer than the idle timeout."""
    home = sandbox("weather.latency.median = 0.3")
    home.add(20)
    run = home.begin("--idle-timeout", "1s", workers=5)
    for charges in (1, 6, 11):
        until_in_flight(home, 5, charges=charges)
        stopped_for(run, home, 2.2)
    outcome = run.wait()
    bill = home.emulator.bill()
    assert outcome.code == 0, outcome.stderr
    assert outcome.summary["done"] == bill.totals["charges"] == bill.totals["delivered"] == 20
    audit(home, outcome, workers=0)


def test_a_stop_is_no_silence_and_a_silent_service_is_still_given_up(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox('weather.chances = [{fault = "stall_before_answer", every = 1}]')
    home.add(3)
    run = home.begin("--idle-timeout", "2s", workers=3)
    until_in_flight(home, 3)
    os.kill(run.pid, signal.SIGSTOP)
    ends = time.monotonic() + 2.5
    until_bill(home, lambda bill: bill.totals["at_once"] == 3 and time.monotonic() > ends)
    os.kill(run.pid, signal.SIGCONT)
    outcome = run.wait()
    assert outcome.code == 10, outcome.stderr
    assert outcome.summary["in_doubt"] == 3
    seconds = [record["seconds"] for record in outcome.images]
    assert all(2.0 <= each < 4.0 for each in seconds), "2 s of running time, and not the 2.5 s of the stop"


@pytest.mark.slow
def test_a_stop_is_no_failing_service(sandbox: Callable[..., Sandbox]) -> None:
    """The service is down, the machine sleeps for longer than --give-up-after, and then it is there again."""
    script = ["error_500"] * 33
    home = sandbox(f"weather.script = {script!r}".replace("'", '"'))
    home.add(40)
    run = home.begin("--retries", "10", "--give-up-after", "8s", workers=10, probe_interval=0.4)
    until_recorded(home, "unavailable", 21)  # twenty trip the circuit; the next one is a probe
    stopped_for(run, home, 9.0)
    assert home.emulator.bill().requests < len(script), "the next probe meets a failure, too"
    outcome = run.wait()
    assert outcome.code == 0, outcome.stderr
    assert outcome.summary["done"] == home.emulator.bill().totals["charges"] == 40


@pytest.mark.slow
def test_a_rest_goes_on_after_a_stop(sandbox: Callable[..., Sandbox]) -> None:
    """Who wakes after hours does not meet the service with everybody at once: each still waits for its time."""
    home = sandbox('weather.script = ["fair", "slow_down_bare"]')
    home.add(2)
    run = home.begin("--backoff-step", "4s", workers=1)
    until_recorded(home, "throttled", 1)
    stopped_for(run, home, 5.0)
    woken = datetime.now(UTC)
    outcome = run.wait()
    assert outcome.code == 0, outcome.stderr
    sent = home.ask("SELECT max(sent_at) FROM attempt")[0][0]
    assert (datetime.fromisoformat(sent) - woken).total_seconds() > 1.5
    assert home.emulator.bill().totals["charges"] == 2


# --- a gateway that closes kept connections ------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_gateway_that_closes_kept_connections_puts_few_in_doubt(tmp_path: Path) -> None:
    async def answers_once(connection: Connection) -> None:
        await connection.request()
        await connection.say(http(headers="X-Credits-Charged: 0.1\r\n"))
        await connection.request()  # it may have been charged
        connection.reset()

    for number in range(40):
        put(tmp_path / "in" / f"{number}.png", png(number))
    async with raw_server(answers_once) as gateway:
        run = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pixian_batch", str(tmp_path / "in"), "--out", str(tmp_path / "out"),
            "--api-url", gateway.url, "--ramp-interval", "0", "--concurrency-max", "2", "--json",
            env={**os.environ, "PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        stdout, stderr = await run.communicate()
    summary = json.loads(stdout.splitlines()[-1])
    assert run.returncode == 10, stderr
    assert 2 <= summary["in_doubt"] <= 3
    assert summary["done"] + summary["in_doubt"] == 40
    bought = [heard.body.partition(b"IHDR")[2][:100] for heard in gateway.heard if b"IHDR" in heard.body]
    assert len(bought) == len(set(bought)) == 40, "one was sent twice"
    assert stderr.decode().count("a connection of its own") == 1


# --- a service that fails for everyone -----------------------------------------------------------------


@pytest.mark.parametrize("fault", ["error_500", "error_502_html", "redirect_other"])
def test_a_service_that_is_down_is_probed_and_given_up(sandbox: Callable[..., Sandbox], fault: str) -> None:
    home = sandbox(f'weather.chances = [{{fault = "{fault}", every = 1}}]')
    home.add(400)
    outcome = home.run("--give-up-after", "1s", workers=10, probe_interval=0.2)
    assert outcome.code == SERVICE, outcome.stderr
    assert outcome.summary["stop"]["cause"] == "service"
    # 20 in a row trip it; each of ten workers may have one more out; then a probe each 0.2 s.
    assert home.emulator.bill().requests <= 20 + 10 + 10
    # Nothing is marked failed for good: they are simply new.
    assert outcome.summary["failed"] <= 20 // 4
    assert outcome.summary["in_doubt"] == 0


def test_nobody_listens(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(100)
    home.emulator.stop()
    outcome = home.run("--give-up-after", "500ms", workers=10, probe_interval=0.1)
    assert outcome.code == SERVICE, outcome.stderr
    assert outcome.summary["in_doubt"] == 0


def test_the_service_comes_back(sandbox: Callable[..., Sandbox]) -> None:
    script = ["fair"] * 5 + ["error_500"] * 40
    home = sandbox(f"weather.script = {script!r}".replace("'", '"'))
    home.add(60)
    outcome = home.run("--retries", "10", "--give-up-after", "5m", workers=10, probe_interval=0.01)
    assert outcome.code == 0, outcome.stderr
    assert outcome.summary["done"] == 60
    assert home.emulator.bill().most_charges == 1


def test_a_mute_service_puts_few_in_doubt(sandbox: Callable[..., Sandbox]) -> None:
    """Requests go out and no answer comes: the breaker bounds how many images can fall in doubt."""
    home = sandbox('weather.chances = [{fault = "stall_before_answer", every = 1}]')
    home.add(300)
    outcome = home.run("--idle-timeout", "500ms", "--give-up-after", "1s", workers=10, probe_interval=0.2)
    assert outcome.code == SERVICE, outcome.stderr
    assert outcome.summary["in_doubt"] == len(home.undecided()) <= 20 + 10 + 5
    assert outcome.summary["failed"] == 0


def test_a_portal_that_answers_everything(sandbox: Callable[..., Sandbox]) -> None:
    """A hotel's login page says 200 to every upload: no result, no charge known, and soon no more requests."""
    home = sandbox('weather.chances = [{fault = "html_200", every = 1}]')
    home.add(300)
    outcome = home.run("--give-up-after", "1s", workers=10, probe_interval=0.2)
    assert outcome.code == SERVICE, outcome.stderr
    assert home.emulator.bill().requests <= 20 + 10 + 10
