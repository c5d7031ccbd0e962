"""Sums by folder, day and run, and an image a row: whatever happened, each way of adding up is the same to the last digit."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.records import answered, ended, key, sending

from pixian_batch.adapters.ledger import opening, questions, writing
from pixian_batch.adapters.ledger.statements import image_lines, statement
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.record import Placed
from pixian_batch.policy.statement import EXACT, By, Period, Sums, folder_of
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

AMOUNTS = st.from_regex(r"\A[0-9]{1,12}(\.[0-9]{1,24})?\Z")
"""Every amount that the contract reads."""
FOLDERS = ["", "a/", "a/b/", "a/b/c/", "caf\udce9/", "=x/"]
Step = tuple[int, int, int, str, "str | None", "Verdict | None", "bool | None", bool]
STEPS = st.lists(
    st.tuples(
        st.integers(0, 5),  # which image
        st.integers(0, len(FOLDERS) - 1),
        st.integers(1, 28),  # which day
        AMOUNTS,  # at most
        st.none() | AMOUNTS,  # charged
        st.none() | st.sampled_from(list(Verdict)),
        st.none() | st.booleans(),  # resolved, and how
        st.booleans(),  # free
    ),
    max_size=12,
)
DEAR = "9" * 12 + "." + "9" * 24
MANY_DIGITS: list[Step] = [
    (1, 1, 1, DEAR, DEAR, Verdict.DELIVERED, None, False),
    (2, 1, 2, DEAR, DEAR, Verdict.DELIVERED, None, False),
    (1, 2, 3, DEAR, None, Verdict.IN_DOUBT, True, False),
]


def ledger_of(steps: Iterable[Step]) -> sqlite3.Connection:
    """A ledger in which this has happened, a run for every three attempts."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    opening.create(db)
    run = 0
    for attempt, (image, folder, day, at_most, charged, verdict, resolved, free) in enumerate(steps, 1):
        at = f"2026-11-{day:02}T10:00:00.000+00:00"
        if attempt % 3 == 1:
            run = writing.begin_run(db, at, "1", "pixian")
        known = Decimal(at_most) if attempt % 4 else None
        place = f"{FOLDERS[folder]}{image}.png"
        sent = sending(attempt, image, place=place, at_most=known, free=free, pixels=image * 1000 or None)
        writing.write_sending(db, run, at, sent)
        if charged is not None:
            writing.write_answered(db, at, attempt, answered(charged, charged if free else None))
        if verdict is not None:
            writing.write_ended(db, at, [(attempt, ended(verdict))])
        if resolved is not None:
            writing.write_resolution(db, attempt, at, charged=resolved)
    return db


def total(parts: Iterable[Sums]) -> Sums:
    return sum(parts, Sums())


@settings(max_examples=60)
@given(STEPS)
@example(MANY_DIGITS)
def test_every_way_of_adding_up_is_the_same(steps: list[Step]) -> None:
    with closing(ledger_of(steps)) as db:
        spent = questions.spending(db)
        whole = total(line.sums for line in image_lines(db))
        ways = [total(line.sums for line in statement(db, by)) for by in By]
        ways += [total(line.sums for line in statement(db, By.FOLDER, depth=depth)) for depth in (1, 2, 9)]
        middle = "2026-11-14T00:00:00.000+00:00"
        halves = [Period(until=middle), Period(since=middle)]
        ways += [total(line.sums for half in halves for line in statement(db, by, period=half)) for by in By]
        ways.append(total(line.sums for half in halves for line in image_lines(db, period=half)))
        status = questions.status(db)
        by_folder = {line.name: line.sums.charged for line in statement(db, By.FOLDER)}
    assert [way for way in ways if way != whole] == []
    assert (whole.charged, whole.calculated) == (spent.charged, spent.calculated)
    assert whole.at_most == spent.doubtful
    exactly = Decimal(0)
    for step in steps:
        exactly = EXACT.add(exactly, Decimal(step[4] or 0))
    assert whole.charged == exactly
    assert {name: by_folder[name] for name in status.by_folder} == status.by_folder


def test_an_image_is_one_row_whatever_it_took() -> None:
    steps: list[Step] = [
        (1, 1, 1, "1", None, Verdict.THROTTLED, None, False),
        (1, 1, 2, "1", "0.30", Verdict.LOST, True, False),
        (2, 1, 3, "1", None, Verdict.IN_DOUBT, None, False),
        (1, 1, 4, "1", "0.25", Verdict.DELIVERED, None, False),
        (3, 1, 5, "1", None, Verdict.REFUSED, None, False),
    ]
    with closing(ledger_of(steps)) as db:
        problem = Problem(None, "no image")
        writing.write_failure(db, 1, "2026-11-05", source="in/5.jpg", problem=problem)
        writing.write_failure(db, 1, "2026-11-06", source="in/never.jpg", problem=problem)
        writing.write_placed(
            db, [("in/1.jpg", "a/1.png", Placed(key(1), 9)), ("x", "b.png", Placed(key(1), 9))]
        )
        first, second, third, never = image_lines(db)
    assert (first.status, first.attempts, first.sums.charged, first.sums.images) == (
        "done",
        3,
        Decimal("0.55"),
        1,
    )
    assert (first.date[:10], first.run, first.results, first.error) == ("2026-11-04", 2, 2, None)
    assert (second.status, second.sums.in_doubt) == ("in_doubt", 1)
    assert (third.status, third.error, third.attempts) == ("failed", "no image", 1)
    assert (never.status, never.input, never.attempts, never.place) == ("failed", "in/never.jpg", 0, None)


def test_folders_are_cut_at_a_depth() -> None:
    assert [folder_of("a/b/c/1.png", depth) for depth in (None, 1, 2, 9)] == ["a/b/c", "a", "a/b", "a/b/c"]
    assert folder_of("1.png", 1) == "."
