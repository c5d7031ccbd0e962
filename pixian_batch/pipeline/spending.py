"""What an image may cost, and whether it may still be bought: the price book and the budget of a run.

A limit is kept whatever the workers do: before a request its highest possible price is set aside. Where
no such price is known, a free test request of the very image finds it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pixian_batch.adapters.wire.trace import Trace, WireError
from pixian_batch.contract.headers import read_result_headers
from pixian_batch.policy.budget import Budget
from pixian_batch.policy.outcome import Problem
from pixian_batch.policy.price import PriceBook
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.verdict import Verdict, classify

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.pipeline.job import Job, Reply
    from pixian_batch.pipeline.stop_sign import StopSign

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class NoPrice:
    """A limit is set, and the service did not say what an image would cost.

    What follows is what would follow had the image itself been answered so: rest, fail, probe or halt.
    """

    verdict: Verdict
    http_status: int | None
    problem: Problem
    retry_after: float | None = None


@dataclass(slots=True)
class Spending:
    """Asked before each image, told after each attempt. With `free` it neither limits nor asks.

    unpriced: pixels of images in doubt that were sent before any price was known. They count against the
    limits as soon as there is a price to count them with.
    fill: puts in what the ledger knows; called once, before the first image is asked about.
    """

    wire: WireSession
    stop: StopSign
    free: bool
    budget: Budget = field(default_factory=Budget)
    prices: PriceBook = field(default_factory=PriceBook)
    unpriced: list[int] = field(default_factory=list)
    fill: Callable[[Spending], Awaitable[None]] | None = None
    _filling: asyncio.Lock = field(default_factory=asyncio.Lock)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def at_most(self, job: Job) -> Decimal | NoPrice | None:
        """The most that `job` can cost; None when nothing is known and no limit asks for it.

        `NoPrice` when a limit asks for it and the service does not say.
        """
        if self.free:
            return ZERO
        await self._filled()
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
        await self._filled()
        while (limit := self.budget.reserve(at_most or ZERO)) is not None:
            if self.stop.up:
                return False
            if not self.budget.reserved:
                self.stop.raise_(_exhausted(limit))
                return False
            self._settled.clear()
            await self._settled.wait()
        return True

    async def _filled(self) -> None:
        """Whoever comes first fills it, and all wait: it takes long where the ledger knows millions."""
        if self.free or self.fill is None:
            return
        async with self._filling:
            if self.fill is not None:
                await self.fill(self)
                self.fill = None

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
            self.learn(pixels, _cost(reply.headers))

    def learn(self, pixels: int, cost: Decimal) -> None:
        """An image of `pixels` cost, or would cost, `cost` credits."""
        if not cost:
            return
        self.prices.learn(pixels, cost)
        self.count_unpriced()

    def count_unpriced(self) -> None:
        """Count the doubts of unknown price, if a price is known by now."""
        while self.unpriced and self.prices.highest_rate is not None:
            self.budget.count_past(self.prices.forecast(self.unpriced.pop()) or ZERO)

    async def _ask_price(self, job: Job) -> Decimal | NoPrice:
        """The price of this very image, by one free test request."""
        trace = Trace()
        as_test = replace(job.params, test=True)
        try:
            async with self.wire.remove_background(job.source, as_test, trace) as answer:
                if not 200 <= answer.status <= 299:
                    error = await answer.error()
                    return _no_price(trace, error.message, error.hint, retry_after=answer.retry_after)
                headers = read_result_headers(answer.headers, test=True)
                async for _block in answer.blocks():
                    pass
        except WireError as error:
            return _no_price(trace, str(error), "check the network and --api-url")
        if headers.credits_calculated is None:
            return _no_price(trace, "the answer to a test request named no price", "run without a limit")
        if job.pixels:
            self.learn(job.pixels, headers.credits_calculated)
        return headers.credits_calculated


def _no_price(trace: Trace, message: str, hint: str, *, retry_after: float | None = None) -> NoPrice:
    verdict = classify(trace.exchange())
    if verdict is Verdict.IN_DOUBT or (verdict is Verdict.LOST and not trace.whole):
        verdict = Verdict.UNAVAILABLE  # a test request is free: it may be asked again
    elif verdict is Verdict.LOST:
        verdict = Verdict.REFUSED  # the service is at work, and says no price
    problem = Problem("no_price", f"its price could not be found: {message}", hint)
    return NoPrice(verdict, trace.status, problem, retry_after)


def _cost(headers: ResultHeaders) -> Decimal:
    return max(headers.credits_charged or ZERO, headers.credits_calculated or ZERO)


def _exhausted(limit: str) -> Stop:
    return Stop(
        Exit.BUDGET,
        f"the budget {limit} is used up: the next image could exceed it",
        f"raise {limit} and run the same command again: it goes on where it stopped",
    )
