"""What moves through the pipeline: an input that was found, and the job it becomes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.adapters.wire.source import Source
    from pixian_batch.contract.params import Params
    from pixian_batch.policy.record import Key, Stands
    from pixian_batch.policy.reply import Reply


@dataclass(frozen=True, slots=True)
class Found:
    """An input that may need work. path: as the user would write it, `absolute` the same for the cache.

    known: (size, mtime_ns, digest) of when it was last read. stands: what the ledger says of its result's place;
    there: whether that is there, with its size.
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
    it is not, where that was asked for.

    at_most: credits that it can cost, as the spending layer found them; None where nothing is known.
    """

    input: str
    source: Source
    key: Key
    params: Params
    place: str
    pixels: int | None
    rebuild: bool = False
    no_delta: str = ""
    at_most: Decimal | None = None


Send: TypeAlias = Callable[[Job], Awaitable["Reply | None"]]
"""Makes one attempt at a job; None when it may not be made, because the run stops. Every layer of sending is one."""
