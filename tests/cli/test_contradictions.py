"""Options that cannot both be meant are said in one line, with exit code 2 and nothing done; the stronger source wins."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from support.commands import here

from pixian_batch.cli import app
from pixian_batch.cli.contradictions import NEEDS, PAIRS

SAMPLE = str(Path(__file__).parents[2] / "docs" / "samples" / "cat.png")
RUN = ["run", SAMPLE, "--out", "out"]
MISTAKES = [
    ([*RUN, "--quiet", "--verbose"], "--quiet and --verbose cannot both be meant"),
    ([*RUN, "--local", "--api-url", "http://127.0.0.1:1/v2"], "--local and --api-url cannot both be meant"),
    (["plan", *RUN[1:], "--local", "--api-url", "http://127.0.0.1:1/v2"], "--local and --api-url"),
    (["doctor", "--local", "--api-url", "http://127.0.0.1:1/v2"], "--local and --api-url"),
    (["plan", *RUN[1:], "--local", "--calibrate", "3"], "--local and --calibrate"),
    (["plan", *RUN[1:], "--test", "--calibrate", "3"], "--test and --calibrate"),
    ([*RUN, "--yes", "--in-doubt", "ask"], "--yes and --in-doubt"),
    (["resolve", "out", "--all", "--charged", "--not-charged"], "--charged and --not-charged"),
    (["resolve", "out", "7", "--all", "--charged"], "--all and NUMBER"),
    (["status", "out", "--failed", "--in-doubt"], "--failed and --in-doubt"),
    (["status", "out", "--failed", "--json"], "--failed and --json"),
    ([*RUN, "--concurrency-start", "9", "--concurrency-max", "3"], "--concurrency-start 9 is more than"),
    (["plan", *RUN[1:], "--concurrency-start", "101"], "--concurrency-start 101 is more than --concurrency-max 100"),
    ([*RUN, "--log-format", "json"], "--log-format without --log-file"),
    ([*RUN, "--null"], "--null without --files-from"),
    ([*RUN, "--log-file", "x.prom", "--metrics-file", "./x.prom"], "--log-file and --metrics-file"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    return tmp_path


@pytest.mark.parametrize(("words", "error"), MISTAKES, ids=[error for _, error in MISTAKES])
def test_both_cannot_be_meant(folder: Path, words: list[str], error: str) -> None:
    said = here(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {error}")
    assert len(said.err.splitlines()) == 2
    assert [path.name for path in folder.iterdir()] == [".git"]


def test_every_pair_of_the_list_is_of_some_command() -> None:
    group = app.parser(list(app.COMMANDS))
    names = [{param.name for param in group.commands[name].params} for name in app.COMMANDS]
    for one, other in [
        *((pair.one, pair.other) for pair in PAIRS),
        *((one, other) for one, other, _ in NEEDS),
    ]:
        assert any({one, other} <= having for having in names), (one, other)


def test_two_variables_contradict_each_other_and_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXIAN_BATCH_QUIET", "1")
    monkeypatch.setenv("PIXIAN_BATCH_VERBOSE", "1")
    said = here("run", "nothing", "--out", "out")
    assert said.code == 2
    monkeypatch.setenv("PIXIAN_BATCH_VERBOSE", "0")
    assert "cannot both" not in here("run", "nothing", "--out", "out").err
    assert said.err.startswith("error: PIXIAN_BATCH_QUIET and PIXIAN_BATCH_VERBOSE cannot both be meant")


@pytest.mark.parametrize("stronger", ["flag", "variable", "profile"])
def test_the_stronger_source_wins_without_a_word(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stronger: str
) -> None:
    """`local` against an address that a file names: the address is forgotten, and nothing is said."""
    text = 'api-url = "http://127.0.0.1:9/api/v2"\n[profile.try]\nlocal = true\n'
    (folder / "pixian-batch.toml").write_text(text)
    more = {"flag": ["--local"], "variable": [], "profile": ["--profile", "try"]}[stronger]
    if stronger == "variable":
        monkeypatch.setenv("PIXIAN_BATCH_LOCAL", "1")
    said = here("plan", SAMPLE, "--out", "out", "--json", *more)
    assert (said.code, said.err) == (0, "")


def test_of_one_file_two_values_contradict_each_other(folder: Path) -> None:
    (folder / "pixian-batch.toml").write_text("quiet = true\nverbose = true\n")
    said = here("run", SAMPLE, "--out", "out", "--local")
    assert (said.code, said.err.splitlines()[0][:48]) == (
        2,
        "error: --quiet and --verbose cannot both be mean",
    )


def test_a_cap_that_is_stronger_than_the_start_is_kept(folder: Path) -> None:
    (folder / "pixian-batch.toml").write_text("concurrency-start = 10\n")
    assert here("plan", SAMPLE, "--out", "out", "--concurrency-max", "3", "--local").code == 0
    assert (
        here(
            "plan", SAMPLE, "--out", "out", "--concurrency-max", "3", "--local", "--concurrency-start", "10"
        ).code
        == 2
    )


def test_what_goes_together_is_let_through() -> None:
    """All pairs of switches of `plan` that are in no list: they are parsed and planned."""
    listed = {frozenset({pair.one, pair.other}) for pair in PAIRS}
    switches = {
        "test": "--test", "local": "--local", "crop_to_foreground": "--crop-to-foreground", "json": "--json",
        "overwrite": "--overwrite", "follow_symlinks": "--follow-symlinks",
    }  # fmt: skip
    for (one, first), (other, second) in itertools.combinations(switches.items(), 2):
        if frozenset({one, other}) not in listed:
            assert here("plan", SAMPLE, "--out", "out", first, second).code == 0, (first, second)
