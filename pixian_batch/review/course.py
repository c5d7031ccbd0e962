"""What happened in each bucket of time: the ledger's exchanges folded once, for all charts. Pure.

Memory is that of the buckets: some hundred, however many images there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.statement import EXACT
from pixian_batch.policy.verdict import Verdict
from pixian_batch.review.spread import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pixian_batch.adapters.ledger.history import ExchangeRow, Span
    from pixian_batch.review.timeline import Timeline

_ZERO: Final = Decimal(0)
_MEGA: Final = 1_000_000


@dataclass(slots=True)
class TimeBucket:
    """busy: seconds that requests were on the wire, all together; active: in which runs went on. other: requests that gave no result, but for 429s."""

    images: int = 0
    charged: Decimal = _ZERO
    calculated: Decimal = _ZERO
    throttled: int = 0
    other: int = 0
    busy: float = 0.0
    active: float = 0.0
    latency: Spread = field(default_factory=Spread)


@dataclass(slots=True)
class Course:
    """The buckets of a timeline, and what an image and a megapixel cost. paid: some exchange may have cost money."""

    timeline: Timeline
    buckets: list[TimeBucket] = field(init=False)
    paid: bool = False
    image: Spread = field(default_factory=Spread)
    megapixel: Spread = field(default_factory=Spread)
    free_image: Spread = field(default_factory=Spread)
    free_megapixel: Spread = field(default_factory=Spread)

    def __post_init__(self) -> None:
        self.buckets = [TimeBucket() for _ in range(self.timeline.buckets)]

    @property
    def costs(self) -> tuple[Spread, Spread]:
        """What an image and a megapixel cost; where nothing could, what it would have cost."""
        return (self.image, self.megapixel) if self.paid else (self.free_image, self.free_megapixel)

    def take(self, exchanges: Iterable[ExchangeRow]) -> None:
        """Fold all of them."""
        for exchange in exchanges:
            bucket = self.timeline.bucket(exchange.at)
            self._count(self.buckets[bucket], exchange)
            self._spend(self.buckets[bucket], exchange)
            if exchange.seconds:
                for index, seconds in self._shares(exchange.at - exchange.seconds, exchange.at, bucket):
                    self.buckets[index].busy += seconds

    def run(self, spans: Iterable[Span]) -> None:
        """When runs went on; none of them reaches over two stretches."""
        for begin, end, _run in spans:
            for index, seconds in self._shares(begin, end, self.timeline.bucket(end)):
                self.buckets[index].active += seconds

    def _count(self, bucket: TimeBucket, exchange: ExchangeRow) -> None:
        self.paid = self.paid or not exchange.free
        match exchange.verdict:
            case Verdict.DELIVERED:
                bucket.images += 1
                if exchange.seconds:
                    bucket.latency.add(exchange.seconds)
            case Verdict.THROTTLED:
                bucket.throttled += 1
            case _:
                bucket.other += 1

    def _spend(self, bucket: TimeBucket, exchange: ExchangeRow) -> None:
        if exchange.charged is not None and not exchange.free:
            amount = Decimal(exchange.charged)
            bucket.charged = EXACT.add(bucket.charged, amount)
            _add_cost(amount, exchange.pixels, self.image, self.megapixel)
        elif exchange.calculated is not None:
            amount = Decimal(exchange.calculated)
            bucket.calculated = EXACT.add(bucket.calculated, amount)
            _add_cost(amount, exchange.pixels, self.free_image, self.free_megapixel)

    def _shares(self, begin: float, end: float, last: int) -> Iterator[tuple[int, float]]:
        """The seconds of each bucket that a time reached over, from its `last` one back."""
        end = min(end, self.timeline.begin_of(last) + self.timeline.step)
        while last >= 0 and end > begin:
            start = self.timeline.begin_of(last)
            if start + self.timeline.step < end:
                return  # what is before the stretch
            yield last, end - max(begin, start)
            end, last = start, last - 1


def _add_cost(amount: Decimal, pixels: int | None, image: Spread, megapixel: Spread) -> None:
    if amount > 0:
        image.add(float(amount))
        if pixels:
            megapixel.add(float(amount) * _MEGA / pixels)
