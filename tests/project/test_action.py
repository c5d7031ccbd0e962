"""The action's steps in order in a clean folder, the emulator in the service's place: every job as a user has it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from PIL import Image
from support.action_runner import ActionRunner, Cache, Job, commands_in, finish
from support.commands import CREDENTIALS, PATIENCE
from support.emulators import EmulatorThread
from support.image_samples import photo

from pixian_batch.emulator.weather import Latency, Weather

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="bash and signals as they are here"),
]


CANCEL = signal.SIGTERM if signal.getsignal(signal.SIGINT) is signal.SIG_IGN else signal.SIGINT
"""The runner sends SIGINT first, which what a shell has put into the background does not hear."""


@pytest.fixture
def emulator() -> Iterator[EmulatorThread]:
    with EmulatorThread() as running:
        yield running


def checkout(folder: Path, photos: int = 3) -> Path:
    """A clean clone with some photos."""
    (folder / "photos").mkdir(parents=True)
    for number in range(photos):
        Image.fromarray(photo(seed=number)).save(folder / "photos" / f"{number}.png")
    return folder


def paid(emulator: EmulatorThread) -> int:
    """Requests that were charged, of all images; a price may be asked for free before."""
    return sum(account.charges for account in emulator.bill.images.values())


def runner(tmp_path: Path, emulator: EmulatorThread | None, **env: str) -> tuple[ActionRunner, Cache]:
    cache = Cache(tmp_path / "cache")
    url = {"PIXIAN_BATCH_API_URL": emulator.url, **CREDENTIALS} if emulator is not None else {}
    return ActionRunner(tmp_path / "temp", cache, {**url, **env}), cache


def test_a_push_is_paid_once_and_the_next_job_finds_all_of_it(
    tmp_path: Path, emulator: EmulatorThread
) -> None:
    action, cache = runner(tmp_path, emulator)
    first = action.use(checkout(tmp_path / "a"), inputs="photos", out="cut", budget="10")
    assert first.outcomes["run"] == "success", first.log["run"]
    assert (first.given["changed"], first.given["done"], first.given["failed"]) == ("true", "3", "0")
    assert float(first.given["credits"]) > 0
    assert "**3**" in first.summary
    assert first.given["markdown"].startswith("## ")
    again = action.use(checkout(tmp_path / "b"), inputs="photos", out="cut", budget="10")
    assert (again.given["changed"], again.given["done"], again.given["credits"]) == ("false", "0", "0")
    assert paid(emulator) == 3
    assert len(set(cache.entries)) == 2
    other = action.use(checkout(tmp_path / "c"), inputs="photos", out="cut", budget="10", cache_key="2")
    assert other.given["done"] == "3", "another ledger's cache was taken"


def test_nothing_is_spent_without_a_budget(tmp_path: Path, emulator: EmulatorThread) -> None:
    action, cache = runner(tmp_path, emulator)
    workspace = checkout(tmp_path / "a")
    cases: tuple[dict[str, str], ...] = (
        {},
        {"budget": "many"},
        {"budget": "-1"},
        {"budget": "NaN"},
        {"local": "maybe"},
        {"budget": "5", "missing_ledger": "fail"},
        {"budget": "5", "args": "'open"},
        {"budget": "5", "cache_key": "x", "args": "--no-such-option"},
    )
    for given in cases:
        job = action.use(workspace, inputs="photos", out="cut", start=finish, **given)
        assert job.failed, given
    assert paid(emulator) == 0
    assert cache.entries == []
    told = action.use(workspace, inputs="photos", out="cut").annotations()
    assert [each.data for each in told] == [
        "budget is missing. Nothing was spent. To go on: say the most credits that this job may spend, such as budget: 50; or local: true for a rehearsal"
    ]


def test_a_budget_holds_whatever_else_is_said(tmp_path: Path, emulator: EmulatorThread) -> None:
    action, _cache = runner(tmp_path, emulator)
    workspace = checkout(tmp_path / "a", photos=12)
    job = action.use(
        workspace,
        inputs="photos",
        out="cut",
        budget="0.5",
        args="--max-credits-per-run 99 --concurrency-start 1",
    )
    assert job.given["exit-code"] == "6"
    assert float(job.given["credits"]) <= 0.5
    [stopped] = [each for each in job.annotations() if each.properties["title"] == "pixian-batch stopped"]
    assert "file" not in stopped.properties


def test_a_forks_pull_request_rehearses_without_secrets(tmp_path: Path) -> None:
    action, cache = runner(tmp_path, None)
    job = action.use(checkout(tmp_path / "a", 1), inputs="photos", out="cut", local="true")
    assert job.outcomes["run"] == "success", job.log["run"]
    assert (job.given["done"], job.given["credits"]) == ("1", "0")
    assert cache.entries == [], "a rehearsal's ledger is nobody's"


def test_a_cancelled_job_saves_its_ledger_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with EmulatorThread(weather=Weather(latency=Latency(0.1))) as emulator:
        action, cache = runner(tmp_path, emulator)

        def cancel(
            arguments: list[str], folder: Path, env: dict[str, str]
        ) -> subprocess.CompletedProcess[str]:
            with subprocess.Popen(
                arguments,
                cwd=folder,
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            ) as process:
                end = time.monotonic() + PATIENCE
                while paid(emulator) < 2 and time.monotonic() < end:
                    threading.Event().wait(0.01)
                process.send_signal(CANCEL)  # to the step's own process, as the runner does
                out, err = process.communicate(timeout=PATIENCE)
            return subprocess.CompletedProcess(arguments, process.returncode, out, err)

        first = action.use(
            checkout(tmp_path / "a", 40),
            cancel,
            inputs="photos",
            out="cut",
            budget="10",
            args="--concurrency-start 1",
        )
        assert first.outcomes["run"] == "cancelled", first.log["run"]
        assert len(cache.entries) == 1
        second = action.use(checkout(tmp_path / "b", 40), inputs="photos", out="cut", budget="10")
        assert second.outcomes["run"] == "success", second.log["run"]
        assert int(first.given["done"]) + int(second.given["done"]) == 40
        assert int(first.given["done"]) > 0
        assert paid(emulator) == 40


def test_hostile_names_make_no_command_and_no_markup(tmp_path: Path, emulator: EmulatorThread) -> None:
    action, _cache = runner(tmp_path, emulator)
    workspace = tmp_path / "a"
    (workspace / "::error::photos").mkdir(parents=True)
    names = [
        "##[add-path]x.jpg",
        "a\n::stop-commands::x\n.jpg",
        "%0A::set-env name=A::b.jpg",
        "<img src=x>|`*.jpg",
    ]
    for name in names:
        (workspace / "::error::photos" / name).write_bytes(b"no image")
    job = action.use(workspace, inputs="::error::photos", out="cut", budget="1", args="--json --verbose")
    assert job.given["failed"] == "4", job.log["run"]
    assert {command.name for command in job.commands} == {"group", "endgroup", "error"}
    files = [each.properties.get("file") for each in job.annotations()]
    assert len(files) == 4
    assert set(files) == {None, *(f"::error::photos/{name}" for name in names if "\n" not in name)}
    assert "<img" not in job.summary
    assert "<img" not in job.given["markdown"]


# --- the comment ---------------------------------------------------------------------------------


class Issues(BaseHTTPRequestHandler):
    """Comments of one pull request, as GitHub's API has them. Somebody else wrote the first."""

    comments: ClassVar[dict[int, str]] = {}

    def do_GET(self) -> None:
        page = int(self.path.split("page=")[-1])
        items = [{"id": number, "body": body} for number, body in self.comments.items()]
        self._answer(200, items if page == 1 else [])

    def do_POST(self) -> None:
        self.comments[len(self.comments) + 1] = self._body()
        self._answer(201, {})

    def do_PATCH(self) -> None:
        number = int(self.path.rsplit("/", 1)[1])
        if number == 1:
            self._answer(403, {})
            return
        self.comments[number] = self._body()
        self._answer(200, {})

    def _body(self) -> str:
        assert self.headers["Authorization"] == "Bearer token"
        return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

    def _answer(self, code: int, what: Any) -> None:
        content = json.dumps(what).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as the library has it
        pass


def test_one_comment_is_kept_up_to_date(tmp_path: Path, emulator: EmulatorThread) -> None:
    Issues.comments = {1: "<!-- pixian-batch -->\nsomebody else's"}
    event = tmp_path / "event.json"
    event.write_text('{"pull_request": {"number": 7}}', encoding="utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), Issues) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}"
            action, _cache = runner(tmp_path, emulator, GITHUB_API_URL=url, GITHUB_EVENT_PATH=str(event))
            jobs = [commented(action, tmp_path / name) for name in ("a", "b")]
        finally:
            server.shutdown()
            thread.join()
    assert [job.outcomes["comment"] for job in jobs] == ["success", "success"]
    assert list(Issues.comments) == [1, 2]
    assert Issues.comments[1].endswith("somebody else's")
    assert Issues.comments[2].startswith("<!-- pixian-batch -->\n## ")
    refused = commented(action, tmp_path / "c")  # nobody answers there any more
    assert refused.outcomes["comment"] == "success"
    assert [each.name for each in commands_in(refused.log["comment"])] == ["warning"]


def commented(action: ActionRunner, workspace: Path) -> Job:
    return action.use(checkout(workspace, 1), inputs="photos", out="cut", budget="1", github_token="token")


# --- what has changed ----------------------------------------------------------------------------


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def test_only_what_a_push_changed_and_nothing_in_a_shallow_clone(
    tmp_path: Path, emulator: EmulatorThread
) -> None:
    origin = checkout(tmp_path / "origin", 2)
    git(origin, "init", "--quiet")
    for number in (2, 3):
        git(origin, "add", ".")
        git(origin, "commit", "--quiet", "--message", "photos")
        Image.fromarray(photo(seed=number)).save(origin / "photos" / f"{number}.png")
    base = git(origin, "rev-parse", "HEAD~1").strip()
    git(tmp_path, "clone", "--quiet", "--depth", "1", origin.as_uri(), "shallow")
    git(tmp_path, "clone", "--quiet", origin.as_uri(), "whole")
    action, cache = runner(tmp_path, emulator)
    words = {"inputs": "photos", "out": "cut", "budget": "5", "changed_since": base}
    shallow = action.use(tmp_path / "shallow", start=finish, **words)
    assert shallow.outcomes["run"] == "failure"
    assert "fetch-depth" in shallow.log["run"]
    assert (paid(emulator), cache.entries) == (0, [])
    whole = action.use(tmp_path / "whole", start=finish, **words)
    assert whole.given["done"] == "1", whole.log["run"]
    assert paid(emulator) == 1
