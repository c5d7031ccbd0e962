"""What a run writes down: each step durable when its call returns, and sheets that only grow."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

import pytest
from support.ledgers import rows
from support.records import answered, ended, key, sending

from pixian_batch.adapters.ledger import Ledger
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.record import Placed, State
from pixian_batch.policy.verdict import Verdict


@pytest.mark.asyncio
async def test_each_step_is_durable_when_its_call_returns(ledger: Ledger) -> None:
    state = "SELECT state FROM image"
    assert await ledger.standing(key(1)) is None
    await ledger.sending(sending(1))
    assert rows(ledger.path, state) == [("sending",)]
    assert rows(ledger.path, "SELECT input, at_most, free FROM attempt") == [("in/1.jpg", "0.25", 0)]
    await ledger.answered(1, answered(length=77))
    assert rows(ledger.path, "SELECT charged, length FROM answer") == [("0.25", 77)]
    assert rows(ledger.path, state) == [("sending",)]
    await ledger.ended(1, ended(body_size=77))
    assert rows(ledger.path, state) == [("received",)]
    await ledger.placed("in/1.jpg", "a/1.png", Placed(key(1), 77))
    assert rows(ledger.path, state) == [("done",)]
    assert await ledger.places_of(key(1)) == [("a/1.png", 77)]


@pytest.mark.asyncio
async def test_the_verdict_decides_the_state(ledger: Ledger) -> None:
    table = {
        Verdict.DELIVERED: State.RECEIVED,
        Verdict.IN_DOUBT: State.IN_DOUBT,
        Verdict.LOST: State.LOST,
        Verdict.THROTTLED: State.OPEN,
        Verdict.REFUSED: State.OPEN,
        Verdict.NOT_SENT: State.OPEN,
        Verdict.UNAVAILABLE: State.OPEN,
        Verdict.HALTING: State.OPEN,
    }
    assert set(table) == set(Verdict)
    for attempt, (verdict, state) in enumerate(table.items(), 1):
        await ledger.sending(sending(attempt))
        await ledger.ended(attempt, ended(verdict, message="so it went"))
        standing = await ledger.standing(key(attempt))
        assert standing is not None, verdict
        place = f"in/{attempt}.jpg"
        assert (standing.state, standing.message, standing.input) == (state, "so it went", place), verdict
        waits = attempt in {item.attempt for item in await ledger.undecided()}
        assert waits == (state in {State.IN_DOUBT, State.LOST}), verdict


@pytest.mark.asyncio
async def test_a_late_verdict_of_an_old_attempt_does_not_undo_a_newer_one(ledger: Ledger) -> None:
    await ledger.sending(sending(1))
    await ledger.ended(1, ended(Verdict.THROTTLED))
    await ledger.sending(sending(2, 1))
    await ledger.lost(1)
    standing = await ledger.standing(key(1))
    assert standing is not None
    assert (standing.state, standing.attempt) == (State.SENDING, 2)


@pytest.mark.asyncio
async def test_a_failure_is_forgotten_when_its_input_is_done(ledger: Ledger) -> None:
    await ledger.failed("in/1.jpg", Problem(415, "what is this?"))
    assert rows(ledger.path, "SELECT input, code, message FROM failure") == [
        ("in/1.jpg", "415", "what is this?")
    ]
    await ledger.sending(sending(1))
    await ledger.placed("in/1.jpg", "1.png", Placed(key(1), 1))
    assert rows(ledger.path, "SELECT * FROM failure") == []


@pytest.mark.asyncio
async def test_attempts_are_numbered_on_across_runs(path: str) -> None:
    for expected in (1, 2):
        again = await Ledger.open(path)
        await again.begin_run(version="1", service="test")
        assert again.run == expected
        number = again.next_attempt()
        assert number == expected
        await again.sending(sending(number))
        await again.end_run(0)
        await again.close()
    assert [code for (code,) in rows(path, "SELECT exit_code FROM run")] == [0, 0]


@pytest.mark.asyncio
async def test_credits_are_written_as_plain_decimals(ledger: Ledger) -> None:
    await ledger.sending(sending(1, at_most=Decimal("1E+2")))
    await ledger.sending(sending(2, at_most=Decimal("1E-7")))
    assert rows(ledger.path, "SELECT at_most FROM attempt") == [("100",), ("0.0000001",)]


@pytest.mark.asyncio
async def test_a_result_of_an_image_that_was_never_sent_is_not_written(ledger: Ledger) -> None:
    await ledger.sending(sending(1))
    with pytest.raises(ValueError, match="1 results are of images that were never sent"):
        await ledger.all_placed([("a", "a.png", Placed(key(1), 1)), ("b", "b.png", Placed(key(2), 1))])


@pytest.mark.asyncio
async def test_balances_stand_beside_their_run(ledger: Ledger) -> None:
    await ledger.balance(Decimal("1E+2"), after=False)
    await ledger.balance(Decimal("98.75"), after=True)
    assert rows(ledger.path, "SELECT balance_before, balance_after FROM run") == [("100", "98.75")]


@pytest.mark.asyncio
async def test_the_audit_trail_cannot_be_changed(ledger: Ledger) -> None:
    await ledger.sending(sending(1))
    await ledger.answered(1, answered())
    await ledger.ended(1, ended())
    for sql in (
        "UPDATE attempt SET input = ''",
        "UPDATE answer SET charged = '0'",
        "UPDATE verdict SET message = 'x'",
        "DELETE FROM attempt",
        "DELETE FROM answer",
        "DELETE FROM verdict",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            await ledger.ask(sqlite3.Connection.execute, sql)
    with pytest.raises(sqlite3.IntegrityError):
        await ledger.ended(1, ended(Verdict.REFUSED))
    assert rows(ledger.path, "SELECT verdict FROM verdict") == [("delivered",)]
