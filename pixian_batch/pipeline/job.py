"""What moves through the pipeline: an input that was found, and the job it becomes.

Proved by tests/money/test_dedupe.py.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from blake3 import blake3

from pixian_batch.policy.naming import master_place

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.adapters.wire.source import Source
    from pixian_batch.contract.params import Params
    from pixian_batch.imaging.foreign import ForeignHeader
    from pixian_batch.policy.record import Key, Stands
    from pixian_batch.policy.reply import Reply


@dataclass(frozen=True, slots=True)
class Found:
    """An input that may need work. path: as the user would write it, `absolute` the same for the cache.

    place: where its result goes. known: (size, mtime_ns, digest) of when it was last read. stands: what the ledger
    says of its place; there: whether that is there, with its size.
    """

    path: str
    place: str
    absolute: str = ""
    is_url: bool = False
    known: tuple[int, int, bytes] | None = None
    stands: Stands | None = None
    there: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One image to buy. place: where its result goes; rebuild: its result is a delta to be rebuilt; no_delta: why
    it is not, where that was asked for. conversion: what the header of the photo says of which another kind is made
    before it is sent: until then `source` is the photo itself.

    drawn: the key of its result, where that is drawn from the full picture that is bought. at_most: credits that it can cost, as the spending layer found them; None where nothing is known.
    """

    input: str
    source: Source
    key: Key
    params: Params
    place: str
    pixels: int | None
    rebuild: bool = False
    no_delta: str = ""
    conversion: ForeignHeader | None = None
    drawn: Key | None = None
    at_most: Decimal | None = None

    @property
    def result_key(self) -> Key:
        """Of what stands at `place` in the end: of what is bought, or of what is drawn from that."""
        return self.key if self.drawn is None else self.drawn


Send: TypeAlias = Callable[[Job], Awaitable["Reply | None"]]
"""Makes one attempt at a job; None when it may not be made, because the run stops. Every layer of sending is one."""


def master_of(job: Job) -> Job:
    """What is bought: the full picture at its own place where the result is drawn from it, else the job itself."""
    if job.drawn is None:
        return job
    return replace(job, place=master_place(job.place, job.key.digest, job.key.params))


def url_digest(url: str) -> bytes:
    """What stands for the bytes of a URL, which only the service sees."""
    return blake3(b"url\0" + os.fsencode(url)).digest()
