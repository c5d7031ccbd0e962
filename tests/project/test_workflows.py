"""No workflow and no step of the action hands a text from outside to a shell; what others wrote is pinned and GitHub's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FILES = sorted(
    [*(ROOT / ".github" / "workflows").glob("*.yml"), *(ROOT / ".github" / "actions").rglob("*.yml")]
)
OURS = "./.github/actions/pixian-batch"
TRUSTED = {
    *("checkout", "setup-python", "cache/restore", "cache/save", "upload-artifact", "download-artifact"),
    *("attest-build-provenance",),
}


def steps_of(document: Any) -> list[Any]:
    jobs = document.get("jobs", {}).values()
    return [
        *document.get("runs", {}).get("steps", []),
        *(step for job in jobs for step in job.get("steps", [])),
    ]


def complaints(document: Any) -> Iterator[str]:
    composite = "runs" in document
    for step in steps_of(document):
        script = step.get("run", "")
        if "${{" in script:
            yield f"an expression in a script: {script}"
        if composite and script and step.get("shell") != "bash":
            yield f"not in bash: {script}"
        for name, value in step.get("env", {}).items():
            if "secrets." in str(value) and composite:
                yield f"{name}: an action has no secrets"
        uses = step.get("uses", "")
        if uses and uses != OURS:
            action, _, pin = uses.partition("@")
            if not re.fullmatch(r"[0-9a-f]{40}", pin):
                yield f"not pinned: {uses}"
            if action.removeprefix("actions/") not in TRUSTED:
                yield f"not GitHub's own: {uses}"


def test_no_script_holds_an_expression_and_no_action_is_anybodys() -> None:
    assert len(FILES) >= 3
    found = {file.name: list(complaints(yaml.safe_load(file.read_text(encoding="utf-8")))) for file in FILES}
    assert found == {name: [] for name in found}


def test_the_check_sees_what_it_looks_for() -> None:
    bad = {
        "runs": {
            "steps": [
                {"run": "echo ${{ github.head_ref }}", "shell": "pwsh"},
                {"uses": "actions/checkout@v5"},
                {"uses": "someone/else@" + "0" * 40},
                {"run": "x", "shell": "bash", "env": {"A": "${{ secrets.X }}"}},
            ]
        }
    }
    assert len(list(complaints(bad))) == 5


def test_the_action_takes_no_secret_and_every_input_is_used_by_environment() -> None:
    text = (ROOT / OURS / "action.yml").read_text(encoding="utf-8")
    action = yaml.safe_load(text)
    assert not [name for name in action["inputs"] if "secret" in name or name == "api-id"]
    for name, item in action["inputs"].items():
        assert item["description"].endswith("."), name
        assert f"inputs.{name} " in text, f"{name} is read by nobody"
    steps = action["runs"]["steps"]
    assert [step["id"] for step in steps if "always()" in str(step.get("if"))] == ["after", "save", "comment"]
    handed = {name for step in steps for name, value in step.get("env", {}).items() if "inputs." in value}
    code = (ROOT / OURS / "steps.py").read_text(encoding="utf-8")
    for name in handed - {"GH_TOKEN"}:
        assert name.removeprefix("INPUT_").lower().replace("_", "-") in code, name
