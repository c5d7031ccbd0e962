"""The report: what is echoed for each way a run can end, and the exact command that comes next."""

from __future__ import annotations

import os
import subprocess
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import display_samples as samples

from pixian_batch.display.shell import shell_word
from pixian_batch.display.summary import Tone, report_on
from pixian_batch.display.text import printable
from pixian_batch.policy.progress import Doubt
from pixian_batch.policy.stopping import REASONS, Exit, Stop

AGAIN = "pixian-batch in --out cut"


def test_all_done_needs_no_next_step() -> None:
    report = report_on(samples.summary_of(samples.DONE, samples.REPAIRED, samples.SKIPPED), again=AGAIN)
    assert report.headline == "Finished: 3 images in 12:34"
    assert (report.tone, report.steps, report.details) == (Tone.GOOD, (), ())
    assert [(row.label, row.value) for row in report.rows][:2] == [("done", "2"), ("skipped", "1")]
    assert report.rows[0].note == "1 finished for free from an interrupted run"


def test_nothing_to_do_is_said() -> None:
    headline = "Finished: no photos were found, so there was nothing to do"
    assert report_on(samples.summary_of()).headline == headline


def test_every_reason_to_stop_has_a_next_step() -> None:
    for cause in REASONS:
        report = report_on(samples.summary_of(samples.DONE, stop=Stop(cause, "the reason")), again=AGAIN)
        assert report.headline == "Stopped after 12:34: the reason", cause
        assert report.steps[0].text, cause
        # The same command stops at the same limit again.
        assert report.steps[0].command == ("" if cause is Exit.BUDGET else AGAIN), cause
        hinted = report_on(samples.summary_of(stop=Stop(cause, "the reason", "do this")))
        assert hinted.steps[0].text == "do this", cause


def test_in_doubt_leads_to_resolve_with_the_ledger_that_was_used() -> None:
    report = report_on(samples.summary_of(samples.IN_DOUBT, samples.LOST, out="my cut", ledger="/var/l.db"))
    assert report.steps[0].command == "pixian-batch resolve 'my cut' --ledger /var/l.db"
    assert report.tone is Tone.WAITING
    assert report.details[1] == "lost: in/l.jpg, sent 2026-11-22T13:10:04Z"


def test_existing_files_are_told_with_their_option() -> None:
    report = report_on(samples.summary_of(samples.EXISTS))
    assert [step.text for step in report.steps] == [
        "to replace files that stood there already, add --overwrite"
    ]


def test_long_lists_are_cut_and_counted() -> None:
    doubts = tuple(Doubt(f"{number}.jpg", "now", Decimal(1)) for number in range(8))
    problems = tuple((f"error {number}", 10 - number) for number in range(7))
    report = report_on(samples.summary_of(*[samples.IN_DOUBT] * 9, doubts=doubts, problems=problems))
    assert report.details[4:6] == ("6x error 4", "9x other errors")
    assert report.details[-1] == "... and 4 more of these"
    assert len(report.details) == 6 + 6


def test_a_free_run_speaks_of_no_charge() -> None:
    report = report_on(samples.summary_of(samples.DONE, free=True))
    credit_row = next(row for row in report.rows if row.label == "credits")
    assert (credit_row.value, credit_row.note) == ("free", "")


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@settings(max_examples=60, deadline=None)  # each example starts a shell
@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_a_name_survives_being_copied_into_a_shell(name: bytes) -> None:
    word = shell_word(name.decode("utf-8", "surrogateescape"))
    assert printable(word) == word
    echoed = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert echoed.stdout == name
