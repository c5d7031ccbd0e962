"""What git says has changed: the one place that runs it. Blocking; it writes nothing, asks nobody, opens no connection.

It fails closed: whatever git cannot say for certain is a `GitError`, never an answer. No renames are looked for: a file
with a new name was added there, and that asks for no content that a partial clone may not have.

Proved by tests/adapters/test_git.py.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.selection import WorkTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_CALM: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # the index is not refreshed on disk
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
}
_OF_A_HOOK: Final = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_EXTERNAL_DIFF"}
)
"""What git tells its hooks, of which we may be one: the folders that are asked about say it better."""
_NO_HOOKS: Final = ("--no-pager", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
_DIFF: Final = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--ignore-submodules=all",
    "--diff-filter=d",
)
_SUBMODULE: Final = b"160000 "
_ALL_ZERO: Final = re.compile("0{40}|0{64}")
_DEEPER: Final = "fetch the whole history: fetch-depth: 0 (actions/checkout), GIT_DEPTH: 0 (GitLab), git fetch --unshallow (by hand)"
_NAME_ANOTHER: Final = (
    "it was never fetched, was deleted, or was pushed away by force: name one that is here, or fetch all"
    " (fetch-depth: 0 of actions/checkout, GIT_DEPTH: 0 of GitLab)"
)


class GitError(Exception):
    """Git cannot say what has changed. `hint`: what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def changed_since(rev: str, folders: Iterable[str]) -> tuple[WorkTree, ...]:
    """What was added, changed or renamed between the commit `rev` and the files as they are, untracked ones included that
    are not ignored: in each work tree in which one of `folders` lies. Raises `GitError`.
    """
    _check(rev)
    asked: dict[str, list[str]] = {}
    for folder in dict.fromkeys(map(os.path.realpath, folders)):
        asked.setdefault(_top(folder), []).append(folder)
    return tuple(_work_tree(rev, top, inside) for top, inside in asked.items())


def _check(rev: str) -> None:
    """Refuse what can be no commit, before git makes something of it."""
    if not rev.strip():
        raise GitError("no revision is named", "name one: --changed-since origin/main; is a variable empty?")
    if _ALL_ZERO.fullmatch(rev):
        raise GitError(
            f"{rev} stands for a branch that is new: there is nothing before it",
            "name the branch that it came from (origin/main), or leave --changed-since out",
        )
    if rev.startswith("-") or not rev.isprintable():
        raise GitError(f"{rev!r} is no revision", "name a commit, a branch or a tag")


def _top(folder: str) -> str:
    done = _git(folder, "rev-parse", "--show-toplevel")
    if done.returncode == 0:
        return os.path.realpath(_text(done.stdout))
    said = os.fsdecode(done.stderr)
    if "dubious ownership" in said:
        hint = f"if you trust it: git config --global --add safe.directory {folder}"
        raise GitError(f"git does not look into {folder}: it belongs to somebody else", hint)
    if "must be run in a work tree" in said:
        raise GitError(f"{folder} is in a bare repository, which has no files", "name a folder of a checkout")
    raise GitError(
        f"{folder} is in no git repository", "check the repository out here, or leave --changed-since out"
    )


def _work_tree(rev: str, top: str, folders: list[str]) -> WorkTree:
    commit = _commit(rev, top)
    listed = _names(_ask(top, "diff", "--name-only", "-z", *_DIFF, commit, "--", *folders))
    others = _names(_ask(top, "ls-files", "-z", "--others", "--exclude-standard", "--", *folders))
    staged = _ask(top, "ls-files", "-z", "--stage", "--", *folders).split(b"\0")
    nested = [os.fsdecode(line.partition(b"\t")[2]) for line in staged if line.startswith(_SUBMODULE)]
    untracked: list[str] = []
    for name in others:  # a repository that is not known as a submodule ends with a slash
        (nested if name.endswith("/") else untracked).append(name.rstrip("/"))
    return WorkTree(
        top,
        frozenset(_path(top, name) for name in (*listed, *untracked)),
        tuple(_path(top, name) for name in nested),
    )


def _commit(rev: str, top: str) -> str:
    done = _git(top, "rev-parse", "--verify", f"{rev}^{{commit}}")
    if done.returncode == 0 and not done.stderr:  # of a reflog that is too short, git warns and guesses
        return _text(done.stdout)
    shallow = _text(_git(top, "rev-parse", "--is-shallow-repository").stdout) == "true"
    if shallow:
        raise GitError(
            f"{rev} is not in this clone, which holds a part of the history only (it is shallow)", _DEEPER
        )
    raise GitError(f"git knows no commit {rev} here", _NAME_ANOTHER)


def _ask(top: str, *words: str) -> bytes:
    done = _git(top, *words)
    if done.returncode != 0:
        said = _text(done.stderr).splitlines()
        raise GitError(f"git {words[0]} failed: {said[-1] if said else 'no reason given'}", _DEEPER)
    return done.stdout


def _git(folder: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603  # no shell, and what the user named is no option
            ["git", "-C", folder, *_NO_HOOKS, *words],  # noqa: S607  # wherever git is installed
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitError("git cannot be run here", "install git, or leave --changed-since out") from error


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in ours.items() if name not in _OF_A_HOOK} | _CALM


def _names(answer: bytes) -> Iterator[str]:
    return (os.fsdecode(name) for name in answer.split(b"\0") if name)


def _path(top: str, name: str) -> str:
    return os.path.join(top, *name.split("/"))


def _text(answer: bytes) -> str:
    return os.fsdecode(answer).rstrip("\n")
