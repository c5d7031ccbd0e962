"""The money layer of sending: what an image may cost, and whether it may still be bought.

A limit is kept whatever the workers do: before a request its highest possible price is set aside. Where
no such price is known, a free test request of the very image finds it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pixian_batch.adapters.wire.exchange import ask_price
from pixian_batch.policy.budget import Budget, Limit
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.price import PriceBook
from pixian_batch.policy.reply import Reply
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.pipeline.job import Job, Send
    from pixian_batch.pipeline.stop_sign import StopSign

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Credits that may be spent: in this ledger ever, in this run, today."""

    ever: Decimal | None = None
    run: Decimal | None = None
    day: Decimal | None = None


@dataclass(slots=True, kw_only=True)
class Spending:
    """Sends a job when the limits allow it. With `free` it neither limits nor asks.

    unpriced: pixels of images in doubt that were sent before any price was known. They count against the
    limits as soon as there is a price to count them with.
    """

    session: WireSession
    ledger: Ledger
    stop: StopSign
    send: Send
    free: bool
    limits: Limits = field(default_factory=Limits)
    all_key_params: Sequence[str] = ()
    """The parameters whose prices are known from the ledger."""
    budget: Budget = field(default_factory=Budget)
    prices: PriceBook = field(default_factory=PriceBook)
    unpriced: list[int] = field(default_factory=list)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _opened: bool = False

    async def open(self) -> None:
        """Take in what the ledger knows, once: whoever comes first asks, and all wait.

        These are questions to the whole ledger, so a run that buys nothing asks none of them.
        """
        if self.free:
            return
        async with self._opening:
            if not self._opened:
                await self._take_in()
                self._opened = True

    async def _take_in(self) -> None:
        self.budget = await _budget(self.ledger, self.limits)
        self.unpriced = await self.ledger.unpriced()
        for params in self.all_key_params:
            for pixels, cost in await self.ledger.prices(params):
                self.prices.learn(pixels, cost)
        self._count_unpriced()

    async def __call__(self, job: Job) -> Reply | None:
        """Send `job` within the limits; None when they, or a stop, forbid it.

        Where a limit is set and the service does not say what the image would cost, the reply is what it was
        answered instead: what follows (rest, fail, probe, halt) is what would follow for the image itself.
        """
        at_most = await self.at_most(job)
        if isinstance(at_most, Reply):
            return at_most
        if not await self.reserve(at_most):
            return None
        reply: Reply | None = None
        try:
            reply = await self.send(replace(job, at_most=at_most))
        finally:
            self.settle(at_most, reply, job.pixels)
        return reply

    async def at_most(self, job: Job) -> Decimal | Reply | None:
        """The most that `job` can cost; None when nothing is known and no limit asks for it.

        A `Reply` when a limit asks for it and the service does not say.
        """
        if self.free:
            return ZERO
        await self.open()
        bound = self.prices.bound(job.pixels) if job.pixels else None
        if bound is not None:
            return bound
        if self.budget.unlimited:
            return self.prices.forecast(job.pixels) if job.pixels else None
        return await self._ask_price(job)

    async def reserve(self, at_most: Decimal | None) -> bool:
        """Set a price aside; False when the run stops, or (the stop sign goes up) when a limit forbids it.

        While other requests are out, what was set aside for them may come free: then it waits.
        """
        while (limit := self.budget.reserve(at_most or ZERO)) is not None:
            if self.stop.up:
                return False
            if not self.budget.reserved:
                self.stop.raise_(_exhausted(limit))
                return False
            self._settled.clear()
            await self._settled.wait()
        return True

    def settle(self, at_most: Decimal | None, reply: Reply | None, pixels: int | None) -> None:
        """An attempt has ended (None: it never began): what it cost, or may have cost."""
        spent = ZERO
        if reply is not None and reply.headers is not None and reply.headers.credits_charged is not None:
            spent = reply.headers.credits_charged
        elif reply is not None and reply.verdict in {Verdict.IN_DOUBT, Verdict.LOST, Verdict.DELIVERED}:
            spent = at_most or ZERO
        self.budget.settle(at_most or ZERO, spent)
        self._settled.set()
        if reply is not None and reply.headers is not None and pixels:
            self._learn(pixels, _cost(reply.headers))

    def _learn(self, pixels: int, cost: Decimal) -> None:
        """An image of `pixels` cost, or would cost, `cost` credits."""
        if cost:
            self.prices.learn(pixels, cost)
            self._count_unpriced()

    def _count_unpriced(self) -> None:
        """Count the doubts of unknown price, if a price is known by now."""
        while self.unpriced and self.prices.highest_rate is not None:
            self.budget.count_past(self.prices.forecast(self.unpriced.pop()) or ZERO)

    async def _ask_price(self, job: Job) -> Decimal | Reply:
        """The price of this very image, by one free test request; why there is none as a reply without a result."""
        reply = await ask_price(self.session, job.source, job.params)
        price = reply.headers.credits_calculated if reply.headers is not None else None
        if price is None or reply.cause is not None:
            return _without_price(reply)
        if job.pixels:
            self._learn(job.pixels, price)
        return price


async def _budget(ledger: Ledger, limits: Limits) -> Budget:
    """The limits, and what counts against them."""
    known: list[Limit] = []
    if limits.ever is not None:
        known.append(Limit("--max-credits", limits.ever, (await ledger.spending()).counted))
    if limits.run is not None:
        known.append(Limit("--max-credits-per-run", limits.run, past=False))
    if limits.day is not None:
        known.append(Limit("--max-credits-per-day", limits.day, (await ledger.spending_today()).counted))
    return Budget(tuple(known))


def _without_price(reply: Reply) -> Reply:
    """The reply to a test request as one for the image itself: it was free, so nothing is in doubt or lost."""
    verdict, problem = reply.verdict, reply.problem
    if reply.headers is not None and reply.cause is None:
        verdict = Verdict.REFUSED  # the service is at work, and says no price
        problem = Problem(None, "the answer to a test request named no price", "run without a limit")
    elif verdict in {Verdict.IN_DOUBT, Verdict.LOST}:
        verdict = Verdict.UNAVAILABLE  # it may be asked again
    message, hint = (problem.message, problem.hint) if problem else ("", "")
    problem = Problem("no_price", f"its price could not be found: {message}", hint)
    return replace(reply, verdict=verdict, headers=None, body=None, problem=problem)


def _cost(headers: ResultHeaders) -> Decimal:
    return max(headers.credits_charged or ZERO, headers.credits_calculated or ZERO)


def _exhausted(limit: str) -> Stop:
    return Stop(
        Exit.BUDGET,
        f"the budget {limit} is used up: the next image could exceed it",
        f"raise {limit} and run the same command again: it goes on where it stopped",
    )
