"""At the start of a run: settle what an interrupted one has left, as `settling.py` judges it. Sends nothing.

Proved by tests/money/test_recovery.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, assert_never

from pixian_batch.adapters.landing import DiskError, RebuildError
from pixian_batch.adapters.ledger import results
from pixian_batch.contract.headers import ResultHeaders
from pixian_batch.pipeline.finishing import Finisher, Received
from pixian_batch.pipeline.keeping import Keeping
from pixian_batch.pipeline.settling import Settlement, Settling, Then
from pixian_batch.policy.disk import Reach
from pixian_batch.policy.naming import is_master
from pixian_batch.policy.outcome import Done, Ending
from pixian_batch.policy.record import Ended, Key, Placed
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.pipeline.originals import Originals
    from pixian_batch.policy.record import Unfinished
    from pixian_batch.policy.reply import Body


@dataclass(slots=True)
class Recovery:
    """Settles every unfinished attempt once. Raises `DiskError` and `LedgerError`.

    masters: by their keys, what is told of full pictures that were finished now when something is drawn from them.
    """

    ledger: Ledger
    landing: Landing
    finisher: Finisher
    originals: Originals
    masters: dict[Key, Done] = field(default_factory=dict)
    _settling: Settling = field(init=False)

    def __post_init__(self) -> None:
        self._settling = Settling(self.ledger, self.landing, self.originals)

    async def recover(self) -> list[Ending]:
        """The endings of images that were finished now; what stays in doubt is in the ledger."""
        endings: list[Ending] = []
        for item in await self.ledger.unfinished():
            try:
                ending = await self._settle(await self._settling.settlement(item))
            except DiskError as error:
                if error.reach is Reach.RUN:
                    raise
                continue  # kept from its place still: told when its input is found
            if ending is not None:
                endings.append(ending)
        await self._sweep()
        return endings

    async def _sweep(self) -> None:
        """What had arrived of results about which somebody has decided is of no use any more."""
        for place, kept in await self.ledger.ask(results.decided_partials):
            self.landing.remove(self.landing.partial_of(place, kept))

    async def _settle(self, item: Settlement) -> Ending | None:
        await self._take_head(item)
        match item.then:
            case Then.FINISH | Then.WAIT:
                return await self._deliver(item)
            case Then.NOTE:
                sending = item.left.sending
                await self.ledger.placed(sending.input, sending.place, Placed(sending.key, item.size))
                return self._done(item.left)
            case Then.LOSE | Then.DOUBT:
                await self._give_up(item)
                return None
            case other:
                assert_never(other)

    async def _take_head(self, item: Settlement) -> None:
        """What the ledger did not take of the answer's head when it came; then the spool is like any other."""
        if item.head is None:
            return
        path, head = item.head
        if not item.head_known:
            await self.ledger.answered(item.left.sending.attempt, head)
        await self.landing.cut_head(path)

    async def _deliver(self, item: Settlement) -> Ending | None:
        """The body is whole: bring it to its place."""
        attempt = item.left.sending.attempt
        if item.verdict is not None and item.body is not None:
            # What was read back may still be only in the page cache: the rename comes after a sync.
            await self.landing.sync(item.body.path)
            await self.ledger.ended(attempt, _ended(item.verdict, item.left, item.body))
        if item.then is Then.WAIT:
            return None  # it stays where it is: told when its input is found
        if item.over is not None:
            await Keeping(self.ledger, self.landing).keep(item.left.sending.place, item.over)
        try:
            await self.finisher.finish(_received(item))
        except RebuildError:
            await self.ledger.lost(attempt)
            return None
        return self._done(item.left)

    def _done(self, left: Unfinished) -> Ending | None:
        sending, status = left.sending, left.answered.http_status if left.answered else None
        done = Done(_headers(left), status, repaired=True, at_most=sending.at_most)
        if is_master(sending.place):
            self.masters[sending.key] = done
            return None
        place = self.landing.path(sending.place)
        return Ending(sending.input, place, done, converted=sending.key.converted)

    async def _give_up(self, item: Settlement) -> None:
        """Interrupted before an answer (it may have been charged, or may never have left), or while it came."""
        if item.verdict is None:
            await self.ledger.lost(item.left.sending.attempt)
            return
        body = item.body
        if body is not None and not body.size:
            self.landing.remove(body.path)
            body = None
        await self.ledger.ended(item.left.sending.attempt, _ended(item.verdict, item.left, body))


def _received(item: Settlement) -> Received:
    sending, body = item.left.sending, item.body
    if body is None:
        raise ValueError("nothing to finish")
    return Received(
        attempt=sending.attempt,
        key=sending.key,
        input=sending.input,
        place=sending.place,
        body=body.path,
        headers=_headers(item.left),
        rebuild=sending.key.is_delta,
        original=item.original,
    )


def _headers(left: Unfinished) -> ResultHeaders:
    """What the answer's head is known to have said. That a free one cost nothing is known without it."""
    if left.answered is not None:
        return left.answered.headers
    return ResultHeaders(credits_charged=Decimal(0) if left.sending.free else None)


_MESSAGES = {
    Verdict.DELIVERED: "",
    Verdict.LOST: "interrupted while the answer came",
    Verdict.IN_DOUBT: "interrupted before an answer came",
}


def _ended(verdict: Verdict, left: Unfinished, body: Body | None) -> Ended:
    return Ended(
        verdict,
        left.answered.http_status if left.answered else None,
        message=_MESSAGES[verdict],
        body_size=body.size if body else None,
        kept=body.path if body and verdict is Verdict.LOST else None,
    )
