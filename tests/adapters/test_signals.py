"""Signals reach the loop as calls while somebody listens, and afterwards find the handlers that were there before."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pixian_batch.adapters.signals import STOPS, listen, listen_for_questions
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself signals there")
QUESTIONS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGINFO") if hasattr(signal, name))


@pytest.fixture(autouse=True)
def outer() -> Iterator[dict[int, Callable[..., None]]]:
    """Handlers of our own for all of these signals, so that one that comes too late ends nothing but the test."""

    def handler(number: int) -> Callable[..., None]:
        def late(*_: Any) -> None:
            raise AssertionError(f"signal {number} came when nobody listened")

        return late

    ours = {number: handler(number) for number in (*STOPS, *QUESTIONS)}
    before = {number: signal.signal(number, ours[number]) for number in ours}
    yield ours
    for number, old in before.items():
        signal.signal(number, old)


class Heard:
    """What has been called, and a way to wait for it."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[signal.Signals | None] = asyncio.Queue()

    def __call__(self, number: signal.Signals | None = None) -> None:
        asyncio.get_running_loop()  # raises outside of the loop: a handler must be a call on it
        self.calls.put_nowait(number)

    async def next(self) -> signal.Signals | None:
        async with asyncio.timeout(10):
            return await self.calls.get()


@pytest.mark.asyncio
async def test_each_signal_that_stops_a_run_is_a_call_on_the_loop() -> None:
    heard = Heard()
    with listen(heard):
        for number in (*STOPS, signal.SIGINT):  # the second of a kind counts as well
            os.kill(os.getpid(), number)
            assert await heard.next() is number
    assert heard.calls.empty()


def test_each_of_them_has_an_exit_code_of_its_own() -> None:
    names = {number.name for number in STOPS}
    assert names == {code.name for code in Exit if code.is_signal} - {"SIGBREAK"}  # which is Windows' own
    assert {"SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGXCPU"} <= names
    if sys.platform == "linux":
        assert all(Exit[number.name] == 128 + number for number in STOPS)


@pytest.mark.asyncio
async def test_a_signal_that_was_ignored_stays_ignored() -> None:
    for number in (*STOPS, *QUESTIONS):
        signal.signal(number, signal.SIG_IGN)
    heard = Heard()
    with listen(heard), listen_for_questions(heard):
        for number in (*STOPS, *QUESTIONS):
            assert signal.getsignal(number) is signal.SIG_IGN
            os.kill(os.getpid(), number)
        await asyncio.sleep(0)
    assert heard.calls.empty()
    assert all(signal.getsignal(number) is signal.SIG_IGN for number in (*STOPS, *QUESTIONS))


@pytest.mark.asyncio
async def test_each_question_is_a_call_on_the_loop() -> None:
    heard = Heard()
    with listen_for_questions(heard):
        for number in QUESTIONS:
            os.kill(os.getpid(), number)
            assert await heard.next() is None, number
    assert heard.calls.empty()


@pytest.mark.asyncio
async def test_both_can_be_listened_for_at_once() -> None:
    stops, questions = Heard(), Heard()
    with listen(stops), listen_for_questions(questions):
        os.kill(os.getpid(), signal.SIGUSR1)
        await questions.next()
        os.kill(os.getpid(), signal.SIGTERM)
        assert await stops.next() is signal.SIGTERM
    assert stops.calls.empty()
    assert questions.calls.empty()


@pytest.mark.asyncio
async def test_the_old_handlers_come_back_however_the_listening_ends(
    outer: dict[int, Callable[..., None]],
) -> None:
    for error in (None, LookupError()):
        with contextlib.ExitStack() as stack:
            if error is not None:
                stack.enter_context(pytest.raises(LookupError))
            stack.enter_context(listen(Heard()))
            stack.enter_context(listen_for_questions(Heard()))
            assert all(signal.getsignal(number) is not outer[number] for number in outer)
            if error is not None:
                raise error
        for number, handler in outer.items():
            assert signal.getsignal(number) is handler, (number, error)
            with pytest.raises(AssertionError, match=f"signal {number} came"):
                signal.raise_signal(number)
