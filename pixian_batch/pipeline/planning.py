"""What a run would do and cost: the run's own discovery, then headers only. Nothing is sent or written.

Bytes are read of those files only that share their size with another one: only they can be duplicates.

Proved by tests/cli/test_plan.py.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixian_batch.adapters.reading import ReadingError, probe_file, read_fingerprint
from pixian_batch.adapters.wire.exchange import ask_price
from pixian_batch.adapters.wire.trace import WireError
from pixian_batch.contract.params import MAX_INPUT_PIXELS
from pixian_batch.pipeline.converting import sample
from pixian_batch.pipeline.discovery import Discovery
from pixian_batch.pipeline.originals import Originals
from pixian_batch.pipeline.stop_sign import StopSign
from pixian_batch.pipeline.stream import Stream
from pixian_batch.policy.forecast import Fate, FolderPlan
from pixian_batch.policy.left_out import LeftOut
from pixian_batch.policy.outcome import Ending, Failed, Skipped
from pixian_batch.policy.record import Key

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.adapters.landing import Landing
    from pixian_batch.adapters.ledger.reader import LedgerReader
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.job import Found
    from pixian_batch.pipeline.spec import Spec

_SAMPLES = 64


@dataclass(slots=True)
class Planner:
    """Folds every input into `folders` (by the folder as the user would write it)."""

    spec: Spec
    ledger: LedgerReader
    landing: Landing
    inputs: Inputs
    folders: dict[str, FolderPlan] = field(default_factory=lambda: defaultdict(FolderPlan))
    problems: list[Ending] = field(default_factory=list)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Why photos can be no inputs, and what to do about it."""
    samples: dict[int, str] = field(default_factory=dict)
    """Some new images by their pixels, for calibrating."""
    _same_size: dict[int, str | None] = field(default_factory=dict)
    left_out: LeftOut = field(default_factory=LeftOut)
    """What the walk has passed by."""
    _digests: set[bytes] = field(default_factory=set)

    async def plan(self) -> None:
        """Go through all inputs. Raises `LedgerError`, and OSError when a list of them cannot be read."""
        stream: Stream[Found] = Stream()
        inputs, out = self.inputs, self.landing.out
        discovery = Discovery(
            spec=self.spec,
            ledger=self.ledger,
            landing=self.landing,
            stop=StopSign(),
            listener=self,
            originals=Originals(inputs, out),
        )
        walk = inputs.walk(out=out, result_names=self.spec.result_names, left_out=self.left_out)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(discovery.feed(walk, stream, several=inputs.several))
                while (found := await stream.take()) is not None:
                    await self._add(found)
        except ExceptionGroup as errors:  # callers know the ledger's and the list's errors by their own names
            raise errors.exceptions[0] from errors

    @property
    def total(self) -> FolderPlan:
        """All folders as one."""
        total = FolderPlan()
        for folder in self.folders.values():
            total.merge(folder)
        return total

    def _folder(self, path: str) -> FolderPlan:
        return self.folders[os.path.dirname(path) or os.curdir]

    def skipped(self, done: list[tuple[str, str]]) -> None:
        """Images that are done already: (input path, place of the result)."""
        for path, _place in done:
            self._folder(path).add(Fate.DONE)

    def ended(self, ending: Ending) -> None:
        """An image that the discovery let through to nobody."""
        match ending.outcome:
            case Skipped():
                fate = Fate.EXISTS
            case Failed(problem):
                fate = Fate.COLLISION if problem.code == "collision" else Fate.OTHER
                self.problems.append(ending)
            case _:
                fate = Fate.OTHER
        self._folder(ending.input).add(fate)

    async def _add(self, found: Found) -> None:
        if found.is_url:
            self.folders["URLs"].add(Fate.NEW)
            return
        try:
            size, pixels = await asyncio.to_thread(probe_file, found.path, convert=self.spec.convert)
            if pixels > MAX_INPUT_PIXELS:
                self._folder(found.path).add(Fate.TOO_LARGE)
                return
            duplicate = await self._is_duplicate(found, size)
        except ReadingError as error:
            self._folder(found.path).add(Fate.TOO_LARGE if error.code == "too_large" else Fate.UNREADABLE)
            self.refused[f"{error}", error.hint] += 1
            return
        self._folder(found.path).add(Fate.DUPLICATE if duplicate else Fate.NEW, pixels)
        if not duplicate and len(self.samples) < _SAMPLES:
            self.samples.setdefault(pixels, found.path)

    async def _is_duplicate(self, found: Found, size: int) -> bool:
        """Whether the same bytes were bought before, or come earlier in this plan."""
        first = self._same_size.setdefault(size, found.path)
        if first == found.path:
            if found.known is not None and found.known[0] == size:
                self._digests.add(found.known[2])
                return await self._is_bought(found.known[2])
            return False
        if first is not None:
            # The first of this size has not been hashed: now it has to be.
            self._same_size[size] = None
            self._digests.add(await self._digest(first))
        digest = await self._digest(found.path)
        if digest in self._digests:
            return True
        self._digests.add(digest)
        return await self._is_bought(digest)

    async def _digest(self, path: str) -> bytes:
        return (await asyncio.to_thread(read_fingerprint, path, convert=self.spec.convert)).digest

    async def _is_bought(self, digest: bytes) -> bool:
        keys = [Key(digest, params) for params in self.spec.all_key_params()]
        return any([await self.ledger.is_bought(key) for key in keys])


async def calibrate(
    planner: Planner, session: WireSession, number: int
) -> tuple[list[tuple[int, Decimal]], float | None]:
    """(pixels, credits) of some new images by free test requests, from the largest to the smallest; mean seconds of one.

    Raises `WireError` when none could be asked.
    """
    sizes = sorted(planner.samples, reverse=True)
    number = min(number, len(sizes))
    chosen = [sizes[index * (len(sizes) - 1) // max(1, number - 1)] for index in range(number)]
    prices: list[tuple[int, Decimal]] = []
    began = asyncio.get_running_loop().time()
    for pixels in chosen:
        path = planner.samples[pixels]
        source = await asyncio.to_thread(sample, path, convert=planner.spec.convert)
        reply = await ask_price(session, source, planner.spec.params)
        if reply.headers is None or reply.cause is not None:
            raise WireError(reply.problem.message if reply.problem else "") from reply.cause
        if reply.headers.credits_calculated is not None:
            prices.append((pixels, reply.headers.credits_calculated))
    seconds = asyncio.get_running_loop().time() - began
    return prices, seconds / len(chosen) if chosen else None
