"""At the start of a run: settle what an interrupted one has left, from the facts on disk. Sends nothing.

A head in the spool -> its credits into the ledger. Spool complete -> finished for free. Answer begun, spool
incomplete -> lost, the credits are known. No answer -> in doubt. Rules in the order they are tried.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pixian_batch.adapters.landing import DiskError, RebuildError, read_body, read_head
from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.pipeline.finishing import Finisher, Received
from pixian_batch.policy.disk import Reach
from pixian_batch.policy.outcome import Done, Ending
from pixian_batch.policy.record import Ended, Placed
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.pipeline.originals import Originals
    from pixian_batch.policy.record import Sending, Unfinished
    from pixian_batch.policy.reply import Body


@dataclass(slots=True)
class Recovery:
    """Settles every unfinished attempt once. Raises `DiskError` and `LedgerError`."""

    ledger: Ledger
    landing: Landing
    finisher: Finisher
    originals: Originals

    async def recover(self) -> list[Ending]:
        """The endings of images that were finished now; what stays in doubt is in the ledger."""
        endings: list[Ending] = []
        for item in await self.ledger.unfinished():
            try:
                ending = await self._recover_one(item)
            except DiskError as error:
                if error.reach is Reach.RUN:
                    raise
                continue  # kept from its place still: told when its input is found
            if ending is not None:
                endings.append(ending)
        return endings

    async def _recover_one(self, left: Unfinished) -> Ending | None:
        spool = self.landing.spool_of(left.sending.place, left.sending.spool)
        left = await self._take_head(left, spool)
        if left.ended is not None:
            return await self._finish(left, left.ended.kept or spool)
        body = await asyncio.to_thread(read_body, spool)
        if left.answered is None and (body is None or not body.size):
            await self._doubt(left, body)
            return None
        if body is not None and _is_complete(left, body):
            # What was read back may still be only in the page cache: the rename comes after a sync.
            await self.landing.sync(body.path)
            await self.ledger.ended(left.sending.attempt, _ended(Verdict.DELIVERED, left, body))
            return await self._finish(left, body.path)
        await self._lose(left, body)
        return None

    async def _take_head(self, left: Unfinished, spool: str) -> Unfinished:
        """What the ledger did not take of the answer's head when it came; then the spool is like any other."""
        found = await asyncio.to_thread(read_head, spool)
        if found is None:
            return left
        path, head = found
        if left.answered is None:
            await self.ledger.answered(left.sending.attempt, head)
            left = replace(left, answered=head)
        await self.landing.cut_head(path)
        return left

    async def _finish(self, left: Unfinished, path: str) -> Ending | None:
        """The body was whole: bring it to its place, unless that was the last thing that still happened."""
        sending = left.sending
        headers = _headers(left)
        rebuild = sending.key.is_delta
        body = await asyncio.to_thread(read_body, path)
        if body is None:
            return await self._after_rename(left)
        if await self._is_on_an_input(sending):
            return None  # it stays where it is: told when its input is found
        received = Received(
            attempt=sending.attempt,
            key=sending.key,
            input=sending.input,
            place=sending.place,
            body=body.path,
            headers=headers,
            rebuild=rebuild,
            original=await self._original(sending) if rebuild else sending.input,
        )
        try:
            await self.finisher.finish(received)
        except RebuildError:
            await self.ledger.lost(sending.attempt)
            return None
        return self._done(left)

    def _done(self, left: Unfinished) -> Ending:
        sending, status = left.sending, left.answered.http_status if left.answered else None
        done = Done(_headers(left), status, repaired=True, at_most=sending.at_most)
        place = self.landing.path(sending.place)
        return Ending(sending.input, place, done, converted=sending.key.converted)

    async def _is_on_an_input(self, sending: Sending) -> bool:
        """Whether a photo of this run has come to stand where the result would go."""
        folder, _, name = sending.place.rpartition("/")
        [(_sources, stands)] = await self.ledger.known([("", [name], folder, [name])])
        path, made = self.landing.path(sending.place), stands.get(name)
        if made is not None and await asyncio.to_thread(self.landing.size, sending.place) == made[2]:
            return False
        return await asyncio.to_thread(self.originals.holds, path, sending.input)

    async def _original(self, sending: Sending) -> str:
        """The input that a delta belongs to: as it was named then, or any file with the same bytes."""
        candidates = [sending.input, *await self.ledger.sources_of(sending.key.digest)]
        return await asyncio.to_thread(_first_there, candidates)

    async def _after_rename(self, left: Unfinished) -> Ending | None:
        """The spool is gone: either it was renamed, and only the note is missing, or somebody removed it."""
        sending = left.sending
        size = await asyncio.to_thread(self.landing.size, sending.place)
        expected = left.ended.body_size if left.ended else None
        if size is None or (size != expected and not sending.key.is_delta):
            await self.ledger.lost(sending.attempt)
            return None
        await self.ledger.placed(sending.input, sending.place, Placed(sending.key, size))
        return self._done(left)

    async def _doubt(self, left: Unfinished, body: Body | None) -> None:
        """Interrupted before any answer: it may have been charged, or may never have left."""
        if body is not None:
            self.landing.remove(body.path)  # it is empty
        ended = Ended(Verdict.IN_DOUBT, message="interrupted before an answer came")
        await self.ledger.ended(left.sending.attempt, ended)

    async def _lose(self, left: Unfinished, body: Body | None) -> None:
        """Interrupted while the answer came: charged, and not here in full."""
        if body is not None and not body.size:
            self.landing.remove(body.path)
            body = None
        await self.ledger.ended(left.sending.attempt, _ended(Verdict.LOST, left, body))


def _headers(left: Unfinished) -> ResultHeaders:
    """What the answer's head is known to have said. That a free one cost nothing is known without it."""
    if left.answered is not None:
        return left.answered.headers
    return ResultHeaders(credits_charged=Decimal(0) if left.sending.free else None)


def _first_there(paths: list[str]) -> str:
    return next((path for path in paths if os.path.isfile(path)), paths[0])


def _is_complete(left: Unfinished, body: Body) -> bool:
    length = left.answered.length if left.answered else None
    return body.whole and (length is None or length == body.size)


def _ended(verdict: Verdict, left: Unfinished, body: Body | None) -> Ended:
    return Ended(
        verdict,
        left.answered.http_status if left.answered else None,
        message="" if verdict is Verdict.DELIVERED else "interrupted while the answer came",
        body_size=body.size if body else None,
        kept=body.path if body and verdict is Verdict.LOST else None,
    )
