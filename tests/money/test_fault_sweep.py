"""Any call to the disk may fail, the process may die there, or the power: no credit is lost from the account.

A sample of what `scripts/fault_sweep.py` does with every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from support.fault_sweeps import Bench, Fault, faults_of
from support.faults import KINDS, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE: Final = 24
pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("faults"))
    yield bench
    bench.close()


def test_a_disk_that_works_breaks_nothing(bench: Bench) -> None:
    trial = bench.trial(Fault(0, "EIO"))
    assert trial.broken == []
    assert [outcome.code for outcome in trial.outcomes] == [0, 0]
    assert trial.calls > 100


@pytest.mark.parametrize("at", [1, 2, 5])
@pytest.mark.parametrize("onwards", [False, True])
def test_a_disk_that_gives_nothing_back_is_not_a_damaged_ledger(
    bench: Bench, at: int, *, onwards: bool
) -> None:
    """To SQLite an EIO of a read is a malformed file: the next run would set it aside."""
    trial = bench.trial(Fault(at, "READ", onwards))
    assert trial.broken == []
    assert not list(trial.home.out.rglob("*damaged*"))


@pytest.mark.slow
def test_no_credit_is_lost_whatever_call_fails(bench: Bench) -> None:
    calls = bench.trial(Fault(0, "EIO")).calls
    faults = faults_of(calls, list(KINDS))
    broken = {str(fault): bench.trial(fault).broken for fault in faults[:: len(faults) // SAMPLE]}
    assert {fault: promises for fault, promises in broken.items() if promises} == {}
