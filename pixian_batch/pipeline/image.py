"""One image's way: found -> job -> bought (or not needed) -> landed -> ending.

Every image that comes here leaves with exactly one ending.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from blake3 import blake3

from pixian_batch.adapters.landing import DiskError
from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.adapters.reading import Fingerprint, ReadingError, Stamp, read_fingerprint
from pixian_batch.adapters.wire.source import BytesSource, FileSource, UrlSource
from pixian_batch.adapters.wire.trace import SourceChangedError
from pixian_batch.pipeline.finishing import Finisher, RebuildError, Received
from pixian_batch.pipeline.job import Job, Reply
from pixian_batch.pipeline.spending import NoPrice, Spending
from pixian_batch.policy.outcome import (
    Done,
    Duplicate,
    Ending,
    Failed,
    InDoubt,
    Lost,
    NotStarted,
    Outcome,
    Problem,
    Skipped,
    SkipReason,
)
from pixian_batch.policy.progress import Level, Message
from pixian_batch.policy.record import Key, Placed, Standing, State
from pixian_batch.policy.retry import DoubtPolicy, Fail, Halt, Hold, Land
from pixian_batch.policy.stopping import Exit, Stop
from pixian_batch.policy.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.adapters.wire.source import Source
    from pixian_batch.pipeline.attempt import Attempter
    from pixian_batch.pipeline.job import Found, Spec
    from pixian_batch.pipeline.pool import Turn
    from pixian_batch.pipeline.preflight import Preflight
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.pipeline.worker import Pursuit

DISK_HINT = "make room, then run the same command again: it goes on where it stopped"


@dataclass(slots=True)
class Claims:
    """Keys in somebody's hand: two workers never send the same bytes at the same time."""

    _locks: dict[Key, tuple[asyncio.Lock, int]] = field(default_factory=dict)

    @asynccontextmanager
    async def hold(self, key: Key) -> AsyncIterator[None]:
        """Wait until nobody else has `key`, and hold it."""
        lock, waiting = self._locks.get(key, (asyncio.Lock(), 0))
        self._locks[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks.pop(key)
            if waiting > 1:
                self._locks[key] = (lock, waiting - 1)


@dataclass(slots=True)
class ImageHandler:
    """Knows the way; owns none of the rooms. `preflight` goes before anything is bought.

    say: tells the user what he should know of an image before it is sent.
    """

    spec: Spec
    ledger: Ledger
    landing: Landing
    finisher: Finisher
    attempt: Attempter
    spending: Spending
    stop: StopSign
    preflight: Preflight
    say: Callable[[Message], None]
    claims: Claims = field(default_factory=Claims)
    _key_params: dict[bool, str] = field(init=False)

    def __post_init__(self) -> None:
        self._key_params = {rebuild: self.spec.key_params(rebuild=rebuild) for rebuild in (False, True)}

    async def handle(self, found: Found, turn: Turn) -> Ending:
        """The whole way of one image. Never raises for what the image, the service or the disk does.

        A worker is asked for (`turn`) only for what has to be sent, and only while it is sent.
        """
        if self.stop.up:
            return Ending(found.path, None, NotStarted())
        job: Job | None = None
        pursuit: Pursuit | None = None
        try:
            job, refusal = await self._prepare(found)
            async with self.claims.hold(job.key):
                outcome = _refused(refusal) if refusal else await self._without_sending(job)
                if outcome is None:
                    pursuit, outcome = await self._buy(job, turn)
        except ReadingError as error:
            outcome = Failed(Problem(error.code, str(error), error.hint))
        except SourceChangedError as error:
            outcome = Failed(Problem("changed", str(error), "run again when nobody writes to it"))
        except (DiskError, LedgerError) as error:
            self.stop.raise_(Stop(Exit.DISK, str(error), DISK_HINT))
            outcome = NotStarted()
        await self._remember_failure(found, outcome)
        return Ending(
            found.path,
            self.landing.path(job.place) if job else None,
            outcome,
            pursuit.attempts if pursuit else 0,
            asyncio.get_running_loop().time() - pursuit.began if pursuit else 0.0,
        )

    # --- found -> job ------------------------------------------------------------------------------

    async def _prepare(self, found: Found) -> tuple[Job, str | None]:
        """What has to be known of the input, and why its result can have no place. Raises `ReadingError`."""
        place = self.spec.result_place(found.place)
        if found.is_url:
            return self._url_job(found, place), await asyncio.to_thread(self.landing.refusal, place)
        seen, refusal = await asyncio.to_thread(self._look, found, place)
        if found.known is None or found.known[:2] != (seen.stamp.size, seen.stamp.mtime_ns):
            self.ledger.note_source(found.absolute, seen.stamp.size, seen.stamp.mtime_ns, seen.digest)
        rebuild = self.spec.via_delta and seen.probe.size.pixels <= self.spec.params.max_pixels
        job = Job(
            input=found.path,
            source=_source(found.path, seen),
            key=Key(seen.digest, self._key_params[rebuild]),
            params=self.spec.request(rebuild=rebuild),
            place=place,
            pixels=seen.probe.size.pixels,
            rebuild=rebuild,
        )
        return job, refusal

    def _look(self, found: Found, place: str) -> tuple[Fingerprint, str | None]:
        """At the input and at its result's place, in one visit to a thread. Blocking."""
        known = (Stamp(found.known[0], found.known[1]), found.known[2]) if found.known else None
        return read_fingerprint(found.path, known=known), self.landing.refusal(place)

    def _url_job(self, found: Found, place: str) -> Job:
        """The service fetches it: the URL stands for its bytes, and nothing of it is known here."""
        params = self.spec.params
        return Job(
            input=found.path,
            source=UrlSource(found.path),
            key=Key(
                blake3(b"url\0" + os.fsencode(found.path)).digest(),
                self._key_params[False],
            ),
            params=params,
            place=place,
            pixels=None,
        )

    # --- what needs no request ---------------------------------------------------------------------

    async def _without_sending(self, job: Job) -> Outcome | None:
        """The outcome of an image that is done, bought under another name, or waits for a decision."""
        standing = await self.ledger.standing(job.key)
        match standing:
            case None | Standing(state=State.OPEN):
                return None
            case Standing(state=State.DONE):
                return await self._from_purchase(job)
            case _:
                return self._held(standing)

    async def _from_purchase(self, job: Job) -> Outcome | None:
        """Make the result from where it stands already; None when it stands nowhere any more."""
        places = await self.ledger.places_of(job.key)
        standing = [place for place, size in places if self.landing.size(place) == size]
        if not standing:
            return None
        if job.place in standing:
            return Skipped(SkipReason.DONE)
        size = await self.landing.link(standing[0], job.place)
        await self.ledger.placed(job.input, job.place, Placed(job.key, size))
        return Duplicate(of=self.landing.path(standing[0]))

    def _held(self, standing: Standing) -> Outcome | None:
        if self.spec.free or standing.free or self.spec.doubt is DoubtPolicy.RESEND:
            return None
        message = (
            f"sent at {standing.sent_at} and never answered in full: {standing.message or 'interrupted'}"
        )
        problem = Problem(
            standing.state.value, message, f"decide with: pixian-batch resolve {self.landing.out}"
        )
        if standing.state is State.LOST and standing.headers is not None:
            return Lost(problem, standing.headers, None, standing.kept, standing.at_most, earlier=True)
        return InDoubt(problem, standing.at_most, earlier=True)

    # --- buying ------------------------------------------------------------------------------------

    async def _buy(self, job: Job, turn: Turn) -> tuple[Pursuit, Outcome]:
        async with turn as worker:
            await self.preflight.once()
            if self.spec.via_delta and not job.rebuild:
                self.say(_not_by_delta(job, self.spec.params.max_pixels))
            pursuit = await worker.pursue(lambda: self._send(job))
        return pursuit, await self._outcome(job, pursuit)

    async def _send(self, job: Job) -> Reply | None:
        """One attempt, within the budget and the disk's room; None when it may not be made."""
        at_most = await self.spending.at_most(job)
        if isinstance(at_most, NoPrice):
            no = at_most
            return Reply(0, no.verdict, 0.0, no.http_status, problem=no.problem, retry_after=no.retry_after)
        if not await self.spending.reserve(at_most):
            return None
        reply: Reply | None = None
        room = 0
        try:
            room = self.landing.claim_room(job.pixels)
            reply = await self.attempt(job, at_most)
        finally:
            size = reply.body.size if reply is not None and reply.body is not None else None
            self.landing.free_room(room, pixels=job.pixels, size=size)
            self.spending.settle(at_most, reply, job.pixels)
        return reply

    async def _outcome(self, job: Job, pursuit: Pursuit) -> Outcome:
        reply = pursuit.reply
        if reply is None:
            return NotStarted()
        match pursuit.ended:
            case Land():
                return await self._land(job, reply)
            case Fail():
                return Failed(_problem(reply), reply.http_status)
            case Hold() if self.spec.free:
                return Failed(_problem(reply), reply.http_status)  # tried often enough; nobody has to decide
            case Hold():
                return _doubtful(reply)
            case Halt() | None:
                doubtful = reply.verdict in {Verdict.IN_DOUBT, Verdict.LOST} and not self.spec.free
                return _doubtful(reply) if doubtful else NotStarted()
            case other:
                assert_never(other)

    async def _land(self, job: Job, reply: Reply) -> Outcome:
        assert reply.body is not None  # noqa: S101  # delivered
        assert reply.headers is not None  # noqa: S101  # delivered
        received = Received(
            reply.attempt,
            reply.ended(),
            job.key,
            job.input,
            job.place,
            reply.body.path,
            job.rebuild,
            reply.headers.input_orientation,
        )
        try:
            await self.finisher.finish(received)
        except (DiskError, LedgerError) as error:
            self.stop.raise_(Stop(Exit.DISK, str(error), DISK_HINT))
            # The rename may have been done, and only the note of it failed.
            spooled = await asyncio.to_thread(os.path.exists, reply.body.path)
            kept = reply.body.path if spooled else self.landing.path(job.place)
            problem = Problem(
                "disk", f"paid for and kept at {kept}: {error}", "the next run finishes it for free"
            )
            return Lost(problem, reply.headers, reply.http_status, kept, None)
        except RebuildError as error:
            await self.ledger.lost(reply.attempt)
            problem = Problem("delta", str(error), "see pixian-batch decode --help")
            return Lost(problem, reply.headers, reply.http_status, reply.body.path, None)
        return Done(reply.headers, reply.http_status)

    async def _remember_failure(self, found: Found, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            try:
                await self.ledger.failed(found.path, outcome.problem)
            except LedgerError as error:
                self.stop.raise_(Stop(Exit.DISK, str(error), DISK_HINT))


def _source(path: str, seen: Fingerprint) -> Source:
    """A small photo as it was read; a large one is read again while it is sent, and must still be the same."""
    if seen.content is not None:
        return BytesSource(seen.content, seen.probe.kind)
    return FileSource(path, seen.probe.kind, (seen.stamp.size, seen.stamp.mtime_ns))


def _refused(refusal: str) -> Outcome:
    return Failed(Problem("output", refusal, "move it away, or rename the input"))


def _not_by_delta(job: Job, max_pixels: int) -> Message:
    """A delta has the original's size and needs the original: said before anything is sent for this image."""
    why = (
        "the original of a URL is not here"
        if job.pixels is None
        else f"its {job.pixels:,} pixels are more than --max-pixels {max_pixels:,}, so it will be shrunk"
    )
    return Message(Level.INFO, f"{job.input}: asked for as PNG, not by way of a Delta PNG: {why}")


def _problem(reply: Reply) -> Problem:
    return reply.problem or Problem(None, f"HTTP {reply.http_status}", "")


def _doubtful(reply: Reply) -> Outcome:
    """What is told of an image that may have been charged and has no result."""
    if reply.headers is None:
        return InDoubt(_problem(reply), reply.at_most)
    return Lost(_problem(reply), reply.headers, reply.http_status, reply.kept, reply.at_most)
