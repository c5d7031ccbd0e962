"""The report: what is said for each way a run can end, and the exact command that comes next."""

from __future__ import annotations

import os
import subprocess
from decimal import Decimal

import pytest
from display import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from pixian_batch.display.summary import Tone, report, shell_word
from pixian_batch.display.text import printable
from pixian_batch.policy.progress import Doubt
from pixian_batch.policy.stopping import REASONS, Exit, Stop

AGAIN = "pixian-batch in --out cut"


def test_all_done_needs_no_next_step() -> None:
    told = report(samples.summary_of(samples.DONE, samples.REPAIRED, samples.SKIPPED), again=AGAIN)
    assert told.headline == "Finished: 3 images in 12:34"
    assert (told.tone, told.steps, told.details) == (Tone.GOOD, (), ())
    assert [(row.label, row.value) for row in told.rows][:2] == [("done", "2"), ("skipped", "1")]
    assert told.rows[0].note == "1 finished for free from an interrupted run"


def test_nothing_to_do_is_said() -> None:
    headline = "Finished: no photos were found, so there was nothing to do"
    assert report(samples.summary_of()).headline == headline


@pytest.mark.parametrize("cause", REASONS)
def test_every_reason_to_stop_has_a_next_step(cause: Exit) -> None:
    told = report(samples.summary_of(samples.DONE, stop=Stop(cause, "the reason")), again=AGAIN)
    assert told.headline == "Stopped after 12:34: the reason"
    assert told.steps[0].text
    # The same command stops at the same limit again.
    assert told.steps[0].command == ("" if cause is Exit.BUDGET else AGAIN)
    hinted = report(samples.summary_of(stop=Stop(cause, "the reason", "do this")))
    assert hinted.steps[0].text == "do this"


def test_in_doubt_leads_to_resolve_with_the_ledger_that_was_used() -> None:
    told = report(samples.summary_of(samples.IN_DOUBT, samples.LOST, out="my cut", ledger="/var/l.db"))
    assert told.steps[0].command == "pixian-batch resolve 'my cut' --ledger /var/l.db"
    assert told.tone is Tone.WAITING
    assert told.details[1] == "in doubt: in/l.jpg, sent 2026-11-22T13:10:04Z"


def test_existing_files_are_told_with_their_option() -> None:
    told = report(samples.summary_of(samples.EXISTS))
    assert [step.text for step in told.steps] == [
        "to replace files that stood there already, add --overwrite"
    ]


def test_long_lists_are_cut_and_counted() -> None:
    doubts = tuple(Doubt(f"{number}.jpg", "now", Decimal(1)) for number in range(8))
    problems = tuple((f"error {number}", 10 - number) for number in range(7))
    told = report(samples.summary_of(*[samples.IN_DOUBT] * 9, doubts=doubts, problems=problems))
    assert told.details[4:6] == ("6x error 4", "9x other errors")
    assert told.details[-1] == "in doubt: 4 more"
    assert len(told.details) == 6 + 6


def test_a_free_run_speaks_of_no_charge() -> None:
    told = report(samples.summary_of(samples.DONE, free=True))
    credit_row = next(row for row in told.rows if row.label == "credits")
    assert (credit_row.value, credit_row.note) == ("free", "")


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@settings(max_examples=60, deadline=None)  # each example starts a shell
@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_a_name_survives_being_copied_into_a_shell(name: bytes) -> None:
    word = shell_word(name.decode("utf-8", "surrogateescape"))
    assert printable(word) == word
    said = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert said.stdout == name
