"""A state machine over photos, weathers, options, stops and kills: whatever the order, the promises hold.

Every run is a real process; a second emulator goes on from the first one's bill file when the weather turns.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from support import memory
from support.kill_points import POINTS
from support.sandboxes import EmulatorProcess, Sandbox, png

if TYPE_CHECKING:
    from support.forks import ForkServer, Outcome

PRICE = 'price = {base = "1", per_megapixel = "0"}\n'
"""One credit an image, so that sums can be told by counting."""
STORMS = (
    "",
    'weather.chances = [{fault = "slow_down_bare", probability = 0.3}]',
    'weather.chances = [{fault = "error_500", probability = 0.2}]',
    'weather.chances = [{fault = "reset_after_charge", probability = 0.2}]',
    'weather.chances = [{fault = "reset_before_charge", probability = 0.2}]',
    'weather.chances = [{fault = "cut_body", probability = 0.2}]',
    'weather.chances = [{fault = "garbage", probability = 0.2}]',
    'weather.chances = [{fault = "html_200", probability = 0.1}]',
    'weather.chances = [{fault = "stall_before_answer", probability = 0.1}]',
    "weather.latency = {median = 0.05, sigma = 1.0}",
)
HALTED = {4, 5, 6, 7, 8, 130, 143}
WORKERS = st.sampled_from((1, 3, 8))
DOUBT = st.sampled_from(("hold", "resend"))
LIMIT = st.none() | st.integers(0, 30)


class Promises(RuleBasedStateMachine):
    """One user's days with the tool."""

    fork_server: ClassVar[ForkServer]

    @initialize()
    def begin(self) -> None:
        self.root = memory.folder("pixian-batch-promises-")
        self.home = Sandbox(self.fork_server, self.root, self._emulator(""))
        self.photos = 0

    def _emulator(self, storm: str) -> EmulatorProcess:
        return EmulatorProcess(self.fork_server, f'{PRICE}bill_file = "{self.root / "bill.jsonl"}"\n{storm}')

    def teardown(self) -> None:
        if hasattr(self, "home"):
            self.home.emulator.stop()
            shutil.rmtree(self.root, ignore_errors=True)

    # --- what may happen ---------------------------------------------------------------------------------

    @rule(count=st.integers(1, 8))
    def photos_arrive(self, count: int) -> None:
        self.home.add(count, first=self.photos)
        self.photos += count

    @rule(of=st.integers(0, 30), name=st.integers(0, 9))
    def a_copy_arrives(self, of: int, name: int) -> None:
        (self.home.photos / f"copy-{name}.png").write_bytes(png(of))

    @rule(storm=st.sampled_from(STORMS))
    def the_weather_turns(self, storm: str) -> None:
        self.home.emulator.bill()
        self.home.emulator.stop()
        self.home.emulator = self._emulator(storm)

    @rule(workers=WORKERS, doubt=DOUBT, limit=LIMIT)
    def run(self, workers: int, doubt: str, limit: int | None) -> None:
        before = self.home.emulator.bill().charged
        outcome = self.home.run(*self._options(doubt, limit), workers=workers)
        self._each_ended_once(outcome)
        self._kept(before, limit)

    @rule(
        workers=WORKERS,
        doubt=DOUBT,
        limit=LIMIT,
        point=st.sampled_from(sorted(POINTS)),
        passage=st.integers(1, 6),
    )
    def run_and_kill(self, workers: int, doubt: str, limit: int | None, point: str, passage: int) -> None:
        before = self.home.emulator.bill().charged
        self.home.run(*self._options(doubt, limit), workers=workers, kill=[point, passage])
        self._kept(before, limit)

    @rule(workers=WORKERS, limit=LIMIT, delay=st.floats(0, 0.3), twice=st.booleans())
    def run_and_stop(self, workers: int, limit: int | None, delay: float, *, twice: bool) -> None:
        before = self.home.emulator.bill().charged
        run = self.home.begin(*self._options("hold", limit), workers=workers)
        time.sleep(delay)
        for _ in range(1 + twice):
            with contextlib.suppress(ProcessLookupError):  # it may have come to its end
                run.send(signal.SIGTERM)
        run.wait()
        self._kept(before, limit)

    @rule()
    def free_run_into_another_folder(self) -> None:
        before = self.home.emulator.bill().charged
        self.home.run("--test", "--ledger", str(self.root / "free.db"), "--out", str(self.root / "free"))
        assert self.home.emulator.bill().charged == before

    def _options(self, doubt: str, limit: int | None) -> list[str]:
        options = ["--in-doubt", doubt, "--idle-timeout", "250ms", "--retries", "2"]
        return options if limit is None else [*options, "--max-credits", str(limit)]

    # --- what must be true -------------------------------------------------------------------------------

    def _each_ended_once(self, outcome: Outcome) -> None:
        assert outcome.code >= 0, outcome
        assert outcome.code in {0, 3, 10} | HALTED, outcome.stderr
        told = Counter(record["input"] for record in outcome.images)
        assert set(told.values()) <= {1}, told
        summary = outcome.summary
        if outcome.code not in HALTED:
            assert set(told) == set(self.home.digests())
        assert outcome.statuses() == Counter(
            {
                status: summary[name]
                for status, name in (
                    ("done", "done"),
                    ("skipped", "skipped"),
                    ("duplicate", "duplicates"),
                    ("failed", "failed"),
                    ("in_doubt", "in_doubt"),
                    ("lost", "lost"),
                )
                if summary[name]
            }
        )

    def _kept(self, before: Decimal, limit: int | None) -> None:
        bill = self.home.emulator.bill()
        if limit is not None:
            assert bill.charged <= max(before, Decimal(limit)), "the budget was exceeded"
        if not self.home.ledger.exists():
            assert bill.charged == 0
            return
        self._nothing_done_was_sent_again()
        self._sums_agree(bill.charged)

    def _nothing_done_was_sent_again(self) -> None:
        again = self._ask(
            "SELECT later.input FROM verdict JOIN attempt ON attempt.id = attempt_id JOIN attempt AS later"
            " ON later.image_id = attempt.image_id AND later.id > attempt.id WHERE verdict = 'delivered'"
        )
        assert again == [], "an image whose result was here was sent again"

    def _sums_agree(self, charged: Decimal) -> None:
        """Price 1: what the bill has beyond the ledger are attempts that the ledger lists as doubtful."""
        doubtful = self._ask(
            "SELECT count(*) FROM attempt LEFT JOIN answer ON answer.attempt_id = attempt.id"
            " LEFT JOIN verdict ON verdict.attempt_id = attempt.id WHERE charged IS NULL"
            " AND (verdict IS NULL OR verdict IN ('in_doubt', 'lost'))"
        )[0][0]
        assert 0 <= charged - self.home.charged() <= doubtful

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        return self.home.ask(question) if self._has_tables() else [(0,)] if "count(" in question else []

    def _has_tables(self) -> bool:
        return bool(self.home.ask("SELECT 1 FROM sqlite_schema WHERE name = 'attempt'"))


def machine(fork_server: ForkServer, *, examples: int, steps: int, number: int = 0) -> None:
    """Try `examples` days of `steps` events each; another `number`, other days."""
    Promises.fork_server = fork_server
    run_state_machine_as_test(
        seed(number)(type("Promises", (Promises,), {})),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # timing decides too: a shrunk example would not be the same one
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_few_days(fork_server: ForkServer) -> None:
    machine(fork_server, examples=2, steps=8)


@pytest.mark.slow
@pytest.mark.parametrize("few", range(1, 14))
def test_many_days(fork_server: ForkServer, few: int) -> None:
    # A few at a time, so that several processes share them. The first of them is always the emptiest of days.
    machine(fork_server, examples=3, steps=15, number=few)
