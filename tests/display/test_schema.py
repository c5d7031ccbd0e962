"""The published schema takes every record that the program writes, and no other; the page says the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import display_samples as samples
from support.commands import CREDENTIALS, command
from support.emulators import EmulatorThread
from support.pictures import picture, put
from support.schema import violation

from pixian_batch.display.records import image_record, summary_record
from pixian_batch.display.run_records import progress_record
from pixian_batch.display.schema import RECORD
from pixian_batch.policy.outcome import Outcome
from pixian_batch.policy.stopping import REASONS, Exit, Stop
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_the_schema_takes_the_record_of_every_outcome() -> None:
    assert {type(ending.outcome) for ending in samples.ALL} == set(Outcome.__args__)
    for ending in samples.ALL:
        record = image_record(ending)
        assert record is None or violation(record) == "", ending


def test_the_schema_takes_the_summary_of_every_reason_to_stop() -> None:
    for reason in REASONS:
        summary = samples.summary_of(*samples.ALL, stop=Stop(reason, f"it is {reason.name}", samples.NASTY))
        assert violation(summary_record(summary)) == "", reason
    for ending in samples.ALL:
        assert violation(summary_record(samples.summary_of(ending, out=samples.NASTY))) == "", ending


def test_the_schema_takes_a_summary_without_a_run() -> None:
    bare = samples.summary_of(stop=samples.SIGINT, free=True, began=False, credits_ever=None)
    assert violation(summary_record(bare)) == ""


def test_the_schema_takes_how_every_run_stands() -> None:
    for changes in ({}, {"eta": None}, {"stop": samples.SIGINT}, {"counted": False, "found": 0}):
        snapshot = samples.snapshot_of(samples.tally_of(*samples.ALL), **changes)
        assert violation(progress_record(snapshot)) == "", changes
    assert progress_record(samples.snapshot_of(Tally(done=9), found=0))["found"] == 9


def spoiled(record: dict[str, Any], wrong: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """`record` with one wrong value at a time, with an unknown field, and without each of its own."""
    yield from ({**record, field: value} for field, values in wrong.items() for value in values)
    yield {**record, "undocumented": 1}
    for field in record:
        yield {name: value for name, value in record.items() if name != field}


def test_the_schema_refuses_what_is_wrong() -> None:
    image = image_record(samples.DONE)
    assert image is not None
    stopped = summary_record(samples.summary_of(samples.FAILED, stop=samples.BUDGET))
    not_images: dict[str, list[Any]] = {
        "v": [2, "1"],
        "type": ["summary", "picture"],
        "status": ["ok", None],
        "reason": ["because"],
        "credits_charged": [0.25, "1E+2", "-1", ""],
        "attempts": ["1", -1],
        "http_status": [99, "200"],
        "seconds": [None, -0.1],
        "input_size": [{"width": 1}, {"width": 1, "height": -1}],
        "error": [{"code": 1.5, "message": "", "hint": ""}],
        "input_bytes": ["not Base64!"],
    }
    not_summaries: dict[str, list[Any]] = {
        "v": [2],
        "type": ["image"],
        "status": ["done"],
        "credits_charged": [None, 1],
        "in_doubt_images": [[{}], None],
        "problems": [[{"message": "m"}]],
        "stop": [{**stopped["stop"], "cause": cause} for cause in ("ok", "some_failed", "BUDGET", 6, None)],
        "exit_code": [-1, 256, "6"],
    }
    for record in (*spoiled(image, not_images), *spoiled(stopped, not_summaries)):
        assert violation(record), record


def test_what_a_run_really_prints_follows_the_schema(tmp_path: Path) -> None:
    for name, shade in (("a.png", 1), ("b.png", 2), ("b again.png", 2), ("c.png", 3)):
        put(tmp_path / "in" / name, picture(shade=shade))
    put(tmp_path / "in" / "broken.png", b"not a picture")
    places = (str(tmp_path / "in"), "--out", str(tmp_path / "out"))
    one_by_one = ("--concurrency-start", "1", "--concurrency-max", "1", "--min-free", "1MB", "--json")
    wrong = {**CREDENTIALS, "PIXIAN_API_SECRET": "wrong"}
    statuses = set()
    with EmulatorThread() as emulator:
        for options, env, code in [
            (("--max-credits", "0.01"), CREDENTIALS, Exit.BUDGET),
            ((), wrong, Exit.CREDENTIALS),
            ((), CREDENTIALS, Exit.SOME_FAILED),
            ((), CREDENTIALS, Exit.SOME_FAILED),
        ]:
            ran = command("run", *places, "--api-url", emulator.url, *one_by_one, *options, env=env)
            records = [json.loads(line) for line in ran.out.splitlines()]
            assert (ran.code, [violation(record) for record in records]) == (code, [""] * len(records))
            assert (records[0]["type"], records[-1]["type"]) == ("launch", "summary")
            statuses |= {record.get("status") for record in records}
    assert statuses >= {"done", "duplicate", "failed", "skipped", "halted", "partial"}


# --- the documentation ---------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs/reference/json.md").read_text(encoding="utf-8")


def test_the_page_names_every_field_and_value_of_the_schema() -> None:
    named = set(re.findall(r"`([a-z_0-9]+)`", PAGE))
    for schema in RECORD["$defs"].values():
        assert set(schema["properties"]) <= named | {"v", "type"}
        for field in ("status", "reason"):
            words = schema["properties"].get(field, {}).get("enum", ())
            assert set(words) - {None} <= named
    causes = RECORD["$defs"]["summary"]["properties"]["stop"]["properties"]["cause"]["enum"]
    listed = re.search(r"(?m)^\| `stop` \|.*`cause` \(([^:]*):", PAGE)
    assert listed is not None
    assert re.findall(r"`([a-z_0-9]+)`", listed[1]) == causes


def test_the_lines_on_the_page_are_records() -> None:
    lines = [json.loads(line) for line in PAGE.splitlines() if line.startswith('    {"v"')]
    types = [line["type"] for line in lines]
    assert len(types) == len(set(types)) >= 8
    assert [violation(line) for line in lines] == [""] * len(lines)
