"""One suite for every watcher, and many watchers as one: one that fails harms nobody."""

from __future__ import annotations

import asyncio
import importlib
import io
import logging
import pkgutil
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import display_samples as samples
from support.records import change

from pixian_batch import display
from pixian_batch.adapters.whole_file import whole_file
from pixian_batch.display.ci.sections import GitHubLog, GitLabLog
from pixian_batch.display.ci.watching import CiFiles, CiWatcher
from pixian_batch.display.live import Live
from pixian_batch.display.log import Logged
from pixian_batch.display.metrics import Metrics
from pixian_batch.display.plain import Plain
from pixian_batch.display.records import Records
from pixian_batch.display.watchers import Watchers
from pixian_batch.display.writer import Writer
from pixian_batch.policy.concurrency import ChangeReason, ConcurrencyChange
from pixian_batch.policy.outcome import Ending
from pixian_batch.policy.progress import Launch, Level, Message, Snapshot, Watcher
from pixian_batch.policy.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pixian_batch.policy.progress import Summary

# --- every watcher -------------------------------------------------------------------------------


def live(_: Path, stream: io.StringIO) -> Watcher:
    return Live(samples.console(stream), again="pixian-batch in --out cut")


def metrics(folder: Path, _: io.StringIO) -> Watcher:
    return Metrics(str(folder / "metrics.prom"), now=lambda: 0.0)


def in_ci(folder: Path, stream: io.StringIO) -> Watcher:
    names = {"step_summary": "summary", "dotenv": "outputs", "comment": "comment", "quality": "quality"}
    paths = {name: str(folder / file) for name, file in names.items()}
    return CiWatcher(CiFiles(repository=str(folder), commands=stream, **paths), whole_file=whole_file)


def github_log(_: Path, stream: io.StringIO) -> Watcher:
    return GitHubLog(stream, quiet=False, verbose=False, again="")


def gitlab_log(_: Path, stream: io.StringIO) -> Watcher:
    return GitLabLog(stream, now=lambda: 0.0, quiet=False, verbose=False, again="")


WATCHERS: dict[str, Callable[[Path, io.StringIO], Watcher]] = {
    "none": lambda _, __: Watcher(),
    "live": live,
    "plain": lambda _, stream: Plain(stream),
    "quiet": lambda _, stream: Plain(stream, quiet=True),
    "verbose": lambda _, stream: Plain(stream, verbose=True),
    "records": lambda _, stream: Records(stream),
    "log": lambda folder, _: Logged(str(folder / "log")),
    "JSON log": lambda folder, _: Logged(str(folder / "log.json"), as_json=True),
    "metrics": metrics,
    "CI": in_ci,
    "CI with test cases": lambda folder, _: CiWatcher(
        CiFiles(repository=str(folder), junit=str(folder / "junit")), whole_file=whole_file
    ),
    "GitHub's log": github_log,
    "GitLab's log": gitlab_log,
    "several": lambda folder, stream: Watchers(
        live(folder, stream), Records(stream), metrics(folder, stream)
    ),
}
"""Each watcher of the program, made for a folder and a stream of its own."""

Call = Ending | Message | Snapshot | Launch | ConcurrencyChange | None
CALLS = st.lists(
    st.one_of(
        st.sampled_from(samples.ALL),
        st.builds(Message, st.sampled_from(Level), st.sampled_from(["well", samples.NASTY]), st.text()),
        st.just(samples.snapshot_of(Tally(done=100))),
        st.just(samples.LAUNCH),
        st.sampled_from([change(reason) for reason in ChangeReason]),
        st.none(),
    )
)


def call(watcher: Watcher, item: Call) -> None:
    """What a run would do: a snapshot stands for its beginning, None for somebody who asks how it stands."""
    match item:
        case Ending():
            watcher.ended(item)
        case Message():
            watcher.notify(item)
        case Snapshot():
            watcher.started(lambda: item)
        case Launch():
            watcher.launched(item)
        case ConcurrencyChange():
            watcher.concurrency(item)
        case None:
            watcher.status()


def watch(watcher: Watcher, calls: Sequence[Call]) -> None:
    """A whole run in virtual time, 31 seconds between two calls."""

    async def run() -> None:
        clock = asyncio.ensure_future(watcher.attend())
        for item in calls:
            call(watcher, item)
            await asyncio.sleep(31)
        clock.cancel()
        await asyncio.gather(clock, return_exceptions=True)
        watcher.finished(samples.summary_of(*(item for item in calls if isinstance(item, Ending))))

    loop = looptime.new_event_loop()
    try:
        loop.run_until_complete(run())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


@pytest.mark.parametrize("name", WATCHERS)
def test_any_sequence_of_calls_is_taken(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")

    @settings(deadline=None, max_examples=20)
    @given(CALLS)
    def any_calls(calls: list[Call]) -> None:
        watch(WATCHERS[name](folder, io.StringIO()), calls)

    any_calls()


@pytest.mark.parametrize("name", WATCHERS)
def test_one_that_cannot_write_harms_nothing(name: str, tmp_path: Path) -> None:
    closed = io.StringIO()
    closed.close()
    calls = [samples.snapshot_of(Tally()), *samples.ALL, Message(Level.ERROR, "it failed"), None]
    watch(Watchers(WATCHERS[name](tmp_path / "is not there", closed)), calls)
    logging.getLogger("pixian_batch.run").handlers.clear()  # of a log that was switched off


@pytest.mark.parametrize("name", WATCHERS)
def test_who_asks_for_no_skipped_images_says_nothing_of_them(name: str, tmp_path: Path) -> None:
    outputs = []
    skipped: list[list[Call]] = [[], [samples.SKIPPED, samples.EXISTS]]
    for number, skips in enumerate(skipped):
        folder, stream = tmp_path / str(number), io.StringIO()
        folder.mkdir()
        watcher = WATCHERS[name](folder, stream)
        for item in [samples.snapshot_of(Tally()), samples.DONE, *skips, samples.FAILED]:
            call(watcher, item)
        watcher.finished(samples.summary_of(samples.DONE, samples.FAILED))
        files = [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())]
        outputs.append([re.sub(r"[0-9]{2}[:.,+0-9]+", "", text) for text in (stream.getvalue(), *files)])
    assert (outputs[0] != outputs[1]) == watcher.tells_skipped


def test_the_suite_has_every_watcher_of_the_program(tmp_path: Path) -> None:
    for module in pkgutil.walk_packages(display.__path__, f"{display.__name__}."):
        importlib.import_module(module.name)
    made = {type(make(tmp_path, io.StringIO())) for make in WATCHERS.values()}
    ours = {kind for kind in subclasses(Watcher) if kind.__module__.startswith("pixian_batch.display.")}
    assert ours <= made


def subclasses(kind: type[Watcher]) -> Iterator[type[Watcher]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


# --- many as one ---------------------------------------------------------------------------------


class Faulty(Watcher):
    """A display with a bug."""

    def __init__(self) -> None:
        self.calls = 0

    def started(self, snapshot: Callable[[], Snapshot]) -> None:
        self.calls += 1
        snapshot()

    def ended(self, ending: Ending) -> None:
        self.calls += 1
        raise ValueError(ending)

    def notify(self, message: Message) -> None:
        raise AssertionError(message)

    def finished(self, summary: Summary) -> None:
        raise AssertionError(summary)


class FaultyClock(Records):
    async def attend(self) -> None:
        raise RuntimeError


def test_a_faulty_display_is_switched_off_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    faulty, stream = Faulty(), io.StringIO()
    several = Watchers(faulty, Records(stream))
    several.started(lambda: samples.snapshot_of(Tally()))
    for ending in samples.ALL:
        several.ended(ending)
    several.finished(samples.summary_of(*samples.ALL))
    assert len(stream.getvalue().splitlines()) == len(samples.ALL)  # one has no record, one is the summary
    assert faulty.calls == 2
    assert caplog.text.count("a display failed and was switched off: Faulty") == 1


@pytest.mark.asyncio
async def test_clocks_run_beside_each_other_and_are_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    stream = io.StringIO()
    several = Watchers(FaultyClock(io.StringIO()), Records(io.StringIO()), Plain(stream, every=0.0))
    several.started(lambda: samples.snapshot_of(Tally()))
    clock = asyncio.create_task(several.attend())
    for _ in range(10):
        await asyncio.sleep(0)
    clock.cancel()
    with pytest.raises(asyncio.CancelledError):
        await clock
    several.finished(samples.summary_of())
    assert stream.getvalue().count("0 of 400 images") > 1
    assert "FaultyClock" in caplog.text


def test_many_ask_for_what_one_of_them_asks_for() -> None:
    assert not Watchers(Watcher(), Plain(io.StringIO())).tells_skipped
    assert Watchers(Watcher(), Records(io.StringIO())).tells_skipped


# --- the thread that writes ----------------------------------------------------------------------


class Stuck(io.StringIO):
    """A terminal stopped with Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.released = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.released.wait()
        return super().write(text)


def test_a_stuck_terminal_never_stops_the_caller() -> None:
    stream = Stuck()
    writer = Writer(stream)
    writer.put("first\n")
    stream.entered.wait()
    for number in range(30_000):  # more than may wait: the rest is dropped, never waited for
        writer.put(f"{number}\n")
    assert not writer.idle
    stream.released.set()
    writer.close()
    assert stream.getvalue().startswith("first\n0\n1\n")
    assert len(stream.getvalue().splitlines()) == 20_001


def test_only_the_live_view_loads_rich() -> None:
    modules = ["plain", "records", "schema", "watchers", "summary", "text"]
    code = f"import sys; from pixian_batch.display import {', '.join(modules)}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"rich", "aiohttp", "numpy", "PIL", "typer"} & set(result.stdout.split())
