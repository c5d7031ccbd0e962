"""The JSON records: golden lines, the published schema, names of every kind, readers that go away."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from display import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.display.records import Records, image_record, summary_record
from pixian_batch.display.schema import RECORD
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
        '"of":null,"repaired":false,"earlier":false,"credits_charged":"0.250","credits_calculated":null,'
        '"credits_in_doubt":null,"http_status":200,"error":null,"kept":null,"attempts":1,"seconds":2.1,'
        '"input_orientation":6,"input_size":{"width":4000,"height":3000},'
        '"result_size":{"width":3000,"height":4000},'
        '"input_foreground":{"top":10,"left":20,"width":300,"height":400},'
        '"result_foreground":{"top":20,"left":10,"width":400,"height":300},"warnings":[]}'
    )


def test_golden_summary() -> None:
    assert summary_record(samples.summary_of(samples.DONE, samples.IN_DOUBT, stop=samples.BUDGET)) == {
        "v": 1,
        "type": "summary",
        "status": "halted",
        "done": 1,
        "skipped": 0,
        "exists": 0,
        "duplicates": 0,
        "failed": 0,
        "in_doubt": 1,
        "lost": 0,
        "not_started": 0,
        "repaired": 0,
        "attempts": 2,
        "warnings": 0,
        "free": False,
        "credits_charged": "0.250",
        "credits_calculated": "0",
        "credits_unknown": 0,
        "credits_in_doubt": "0.25",
        "credits_ever": "12.5",
        "in_doubt_images": [{"input": "in/q.jpg", "sent_at": "2026-11-22T13:10:04Z", "at_most": "0.25"}],
        "problems": [],
        "stop": {"cause": "budget", "message": "the next image could exceed --max-credits 10", "hint": ""},
        "out": "cut",
        "ledger": "cut/.pixian-batch/ledger.db",
        "seconds": 754.2,
        "exit_code": 6,
    }


def test_every_ending_but_not_started_gives_one_record_and_the_summary_is_last() -> None:
    records = written(*samples.ALL)
    assert [record["status"] for record in records] == [
        *["done", "done", "skipped", "skipped", "duplicate", "failed", "failed", "in_doubt", "lost"],
        "partial",
    ]
    assert [record["type"] for record in records] == ["image"] * 9 + ["summary"]
    assert records[2]["reason"] == "done"
    assert records[3]["reason"] == "exists"
    assert records[4]["of"] == "in/a.jpg"
    assert records[5]["error"] == {
        "code": 1006,
        "message": "Failed to read the supplied image. ",
        "hint": "open the file in an image viewer",
    }
    assert records[7]["credits_in_doubt"] == "0.25"
    assert (records[8]["kept"], records[8]["warnings"]) == ("out/l.part", ["no size"])


@pytest.mark.parametrize("ending", samples.ALL[:-1], ids=lambda ending: ending.input[:8])
def test_records_follow_the_published_schema(ending: Ending) -> None:
    for record in written(ending):
        violations = list(broken_rules(record, RECORD))
        assert not violations


def test_the_schema_refuses_what_is_wrong() -> None:
    good = written(samples.DONE)[0]
    for wrong in ({"status": "ok"}, {"credits_charged": 0.25}, {"attempts": "1"}, {"v": 2}):
        assert list(broken_rules({**good, **wrong}, RECORD)), wrong
    del good["seconds"]
    assert list(broken_rules(good, RECORD))


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
from pixian_batch.display.records import Records
from pixian_batch.policy.outcome import Done, Ending
from pixian_batch.policy.progress import Summary
from pixian_batch.policy.stopping import Exit
from pixian_batch.policy.tally import Tally
records = Records(sys.stdout)
for number in range(5000):
    records.ended(Ending(f"{number}.jpg", None, Done(ResultHeaders(), 200)))
records.finished(Summary(Tally(), None, Exit.OK, 1.0, "o", "l", False))
sys.stderr.write(f"broken={records.broken}")
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
        assert err.read() == "broken=True"
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
    assert (result.returncode, result.stderr) == (0, "broken=True")


def test_nothing_is_lost_to_a_reader_that_reads_on() -> None:
    result = subprocess.run(
        [sys.executable, "-c", _MANY], capture_output=True, env=_BUFFERED, text=True, check=True, timeout=120
    )
    assert len(result.stdout.splitlines()) == 5001
    assert result.stderr == "broken=False"


# --- the few rules of JSON Schema that the published schema uses ---------------------------------

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_KNOWN = {
    *["$schema", "title", "$defs", "oneOf", "$ref", "type", "properties", "required"],
    *["const", "enum", "pattern", "minimum", "maximum", "items"],
}


def is_a(value: object, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and not (isinstance(value, bool) and name != "boolean")


def broken_rules(value: Any, schema: dict[str, Any], at: str = "$") -> list[str]:
    """What of `schema` `value` does not follow; an unknown keyword is an error of the schema."""
    assert set(schema) <= _KNOWN, at
    if "oneOf" in schema:
        kinds = [schema["$defs"][rule["$ref"].removeprefix("#/$defs/")] for rule in schema["oneOf"]]
        problems = [broken_rules(value, kind, at) for kind in kinds]
        return [] if sum(not found for found in problems) == 1 else [f"{at}: {problems}"]
    types = schema.get("type", list(_TYPES))
    found = (
        [] if any(is_a(value, name) for name in ([types] if isinstance(types, str) else types)) else ["type"]
    )
    found += ["const"] if "const" in schema and value != schema["const"] else []
    found += ["enum"] if "enum" in schema and value not in schema["enum"] else []
    if isinstance(value, str) and "pattern" in schema:
        found += [] if re.search(schema["pattern"], value) else ["pattern"]
    if isinstance(value, int | float):
        inside = schema.get("minimum", value) <= value <= schema.get("maximum", value)
        found += [] if inside else ["range"]
    inner = [
        problem
        for index, item in enumerate(value if isinstance(value, list) else [])
        for problem in broken_rules(item, schema.get("items", {}), f"{at}[{index}]")
    ]
    if isinstance(value, dict):
        rules = schema.get("properties", {})
        found += [f"no {key}" for key in schema.get("required", []) if key not in value]
        found += [f"undocumented {key}" for key in value if key not in rules]
        for key, rule in rules.items():
            inner += broken_rules(value[key], rule, f"{at}.{key}") if key in value else []
    return [f"{at}: {problem}" for problem in found] + inner


# --- the documentation ---------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs/reference/json.md").read_text(encoding="utf-8")


def test_the_page_names_every_field_and_value_of_the_schema() -> None:
    for kind in ("image", "summary"):
        schema = RECORD["$defs"][kind]
        named = set(re.findall(r"`([a-z_0-9]+)`", PAGE))
        assert set(schema["properties"]) <= named | {"v", "type"}
        assert set(schema["properties"]["status"]["enum"]) <= named


def test_the_lines_on_the_page_are_records() -> None:
    lines = [json.loads(line) for line in PAGE.splitlines() if line.startswith('    {"v"')]
    assert [line["type"] for line in lines] == ["image", "summary"]
    assert [broken_rules(line, RECORD) for line in lines] == [[], []]
