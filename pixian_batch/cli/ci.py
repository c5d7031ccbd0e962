"""Which CI server this is, and what it is to be told. Loaded only where there is one, or a file for one is asked for."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.whole_file import whole_file
from pixian_batch.cli.mistakes import MistakeError
from pixian_batch.cli.request import check_apart, check_writable
from pixian_batch.display.ci.guarding import unguarded
from pixian_batch.display.ci.page import MARKER
from pixian_batch.display.ci.sections import GitHubLog, GitLabLog
from pixian_batch.display.ci.watching import CiFiles, CiWatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pixian_batch.cli.ci_options import CiOptions
    from pixian_batch.cli.displays import DisplayOptions
    from pixian_batch.display.plain import Plain

_REPOSITORIES: Final = {"github": "GITHUB_WORKSPACE", "gitlab": "CI_PROJECT_DIR"}
_OURS: Final = {
    "--junit": (b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="pixian-batch',),
    "--comment-file": (MARKER.encode(),),
    "--code-quality": (b"[]\n", b'[\n  {\n    "description": '),
    "--dotenv": (b"PIXIAN_CHANGED=",),
}
"""Option -> how a file of ours begins: no other file is replaced."""


def read_files(options: CiOptions, service: str, environ: Mapping[str, str]) -> CiFiles:
    """Where to write what. service: `github`, `gitlab` or `none`. Raises `MistakeError`, before anything is spent."""
    _check(options)
    on_github = service == "github"
    folder = environ.get(_REPOSITORIES.get(service, "")) or os.getcwd()
    return CiFiles(
        repository=os.path.realpath(folder),
        commands=unguarded(sys.stderr) if on_github else None,
        step_summary=(environ.get("GITHUB_STEP_SUMMARY") or None) if on_github else None,
        step_output=(environ.get("GITHUB_OUTPUT") or None) if on_github else None,
        junit=options.junit,
        comment=options.comment_file,
        quality=options.code_quality,
        dotenv=options.dotenv,
    )


def ci_watcher(files: CiFiles, again: str) -> CiWatcher:
    """Who tells it."""
    return CiWatcher(files, whole_file=whole_file, again=again)


def ci_log(service: str, screens: DisplayOptions, now: Callable[[], float]) -> Plain:
    """The run's lines in this server's log."""
    words = {"quiet": screens.quiet, "verbose": screens.verbose}
    if service == "github":
        return GitHubLog(sys.stderr, **words, again=screens.again)
    return GitLabLog(sys.stderr, now=now, **words, again=screens.again)


def _check(options: CiOptions) -> None:
    files = (
        ("--junit", options.junit),
        ("--comment-file", options.comment_file),
        ("--code-quality", options.code_quality),
        ("--dotenv", options.dotenv),
    )
    for number, (option, path) in enumerate(files):
        check_writable(path, option)
        for other, other_path in files[:number]:
            check_apart((other_path, other), (path, option))
        if path is not None and not _is_ours(path, _OURS[option]):
            raise MistakeError(f"{option} {path}: is there already, and is no such file", "name another file")


def _is_ours(path: str, beginnings: tuple[bytes, ...]) -> bool:
    """Whether it may be written: not there, empty, a stream, or written by us."""
    if not os.path.isfile(path):
        return True
    try:
        with open(path, "rb") as stream:
            begins = stream.read(max(map(len, beginnings)))
    except OSError:
        return False
    return not begins or begins.startswith(beginnings)
