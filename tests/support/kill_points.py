"""The kill points of an image's way: `arm(point, passage)` makes this process kill itself there.

The production code knows nothing of this: the doors between its rooms are wrapped from outside, in a
child process that is about to run the command. A point is passed once or more per image; the process
dies with SIGKILL at the given passage, so nothing is flushed, closed or said.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.adapters.landing import Landing, Spool, copying, files, spool
from pixian_batch.adapters.ledger import Ledger, writing
from pixian_batch.adapters.wire.answer import Answer
from pixian_batch.adapters.wire.session import WireSession
from pixian_batch.adapters.wire.upload import MultipartPayload
from pixian_batch.pipeline.drawing import Drawing
from pixian_batch.pipeline.finishing import Finisher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class _Bomb:
    """Goes off at the n-th passage."""

    def __init__(self, passage: int) -> None:
        self._left = passage

    def tick(self) -> None:
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _around(owner: Any, name: str, bomb: _Bomb, *, after: bool) -> None:
    """Wrap a coroutine function so that the bomb ticks before or after it."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    async def wrapped(*args: Any, **named: Any) -> Any:
        if not after:
            bomb.tick()
        result = await inner(*args, **named)
        if after:
            bomb.tick()
        return result

    setattr(owner, name, wrapped)


def _around_all(name: str, bomb: _Bomb, *, after: bool, owner: Any = Ledger) -> None:
    """Around the `name` of the ledger, or of another, which takes many at once: a passage for each of them."""
    inner = getattr(owner, name)

    @functools.wraps(inner)
    async def wrapped(self: Any, rows: Sequence[Any], **named: Any) -> Any:
        if after:
            result = await inner(self, rows, **named)
        for _row in rows:
            bomb.tick()
        return result if after else await inner(self, rows, **named)

    setattr(owner, name, wrapped)


def _around_plain(owner: Any, name: str, bomb: _Bomb, *, after: bool) -> None:
    inner = getattr(owner, name)

    @functools.wraps(inner)
    def wrapped(*args: Any, **named: Any) -> Any:
        if not after:
            bomb.tick()
        result = inner(*args, **named)
        if after:
            bomb.tick()
        return result

    setattr(owner, name, wrapped)


def _at_upload(bomb: _Bomb, *, part: str) -> None:
    """At the hand-over of a form's first, middle or last block to the socket, or after its last."""
    inner = MultipartPayload._hand_over

    async def wrapped(self: MultipartPayload, writer: Any, block: bytes | memoryview) -> None:
        first = block is self._form.head
        tail = block is self._form.tail
        here = {"first": first, "middle": not first and not tail, "tail": tail, "after": False}[part]
        if here:
            bomb.tick()
        await inner(self, writer, block)
        if part == "after" and tail:
            bomb.tick()

    MultipartPayload._hand_over = wrapped  # type: ignore[method-assign]


def _at_answer(bomb: _Bomb) -> None:
    """When the head of an answer is here."""
    inner = Answer.__init__

    def wrapped(self: Answer, *args: Any, **named: Any) -> None:
        inner(self, *args, **named)
        if self.status == 200 and self.media_type.startswith("image/"):
            bomb.tick()

    Answer.__init__ = wrapped  # type: ignore[method-assign]


def _small_blocks(owner: Any, name: str, bomb: _Bomb, *, after: bool) -> None:
    """Spool in tiny blocks, so that also a small body is half on disk at some moment."""
    spool.BLOCK = 16  # type: ignore[misc]
    inner = Answer.blocks

    async def crumbs(self: Answer) -> Any:
        async for block in inner(self):
            for start in range(0, len(block), 16):
                yield block[start : start + 16]

    Answer.blocks = crumbs  # type: ignore[method-assign]
    _around(owner, name, bomb, after=after)


def _at_commit(bomb: _Bomb, name: str) -> None:
    """Inside the ledger's thread, within the transaction: what is not committed must not be believed."""
    inner = getattr(writing, name)

    @functools.wraps(inner)
    def wrapped(db: sqlite3.Connection, *args: Any) -> Any:
        result = inner(db, *args)
        for _row in args[-1] if name == "write_ended" else (None,):
            bomb.tick()
        return result

    setattr(writing, name, wrapped)


POINTS: Final[dict[str, Callable[[_Bomb], None]]] = {
    "before_sending_written": lambda bomb: _around(Ledger, "sending", bomb, after=False),
    "in_sending_commit": lambda bomb: _at_commit(bomb, "write_sending"),
    "after_sending_written": lambda bomb: _around(Ledger, "sending", bomb, after=True),
    "after_spool_made": lambda bomb: _around(Spool, "open", bomb, after=True),
    "before_request": lambda bomb: _around(WireSession, "_follow", bomb, after=False),
    "upload_first_block": lambda bomb: _at_upload(bomb, part="first"),
    "upload_middle": lambda bomb: _at_upload(bomb, part="middle"),
    "upload_before_tail": lambda bomb: _at_upload(bomb, part="tail"),
    "upload_after_tail": lambda bomb: _at_upload(bomb, part="after"),
    "answer_head": _at_answer,
    "before_answered_written": lambda bomb: _around(Ledger, "answered", bomb, after=False),
    "after_answered_written": lambda bomb: _around(Ledger, "answered", bomb, after=True),
    "first_body_block": lambda bomb: _around(Spool, "write", bomb, after=False),
    "body_mid_way": lambda bomb: _small_blocks(Spool, "write", bomb, after=True),
    "before_sync": lambda bomb: _around(Spool, "finish", bomb, after=False),
    "after_sync": lambda bomb: _around(Spool, "finish", bomb, after=True),
    "before_verdict": lambda bomb: _around_all("all_ended", bomb, after=False),
    "in_verdict_commit": lambda bomb: _at_commit(bomb, "write_ended"),
    "after_verdict": lambda bomb: _around_all("all_ended", bomb, after=True),
    "before_rename": lambda bomb: _around_plain(files, "move", bomb, after=False),
    "after_rename": lambda bomb: _around_plain(files, "move", bomb, after=True),
    "before_placed": lambda bomb: _around_all("all_placed", bomb, after=False),
    "after_placed": lambda bomb: _around_all("all_placed", bomb, after=True),
    "before_copies": lambda bomb: _around_all("make_all", bomb, after=False, owner=Landing),
    "in_copies": lambda bomb: _around_plain(copying, "reflink", bomb, after=False),
    "in_copies_before_rename": lambda bomb: _before_replace(bomb, ".made"),
    "after_copies": lambda bomb: _around_all("make_all", bomb, after=True, owner=Landing),
    "rebuilt_before_rename": lambda bomb: _before_replace(bomb, ".rebuilt"),
    "rebuilt_after_rename": lambda bomb: _around_plain(Landing, "remove", bomb, after=False),
    "before_drawing": lambda bomb: _around(Drawing, "draw", bomb, after=False),
    "before_drawn_is_put": lambda bomb: _around(Finisher, "put_made", bomb, after=False),
    "before_drawn_written": lambda bomb: _around(Ledger, "drawn", bomb, after=False),
    "in_drawn_commit": lambda bomb: _at_commit(bomb, "write_drawn"),
    "after_drawn_written": lambda bomb: _around(Ledger, "drawn", bomb, after=True),
    "after_finish": lambda bomb: _around(Finisher, "finish", bomb, after=True),
    "before_end_of_run": lambda bomb: _around(Ledger, "end_run", bomb, after=False),
    "after_end_of_run": lambda bomb: _around(Ledger, "end_run", bomb, after=True),
}
"""Name -> how to arm it. The order is that of an image's way."""


DRAWING: Final = frozenset(point for point in POINTS if "draw" in point)
"""Of these, those that are only passed where something is drawn from a master."""

HEAD_POINTS: Final[dict[str, Callable[[_Bomb], None]]] = {
    "before_head_kept": lambda bomb: _around(Spool, "write_head", bomb, after=False),
    "after_head_kept": lambda bomb: _around(Spool, "write_head", bomb, after=True),
    "before_head_cut": lambda bomb: _around(Landing, "cut_head", bomb, after=False),
    "in_head_cut": lambda bomb: _before_replace(bomb, ".bare"),
    "after_head_cut": lambda bomb: _around(Landing, "cut_head", bomb, after=True),
}
"""The same, only passed after the ledger did not take the head of an answer."""


def _before_replace(bomb: _Bomb, suffix: str) -> None:
    """Before the rename of a file whose name ends with `suffix`."""
    inner = os.replace

    def wrapped(source: str, target: str) -> None:
        if source.endswith(suffix):
            bomb.tick()
        inner(source, target)

    os.replace = wrapped  # type: ignore[assignment]


def arm(point: str, passage: int) -> None:
    """From now on the process dies at the `passage`-th time it comes to `point`."""
    if point == "after_spool_made":
        _arm_spool(_Bomb(passage))
    else:
        {**POINTS, **HEAD_POINTS}[point](_Bomb(passage))


def _arm_spool(bomb: _Bomb) -> None:
    inner = Spool.open

    async def wrapped(_cls: type[Spool], path: str) -> Spool:
        spool = await inner(path)
        bomb.tick()
        return spool

    Spool.open = classmethod(wrapped)  # type: ignore[assignment, method-assign]


def full_after_sending() -> None:
    """From the answers on, the ledger's disk is full; a real one cannot be filled at just that moment."""

    def refuse(*_args: Any, **_named: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    for name in ("write_answered", "write_ended", "write_placed"):
        setattr(writing, name, refuse)


def no_heads() -> None:
    """Nor does any disk take the head of an answer into a spool."""

    async def refuse(self: Spool, _head: object) -> None:
        raise files.DiskError(self.path, "no space left")

    Spool.write_head = refuse  # type: ignore[assignment, method-assign]


def slow_spools(seconds: float) -> None:
    """Making a spool takes so long: time for signals between what is written down and what is sent."""
    inner = Spool.open

    async def wrapped(_cls: type[Spool], path: str) -> Spool:
        await asyncio.sleep(seconds)
        return await inner(path)

    Spool.open = classmethod(wrapped)  # type: ignore[assignment, method-assign]
