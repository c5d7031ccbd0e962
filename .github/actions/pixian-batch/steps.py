"""What the steps of action.yml do, one word each: prepare, install, run, after, comment. Python's own library only.

Everything comes from the environment and goes on as a list of words: no shell ever reads what a user or a file name says.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shlex
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import venv
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, NoReturn

MARKER: Final = "<!-- pixian-batch -->"
_USAGE: Final = 2
_PATIENCE: Final = 30.0
_MOST_PAGES: Final = 50
_FREE: Final = ("local", "test", "require-cached")


def given(name: str) -> str:
    """An input of the action, without the space around it."""
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()


def is_true(name: str) -> bool:
    """An input that is true or false; anything else is a mistake, and nothing is spent on it."""
    word = given(name).lower()
    if word not in {"true", "false", ""}:
        refuse(f"{name}: {word!r} is neither true nor false", f"write {name}: true, or leave it out")
    return word == "true"


def refuse(message: str, hint: str) -> NoReturn:
    """End the job before anything is spent."""
    _say("error", f"{message}. Nothing was spent. To go on: {hint}")
    sys.exit(_USAGE)


def _say(level: str, message: str) -> None:
    text = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    sys.stderr.write(f"::{level} title=pixian-batch::{text}\n")


def output(name: str, value: str) -> None:
    """An output of the step, by a word that no value can foresee."""
    word = f"ghadelimiter_{secrets.token_hex()}"
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8", newline="\n") as stream:
        stream.write(f"{name}<<{word}\n{value}\n{word}\n")


# --- prepare -------------------------------------------------------------------------------------


def prepare() -> None:
    """Whether it may begin; the cache's keys; where the comment goes until it is posted."""
    free = [is_true(name) for name in _FREE]
    if not any(free):
        _check_budget(given("budget"))
    if given("missing-ledger") not in {"start", "fail"}:
        refuse("missing-ledger is neither start nor fail", "write missing-ledger: fail, or leave it out")
    _check_out(given("out"))
    prefix = _prefix()
    # Never a key that was used before: an entry cannot be overwritten, and a job that cannot save forgets what it bought.
    run = "-".join(os.environ.get(name, "0") for name in ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"))
    output("restore-key", prefix)
    output("key", f"{prefix}{run}-{secrets.token_hex(8)}")
    # Where a ledger stands already (an earlier step's, a runner's that keeps its disk), it is the newest.
    output("restore", str(is_true("cache") and not _ledger().exists()).lower())
    output("save", str(is_true("cache") and not any(free)).lower())
    folder = tempfile.mkdtemp(prefix="pixian-batch-", dir=os.environ.get("RUNNER_TEMP"))
    output("comment-file", str(Path(folder) / "comment.md"))


def _check_budget(text: str) -> None:
    hint = "say the most credits that this job may spend, such as budget: 50; or local: true for a rehearsal"
    if not text:
        refuse("budget is missing", hint)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        refuse(f"budget: {text!r} is no number", hint)
    if not amount.is_finite() or amount <= 0:
        refuse(f"budget: {text!r} is nothing that can be spent", hint)


def _ledger() -> Path:
    return Path(given("out"), ".pixian-batch", "ledger.db")


def _check_out(text: str) -> None:
    """It is a path for the cache, too, which takes more than one, and patterns."""
    if not text or any(char in text for char in "\n*?[]!") or text.startswith("~"):
        refuse(
            f"out: {text!r} is not the path of one folder", "name a folder in the workspace, such as out: cut"
        )


def _prefix() -> str:
    """What all entries of one ledger begin with. A hash, as `cut-` would find `cut-2-...`, which is another's ledger."""
    identity = "\0".join([given("cache-key"), given("out")])
    return f"pixian-batch-1-{hashlib.sha256(identity.encode()).hexdigest()[:16]}-"


# --- install -------------------------------------------------------------------------------------


def install() -> None:
    """pixian-batch of this very commit, in an environment of its own; or the release that is named."""
    command = given("command")
    if not command:
        folder = Path(tempfile.mkdtemp(prefix="pixian-batch-", dir=os.environ.get("RUNNER_TEMP")))
        venv.create(folder, with_pip=True)
        scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        subprocess.run(  # noqa: S603  # words of ours, and the release's name as one of them
            [scripts / "python", "-m", "pip", "install", "--quiet", _requirement()], check=True
        )
        command = str(scripts / "pixian-batch")
    output("command", command)


def _requirement() -> str:
    extras = [
        extra for extra, wanted in (("local", is_true("local")), ("review", is_true("report"))) if wanted
    ]
    brackets = f"[{','.join(extras)}]" if extras else ""
    if version := given("version"):
        return f"pixian-batch{brackets}=={version}"
    checkout = Path(__file__).resolve().parents[3]
    return f"pixian-batch{brackets} @ {checkout.as_uri()}"


# --- run -----------------------------------------------------------------------------------------


def run() -> None:
    """Become pixian-batch, so that a signal reaches it and its exit code is the step's."""
    ledger = _ledger()
    if given("missing-ledger") == "fail" and not ledger.exists():
        refuse(
            f"there is no ledger at {ledger}: the cache was dropped or has another name, and everything would be bought again",
            "bring the output folder back, or write missing-ledger: start to begin a new ledger",
        )
    words = _words()
    sys.stderr.flush()
    if os.name == "nt":  # its exec would end the step at once
        sys.exit(subprocess.run(words, check=False).returncode)  # noqa: S603  # a list of words, no shell
    os.execv(words[0], words)  # noqa: S606  # no shell is wanted


def _words() -> list[str]:
    """The command line. What bounds the money comes last, since of an option that is given twice the last counts."""
    words = [os.environ["COMMAND"], "run", "--out", given("out")]
    words += [*_split("parameters"), *_split("args")]
    for name in ("changed-since", "max-duration"):
        if value := given(name):
            words.append(f"--{name}={value}")
    words += [f"--{name}" for name in (*_FREE, "report") if is_true(name)]
    if budget := given("budget"):
        words += ["--max-credits-per-run", budget]
    names = [line.strip() for line in given("inputs").splitlines() if line.strip()]
    return [*words, "--comment-file", os.environ["COMMENT_FILE"], "--", *names]


def _split(name: str) -> list[str]:
    try:
        return shlex.split(given(name), comments=False)
    except ValueError as error:
        refuse(f"{name}: {error}", "close the quotes")


# --- after ---------------------------------------------------------------------------------------


def after() -> None:
    """Whether there is a ledger to be kept, and where the report is."""
    output("ledger", str(_ledger().exists()).lower())
    page = Path(given("out"), ".pixian-batch", "report", "index.html")
    output("report-path", page.as_posix() if is_true("report") and page.exists() else "")


# --- comment -------------------------------------------------------------------------------------


def comment() -> None:
    """Post it, or bring the one that is there up to date. What goes wrong here is said, and fails no job."""
    number, file = _pull_request(), Path(os.environ["COMMENT_FILE"])
    if number is None or not file.exists():
        return
    body = file.read_text(encoding="utf-8")
    issues = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    try:
        for old in _ours(f"{issues}/{number}/comments"):
            if _edited(f"{issues}/comments/{old}", body):
                return
        _ask("POST", f"{issues}/{number}/comments", body)
    except (OSError, ValueError) as error:
        hint = "give the job `permissions: pull-requests: write`; a fork's pull request may not have it"
        _say("warning", f"the comment could not be written ({error}): {hint}")


def _pull_request() -> int | None:
    try:
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        return int(event["pull_request"]["number"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _ours(comments: str) -> list[int]:
    """Those that begin with our marker, the oldest first."""
    found: list[int] = []
    for page in range(1, _MOST_PAGES):
        items = _ask("GET", f"{comments}?per_page=100&page={page}")
        found += [item["id"] for item in items if str(item.get("body")).startswith(MARKER)]
        if len(items) < 100:
            break
    return found


def _edited(path: str, body: str) -> bool:
    """Whether it is ours to edit: anybody may write our marker."""
    try:
        _ask("PATCH", path, body)
    except urllib.error.HTTPError as error:
        if error.code in {403, 404}:
            return False
        raise
    return True


def _ask(method: str, path: str, body: str | None = None) -> Any:
    address = os.environ.get("GITHUB_API_URL", "https://api.github.com") + path
    request = urllib.request.Request(address, method=method)  # noqa: S310  # the address is the runner's
    request.add_header("Authorization", f"Bearer {os.environ['GH_TOKEN']}")
    request.add_header("Accept", "application/vnd.github+json")
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps({"body": body}).encode()
    with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310  # as above
        return json.load(answer)


_STEPS: Final = {"prepare": prepare, "install": install, "run": run, "after": after, "comment": comment}

if __name__ == "__main__":
    _STEPS[sys.argv[1]]()
