"""A limit is granted in the order in which images were found, whatever each of them needs to decide."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from support import virtual

from pixian_batch.pipeline.allowance import Allowance


async def image(
    allowance: Allowance, seconds: float, *, needs: bool, sends: float, bought: list[int], me: int
) -> None:
    with allowance.ticket() as ticket:
        await asyncio.sleep(seconds)
        if not await ticket.turn() or not needs:
            return
        await asyncio.sleep(seconds)
        if ticket.take():
            bought.append(me)
            await asyncio.sleep(sends)


async def run(limit: int | None, images: list[tuple[bool, float, float]]) -> tuple[Allowance, list[int]]:
    bought, allowance = list[int](), Allowance(limit)
    async with asyncio.TaskGroup() as group:
        for me, (need, seconds, sends) in enumerate(images):
            group.create_task(image(allowance, seconds, needs=need, sends=sends, bought=bought, me=me))
    return allowance, bought


SECONDS = st.floats(0, 5)


@given(st.integers(1, 8), st.lists(st.tuples(st.booleans(), SECONDS, SECONDS), max_size=25))
def test_it_falls_on_the_first_that_need_it(limit: int, images: list[tuple[bool, float, float]]) -> None:
    allowance, bought = virtual.run(run(limit, images))
    needs = [need for need, _seconds, _sends in images]
    wanted = [number for number, need in enumerate(needs) if need]
    assert sorted(bought) == wanted[:limit]
    last = max(bought, default=0)
    # Everybody behind the last one is left out without a look, as in a plan.
    assert allowance.over == (len(needs) - 1 - last if len(bought) == limit else 0)
    assert allowance.exhausted == (len(bought) == limit)


def test_without_a_limit_nobody_waits_for_anybody() -> None:
    _, bought = virtual.run(run(None, [(True, 9.0 - number, 1.0) for number in range(9)]))
    assert bought == list(range(9))[::-1], "some waited for those before them"


async def _passing_by() -> tuple[bool, bool]:
    allowance = Allowance(1)
    with allowance.ticket() as first, allowance.ticket() as second:
        await first.turn()
        first.pass_by()  # it waits for somebody with the same bytes
        async with asyncio.timeout(5):
            assert await second.turn()
        return second.take(), first.take()


def test_one_that_lets_others_pass_takes_what_is_left() -> None:
    assert virtual.run(_passing_by()) == (True, False)


async def _failing() -> bool:
    allowance = Allowance(1)
    with allowance.ticket() as last:
        with suppress(ValueError), allowance.ticket():
            int("no number")
        async with asyncio.timeout(5):
            await last.turn()
        return last.take()


def test_one_whose_way_ends_early_keeps_nobody_waiting() -> None:
    assert virtual.run(_failing()) is True


def test_what_is_left_follows_the_limit() -> None:
    assert Allowance().most(1000) == 1000
    allowance = Allowance(3)
    assert (allowance.most(1000), allowance.most(2)) == (3, 2)

    async def one() -> None:
        with allowance.ticket() as ticket:
            await ticket.turn()
            assert ticket.take()
            assert allowance.most(1000) == 3, "it is on its way"

    asyncio.run(one())
    assert allowance.most(1000) == 2
