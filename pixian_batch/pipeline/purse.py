"""What an image may cost, and whether it may still be bought: the price book and the budget of a run.

A limit is kept whatever the workers do: before a request its highest possible price is set aside. Where
no such price is known, a free test request of the very image finds it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pixian_batch.adapters.client import Trace, WireError
from pixian_batch.contract.errors import ApiError
from pixian_batch.contract.headers import read_result_headers
from pixian_batch.policy.budget import Budget
from pixian_batch.policy.course import Patience
from pixian_batch.policy.price import PriceBook
from pixian_batch.policy.stopping import Cause, Stop
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from pixian_batch.adapters.client import PixianWire
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.pipeline.job import Job, Reply
    from pixian_batch.pipeline.stop_sign import StopSign

ZERO = Decimal(0)
_THROTTLED = 429


class PriceUnknownError(Exception):
    """A limit is set, and the service did not say what an image would cost."""


@dataclass(slots=True)
class Purse:
    """Asked before each image, told after each attempt. With `free` it neither limits nor asks."""

    wire: PixianWire
    stop: StopSign
    free: bool
    budget: Budget = field(default_factory=Budget)
    prices: PriceBook = field(default_factory=PriceBook)
    patience: Patience = field(default_factory=Patience)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def at_most(self, job: Job) -> Decimal | None:
        """The most that `job` can cost; None when nothing is known and no limit asks for it.

        Raises `PriceUnknownError` when a limit asks for it and the service does not say.
        """
        if self.free:
            return ZERO
        bound = self.prices.bound(job.pixels) if job.pixels else None
        if bound is not None:
            return bound
        if self.budget.unlimited:
            return self.prices.forecast(job.pixels) if job.pixels else None
        return await self._calibrate(job)

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
            self._learn(pixels, reply.headers)

    def _learn(self, pixels: int, headers: ResultHeaders) -> None:
        cost = max(headers.credits_charged or ZERO, headers.credits_calculated or ZERO)
        if cost:
            self.prices.learn(pixels, cost)

    async def _calibrate(self, job: Job) -> Decimal:
        """The price of this very image, by a free test request, asked again while the service is busy."""
        failures = throttles = 0
        while True:
            said = await self._ask_price(job)
            if isinstance(said, Decimal):
                return said
            throttles += said.status == _THROTTLED
            failures += said.status != _THROTTLED
            wait = max(throttles, failures) * self.patience.step
            if failures > self.patience.retries or not await self.stop.rest(wait):
                raise PriceUnknownError(f"its price could not be found: {said.message}")

    async def _ask_price(self, job: Job) -> Decimal | ApiError:
        trace = Trace()
        try:
            async with self.wire.remove_background(
                job.source, replace(job.params, test=True), trace
            ) as answer:
                if not 200 <= answer.status <= 299:  # noqa: PLR2004  # the 2xx range
                    return await answer.error()
                headers = read_result_headers(answer.headers, test=True)
                async for _block in answer.blocks():
                    pass
        except WireError as error:
            return ApiError(0, None, str(error))
        if job.pixels:
            self._learn(job.pixels, headers)
        if headers.credits_calculated is None:
            return ApiError(answer.status, None, "the answer to a test request named no price")
        return headers.credits_calculated


def _exhausted(limit: str) -> Stop:
    return Stop(
        Cause.BUDGET,
        f"the budget {limit} is used up: the next image could exceed it",
        f"raise {limit} and run the same command again: it goes on where it stopped",
    )
