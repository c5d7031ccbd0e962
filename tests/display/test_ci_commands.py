"""Workflow commands as the runner reads them, and lines that are none, whatever a file is called."""

from __future__ import annotations

import io

from hypothesis import example, given
from hypothesis import strategies as st
from support.action_runner import commands_in, read_outputs

from pixian_batch.display.ci.commands import AnnotationLevel, annotation, harmless, step_output
from pixian_batch.display.ci.guarding import GuardedStream, unguarded

TEXTS = st.text() | st.lists(
    st.sampled_from(
        ["::", "##[", "error", "]", "%0A", "%", "\n", "\r", ":", ",", "file=", " ", "x", "\x0b", "\u2028"]
    )
).map("".join)


@given(TEXTS, TEXTS, TEXTS)
@example("##[add-path]x", "a,b:c%", "::error::")
def test_one_annotation_is_one_command_and_says_what_was_meant(path: str, title: str, message: str) -> None:
    [command] = commands_in(annotation(AnnotationLevel.ERROR, title, message, path))
    assert command.name == "error"
    assert command.data.strip() == message.strip()
    assert command.properties == ({"file": path} if path else {}) | {"title": title}


@given(TEXTS)
@example("  ::set-env name=A::b")
@example("photos: ##[error]x")
@example("####[[error]")
def test_a_harmless_text_is_no_command(text: str) -> None:
    assert commands_in(harmless(text)) == []


def test_what_needs_no_change_is_not_changed() -> None:
    for text in ("a: b :: c\n", "#[x] ## [y]\n", "  C:\\photos\n", ": x\n"):
        assert harmless(text) == text


def test_standard_error_lets_only_meant_commands_through() -> None:
    stream = io.StringIO()
    guarded = GuardedStream(stream)
    guarded.write("::warning::no\n")
    guarded.writelines(["##[error]no\n", "fine\n"])
    assert commands_in(stream.getvalue()) == []
    unguarded(guarded).write("::warning::yes\n")  # type: ignore[arg-type]  # it is a stream in all that counts
    assert [each.data for each in commands_in(stream.getvalue())] == ["yes"]
    guarded.flush()  # all else is the stream's own


@given(st.dictionaries(st.sampled_from(["a", "b-c", "markdown"]), TEXTS))
def test_outputs_are_read_as_they_were_meant(values: dict[str, str]) -> None:
    tokens = iter(f"t{number}" for number in range(100))
    text = "".join(step_output(name, value, lambda: next(tokens)) for name, value in values.items())
    assert read_outputs(text) == values


def test_no_value_can_end_itself() -> None:
    tokens = iter(["known", "unknown"])
    text = step_output("a", "x\nghadelimiter_known\nb=evil", lambda: next(tokens))
    assert read_outputs(text) == {"a": "x\nghadelimiter_known\nb=evil"}
