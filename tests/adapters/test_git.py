"""What git says has changed, asked of real repositories; and that whatever it cannot say is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pixian_batch.adapters.git import GitError, changed_since
from pixian_batch.policy.left_out import Reason
from pixian_batch.policy.selection import Changes

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    "two\nlines.png",
    '"quoted" \t.png',
    "-rf.png",
    ":(glob)*.png",
    "ä ü.png",
    os.fsdecode(b"not utf\xff.png"),
]


@pytest.fixture(autouse=True)
def a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "n")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b")


def git(folder: Path, *words: str) -> str:
    quiet = ("-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", "-C", str(folder), *quiet, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name!r} {os.urandom(4).hex()}")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "photos")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q")
    commit(
        root, "photos/same.png", "photos/old.png", "photos/edited.png", "photos/gone.png", "other/edited.png"
    )
    return root


def changed(rev: str, *folders: Path) -> set[str]:
    return {path for tree in changed_since(rev, map(str, folders)) for path in tree.changed}


def test_added_changed_renamed_and_untracked_files_are_named_whatever_they_are_called(repo: Path) -> None:
    photos = repo / "photos"
    git(repo, "mv", "photos/old.png", "photos/new.png")
    (photos / "gone.png").unlink()
    (repo / ".gitignore").write_text("ignored.png\n")
    commit(repo, "photos/added.png", "other/edited.png", *(f"photos/{name}" for name in HOSTILE))
    for name in ("edited.png", "untracked.png", "ignored.png"):
        (photos / name).write_text("changed in the work tree only")
    names = {"new.png", "added.png", "edited.png", "untracked.png", *HOSTILE}
    assert changed("HEAD~1", photos) == {str(photos / name) for name in names}
    assert changed("HEAD", photos) == {str(photos / "edited.png"), str(photos / "untracked.png")}
    assert str(repo / "other" / "edited.png") in changed("HEAD~1", repo)


def test_what_git_does_not_look_into_is_told_apart(repo: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    commit(inner, "a.png")
    git(repo, "submodule", "--quiet", "add", str(inner), "photos/module")
    git(repo, "clone", "-q", str(inner), "photos/cloned")
    changes = Changes(changed_since("HEAD", [str(repo / "photos")]))
    for place, reason in (
        ("photos/module/a.png", Reason.NESTED),
        ("photos/cloned/a.png", Reason.NESTED),
        ("photos/same.png", Reason.UNCHANGED),
        ("../inner/a.png", Reason.OUTSIDE),
    ):
        assert changes.against(os.path.normpath(repo / place)) is reason, place
    both = Changes(changed_since("HEAD", [str(repo), str(repo / "photos" / "module")]))
    assert both.against(str(repo / "photos/module/a.png")) is Reason.UNCHANGED  # its own repository was asked


def test_what_can_be_no_commit_or_is_none_here_is_refused(repo: Path) -> None:
    for rev, says in (
        ("", "no revision is named"),
        (" ", "no revision is named"),
        ("0" * 40, "a branch that is new"),
        ("0" * 64, "a branch that is new"),
        ("--output=x", "is no revision"),
        ("HEAD\n", "is no revision"),
        ("origin/deleted", "knows no commit"),
        ("f" * 40, "knows no commit"),
        ("HEAD~1..HEAD", "knows no commit"),
        ("HEAD:photos", "knows no commit"),
        ("HEAD@{2 years ago}", "knows no commit"),  # git would warn, and take the oldest it has
    ):
        with pytest.raises(GitError, match=says) as refused:
            changed_since(rev, [str(repo)])
        assert refused.value.hint, rev


def test_a_shallow_clone_says_how_much_history_is_needed(repo: Path, tmp_path: Path) -> None:
    before, after = git(repo, "rev-parse", "HEAD"), commit(repo, "photos/added.png")
    git(tmp_path, "clone", "-q", "--depth", "1", repo.as_uri(), "shallow")
    with pytest.raises(GitError, match="shallow") as refused:
        changed_since(before, [str(tmp_path / "shallow")])
    assert "fetch-depth: 0" in refused.value.hint
    assert "GIT_DEPTH: 0" in refused.value.hint
    assert changed(after, tmp_path / "shallow") == set()
    # A commit that a forced push has taken away, in a whole clone.
    git(repo, "commit", "-q", "--amend", "-m", "again")
    git(tmp_path, "clone", "-q", repo.as_uri(), "whole")
    with pytest.raises(GitError, match="knows no commit") as refused:
        changed_since(after, [str(tmp_path / "whole")])
    assert "fetch-depth: 0" in refused.value.hint


def test_no_repository_and_no_git_are_said(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare")
    with pytest.raises(GitError, match="bare"):
        changed_since("HEAD", [str(tmp_path / "bare")])
    (tmp_path / "plain").mkdir()
    with pytest.raises(GitError, match="in no git repository"):
        changed_since("HEAD", [str(repo), str(tmp_path / "plain")])
    (repo / ".git" / "index").write_bytes(b"damaged")
    with pytest.raises(GitError, match="git diff failed"):
        changed_since("HEAD", [str(repo)])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git cannot be run"):
        changed_since("HEAD", [str(repo)])


@pytest.mark.skipif(sys.platform == "win32", reason="hooks are shell scripts here")
def test_nothing_of_the_repository_is_run_and_what_a_hook_is_told_misleads_nobody(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "core.pager", "diff.png.textconv"):
        git(repo, "config", key, str(script))
    git(repo, "config", "diff.relative", "true")
    (repo / ".gitattributes").write_text("*.png diff=png\n")
    (repo / "photos" / "edited.png").write_text("changed")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(script))
    assert changed("HEAD", repo / "photos") == {str(repo / "photos" / "edited.png")}
    assert not ran.exists()
