"""In CI, as the command: which server it is, which files may be written, and nothing of it anywhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from support.action_runner import commands_in, read_outputs
from support.commands import command, here
from support.emulators import EmulatorThread
from support.image_samples import photo

from pixian_batch.cli.ci_options import ci_service

FILES = ("--junit", "--comment-file", "--code-quality", "--dotenv")


def test_the_server_is_recognised_unless_told() -> None:
    github, gitlab = {"GITHUB_ACTIONS": "true"}, {"GITLAB_CI": "true"}
    assert [ci_service("auto", env) for env in ({}, github, gitlab)] == ["none", "github", "gitlab"]
    assert ci_service("none", github) == "none"
    assert ci_service("gitlab", github) == "gitlab"


def test_a_file_of_somebody_elses_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("mine").write_text("mine", encoding="utf-8")
    for option in FILES:
        for path, what in (
            ("mine", "is there already"),
            ("no/x", "is not the name of a file"),
            (".", "is not"),
        ):
            result = here("run", "photos", "--out", "cut", "--local", option, path)
            assert result.code == 2
            assert what in result.err, result.err
    result = here("run", "photos", "--out", "cut", "--local", "--junit", "x", "--dotenv", "./x")
    assert (result.code, "are the same file" in result.err) == (2, True)
    assert here("run", "photos", "--out", "cut", "--local", "--ci", "githup").code == 2
    assert Path("mine").read_text(encoding="utf-8") == "mine"
    assert sorted(os.listdir()) == ["mine", "photos"]


@pytest.mark.slow
def test_a_run_on_github_and_one_anywhere_else(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(photo()).save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "::error::b,c%.jpg").write_bytes(b"no image")
    files = {"GITHUB_OUTPUT": str(tmp_path / "outputs"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    on_github = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path), **files}
    with EmulatorThread() as emulator:
        words = ("in", "--out", "cut", "--json", "--api-url", emulator.url)
        account = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"}
        elsewhere = command(*words, "--junit", "j.xml", env=account, cwd=str(tmp_path))
        assert commands_in(elsewhere.err) == []
        again = command(*words, "--junit", "j.xml", env=account | on_github, cwd=str(tmp_path))
    assert [each.name for each in commands_in(again.err)] == ["group", "endgroup", "error"]
    assert commands_in(again.err)[-1].properties["file"] == "in/::error::b,c%.jpg"
    assert commands_in(again.out) == []
    assert [json.loads(line)["type"] for line in again.out.splitlines()][-1] == "summary"
    outputs = read_outputs((tmp_path / "outputs").read_text(encoding="utf-8"))
    assert (outputs["done"], outputs["failed"], outputs["skipped"], outputs["exit-code"]) == (
        "0",
        "1",
        "1",
        "3",
    )
    assert "### Failed (1)" in (tmp_path / "summary").read_text(encoding="utf-8")
    assert (tmp_path / "j.xml").read_text(encoding="utf-8").count("<testcase") == 2


def test_nothing_of_it_is_loaded_anywhere_else() -> None:
    code = "import sys; from pixian_batch.cli.commands import run; print(*sys.modules)"
    result = subprocess_output(code)
    assert "pixian_batch.cli.displays" in result
    assert not [
        name for name in result if name.startswith("pixian_batch.display.ci") or name.endswith(".junit")
    ]


def subprocess_output(code: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
