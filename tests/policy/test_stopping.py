"""Exit codes: a promise to scripts, checked for every combination of what can go wrong."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING

from pixian_batch.policy.stopping import REASONS, Exit, Stop, exit_code, graver, run_status
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    import pytest

# The outside contract, as numbers.
CODES = {
    "OK": 0,
    "BUG": 1,
    "USAGE": 2,
    "SOME_FAILED": 3,
    "CREDENTIALS": 4,
    "CREDITS": 5,
    "BUDGET": 6,
    "SERVICE": 7,
    "DISK": 8,
    "TIME": 9,
    "IN_DOUBT": 10,
    "LEDGER_IN_USE": 11,
    "HOOK": 12,
    "NOT_COMPLYING": 13,
    "SIGHUP": 129,
    "SIGINT": 130,
    "SIGQUIT": 131,
    "SIGUSR2": 140,
    "SIGALRM": 142,
    "SIGTERM": 143,
    "SIGBREAK": 149,
    "SIGXCPU": 152,
}
STOPS = {
    name: code for name, code in CODES.items() if name not in {"OK", "SOME_FAILED", "HOOK", "NOT_COMPLYING"}
}
SIGNALS = {name for name in CODES if name.startswith("SIG")}


def test_the_codes_are_the_outside_contract() -> None:
    assert {code.name: int(code) for code in Exit} == CODES
    assert {cause.name: int(cause) for cause in REASONS} == STOPS
    assert {cause.name for cause in Exit if cause.is_signal} == SIGNALS


def test_the_exit_code_of_every_combination(subtests: pytest.Subtests) -> None:
    for cause, (failed, in_doubt, lost, done) in product([None, *STOPS], list(product([0, 2], repeat=4))):
        with subtests.test(cause=cause, failed=failed, in_doubt=in_doubt, lost=lost, done=done):
            tally = Tally(
                failed=failed, in_doubt=in_doubt, lost=lost, done=done, skipped=5, duplicates=1, not_started=3
            )
            stop = Stop(Exit[cause], "why") if cause else None
            applying = [10] * bool(in_doubt or lost) + [3] * bool(failed) + [0]
            code = STOPS[cause] if cause else applying[0]
            got = exit_code(tally, stop)
            assert (int(got), type(got)) == (code, Exit)
            expected = "halted" if cause else "ok" if code == 0 else "partial"
            assert run_status(tally, stop) == expected


def test_results_that_wait_for_the_next_run_are_the_disk_s_trouble() -> None:
    for failed, in_doubt, lost in product([0, 2], repeat=3):
        tally = Tally(kept=1, failed=failed, in_doubt=in_doubt, lost=lost)
        assert exit_code(tally, None) == 8, tally
        assert run_status(tally, None) == "partial"
        assert exit_code(tally, Stop(Exit.BUDGET, "why")) == 6


def test_nothing_to_do_is_a_success() -> None:
    assert exit_code(Tally(), None) == 0
    assert run_status(Tally(), None) == "ok"


def test_a_signal_is_told_first_otherwise_what_came_first(subtests: pytest.Subtests) -> None:
    for first, second in list(permutations(REASONS, 2)):
        with subtests.test(first=first, second=second):
            one, other = Stop(first, "first"), Stop(second, "second")
            second_wins = second.name in SIGNALS and first.name not in SIGNALS
            assert graver(one, other) is (other if second_wins else one)
            assert graver(None, one) is one


def test_of_many_reasons_the_signal_survives() -> None:
    stop: Stop | None = None
    for cause in [Exit.DISK, Exit.BUDGET, Exit.SIGTERM, Exit.SIGINT, Exit.CREDITS]:
        stop = graver(stop, Stop(cause, "why"))
    assert stop is not None
    assert exit_code(Tally(failed=1, in_doubt=1), stop) == 143
