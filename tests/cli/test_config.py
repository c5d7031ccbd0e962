"""Options from files: precedence, profiles, mistakes, and what a project's file may not decide."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support.commands import command

from pixian_batch.cli.configuration import starting
from pixian_batch.cli.configuration.files import NAME, Choice, ConfigurationError, project_paths, take_choice
from pixian_batch.cli.configuration.keys import keys
from pixian_batch.cli.configuration.reading import load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HERE = NAME


@dataclass(frozen=True)
class Place:
    """A project inside a home of its own, with the user's own file beside it."""

    home: Path
    project: Path

    @property
    def env(self) -> dict[str, str]:
        return {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / "config")}

    def write(self, text: str) -> None:
        (self.project / HERE).write_text(text)

    def write_user(self, text: str) -> None:
        folder = self.home / "config" / "pixian-batch"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / HERE).write_text(text)

    def options(self, *words: str, env: Mapping[str, str] | None = None) -> dict[str, dict[str, object]]:
        result = command("config", "--json", *words, env={**self.env, **(env or {})}, cwd=str(self.project))
        assert result.code == 0, result.err
        options: dict[str, dict[str, object]] = json.loads(result.out)["options"]
        return options


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    project = tmp_path / "home" / "shop"
    project.mkdir(parents=True)
    found = Place(tmp_path / "home", project)
    for name, value in found.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(project)
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="the user's folder is not in the environment there")
def test_a_flag_beats_the_environment_beats_the_project_beats_the_user(place: Place) -> None:
    place.write_user("retries = 1\nconcurrency-max = 11\nidle-timeout = '11s'\nconcurrency-start = 2\n")
    place.write("concurrency-max = 22\nidle-timeout = '22s'\nconcurrency-start = 3\n")
    options = place.options(
        "--concurrency-start",
        "4",
        env={"PIXIAN_BATCH_IDLE_TIMEOUT": "33s", "PIXIAN_BATCH_CONCURRENCY_START": "9"},
    )
    assert options["concurrency-start"] == {"value": 4, "source": "flag"}
    assert options["idle-timeout"] == {
        "value": "33s",
        "source": "environment: PIXIAN_BATCH_IDLE_TIMEOUT",
    }
    assert options["concurrency-max"] == {"value": "22", "source": str(place.project / HERE)}
    assert options["retries"]["value"] == "1"
    assert str(options["retries"]["source"]).endswith(os.path.join("config", "pixian-batch", HERE))
    assert options["ramp-interval"] == {"value": "5m", "source": "default"}


def test_a_profile_beats_what_is_general(place: Place) -> None:
    place.write(
        "retries = 1\nconcurrency-max = 5\n[profile.fast]\nconcurrency-max = 90\n[profile.slow]\nretries=9\n"
    )
    options = place.options("--profile=fast")
    assert options["concurrency-max"]["value"] == "90"
    assert options["concurrency-max"]["source"] == f"{place.project / HERE} [profile fast]"
    assert options["retries"]["value"] == "1"
    assert place.options(env={"PIXIAN_BATCH_PROFILE": "slow"})["retries"]["value"] == "9"


def test_a_switch_of_a_file_is_switched_off_by_a_flag(place: Place) -> None:
    place.write("test = true\n")
    assert place.options()["test"]["value"] is True
    assert place.options("--no-test")["test"] == {"value": False, "source": "flag"}
    off = place.options("--no-test", env={"PIXIAN_BATCH_TEST": "1"})
    assert off["test"]["value"] is False


def test_a_run_does_what_the_file_says(place: Place) -> None:
    place.write('out = "cut"\nlocal = true\nfiles-from = "list.txt"\n')
    (place.project / "list.txt").write_text("nothing-here.png\n")
    below = place.project / "below"
    below.mkdir()
    (place.project / ".git").mkdir()
    result = command("run", env=place.env, cwd=str(below))
    # The list's one name is not there: a failed image, in the project's own output folder.
    assert result.code == 3, result.err
    assert (place.project / "cut" / ".pixian-batch" / "ledger.db").is_file()
    assert list(below.iterdir()) == []


MISTAKES = (
    ("concurency-max = 4", "there is no option 'concurency-max'", "did you mean 'concurrency-max'?"),
    ("[profile.a]\nretrys = 4", "[profile a]: there is no option 'retrys'", "did you mean 'retries'?"),
    ("concurrency-max = '4'", "concurrency-max is a text", "a whole number"),
    ("concurrency-max = true", "concurrency-max is true or false", "concurrency-max ="),
    ("concurrency-max = 1.5", "concurrency-max is a number", "a whole number"),
    ("test = 1", "test is a number", "test = true or false"),
    ("include = '*.png'", "include is a text", 'include = ["...", "..."]'),
    ("out = ['a']", "out is a list", "a text or a number"),
    ("out = 1979-05-27", "out is a date", "a text or a number"),
    ("ramp-interval = 'soon'", "ramp-interval: 'soon' is not a duration", ""),
    ("in-doubt = 'hodl'", "in-doubt: 'hodl' is none of hold, resend, ask", "did you mean 'hold'?"),
    ("out = cut", "is not TOML", "strings need quotes"),
    ("profile = 'x'", "profile is not a table", "[profile.NAME]"),
    ("api-secret = 'x'", "a secret does not belong in this file", "credentials-command"),
    ("PIXIAN_API_SECRET = 'x'".lower(), "a secret does not belong in this file", "login"),
    ("credentials-command = 'x'", "may not run a command", "your own file"),
    ("api-url = 'https://example.com'", "may not send your credentials elsewhere", "your own file"),
)
"""(what a file says, the message, the hint)"""


def test_a_mistake_in_a_file_names_file_and_key(place: Place) -> None:
    for text, message, hint in MISTAKES:
        place.write(text)
        with pytest.raises(ConfigurationError) as refused:
            load(Choice())
        assert str(place.project / HERE) in str(refused.value), text
        assert message in str(refused.value), text
        assert hint in refused.value.hint, text


def test_a_mistake_in_a_file_is_told_in_two_lines_with_code_2(place: Place) -> None:
    place.write("concurency-max = 4")
    result = command("x", "--out", "y", env=place.env, cwd=str(place.project))
    assert result.code == 2
    assert result.out == ""
    assert result.err.splitlines() == [
        f"error: {place.project / HERE}: there is no option 'concurency-max'",
        "  did you mean 'concurrency-max'?",
    ]
    assert not (place.project / "y").exists()


def test_the_users_own_file_may_do_what_a_projects_may_not(place: Place) -> None:
    path = place.home / "mine.toml"
    path.write_text("credentials-command = 'pass show x'\napi-url = 'https://example.com'\n")
    read = load(Choice(config=str(path)))
    assert read.settings["credentials-command"].value == "pass show x"
    place.write("api-url = 'http://127.0.0.1:8080'\n")
    assert load(Choice()).settings["api-url"].value == "http://127.0.0.1:8080"


def test_a_file_that_is_not_used_is_not_read(place: Place) -> None:
    place.write("not toml")
    assert load(Choice(config="none")).settings == {}
    assert command("schema", env=place.env, cwd=str(place.project)).code == 0
    assert command("run", "--help", env=place.env, cwd=str(place.project)).code == 0


def test_an_unknown_profile_is_a_mistake(place: Place) -> None:
    place.write("[profile.fast]\n")
    with pytest.raises(ConfigurationError, match="there is no profile 'fats'") as refused:
        load(Choice(profile="fats"))
    assert refused.value.hint == "did you mean 'fast'?"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_projects_file_of_another_user_is_refused(place: Place) -> None:
    place.write("retries = 1\n")
    os.chown(place.project / HERE, 12345, 12345)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        load(Choice())


def test_outside_home_and_repository_only_the_current_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "elsewhere"))
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert project_paths(str(deep)) == [str(deep / HERE)]
    (tmp_path / "a" / ".git").mkdir()
    assert project_paths(str(deep)) == [str(deep / HERE), str(tmp_path / "a" / HERE)]


def test_the_choice_of_a_file_is_taken_out_of_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXIAN_BATCH_PROFILE", "a")
    assert take_choice(["x", "--profile", "b", "--config=c", "--", "--profile", "d"]) == (
        ["x", "--", "--profile", "d"],
        Choice("b", "c"),
    )
    assert take_choice(["x"]) == (["x"], Choice("a", None))
    with pytest.raises(ConfigurationError, match="--profile needs a value"):
        take_choice(["x", "--profile"])


def test_every_option_of_run_has_its_environment_variable() -> None:
    for key in keys().values():
        assert key.envvar == "PIXIAN_BATCH_" + key.name.upper().replace("-", "_")


# --- a first file --------------------------------------------------------------------------------------


def test_a_first_file_changes_nothing(place: Place) -> None:
    before = place.options()
    written = command("config", "--init", env=place.env, cwd=str(place.project))
    assert (written.code, written.out.startswith("wrote pixian-batch.toml")) == (0, True), written.err
    after = place.options()
    assert {name: option["value"] for name, option in after.items()} == {
        name: option["value"] for name, option in before.items()
    }


def test_each_line_of_it_may_be_switched_on(place: Place) -> None:
    lines = starting.text().splitlines()
    options = [line for line in lines if re.match(r"# ([a-z-]+ = |\[profile\.[a-z]+\]$)", line)]
    assert len(options) >= 15
    place.write("".join(f"{line.removeprefix('# ')}\n" for line in options))
    for profile in ("shop", "proof"):
        read = load(Choice(profile=profile))
        assert {"out", "exclude", "max-credits-per-day"} <= set(read.settings)
    assert load(Choice(profile="proof")).settings["test"].value is True
    assert place.options("--profile", "shop")["target-size"]["value"] == "1200x1200"


def test_a_file_that_is_there_is_left_alone(place: Place) -> None:
    place.write("out = 'mine'\n")
    again = command("config", "--init", env=place.env, cwd=str(place.project))
    assert again.code == 2
    assert "is there already" in again.err
    assert (place.project / HERE).read_text() == "out = 'mine'\n"
