"""What moves through the pipeline: an input that was found, the job it becomes, an attempt's reply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pixian_batch.contract.params import OutputFormat, Params, canonical
from pixian_batch.policy.naming import output_names, output_place
from pixian_batch.policy.record import Ended, is_free, key_params
from pixian_batch.policy.retry import DoubtPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pixian_batch.adapters.landing import Body
    from pixian_batch.adapters.wire.source import Source
    from pixian_batch.contract.headers import ResultHeaders
    from pixian_batch.policy.outcome import Problem
    from pixian_batch.policy.record import Key
    from pixian_batch.policy.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Spec:
    """What the user asked for, the same for every image of a run.

    service: part of the ledger's key when results are not the service's own (`local`), else "".
    free: no request can cost money. via_delta: buy Delta PNG and rebuild the full PNG.
    """

    params: Params
    via_delta: bool = False
    service: str = ""
    free: bool = False
    overwrite: bool = False
    doubt: DoubtPolicy = DoubtPolicy.HOLD

    def request(self, *, rebuild: bool) -> Params:
        """The parameters to send: those asked for, or the same as a delta."""
        return replace(self.params, output_format=OutputFormat.DELTA_PNG) if rebuild else self.params

    def result_place(self, place: str) -> str:
        """Where the result of the input at `place` goes."""
        return output_place(place, self.params.result_format)

    def result_names(self, names: Sequence[str]) -> list[str]:
        """The same for many inputs of one folder: the results' names in theirs."""
        return output_names(names, self.params.result_format)

    def spares(self, params: str) -> bool:
        """Whether a result with such key params may not be replaced.

        A free run never replaces what was paid for: it would have to be bought again.
        """
        return self.free and not is_free(params)

    def all_key_params(self) -> list[str]:
        """The parameters of every key that this order may lead to."""
        rebuilt = (False, True) if self.via_delta else (False,)
        return [self.key_params(rebuild=rebuild) for rebuild in rebuilt]

    def key_params(self, *, rebuild: bool) -> str:
        """The ledger's half of the key that is not the bytes: all that changes the result."""
        params = canonical(self.request(rebuild=rebuild))
        return key_params(params, via_delta=rebuild, service=self.service)


@dataclass(frozen=True, slots=True)
class Found:
    """An input that may need work. path: as the user would write it, `absolute` the same for the cache.

    known: (size, mtime_ns, digest) of when it was last read.
    """

    path: str
    place: str
    absolute: str = ""
    is_url: bool = False
    known: tuple[int, int, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One image to buy. place: where its result goes; rebuild: its result is a delta to be rebuilt."""

    input: str
    source: Source
    key: Key
    params: Params
    place: str
    pixels: int | None
    rebuild: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One attempt that has ended. body: the spooled result of a delivered one; at_most: what a doubt can cost.

    problem: what went wrong, None for a delivered result. elsewhere: where bytes are kept that the ledger
    would not find by itself.
    """

    attempt: int
    verdict: Verdict
    seconds: float
    http_status: int | None = None
    headers: ResultHeaders | None = None
    body: Body | None = None
    problem: Problem | None = None
    retry_after: float | None = None
    kept: str | None = None
    at_most: Decimal | None = None
    elsewhere: str | None = None

    def ended(self) -> Ended:
        """How the attempt ended, for the ledger."""
        return Ended(
            self.verdict,
            self.http_status,
            self.problem.code if self.problem else None,
            self.problem.message if self.problem else "",
            self.body.size if self.body else None,
            self.seconds,
            self.elsewhere,
        )
