"""Every class of an attempt, for every status, against the table of promises about money."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from pixian_batch.policy.verdict import Exchange, Verdict, classify

if TYPE_CHECKING:
    import pytest

# The table, row by row, as lists of statuses. Written from the promises, not from the code.
TABLE: dict[str, list[int]] = {
    "two hundreds": list(range(200, 300)),
    "throttled": [429],
    "halting": [401, 402, 403],
    "refused": [400, *range(404, 429), *range(430, 500)],
    "unavailable": [*range(500, 600), *range(300, 400)],  # 3xx: not the service but something before it
    "no answer yet": list(range(100, 200)),
}


def test_the_table_covers_every_status_once() -> None:
    assert sorted(status for row in TABLE.values() for status in row) == list(range(100, 600))


def test_every_status(subtests: pytest.Subtests) -> None:
    for (complete, whole, as_asked), row in product(list(product([True, False], repeat=3)), TABLE):
        with subtests.test(complete=complete, whole=whole, as_asked=as_asked, row=row):
            for status in TABLE[row]:
                got = classify(Exchange(complete, status, whole, as_asked)).value
                if row == "two hundreds":
                    assert got == ["lost", "lost", "lost", "delivered"][whole + 2 * as_asked]
                elif row == "no answer yet":
                    assert got == ["not_sent", "in_doubt"][complete]
                else:
                    assert got == row


def test_without_an_answer_only_the_request_counts(subtests: pytest.Subtests) -> None:
    for whole, as_asked in list(product([True, False], repeat=2)):
        with subtests.test(whole=whole, as_asked=as_asked):
            assert classify(Exchange(True, None, whole, as_asked)) is Verdict.IN_DOUBT
            assert classify(Exchange(False, None, whole, as_asked)) is Verdict.NOT_SENT


def test_an_exchange_begins_without_an_answer() -> None:
    assert Exchange(possibly_complete=True) == Exchange(True, None, False, False)
    assert classify(Exchange(possibly_complete=True, status=200)) is Verdict.LOST


def test_no_exchange_is_left_without_a_class() -> None:
    for complete, whole, as_asked in product([True, False], repeat=3):
        for status in [None, -1, 0, 99, 600, 999]:
            verdict = classify(Exchange(complete, status, whole, as_asked))
            assert verdict is not Verdict.DELIVERED


def test_the_classes_are_those_of_the_promise() -> None:
    assert {verdict.value for verdict in Verdict} == {
        "delivered",
        "throttled",
        "unavailable",
        "not_sent",
        "refused",
        "halting",
        "in_doubt",
        "lost",
    }
