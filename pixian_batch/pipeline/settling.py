"""What an interrupted run has left, judged from the facts on disk: rules in the order they are tried. Writes nothing.

Spool complete -> it will be finished for free. Answer begun, spool incomplete -> lost, the credits are known. No
answer -> in doubt. `recovery.py` does what is said here; a plan only counts it.

Proved by tests/money/test_recovery.py.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from enum import Enum
from io import BytesIO
from typing import TYPE_CHECKING

from pixian_batch.adapters.landing import (
    ROOM,
    RebuildError,
    read_body,
    read_body_after_head,
    read_head,
    rebuild_files,
)
from pixian_batch.adapters.reading import ReadingError, read_fingerprint
from pixian_batch.policy.record import Key
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger.base import BaseLedger
    from pixian_batch.pipeline.originals import Originals
    from pixian_batch.policy.record import Answered, Sending, Stands, Unfinished
    from pixian_batch.policy.reply import Body


class Then(Enum):
    """What becomes of an unfinished attempt."""

    FINISH = "its body is brought to its place"
    NOTE = "it stands at its place, and only the note is missing"
    WAIT = "a photo stands at its place"
    LOSE = "it was answered, and is not here in full"
    DOUBT = "no answer came"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One unfinished attempt, judged. left: with the answer's head, wherever it was found.

    head: one that goes before the body in the spool, and where; head_known: the ledger has it. verdict: what is to be written, None where it is known. size:
    of the result, of `NOTE`. original: the photo of a delta. over: what its result takes the place of.
    """

    left: Unfinished
    then: Then
    head: tuple[str, Answered] | None = None
    head_known: bool = False
    verdict: Verdict | None = None
    body: Body | None = None
    size: int = 0
    original: str = ""
    over: Stands | None = None


@dataclass(frozen=True, slots=True)
class Settling:
    """`await settling.settlement(item)` for each of the ledger's unfinished attempts."""

    ledger: BaseLedger
    landing: Landing
    originals: Originals

    async def settlement(self, left: Unfinished) -> Settlement:
        """What becomes of one unfinished attempt."""
        spool = self.landing.spool_of(left.sending.place, left.sending.spool)
        head = await asyncio.to_thread(read_head, spool)
        head_known = left.answered is not None
        if head is not None and not head_known:
            left = replace(left, answered=head[1])
        if head is not None:
            body = await asyncio.to_thread(read_body_after_head, head[0])
        else:
            path = (left.ended.kept if left.ended else None) or spool
            body = await asyncio.to_thread(read_body, path)
        judged = replace(await self._judge(left, body), head=head, head_known=head_known)
        return await self._finishable(judged) if judged.then is Then.FINISH else judged

    async def _judge(self, left: Unfinished, body: Body | None) -> Settlement:
        if left.ended is not None:
            if body is None:
                return await self._after_rename(left)
            return Settlement(left=left, then=Then.FINISH, body=body)
        if left.answered is None and (body is None or not body.size):
            return Settlement(left=left, then=Then.DOUBT, verdict=Verdict.IN_DOUBT, body=body)
        if body is not None and _is_complete(left, body):
            return Settlement(left=left, then=Then.FINISH, verdict=Verdict.DELIVERED, body=body)
        return Settlement(left=left, then=Then.LOSE, verdict=Verdict.LOST, body=body)

    async def _after_rename(self, left: Unfinished) -> Settlement:
        """The spool is gone: either it was renamed, and only the note is missing, or somebody removed it."""
        sending = left.sending
        size = await asyncio.to_thread(self.landing.size, sending.place)
        expected = left.ended.body_size if left.ended else None
        if size is None or (size != expected and not sending.key.is_delta):
            return Settlement(left=left, then=Then.LOSE)
        return Settlement(left=left, then=Then.NOTE, size=size)

    async def _finishable(self, item: Settlement) -> Settlement:
        """The same, unless a photo of this run has come to stand where the result would go."""
        sending = item.left.sending
        folder, _, name = sending.place.rpartition("/")
        [(_sources, places)] = await self.ledger.known([("", [name], folder, [name])])
        stands = places.get(name)
        there = stands is not None and await asyncio.to_thread(self.landing.size, sending.place) == stands[2]
        path = self.landing.path(sending.place)
        if not there and await asyncio.to_thread(self.originals.holds, path, sending.input):
            return replace(item, then=Then.WAIT)
        original = await self._original(sending) if sending.key.is_delta else sending.input
        over = stands if there and stands is not None and Key(*stands[:2]) != sending.key else None
        return replace(item, original=original, over=over)

    async def _original(self, sending: Sending) -> str:
        """The input that a delta belongs to: as it was named then, or any file with the same bytes."""
        candidates = [sending.input, *await self.ledger.sources_of(sending.key.digest)]
        return await asyncio.to_thread(_first_with, sending.key.digest, candidates)


async def finished_size(item: Settlement) -> int | None:
    """The size of the result that `item` is finished to; None when it cannot be: a delta without its photo."""
    if item.body is None or not item.left.sending.key.is_delta:
        return item.body.size if item.body else item.size
    orientation = item.left.answered.headers.input_orientation if item.left.answered else None
    try:
        content = await asyncio.to_thread(
            _rebuilt, item.original, item.body.path, orientation, behind_head=item.head is not None
        )
    except RebuildError:
        return None
    return len(content)


def _rebuilt(original: str, delta: str, orientation: int | None, *, behind_head: bool) -> bytes:
    def opened() -> BytesIO:
        with open(delta, "rb") as stream:
            stream.seek(ROOM if behind_head else 0)
            return BytesIO(stream.read())

    return rebuild_files(original, opened, orientation=orientation)


def _first_with(digest: bytes, paths: list[str]) -> str:
    """The first file with these bytes; where there is none, one that is not there. Blocking."""
    for path in paths:
        try:
            if read_fingerprint(path).digest == digest:
                return path
        except ReadingError:
            continue
    return next((path for path in paths if not os.path.exists(path)), "")


def _is_complete(left: Unfinished, body: Body) -> bool:
    length = left.answered.length if left.answered else None
    return body.whole and (length is None or length == body.size)
