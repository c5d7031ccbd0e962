"""The pool in virtual time: the ramp as it is, in milliseconds."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import virtual
from support.curve import allowed_at
from support.virtual import now

from pixian_batch.pipeline.circuit import Circuit
from pixian_batch.pipeline.pool import Pool, Turn
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.stream import Stream
from pixian_batch.pipeline.worker import Worker
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.retry import RetryPolicy
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.pipeline.job import Job

SIGINT = Stop(Exit.SIGINT, "stopped")


async def _nothing_to_send(_job: Job) -> None:
    raise AssertionError("sent")


def hand(stop: StopSign) -> Worker:
    return Worker(Circuit(breaker=Breaker(), stop=stop, send=_nothing_to_send), stop, RetryPolicy())


class Shop:
    """A pool whose items take some time; remembers who worked when."""

    def __init__(self, ramp: Ramp, seconds: Callable[[int], float]) -> None:
        self.stop = StopSign()
        self.stream: Stream[int] = Stream()
        self.openings: list[float] = []
        self.handled: list[int] = []
        self.working = self.most = 0
        self._seconds = seconds
        self.pool: Pool[int] = Pool(ramp, self.stop, hire=self._hire, handle=self._handle)

    def _hire(self) -> Worker:
        self.openings.append(now())
        return hand(self.stop)

    async def _handle(self, item: int, turn: Turn) -> None:
        async with turn as worker:
            assert worker.busy
            self.working += 1
            self.most = max(self.most, self.working)
            await asyncio.sleep(self._seconds(item))
            self.working -= 1
        self.handled.append(item)

    async def feed_until(self, until: float) -> None:
        """Hand out items until then; the stream stays open."""
        while now() < until:
            await self.stream.put(len(self.handled) + 1000)

    async def feed(self, items: int, until: float = 1e12) -> int:
        """Hand out items; how many."""
        given_out = 0
        while given_out < items and now() < until and not self.stop.up:
            await self.stream.put(given_out)
            given_out += 1
        await self.stream.close()
        return given_out


def test_five_workers_at_once_and_one_more_every_five_minutes_to_exactly_the_cap() -> None:
    ramp = Ramp(5, 100, 300.0)
    above: list[float] = []

    async def sample(shop: Shop) -> None:
        while True:
            if max(len(shop.pool.workers), shop.working) > allowed_at(ramp, now()):
                above.append(now())
            await asyncio.sleep(100)

    async def main() -> Shop:
        shop = Shop(ramp, lambda item: 400.0 + item % 13)
        sampling = asyncio.ensure_future(sample(shop))
        feeding = asyncio.ensure_future(shop.feed(10**9, until=29_000))
        running = asyncio.ensure_future(shop.pool.run(shop.stream))
        await asyncio.sleep(28_900)
        assert (shop.pool.allowed, shop.pool.next_step) == (100, None)
        await running
        sampling.cancel()
        assert sorted(shop.handled) == list(range(await feeding)), "every item is handled exactly once"
        return shop

    shop = virtual.run(main())
    assert shop.openings == [0.0] * 5 + [300.0 * step for step in range(1, 96)], "no drift"
    assert above == []
    assert shop.most == 100
    assert not any(worker.busy for worker in shop.pool.workers)


@given(start=st.integers(1, 8), cap=st.integers(1, 12), interval=st.sampled_from([0.0, 0.5, 60.0, 300.0]))
@settings(max_examples=40, deadline=None)
def test_never_more_workers_than_the_ramp_allows(start: int, cap: int, interval: float) -> None:
    ramp = Ramp(start, cap, interval)

    async def main() -> Shop:
        shop = Shop(ramp, lambda item: item % 5 * 40.0)
        await asyncio.gather(shop.feed(60), shop.pool.run(shop.stream))
        return shop

    shop = virtual.run(main())
    for number, opened in enumerate(shop.openings, 1):
        assert number <= allowed_at(ramp, opened) <= cap
    assert sorted(shop.handled) == list(range(60))


def test_the_time_of_the_next_worker_is_known() -> None:
    async def main() -> None:
        shop = Shop(Ramp(2, 4, 300.0), lambda _item: 10_000.0)
        running = asyncio.gather(shop.feed(4), shop.pool.run(shop.stream))
        await asyncio.sleep(100)
        assert shop.pool.next_step == pytest.approx(200)
        await asyncio.sleep(350)
        assert shop.pool.next_step == pytest.approx(150)
        await asyncio.sleep(200)
        assert shop.pool.next_step is None
        await running

    virtual.run(main())


# --- what was not used is not earned --------------------------------------------------------------


def test_however_long_it_takes_until_the_first_image_the_ramp_begins_with_it() -> None:
    for searched in (1.0, 1800.0, 86_400.0):

        async def main(searched: float = searched) -> None:
            shop = Shop(Ramp(5, 100, 300.0), lambda _item: 10.0)

            async def feed() -> None:
                await asyncio.sleep(searched)
                await shop.feed(10**9, until=searched + 650)

            await asyncio.gather(feed(), shop.pool.run(shop.stream))
            assert shop.openings == [0.0] * 5 + [searched + 300, searched + 600]
            assert shop.most == 7

        virtual.run(main())


def test_a_slow_pipe_earns_nothing_and_its_burst_begins_with_the_start() -> None:
    async def main() -> None:
        shop = Shop(Ramp(5, 100, 300.0), lambda _item: 10.0)
        running = asyncio.ensure_future(shop.pool.run(shop.stream))
        for at_once in [1] * 500 + [3] * 500 + [100]:
            await asyncio.sleep(60)
            for item in range(at_once):
                await shop.stream.put(item)
        await shop.stream.close()
        await running
        assert (shop.most, shop.pool.allowed) == (5, 5)

    virtual.run(main())


def test_after_a_pause_the_pool_has_fallen_back_one_step_an_interval() -> None:
    for pause, workers in ((200.0, 10), (310.0, 9), (700.0, 8), (1e6, 5)):

        async def main(pause: float = pause, workers: int = workers) -> None:
            shop = Shop(Ramp(5, 100, 300.0), lambda _item: 1.0)
            running = asyncio.ensure_future(shop.pool.run(shop.stream))
            feeding = asyncio.ensure_future(shop.feed_until(1501))
            await feeding
            assert (shop.pool.allowed, shop.most) == (10, 10)
            await asyncio.sleep(pause)
            shop.most = 0
            for item in range(100):
                await shop.stream.put(item)
            assert (shop.pool.allowed, shop.most) == (workers, workers)
            await shop.stream.close()
            await running
            assert set(range(100)) <= set(shop.handled)

        virtual.run(main())


def test_who_waits_for_a_service_that_is_down_is_not_in_use_and_comes_back_in_turn() -> None:
    async def main() -> None:
        back = asyncio.Event()
        working, most, ended = 0, 0, 0

        async def handle(_item: int, turn: Turn) -> None:
            nonlocal working, most, ended
            async with turn:
                if not back.is_set():
                    async with pool.idle():
                        await back.wait()
                working += 1
                most = max(most, working)
                await asyncio.sleep(10)
                working -= 1
            ended += 1

        stream: Stream[int] = Stream()
        stop = StopSign()
        pool: Pool[int] = Pool(Ramp(5, 100, 300.0), stop, hire=lambda: hand(stop), handle=handle)

        async def feed() -> None:
            for item in range(200):
                await stream.put(item)
            await stream.close()

        feeding = asyncio.gather(feed(), pool.run(stream))
        await asyncio.sleep(3600)
        assert pool.allowed == 5, "an hour without the service earned nothing"
        assert len([worker for worker in pool.workers if worker.busy]) == 5, "and nobody took more images"
        back.set()
        await asyncio.sleep(299)
        assert most == 5
        await feeding
        assert ended == 200

    virtual.run(main())


def test_a_turn_that_is_given_up_is_nobodys() -> None:
    async def main() -> None:
        stop = StopSign()
        gate = asyncio.Event()

        async def handle(item: int, turn: Turn) -> None:
            if item == 0:
                async with turn:
                    await gate.wait()
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(5), turn:
                    raise AssertionError("there is no worker free")

        stream: Stream[int] = Stream()
        pool: Pool[int] = Pool(Ramp(1, 1, 0.0), stop, hire=lambda: hand(stop), handle=handle)

        async def feed() -> None:
            for item in (0, 1, 2, 3):
                await stream.put(item)
            await asyncio.sleep(100)
            gate.set()
            await stream.put(0)
            await stream.close()

        await asyncio.gather(feed(), pool.run(stream))
        assert not any(worker.busy for worker in pool.workers)

    virtual.run(main())


def test_a_pool_ends_with_its_last_item_and_not_with_the_ramp() -> None:
    async def main() -> float:
        shop = Shop(Ramp(2, 100, 300.0), lambda _item: 100.0)
        await asyncio.gather(shop.feed(4), shop.pool.run(shop.stream))
        assert len(shop.openings) == 2
        return now()

    assert virtual.run(main()) == 200


def test_an_empty_stream_ends_at_once() -> None:
    async def main() -> float:
        shop = Shop(Ramp(), lambda _item: 1.0)
        await asyncio.gather(shop.feed(0), shop.pool.run(shop.stream))
        return now()

    assert virtual.run(main()) == 0


def test_no_worker_begins_after_the_stop_sign_and_what_is_in_hand_is_finished() -> None:
    async def main() -> Shop:
        shop = Shop(Ramp(5, 100, 300.0), lambda _item: 70.0)
        asyncio.get_running_loop().call_later(1000, lambda: shop.stop.raise_(SIGINT))
        given_out, _run = await asyncio.gather(shop.feed(10**9), shop.pool.run(shop.stream))
        assert sorted(shop.handled) == list(range(given_out))
        assert now() <= 1000 + 3 * 70
        return shop

    assert virtual.run(main()).openings == [0.0] * 5 + [300.0, 600.0, 900.0]


class Yard:
    """A pool whose items take time before, with and behind a worker; remembers the most there were of each."""

    def __init__(self, workers: int, before: float, behind: float) -> None:
        self.stop = StopSign()
        self.stream: Stream[int] = Stream()
        self.now = {"before": 0, "with": 0, "behind": 0}
        self.most = dict(self.now)
        self.served: list[float] = []
        self._before, self._behind = before, behind
        self.pool: Pool[int] = Pool(
            Ramp(workers, workers, 0.0),
            self.stop,
            hire=lambda: hand(self.stop),
            handle=self._handle,
        )

    async def _stay(self, where: str, seconds: float) -> None:
        self.now[where] += 1
        self.most[where] = max(self.most[where], self.now[where])
        await asyncio.sleep(seconds)
        self.now[where] -= 1

    async def _handle(self, item: int, turn: Turn) -> None:
        await self._stay("before", self._before)
        if item % 10 == 9:  # done already: it never asks for a worker
            return
        async with turn:
            await self._stay("with", 1.0)
            self.served.append(now())
        await self._stay("behind", self._behind)

    async def go(self, items: int) -> float:
        async def feed() -> None:
            for item in range(items):
                await self.stream.put(item)
            await self.stream.close()

        await asyncio.gather(feed(), self.pool.run(self.stream))
        return now()


def test_a_worker_waits_neither_for_what_comes_before_nor_for_what_follows() -> None:
    yard = Yard(4, before=0.5, behind=0.9)
    assert 360 / 4 < virtual.run(yard.go(400)) <= 360 / 4 + 0.5 + 0.9 + 0.1
    assert yard.most["with"] == 4


@pytest.mark.parametrize(("before", "behind"), [(50.0, 0.1), (0.1, 50.0), (0.0, 0.0)])
def test_before_and_behind_the_workers_there_are_at_most_as_many_again(before: float, behind: float) -> None:
    yard = Yard(4, before, behind)
    virtual.run(yard.go(100))
    assert len(yard.served) == 90
    assert max(yard.most.values()) <= 4
    assert yard.now == {"before": 0, "with": 0, "behind": 0}


def test_who_cannot_land_takes_nothing_new() -> None:
    yard = Yard(2, before=0.0, behind=100.0)

    async def main() -> None:
        running = asyncio.ensure_future(yard.go(50))
        await asyncio.sleep(99)
        assert len(yard.served) == 4, "two behind the workers, and two that wait to leave them"
        assert all(worker.busy for worker in yard.pool.workers)
        running.cancel()

    virtual.run(main())
