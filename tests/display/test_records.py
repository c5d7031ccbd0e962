"""The JSON records: golden lines, names of every kind, readers that go away."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import display_samples as samples
from support import virtual
from support.records import change
from support.schema import violation

from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.display.records import Records, image_record, summary_record
from pixian_batch.policy.concurrency import ChangeReason
from pixian_batch.policy.outcome import Done, Duplicate, Ending
from pixian_batch.policy.tally import Tally


def written(*endings: Ending) -> list[dict[str, Any]]:
    stream = io.StringIO()
    records = Records(stream)
    records.started(lambda: samples.snapshot_of(Tally()))
    for ending in endings:
        records.ended(ending)
    records.finished(samples.summary_of(*endings))
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_golden_line_of_a_result() -> None:
    stream = io.StringIO()
    records = Records(stream)
    records.ended(samples.DONE)
    records.finished(samples.summary_of())
    assert stream.getvalue().splitlines()[0] == (
        '{"v":1,"type":"image","input":"in/a.jpg","output":"out/a.png","status":"done","reason":null,'
        '"of":null,"repaired":false,"replaced":false,"earlier":false,"credits_charged":"0.250","credits_calculated":null,'
        '"credits_in_doubt":null,"http_status":200,"error":null,"kept":null,"converted":null,"attempts":1,"seconds":2.1,'
        '"input_orientation":6,"input_size":{"width":4000,"height":3000},'
        '"result_size":{"width":3000,"height":4000},'
        '"input_foreground":{"top":10,"left":20,"width":300,"height":400},'
        '"result_foreground":{"top":20,"left":10,"width":400,"height":300},"warnings":[],"suspicion":null,"alpha":null}'
    )


def test_golden_lines_of_the_beginning_and_of_the_pace() -> None:
    stream = io.StringIO()
    records = Records(stream)
    records.launched(samples.LAUNCH)
    records.concurrency(change(ChangeReason.RAMP, allowed=6, in_use=6))
    records.finished(samples.summary_of())
    launch, pace, _summary = stream.getvalue().splitlines()
    assert launch == (
        '{"v":1,"type":"launch","pid":4711,"version":"1","started_at":"2026-11-25T10:00:00.000+00:00",'
        '"inputs":["in","caf\\ufffd.jpg"],"inputs_bytes":["aW4=","Y2Fm6S5qcGc="],"files_from":"-","out":"cut",'
        '"ledger":"cut/.pixian-batch/ledger.db","parameters":"","service":"https://api.pixian.ai/api/v2","control":null}'
    )
    assert pace == (
        '{"v":1,"type":"concurrency","at":"2026-11-25T10:00:00.000+00:00","allowed":6,"in_use":6,"resting":0,'
        '"reason":"ramp"}'
    )
    assert [violation(json.loads(line)) for line in (launch, pace)] == ["", ""]


def test_golden_summary() -> None:
    assert summary_record(samples.summary_of(samples.DONE, samples.IN_DOUBT, stop=samples.BUDGET)) == {
        "v": 1,
        "type": "summary",
        "status": "halted",
        "done": 1,
        "skipped": 0,
        "exists": 0,
        "bought": 0,
        "trusted": 0,
        "duplicates": 0,
        "failed": 0,
        "in_doubt": 1,
        "lost": 0,
        "kept": 0,
        "not_started": 0,
        "found": 0,
        "counted": True,
        "repaired": 0,
        "replaced": 0,
        "attempts": 2,
        "warnings": 0,
        "empty": 0,
        "half_transparent": 0,
        "full": 0,
        "not_looked_at": 0,
        "suspect_images": [],
        "free": False,
        "credits_charged": "0.250",
        "credits_calculated": "0",
        "credits_unknown": 0,
        "credits_in_doubt": "0.25",
        "credits_ever": "12.5",
        "in_doubt_images": [
            {
                "input": "in/q.jpg",
                "state": "in_doubt",
                "sent_at": "2026-11-22T13:10:04Z",
                "at_most": "0.25",
                "credits_charged": None,
            }
        ],
        "problems": [],
        "left_out": {
            "system_folders": 0,
            "system_files": 0,
            "suffixes": [],
            "others": [],
            **dict.fromkeys(
                (
                    "older",
                    "smaller",
                    "larger",
                    "urls",
                    "unchanged",
                    "nested",
                    "outside",
                    "not_sampled",
                    "over_limit",
                ),
                0,
            ),
        },
        "stop": {"cause": "budget", "message": "the next image could exceed --max-credits 10", "hint": ""},
        "out": "cut",
        "ledger": "cut/.pixian-batch/ledger.db",
        "seconds": 754.2,
        "bytes_sent": 0,
        "bytes_received": 0,
        "exit_code": 6,
    }


def test_every_ending_but_not_started_gives_one_record_and_the_summary_is_last() -> None:
    records = written(*samples.ALL)
    assert [record["status"] for record in records] == [
        *[
            "done",
            "done",
            "done",
            "skipped",
            "skipped",
            "duplicate",
            "failed",
            "failed",
            "in_doubt",
            "lost",
            "kept",
        ],
        "partial",
    ]
    assert [record["type"] for record in records] == ["image"] * 11 + ["summary"]
    assert (records[1]["suspicion"], records[1]["alpha"]["visible"]) == ("empty", 0.004)
    assert records[1]["warnings"] == ["nearly empty: 0.4 % of it is visible"]
    assert records[3]["reason"] == "done"
    assert records[4]["reason"] == "exists"
    assert records[5]["of"] == "in/a.jpg"
    assert records[6]["error"] == {
        "code": 1006,
        "message": "Failed to read the supplied image. ",
        "hint": "open the file in an image viewer",
    }
    assert records[8]["credits_in_doubt"] == "0.25"
    assert (records[9]["kept"], records[9]["warnings"]) == ("out/l.part", ["no size"])


def test_how_it_stands_is_told_between_the_first_image_and_the_summary() -> None:
    stream = io.StringIO()
    records = Records(stream)

    async def run() -> None:
        records.started(lambda: samples.snapshot_of(samples.tally_of(*samples.ALL), eta=90.5))
        clock = asyncio.ensure_future(records.attend())
        await asyncio.sleep(95)
        records.ended(samples.DONE)
        await asyncio.sleep(70)
        records.ended(samples.NOT_STARTED)
        await asyncio.sleep(15)
        clock.cancel()
        records.finished(samples.summary_of(samples.DONE))

    virtual.run(run())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["type"] for line in lines] == ["image", "progress", "progress", "progress", "summary"]
    assert lines[1] == {
        "v": 1,
        "type": "progress",
        "found": 400,
        "counted": True,
        "done": 3,
        "skipped": 2,
        "duplicates": 1,
        "failed": 2,
        "in_doubt": 1,
        "lost": 1,
        "kept": 1,
        "credits_charged": "0.750",
        "credits_in_doubt": "0.25",
        "workers": 7,
        "busy": 6,
        "resting": 1,
        "rate": 3.4,
        "eta": 90.5,
        "seconds": 3723.0,
    }
    assert [violation(line) for line in lines] == [""] * 5


@pytest.mark.parametrize(
    ("name", "shown", "raw"),
    [
        (b"caf\xe9\n.jpg".decode("utf-8", "surrogateescape"), "caf\ufffd\n.jpg", b"caf\xe9\n.jpg"),
        ("half\ud800.jpg", "half\ufffd.jpg", b"half\xed\xa0\x80.jpg"),
    ],
)
def test_names_that_are_not_unicode_keep_their_bytes(name: str, shown: str, raw: bytes) -> None:
    record = image_record(Ending(name, name, Duplicate(of=name)))
    assert record is not None
    for key in ("input", "output", "of"):
        assert record[key] == shown
        assert base64.b64decode(record[f"{key}_bytes"]) == raw


@settings(deadline=None)
@given(st.text(st.characters() | st.characters(categories=["Cs", "Cc"]), min_size=1))
def test_any_name_gives_one_strictly_valid_line(name: str) -> None:
    stream = io.StringIO()
    records = Records(stream)
    records.ended(Ending(name, name, Done(ResultHeaders(warnings=(name,)), None)))
    records.finished(samples.summary_of(out=name, ledger=name))
    text = stream.getvalue()
    assert text.isascii()
    assert text.count("\n") == 2
    for line in text.splitlines():
        json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8")  # fails on a lone surrogate


def test_credits_have_no_exponent() -> None:
    record = image_record(Ending("a", "b", Done(ResultHeaders(credits_charged=Decimal("1E+2")), 200)))
    assert record is not None
    assert record["credits_charged"] == "100"


_MANY = """
import sys
from decimal import Decimal
from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.display import streams
from pixian_batch.display.records import Records
from pixian_batch.policy.outcome import Done, Ending
from pixian_batch.policy.progress import Summary
from pixian_batch.policy.stopping import Exit
from pixian_batch.policy.tally import Tally
streams.prepare()
records = Records(sys.stdout)
for number in range(5000):
    records.ended(Ending(f"{number}.jpg", None, Done(ResultHeaders(), 200)))
records.finished(Summary(Tally(), None, Exit.OK, 1.0, "o", "l", False))
sys.exit(streams.finish(0))
"""

# Unbuffered streams keep nothing that could fail at exit.
_BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def test_a_reader_that_goes_away_is_survived_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _MANY],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_BUFFERED,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as out:
        assert json.loads(out.readline())["input"] == "0.jpg"
    with process.stderr as err:
        assert err.read() == ""
    assert process.wait() == 0


def test_a_reader_that_was_never_there_leaves_no_complaint_at_exit() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    few = _MANY.replace("5000", "1")  # so little stays in the stream's buffer until the interpreter ends
    try:
        result = subprocess.run(
            [sys.executable, "-c", few],
            stdout=writer,
            stderr=subprocess.PIPE,
            env=_BUFFERED,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert (result.returncode, result.stderr) == (0, "")


def test_nothing_is_lost_to_a_reader_that_reads_on() -> None:
    result = subprocess.run(
        [sys.executable, "-c", _MANY], capture_output=True, env=_BUFFERED, text=True, check=True, timeout=120
    )
    assert len(result.stdout.splitlines()) == 5001
    assert result.stderr == ""
