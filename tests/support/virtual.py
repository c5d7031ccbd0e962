"""A loop whose time is virtual: minutes pass in milliseconds, as soon as nothing else is to be done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import looptime

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def _new_loop() -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = looptime.new_event_loop(start=0)
    return loop


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` from 0 s of virtual time on."""
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(main)


def now() -> float:
    return round(asyncio.get_running_loop().time(), 6)
