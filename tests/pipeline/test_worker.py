"""A worker's pursuit of an image, in virtual time."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

from support import virtual
from support.virtual import now

from pixian_batch.pipeline.worker import Pursuit
from pixian_batch.policy.retry import Fail, Halt, Hold, Land, RetryPolicy
from pixian_batch.policy.stopping import Exit
from pixian_batch.policy.verdict import Verdict as V  # noqa: N817  # tables of verdicts

if TYPE_CHECKING:
    from pixian_batch.policy.reply import Reply

from support.labs import BUSY, DOWN, NO, OK, Lab, reply

# --- 429 -----------------------------------------------------------------------------------------


def test_a_worker_backs_off_five_ten_fifteen_seconds_without_limit() -> None:
    async def main() -> None:
        lab = Lab()
        ended = await lab.pursue(lab.worker(), [BUSY] * 30 + [OK])
        waits = [later - earlier for earlier, later in pairwise(lab.sent)]
        assert waits == [5.0 * step for step in range(1, 31)]
        assert (ended.attempts, ended.ended) == (31, Land())

    virtual.run(main())


def test_the_streak_of_429s_is_kept_across_images_until_a_success() -> None:
    async def main() -> None:
        lab = Lab()
        worker = lab.worker()
        await lab.pursue(worker, [BUSY, BUSY, NO])
        assert lab.sent == [0, 5, 15]
        await lab.pursue(worker, [BUSY, OK])
        assert lab.sent[3:] == [15, 30], "a refusal is no success: the third 429 in a row"
        await lab.pursue(worker, [BUSY, OK])
        assert lab.sent[5:] == [30, 35], "a success begins anew"

    virtual.run(main())


def test_other_workers_neither_wait_nor_help() -> None:
    async def main() -> None:
        lab = Lab()
        one, other = lab.worker(), lab.worker()
        slow = asyncio.ensure_future(lab.pursue(one, [BUSY, BUSY, BUSY, OK]))
        await asyncio.sleep(1)
        for _ in range(3):
            await lab.pursue(other, [OK])
        assert now() == 1, "the other worker went on at once"
        assert one.resting
        assert not other.resting
        await slow
        assert now() == 30, "and its successes did not shorten the wait"

    virtual.run(main())


def test_retry_after_is_heeded_when_it_is_longer() -> None:
    async def main() -> None:
        lab = Lab()
        asked: list[Reply | V] = [
            reply(BUSY, retry_after=60),
            reply(BUSY, retry_after=3),
            reply(DOWN, retry_after=100),
            OK,
        ]
        await lab.pursue(lab.worker(), asked)
        assert lab.sent == [0, 60, 70, 170]

    virtual.run(main())


def test_the_step_is_an_option() -> None:
    async def main() -> None:
        lab = Lab(retry_policy=RetryPolicy(step=0.5))
        await lab.pursue(lab.worker(), [BUSY, BUSY, OK])
        assert lab.sent == [0, 0.5, 1.5]

    virtual.run(main())


# --- failures ------------------------------------------------------------------------------------


def test_retries_are_counted_for_each_image() -> None:
    async def main() -> None:
        lab = Lab()
        worker = lab.worker()
        for verdict in (DOWN, V.NOT_SENT):
            began = len(lab.sent)
            ended = await lab.pursue(worker, [verdict] * 9)
            assert (ended.attempts, ended.ended) == (4, Fail())
            assert [at - lab.sent[began] for at in lab.sent[began:]] == [0, 5, 15, 30]

    virtual.run(main())


def test_429s_do_not_use_up_the_retries() -> None:
    async def main() -> None:
        lab = Lab(retry_policy=RetryPolicy(retries=1))
        ended = await lab.pursue(lab.worker(), [BUSY, DOWN, BUSY, BUSY, OK])
        assert ended.ended == Land()

    virtual.run(main())


def test_what_may_have_been_charged_is_never_sent_again_unasked() -> None:
    async def main() -> None:
        for verdict in (V.IN_DOUBT, V.LOST):
            lab = Lab()
            ended = await lab.pursue(lab.worker(), [verdict, OK])
            assert (ended.attempts, ended.ended) == (1, Hold())
            lab = Lab(retry_policy=RetryPolicy(retries=2, resend_doubtful=True))
            ended = await lab.pursue(lab.worker(), [verdict] * 9)
            assert (ended.attempts, ended.ended) == (3, Hold())

    virtual.run(main())


def test_what_halts_one_stops_all() -> None:
    async def main() -> None:
        for status, cause in ((401, Exit.CREDENTIALS), (403, Exit.CREDENTIALS), (402, Exit.CREDITS)):
            lab = Lab()
            waiting = asyncio.ensure_future(lab.pursue(lab.worker(), [BUSY, OK]))
            await asyncio.sleep(1)
            ended = await lab.pursue(lab.worker(), [reply(V.HALTING, status=status)])
            assert ended.ended == Halt()
            assert lab.stop.stop is not None
            assert lab.stop.stop.cause is cause
            other = await waiting
            assert (other.attempts, other.ended) == (1, None), "its rest was cut short, nothing more was sent"
            later = await lab.pursue(lab.worker(), [OK])
            assert (later.attempts, later.reply) == (0, None)

    virtual.run(main())


def test_an_attempt_that_may_not_be_made_ends_the_pursuit() -> None:
    async def main() -> None:
        lab = Lab()
        assert await lab.pursue_by(lab.worker(), lambda: None) == Pursuit(now(), None, 0, None)

    virtual.run(main())
