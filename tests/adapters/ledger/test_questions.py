"""Every question, asked through every door to a ledger: the run's own, and a reader's beside it."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from support.ledgers import PARAMS, make, place_of
from support.records import answered, ended, key, sending

from pixian_batch.adapters.ledger import Ledger, LedgerDamagedError, default_path, questions, results
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.record import Placed, State
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pixian_batch.adapters.ledger.base import BaseLedger

posix = pytest.mark.skipif(sys.platform == "win32", reason="names that only POSIX systems have")


@pytest_asyncio.fixture(params=["run", "reader"])
async def door(request: pytest.FixtureRequest, ledger: Ledger) -> AsyncIterator[BaseLedger]:
    """Whoever is asked about what `ledger` writes."""
    if request.param == "run":
        yield ledger
        return
    with closing(LedgerReader.open(ledger.path)) as reader:
        yield reader


# --- all of them ---------------------------------------------------------------------------------

BOUGHT = 1
"""An image of `make`."""
QUESTIONS: dict[str, tuple[Any, ...]] = {
    "standing": (key(BOUGHT, PARAMS),),
    "undecided": (),
    "unfinished": (),
    "places_of": (key(BOUGHT, PARAMS),),
    "places_of_each": ([key(BOUGHT, PARAMS)],),
    "results_of": (key(BOUGHT).digest,),
    "has_others": (["others"],),
    "spools": ([1],),
    "inputs_of": ("/in/1", ["0001.jpg"]),
    "decided_partials": (),
    "results_with_sources": (),
    "measures": (),
    "last_attempt": (),
    "known": ([("/in/1", ["0001.jpg"], "folder-1", ["0001.png"])],),
    "sources_of": (key(BOUGHT).digest,),
    "charged": (),
    "spending": (),
    "unpriced": (),
    "unknown_prices": (),
    "prices": (PARAMS,),
    "evidence": (),
    "result_sizes": (),
    "seconds_per_image": (),
    "condition": (),
    "status": (),
    "failures": (),
}
EMPTY = {"unfinished", "unpriced", "failures", "decided_partials"}
"""Questions to which a closed run of `make` gives no answer."""


def test_no_question_is_left_out() -> None:
    ours = {
        name
        for room in (questions, results)
        for name, value in vars(room).items()
        if inspect.isfunction(value) and value.__module__ == room.__name__ and not name.startswith("_")
    }
    assert ours == set(QUESTIONS)


@pytest.mark.asyncio
async def test_both_doors_give_the_same_answers(tmp_path: Path) -> None:
    ledger = await make(tmp_path, 40, close=False)
    with closing(LedgerReader.open(ledger.path)) as reader:
        for name, args in QUESTIONS.items():
            question = getattr(questions, name, None) or getattr(results, name)
            answer = await reader.ask(question, *args)
            assert answer == await ledger.ask(question, *args), name
            assert bool(answer) == (name not in EMPTY), name
    await ledger.close()


@pytest.mark.asyncio
async def test_no_ledger_answers_as_an_empty_one(tmp_path: Path) -> None:
    ledger = await Ledger.open(default_path(str(tmp_path)))
    with closing(LedgerReader.open(str(tmp_path / "never.db"), missing_ok=True)) as nothing:
        for name, args in QUESTIONS.items():
            question = getattr(questions, name, None) or getattr(results, name)
            assert await nothing.ask(question, *args) == await ledger.ask(question, *args), name
    await ledger.close()
    assert not (tmp_path / "never.db").exists()


@pytest.mark.asyncio
async def test_an_answer_is_of_one_moment(ledger: Ledger) -> None:
    """What a run writes while a question with several statements is asked belongs to the next one."""
    counts: list[int] = []
    between, written = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def twice(db: sqlite3.Connection) -> None:
        counts.append(db.execute("SELECT count(*) FROM attempt").fetchone()[0])
        loop.call_soon_threadsafe(between.set)
        asyncio.run_coroutine_threadsafe(written.wait(), loop).result(30)
        counts.append(db.execute("SELECT count(*) FROM attempt").fetchone()[0])

    with closing(LedgerReader.open(ledger.path)) as reader:
        asking = asyncio.create_task(reader.ask(twice))
        await between.wait()
        await ledger.sending(sending(1))
        written.set()
        await asking
        assert counts == [0, 0]
        assert await reader.ask(questions.last_attempt) == 1


@pytest.mark.asyncio
async def test_a_value_that_makes_no_sense_is_damage(ledger: Ledger, door: BaseLedger) -> None:
    await ledger.sending(sending(1))
    wrong = "INSERT INTO answer (attempt_id, at, http_status, charged) VALUES (1, '', 200, 'much')"
    await ledger.ask(lambda db: db.execute(wrong))
    for asking in (door.charged(), door.spending(), door.prices(""), door.ask(questions.status)):
        with pytest.raises(LedgerDamagedError, match="makes no sense"):
            await asking


# --- images --------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_other_parameters_are_another_image(ledger: Ledger, door: BaseLedger) -> None:
    await ledger.sending(sending(1))
    assert await door.standing(key(1, "test=true")) is None
    await ledger.sending(sending(2, key=key(1, "test=true")))
    await ledger.ended(2, ended(Verdict.LOST))
    standing = await door.standing(key(1))
    assert standing is not None
    assert standing.state is State.SENDING


@pytest.mark.asyncio
async def test_what_an_interrupted_run_left_is_named(ledger: Ledger, door: BaseLedger) -> None:
    await ledger.sending(sending(1))
    await ledger.sending(sending(2))
    await ledger.answered(2, answered(length=5))
    await ledger.sending(sending(3))
    await ledger.ended(3, ended(body_size=9))
    await ledger.sending(sending(4))
    await ledger.ended(4, ended(Verdict.IN_DOUBT))
    left = await door.unfinished()
    assert [item.sending for item in left] == [sending(1), sending(2), sending(3)]
    assert [item.answered and item.answered.length for item in left] == [None, 5, None]
    assert [item.ended and item.ended.body_size for item in left] == [None, None, 9]


@pytest.mark.asyncio
async def test_places_are_named_as_they_were_given(ledger: Ledger, door: BaseLedger) -> None:
    await ledger.sending(sending(1))
    assert await door.places_of(key(1)) == []
    for place in ("a.png", "deep/er/b.png"):
        await ledger.placed("in/1.jpg", place, Placed(key(1), 77))
    assert sorted(await door.places_of(key(1))) == [("a.png", 77), ("deep/er/b.png", 77)]
    assert await door.result_sizes() == (2, 154)


# --- money ---------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_decision_opens_an_image_and_keeps_the_trail(ledger: Ledger, door: BaseLedger) -> None:
    for attempt, charged in ((1, True), (2, False)):
        await ledger.sending(sending(attempt))
        await ledger.ended(attempt, ended(Verdict.IN_DOUBT))
        await ledger.resolve(attempt, charged=charged)
    assert await door.undecided() == []
    assert (await door.spending()).doubtful == Decimal("0.25")
    assert await door.ask(questions.last_attempt) == 2


@pytest.mark.asyncio
async def test_many_tiny_amounts_are_summed_exactly(ledger: Ledger, door: BaseLedger) -> None:
    amounts = [Decimal(n) / 1000 for n in range(1, 300)] + [Decimal("0.1")] * 300

    async def buy(attempt: int, amount: Decimal) -> None:
        await ledger.sending(sending(attempt, at_most=Decimal("0.3")))
        await ledger.answered(attempt, answered(str(amount), str(amount)))

    await asyncio.gather(*(buy(n, amount) for n, amount in enumerate(amounts, 1)))
    spent, total = await door.spending(), sum(amounts, Decimal(0))
    assert (spent.charged, spent.calculated, spent.doubtful) == (total, total, Decimal(0))
    assert sum(map(float, amounts)) != float(sum(amounts)), "floats would have been wrong"
    assert sorted(cost for _pixels, cost in await door.prices("")) == sorted(set(amounts))


@pytest.mark.asyncio
async def test_what_is_out_or_in_doubt_counts_at_its_most(ledger: Ledger, door: BaseLedger) -> None:
    ways: dict[int, Verdict | None] = dict(enumerate([None, *Verdict], 1))
    for attempt, verdict in ways.items():
        await ledger.sending(sending(attempt, at_most=Decimal(10) ** attempt))
        if verdict is not None:
            await ledger.ended(attempt, ended(verdict))
    counted = {Verdict.IN_DOUBT, Verdict.LOST, Verdict.DELIVERED, None}
    expected = sum(Decimal(10) ** attempt for attempt, verdict in ways.items() if verdict in counted)
    assert (await door.spending()).doubtful == expected
    assert (await door.spending("9999")).counted == 0


@pytest.mark.asyncio
async def test_free_attempts_are_never_doubtful(ledger: Ledger, door: BaseLedger) -> None:
    await ledger.sending(sending(1, free=True))
    await ledger.ended(1, ended(Verdict.IN_DOUBT))
    assert (await door.spending()).counted == 0


@pytest.mark.asyncio
async def test_what_nobody_knows_the_price_of_is_named_by_its_pixels(
    ledger: Ledger, door: BaseLedger
) -> None:
    for attempt, (pixels, free) in enumerate(
        ((5, False), (5, False), (7, True), (9, False), (None, False)), 1
    ):
        await ledger.sending(sending(attempt, at_most=None, pixels=pixels, free=free))
    await ledger.answered(4, answered())
    await ledger.sending(sending(6, pixels=11))
    assert sorted(await door.unpriced()) == [5, 5]
    await ledger.ended(1, ended(Verdict.REFUSED))
    await ledger.ended(2, ended(Verdict.IN_DOUBT))
    assert await door.unpriced() == [5]
    await ledger.resolve(2, charged=False)
    assert await door.unpriced() == []


@pytest.mark.asyncio
async def test_the_evidence_begins_with_the_run_of_the_oldest_doubt(path: str) -> None:
    for run, balance in enumerate((100, 90, 80), 1):
        ledger = await Ledger.open(path)
        await ledger.begin_run(version="1", service="test")
        await ledger.balance(Decimal(balance), after=False)
        bought, doubtful = ledger.next_attempt(), ledger.next_attempt()
        await ledger.sending(sending(bought))
        await ledger.answered(bought, answered(str(run)))
        if run > 1:
            await ledger.sending(sending(doubtful))
            await ledger.ended(doubtful, ended(Verdict.IN_DOUBT))
        for asked in (ledger, reader := LedgerReader.open(path)):
            evidence = await asked.ask(questions.evidence)
            assert [item.attempt for item in evidence.doubts] == [3, 5][: run - 1]
            assert evidence.balance_before == (None if run == 1 else Decimal(90))
            assert evidence.charged == [0, 2, 5][run - 1]
        reader.close()
        if run == 3:
            await ledger.resolve(3, charged=True)
            assert (await ledger.ask(questions.evidence)).balance_before == Decimal(80)
            await ledger.resolve(5, charged=True)
            assert (await ledger.ask(questions.evidence)).doubts == []
        await ledger.close()


# --- a folder at a time ----------------------------------------------------------------------------


NAMES = [
    "a.jpg", "A.jpg", "a'b.jpg", 'a"b.jpg', "100%.jpg", "a_b.jpg", "ü.jpg", "u\u0308.jpg", "日本.jpg", "z",
    "\uffee.jpg", "\U0001f4f7.jpg", "~", " ", "new\nline", "[a]", "\ue000.jpg",
]  # fmt: skip
BYTES = [os.fsdecode(b"caf\xe9.jpg"), os.fsdecode(b"\xff\xfe"), os.fsdecode(b"\x80")] * (
    sys.platform != "win32"
)


async def remember(ledger: Ledger, folder: str, names: list[str]) -> None:
    for number, name in enumerate(names, 1):
        ledger.note_source(os.path.join(f"/in{folder}", name), number, number, bytes([number]))
        await ledger.sending(sending(ledger.next_attempt(), number))
        await ledger.placed("x", f"{folder}/{name}" if folder else name, Placed(key(number), number))


@pytest.mark.asyncio
async def test_every_name_of_a_folder_is_found_again(ledger: Ledger, door: BaseLedger) -> None:
    names = NAMES + BYTES
    for folder in ("", "a", 'it\'s 100% "odd"', "ü/日本", *BYTES[:1]):
        await remember(ledger, folder, names)
        [(sources, placed)] = await door.known([(f"/in{folder}", names, folder, names)])
        assert sources == {n: (i, i, bytes([i])) for i, n in enumerate(names, 1)}, folder
        assert placed == {n: (key(i).digest, key(i).params, i) for i, n in enumerate(names, 1)}, folder
    elsewhere = await door.known([("/in/b", names, "b", names)])
    assert elsewhere == [({}, {})]


@pytest.mark.asyncio
async def test_each_part_of_a_folder_finds_its_own(ledger: Ledger, door: BaseLedger) -> None:
    names = sorted(NAMES + BYTES)
    await remember(ledger, "f", names)
    for start in range(0, len(names), 4):
        batch = names[start : start + 4]
        [(sources, placed)] = await door.known([("/inf", batch, "f", batch)])
        assert set(batch) <= set(sources)
        assert set(batch) <= set(placed)


@posix
@pytest.mark.asyncio
async def test_names_that_are_not_utf8_survive(ledger: Ledger, door: BaseLedger) -> None:
    odd = BYTES[0]
    await ledger.sending(sending(1, input=odd, place=f"{odd}/{odd}", spool=f"{odd}.part"))
    await ledger.ended(1, ended(Verdict.LOST, message=f"about {odd}", kept=f"{odd}.kept"))
    standing = await door.standing(key(1))
    assert standing is not None
    assert (standing.input, standing.place, standing.kept) == (odd, f"{odd}/{odd}", f"{odd}.kept")
    assert standing.message == f"about {odd}"
    await ledger.failed(odd, Problem("x", f"about {odd}"))
    await ledger.sending(sending(2, input=odd, place=odd, spool=odd))
    await ledger.ended(2, ended(message=f"about {odd}"))
    [left] = await door.unfinished()
    assert left.sending.input == odd
    assert left.ended is not None
    assert left.ended.message == f"about {odd}"


# --- the whole ledger ----------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_whole_ledger_at_a_glance(tmp_path: Path) -> None:
    ledger = await make(tmp_path, 40, close=False)
    await ledger.failed("in/0018.jpg", Problem(400, "no image"))
    status = await ledger.ask(questions.status)
    assert (status.results, status.images) == (34, 34)
    assert [(item.input, item.code, item.message) for item in status.failures] == [
        ("in/0018.jpg", "400", "no image")
    ]
    assert [item.attempt for item in status.undecided] == [17, 19, 37, 39]
    assert sum(status.by_day.values()) == sum(status.by_folder.values()) == status.spending.charged
    assert set(status.by_folder) == {os.path.dirname(place_of(number)) for number in range(7)}
    prices = [item.charged for item in status.dearest]
    assert prices == sorted(prices, reverse=True)[:5]
    assert prices[0] == max(cost for _pixels, cost in await ledger.prices(PARAMS))
    assert len(status.largest) == 5
    assert [(run.number, run.ended_at, run.exit_code) for run in status.runs] == [(1, None, None)]
    condition = await ledger.ask(questions.condition)
    assert (condition.version, condition.images, condition.in_doubt + condition.lost) == (2, 34, 4)
    assert await ledger.ask(questions.seconds_per_image) == 2.5
    await ledger.close()


@pytest.mark.asyncio
async def test_the_largest_and_the_dearest_are_sorted_as_numbers(ledger: Ledger, door: BaseLedger) -> None:
    for attempt, (pixels, price) in enumerate(((9, "10"), (10, "9.5"), (100, "0.25"), (None, "2")), 1):
        await ledger.sending(sending(attempt, pixels=pixels))
        await ledger.answered(attempt, answered(price))
    status = await door.ask(questions.status)
    assert [item.charged for item in status.dearest] == list(map(Decimal, ("10", "9.5", "2", "0.25")))
    assert [item.pixels for item in status.largest] == [100, 10, 9, None]


# --- results of unknown price ----------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_results_whose_charge_nobody_knows_are_counted_with_their_bound(
    ledger: Ledger, door: BaseLedger
) -> None:
    run = ledger.run
    at_most = {1: Decimal("0.25"), 2: None, 3: Decimal("0.5"), 4: Decimal(1), 5: Decimal(1)}
    for attempt, bound in at_most.items():
        await ledger.sending(sending(attempt, key=key(attempt), at_most=bound, free=attempt == 5))
    await ledger.answered(3, answered("0.3"))
    await ledger.ended(4, ended(Verdict.IN_DOUBT))
    for attempt in (1, 2, 3, 5):
        await ledger.ended(attempt, ended())
    assert await door.ask(questions.unknown_prices) == (2, 1)
    assert await door.ask(questions.unknown_prices, run + 1) == (0, 0)
    assert (await door.spending()).counted == Decimal("0.25") + Decimal("0.3") + Decimal(1)
    assert len(await door.unpriced()) == 1
    report = await door.ask(questions.status)
    assert (report.unknown, report.unbounded) == (2, 1)
    assert (await door.ask(questions.evidence)).unknown == 2
