"""Formatting: tables of what people read, and the promise that nothing a terminal interprets gets through."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from support import display_samples as samples

from pixian_batch.display import text
from pixian_batch.policy.progress import Snapshot
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.tally import Tally


def test_durations() -> None:
    for seconds, shown in [
        (0, "00:00"),
        (-3, "00:00"),
        (192.9, "03:12"),
        (3599.9, "59:59"),
        (3723, "1:02:03"),
        (86399, "23:59:59"),
        (86400, "1 d 0 h"),
        (183600, "2 d 3 h"),
        (math.nan, "00:00"),
        (math.inf, "3650 d 0 h"),
    ]:
        assert text.duration(seconds) == shown, seconds


def test_estimates_are_coarse() -> None:
    for seconds, shown in [
        (0, "about 5 s"),
        (41, "about 40 s"),
        (90, "about 90 s"),
        (100, "about 2 min"),
        (720, "about 12 min"),
        (3590, "about 60 min"),
        (3600, "about 1 h"),
        (7790, "about 2 h 10 min"),
        (86399, "about 24 h"),
        (86400, "about 1 d"),
        (183600, "about 2 d 3 h"),
    ]:
        assert text.about(seconds) == shown, seconds


def test_rates() -> None:
    for per_second, shown in [
        (0, ""),
        (-1, ""),
        (math.nan, ""),
        (math.inf, ""),
        (3.44, "3.4/s"),
        (98.2, "98/s"),
        (1234.5, "1,234/s"),
        (0.2, "12/min"),
        (0.0300, "1.8/min"),
        (0.001, "3.6/h"),
        (0.0001, "0.4/h"),
    ]:
        assert text.rate(per_second) == shown, per_second


def test_credits_never_have_an_exponent() -> None:
    for amount, shown, plain in [
        ("0", "0.00", "0"),
        ("3086.25", "3,086.25", "3086.25"),
        ("0.250", "0.25", "0.250"),
        ("0.0625", "0.0625", "0.0625"),
        ("1E+3", "1,000.00", "1000"),
        ("1E-7", "0.0000001", "0.0000001"),
    ]:
        assert text.credit_amount(Decimal(amount)) == shown, amount
        assert text.plain_decimal(Decimal(amount)) == plain, amount


@settings(deadline=None)
@given(st.integers(0, 10**7), st.integers(0, 10**7))
@example(999_999, 1_000_000)
@example(0, 0)
def test_percent_stays_between_0_and_100_and_100_means_all(done: int, total: int) -> None:
    share = text.percent(done, total)
    assert 0 <= share <= 100
    assert (share == 100) == (done >= total)


def test_names_are_made_visible() -> None:
    for name, shown in [
        ("photos/ä b.jpg", "photos/ä b.jpg"),
        ("写真\u3000一.png", "写真\u3000一.png"),
        ("a\nb\t\x1b[31m.jpg", r"a\x0ab\x09\x1b[31m.jpg"),
        ("gpj\u202e.exe", r"gpj\u202e.exe"),
        (b"caf\xe9.jpg".decode("utf-8", "surrogateescape"), r"caf\xe9.jpg"),
        ("\ud800.jpg", r"\ud800.jpg"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("line\u2028end\x85", r"line\u2028end\x85"),
        (r"C:\x\y.png", r"C:\x\y.png"),
    ]:
        assert text.printable(name) == shown, name


_ANY_NAME = st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Cf"]))


@settings(deadline=None)
@given(_ANY_NAME, st.integers(0, 60))
def test_no_name_reaches_a_terminal_raw_or_too_wide(name: str, width: int) -> None:
    shown = text.printable(name, width, measure=cell_len)
    shown.encode("utf-8")
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in shown)
    assert cell_len(shown) <= width


@settings(deadline=None)
@given(_ANY_NAME)
def test_a_name_that_fits_is_not_shortened(name: str) -> None:
    whole = text.printable(name)
    assert text.shortened(whole, cell_len(whole), measure=cell_len) == whole


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    assert text.printable("photos/2026/summer/IMG_2041.jpg", 20) == "photos/20…G_2041.jpg"


def snapshot(**changes: Any) -> Snapshot:
    values: dict[str, Any] = {
        "elapsed": 100.0,
        "tally": Tally(done=12345, credits_charged=Decimal("3086.25")),
        "found": 1_000_000,
        "counted": True,
        "workers": 40,
        "busy": 37,
        "resting": 3,
        "cap": 40,
        "per_second": 3.4,
        "eta": 7790.0,
    }
    return Snapshot(**{**values, **changes})


def test_one_line_says_everything() -> None:
    tally = Tally(done=12342, failed=2, in_doubt=1, credits_charged=Decimal("3086.25"))
    assert text.one_line(snapshot(tally=tally)) == (
        "12,345 of 1,000,000 images (1.2 %), 3.4/s, about 2 h 10 min left, 3,086.25 credits charged, "
        "37 busy, 3 backing off, 2 failed, 1 in doubt"
    )


def test_one_line_has_no_percent_before_all_is_counted() -> None:
    line = text.one_line(snapshot(counted=False, found=20_000, eta=None))
    assert line.startswith("12,345 images, still counting: 20,000 so far, 3.4/s, 3,086.25")
    assert "%" not in line


def test_one_line_of_a_free_run_charges_nothing() -> None:
    tally = Tally(done=2, credits_calculated=Decimal("0.5"), credits_charged=Decimal(0))
    line = text.one_line(snapshot(tally=tally, found=2, free=True))
    assert "2 of 2 images (100.0 %)" in line
    assert "free, 0.50 credits calculated" in line
    assert "charged" not in line


def test_a_stopping_run_gives_no_estimate_and_says_what_happens() -> None:
    line = text.one_line(snapshot(stop=Stop(Exit.SIGINT, "Ctrl-C was pressed")))
    assert "left" not in line
    assert "nothing new is sent, 37 images in flight are being finished; Ctrl-C again stops at once" in line
    budget = Stop(Exit.BUDGET, "the next image could exceed --max-credits 10")
    assert text.state(snapshot(stop=budget, busy=1)).endswith("1 image in flight is being finished")
    assert text.state(snapshot(stop=budget, busy=0)).endswith("nothing is in flight any more")


def test_a_paused_run_says_so() -> None:
    assert text.one_line(snapshot(paused=True)).count("paused: the service fails for every image") == 1
    assert text.state(snapshot()) == ""


def test_the_pace_of_credits_is_told_from_what_was_bought() -> None:
    tally = samples.tally_of(samples.DONE, samples.DONE, samples.REPAIRED, samples.SKIPPED)
    going = samples.snapshot_of(tally=tally, found=104, counted=True, per_second=2.0)
    # Two images cost 0.25 each; a repaired one was charged in an earlier run.
    assert text.credit_pace(going) == ["30.00 a minute", "about 25.50 at the end"]
    assert text.credit_pace(replace(going, counted=False)) == ["30.00 a minute"]
    assert text.credit_pace(replace(going, free=True)) == []
    assert text.credit_pace(samples.snapshot_of(tally=samples.tally_of(samples.FAILED), found=9)) == []


def test_doubts_whose_cost_nobody_knows_are_told_beside_the_sum() -> None:
    assert text.doubtful_credits(Decimal(0), 0) == ""
    assert text.doubtful_credits(Decimal("0.25"), 0) == "at most 0.25 credits"
    assert text.doubtful_credits(Decimal(0), 1) == "the unknown cost of 1 image"
    known_and_not = text.doubtful_credits(Decimal("0.25"), 10)
    assert known_and_not == "at most 0.25 credits and the unknown cost of 10 images"
    tally = Tally(in_doubt=11, credits_in_doubt=Decimal("0.25"), doubts_unpriced=10)
    assert text.credit_facts(tally, free=False)[-1] == f"{known_and_not} in doubt"
    assert text.credit_facts(tally, free=True) == ["free"]


def test_nothing_floods_a_screen_and_nothing_is_lost_for_programs() -> None:
    flood = "a.jpg\0" * 500_000
    assert len(text.printable(flood)) == text.MOST_PRINTED
    assert text.printable(flood).startswith("a.jpg\\x00a.jpg")
    assert "…" in text.printable(flood)
    assert len(text.with_hint(flood, flood)) < 2 * text.MOST_PRINTED + 10
    assert text.visible("x" * 5000) == "x" * 5000
    assert text.printable("x" * text.MOST_PRINTED) == "x" * text.MOST_PRINTED
