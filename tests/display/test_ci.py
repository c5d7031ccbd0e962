"""What a CI server is told of a run: which annotations, a page that fits, files that can be read, and no markup."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET  # what is read here, was written here
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support import display_samples as samples
from support.action_runner import commands_in, read_outputs

from pixian_batch.adapters.whole_file import whole_file
from pixian_batch.display.ci.annotating import annotations_of
from pixian_batch.display.ci.commands import AnnotationLevel
from pixian_batch.display.ci.concerns import EXAMPLES, ConcernKind, Concerns
from pixian_batch.display.ci.markdown import code, fenced, head, prose, row
from pixian_batch.display.ci.page import MARKER, MOST_OF_A_SUMMARY, page
from pixian_batch.display.ci.sections import GitHubLog, GitLabLog
from pixian_batch.display.ci.watching import CiFiles, CiWatcher
from pixian_batch.policy.look import Look, Shares, Suspicion
from pixian_batch.policy.outcome import Done, Ending, Failed, InDoubt, Problem
from pixian_batch.policy.progress import Level, Message
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from pathlib import Path

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})


def failed(number: int, message: str) -> Ending:
    return Ending(f"in/{number}.jpg", None, Failed(Problem(None, message)))


def in_doubt(number: int) -> Ending:
    return Ending(f"in/d{number}.jpg", None, InDoubt(samples.NO_ANSWER, Decimal("0.25")))


def suspect(number: int, visible: float) -> Ending:
    look = Look(
        Shares(visible, 0.0, visible), Suspicion.EMPTY, f"nearly empty: {visible:.1%} of it is visible"
    )
    return Ending(f"in/s{number}.jpg", "out.png", Done(samples.HEADERS, 200, look=look))


def concerns_of(*endings: Ending) -> Concerns:
    concerns = Concerns()
    for ending in endings:
        concerns.add(ending)
    return concerns


# --- annotations ---------------------------------------------------------------------------------


def test_nine_and_one_that_counts_the_rest_decisions_first_every_cause_once() -> None:
    endings = [
        *(failed(number, "too large") for number in range(30)),
        failed(99, "no image"),
        *(in_doubt(number) for number in range(5)),
        *(suspect(number, 0.001) for number in range(12)),
    ]
    told = annotations_of(None, [], concerns_of(*endings).causes())
    errors = [each for each in told if each.level is AnnotationLevel.ERROR]
    warnings = [each for each in told if each.level is AnnotationLevel.WARNING]
    assert (len(errors), len(warnings)) == (10, 10)
    assert [each.title for each in errors[:3]] == ["in doubt", "failed", "failed"]
    assert {each.input for each in errors} >= {"in/d0.jpg", "in/0.jpg", "in/99.jpg"}
    assert "(one of 30 images for this reason)" in errors[1].message
    assert errors[-1].message.startswith("and 27 more: 1 in doubt, 26 failed; ")
    assert warnings[-1].message.startswith("and 3 more: 3 results to be looked at")


def test_a_stop_comes_first_and_nothing_is_told_of_nothing() -> None:
    assert annotations_of(None, [], []) == []
    stop = Stop(Exit.BUDGET, "the budget is reached", "raise it")
    messages = [Message(Level.ERROR, f"it failed {number}") for number in range(20)]
    told = annotations_of(stop, messages, concerns_of(in_doubt(1)).causes())
    assert told[0].message == "the budget is reached — raise it"
    assert len(told) == 10
    assert told[-1].message.startswith("and 13 more: 1 in doubt, 12 messages")


def test_the_worst_are_kept_and_memory_is_bounded() -> None:
    concerns = concerns_of(*(suspect(number, 0.02 - number / 1e5) for number in range(1000)))
    [cause] = concerns.causes()
    assert cause.count == 1000
    assert [each.input for each in cause.examples] == [f"in/s{number}.jpg" for number in range(999, 974, -1)]
    many = concerns_of(*(failed(number, f"reason {number}") for number in range(2000))).causes()
    assert len(many) <= 201
    assert sum(cause.count for cause in many) == 2000
    assert max(len(cause.examples) for cause in many) == EXAMPLES


# --- the page ------------------------------------------------------------------------------------

NASTY = [
    "<b>x</b>",
    "a|b",
    "`c`",
    "[x](http://e.org)",
    "![x](y)",
    "**d**",
    "@octocat",
    "#12",
    "\\",
    "&lt;",
    "_e_",
    "~~f~~",
    "1. g",
    "- h",
    "www.e.org",
    "\n# i",
    "<!-- j",
    "\u202ek",
    "\udcff",
]


def test_names_and_messages_are_text_and_never_markup() -> None:
    for text in [*NASTY, "".join(NASTY)]:
        for cell in (code(text), prose(text)):
            html = MARKDOWN.render(head("a", "b") + row(cell, "last"))
            tags = set(re.findall(r"<(/?\w+)", html)) - {"code", "/code"}
            assert {tag.strip("/") for tag in tags} == {"table", "thead", "tbody", "tr", "th", "td"}, text
            assert html.count("<td>") == 2, text
        assert not re.search(r"@\w|#\d", MARKDOWN.render(prose(text))), text


@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])))
def test_a_command_to_be_copied_stays_in_its_block(text: str) -> None:
    html = MARKDOWN.render(fenced(f"x{text}"))
    assert html.startswith("<pre><code")
    assert html.endswith("</code></pre>\n")


def test_the_page_has_what_needs_a_decision_and_the_command_for_it() -> None:
    text = page(samples.summary_of(*samples.ALL), concerns_of(*samples.ALL).causes(), room=100_000)
    assert "\n```sh\npixian-batch resolve cut\n```\n" in text
    for word in (
        "These wait for your decision (2)",
        "in doubt",
        "at most 0.25",
        "### Failed (2)",
        "### Look at these (1)",
    ):
        assert word in text, word
    assert text.index("wait for your decision") < text.index("### Failed") < text.index("### Look")


@settings(max_examples=30)
@given(st.integers(0, 9000))
def test_the_page_fits_and_says_what_it_left_out(room: int) -> None:
    endings = [
        Ending(f"{samples.NASTY}{number}", None, Failed(Problem(None, samples.NASTY))) for number in range(50)
    ]
    text = page(samples.summary_of(*endings), concerns_of(*endings).causes(), room=room)
    assert len(text.encode("utf-8")) <= room
    assert text == "" or "There is more than fits here" in text or "### Failed" in text


# --- the watcher ---------------------------------------------------------------------------------


def told_in(folder: Path, *endings: Ending) -> tuple[io.StringIO, CiFiles]:
    stream = io.StringIO()
    names = ["step_summary", "step_output", "junit", "comment", "quality", "dotenv"]
    files = CiFiles(repository=str(folder), commands=stream, **{name: str(folder / name) for name in names})
    watcher = CiWatcher(files, whole_file=whole_file, again="pixian-batch in --out cut")
    for ending in endings:
        watcher.ended(ending)
    watcher.finished(samples.summary_of(*endings))
    return stream, files


def test_everything_is_written_and_can_be_read(tmp_path: Path) -> None:
    inside = replace(samples.FAILED, input=str(tmp_path / "in" / "a,b:%.jpg"))
    stream, _files = told_in(tmp_path, inside, *samples.ALL)
    first = next(each for each in commands_in(stream.getvalue()) if "a,b:%.jpg" in each.data)
    assert first.properties["file"] == "in/a,b:%.jpg"
    root = ET.parse(tmp_path / "junit").getroot()  # noqa: S314  # our own
    cases = list(root.iter("testcase"))
    assert int(root.attrib["tests"]) == len(cases) == len(samples.ALL) + 1
    assert (root.attrib["failures"], root.attrib["errors"]) == ("3", "3")
    outputs = read_outputs((tmp_path / "step_output").read_text(encoding="utf-8"))
    assert (outputs["done"], outputs["failed"], outputs["in-doubt"], outputs["changed"]) == (
        "3",
        "3",
        "2",
        "true",
    )
    comment = (tmp_path / "comment").read_text(encoding="utf-8")
    assert comment == f"{MARKER}\n{outputs['markdown']}"
    assert outputs["markdown"].strip() == (tmp_path / "step_summary").read_text(encoding="utf-8").strip()
    quality = json.loads((tmp_path / "quality").read_text(encoding="utf-8"))
    assert [issue["location"]["path"] for issue in quality] == ["in/a,b:%.jpg"]  # the others are not in it
    dotenv = (tmp_path / "dotenv").read_text(encoding="utf-8").splitlines()
    assert "PIXIAN_IN_DOUBT=2" in dotenv
    assert not [line for line in dotenv if line.startswith("PIXIAN_BATCH")], "an option of the next job"


def test_a_summary_is_appended_and_never_too_large(tmp_path: Path) -> None:
    path = tmp_path / "step_summary"
    path.write_text("# mine\n", encoding="utf-8")
    told_in(tmp_path, samples.DONE)
    assert path.read_text(encoding="utf-8").startswith("# mine\n\n## ")
    path.write_text("x" * (MOST_OF_A_SUMMARY - 100), encoding="utf-8")
    told_in(tmp_path, samples.DONE)
    assert path.stat().st_size <= MOST_OF_A_SUMMARY


def test_the_log_is_folded_and_only_ours_is_a_command() -> None:
    stream = io.StringIO()
    log = GitHubLog(stream, quiet=False, verbose=True, again="")
    hostile = replace(samples.FAILED, input="##[error]x")
    for watcher in (log, GitLabLog(stream, now=lambda: 7.0, quiet=False, verbose=True, again="")):
        watcher.launched(samples.LAUNCH)
        watcher.ended(hostile)
        watcher.finished(samples.summary_of(hostile))
    assert [each.name for each in commands_in(stream.getvalue())[:2]] == ["group", "endgroup"]
    text = stream.getvalue()
    assert "\x1b[0Ksection_start:7:pixian_batch[collapsed=true]\r\x1b[0K" in text
    assert text.index("section_end:7:pixian_batch") < text.rindex("Finished: ")


def test_kinds_are_in_the_order_in_which_they_matter() -> None:
    assert [kind.word for kind in ConcernKind] == ["in doubt", "lost", "kept", "failed", "look at"]
