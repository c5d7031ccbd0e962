"""What lies in the repository: nothing astray, pictures with their sources, pinned actions, links that lead."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {
    ".dockerignore",
    *("pyproject.toml", "README.md", "pixian_batch", "tests", "scripts", "docs", "LICENSE"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "Makefile", ".github", ".ci"),
    *(".gitignore", ".gitattributes", ".editorconfig", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml"),
}
GUIDES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SAMPLES = ROOT / "docs" / "samples"
_PINNED = r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/actions/pixian-batch"
"""Of another's repository at a commit; our own action is of this one."""


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tracked() -> list[str]:
    """The paths that git keeps; skips outside a clone (an unpacked sdist)."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git clone")
    return [name for name in done.stdout.decode().split("\0") if name]


def test_the_top_level_holds_only_what_belongs_there() -> None:
    assert {name.split("/")[0] for name in tracked()} - TOP == set()


def test_no_file_is_needlessly_big() -> None:
    # The engine's weights (2.3 MB) are the biggest thing that a clone has to carry.
    big = {name: size for name in tracked() if (size := (ROOT / name).stat().st_size) > 3_000_000}
    assert big == {}


def test_every_sample_is_the_one_whose_source_is_told() -> None:
    listed = dict(
        re.findall(r"(?m)^    ([0-9a-f]{64})  (\S+)$", (SAMPLES / "SOURCES.md").read_text(encoding="utf-8"))
    )
    names = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SAMPLES.glob("[!.]*")}
    del names["SOURCES.md"]
    assert names == {name: digest for digest, name in listed.items()}


def test_links_between_our_pages_lead_somewhere() -> None:
    for guide in GUIDES:
        text = re.sub(r"(?s)```.*?```", "", guide.read_text(encoding="utf-8"))
        targets = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
        broken = [target for target in targets if target and not (guide.parent / target).exists()]
        assert broken == [], relative(guide)


def test_a_decision_names_its_cost_and_what_was_rejected() -> None:
    for page in DECISIONS:
        headings = re.findall(r"(?m)^## (.+)$", page.read_text(encoding="utf-8"))
        assert headings == ["Context", "Decision", "Cost", "Rejected"], relative(page)


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_workflows_are_pinned_and_unprivileged() -> None:
    for workflow in WORKFLOWS:
        name, text = relative(workflow), workflow.read_text(encoding="utf-8")
        used = re.findall(r"uses: *(.+)", text)
        assert used, name
        unpinned = [line for line in used if not re.fullmatch(_PINNED, line)]
        assert unpinned == [], name
        assert re.search(r"(?m)^permissions:\n  contents: read$", text), name
        assert text.count("runs-on:") == text.count("timeout-minutes:"), name
        assert "cancel-in-progress: true" in text, name


def test_the_tools_words_are_the_same_everywhere() -> None:
    script = (ROOT / "scripts" / "_test.py").read_text(encoding="utf-8")
    [listed] = re.findall(r"_WORDS: Final = \((.*)\)", script)
    words = re.findall(r'"(\w+)"', listed)
    targets = re.findall(r"(?m)^([a-z ]+):$", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert set(words) - {"tests"} <= set(" ".join(targets).split())


def test_looptime_is_a_library_and_not_a_plugin(pytestconfig: pytest.Config) -> None:
    # Its plugin asks every test for a loop, which from Python 3.12 on is a warning, so here an error.
    assert not pytestconfig.pluginmanager.has_plugin("looptime_plugin")
