"""What was asked for, in groups, the same for every image of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pixian_batch.contract.params import OutputFormat, Params, canonical
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.decision import Rules
from pixian_batch.policy.naming import output_names, output_place
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.record import key_params
from pixian_batch.policy.retry import DoubtPolicy, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Spec:
    """What the user asked for, the same for every image of a run.

    service: part of the ledger's key when results are not the service's own (`local`), else "".
    free: no request can cost money. via_delta: buy Delta PNG and rebuild the full PNG. overwrite: files that the
    ledger did not make may be replaced; replace: results that were bought with other parameters. trust_ledger: what
    it knows as done is done, though the file is gone. again: what is done is bought once more.
    """

    params: Params
    via_delta: bool = False
    service: str = ""
    free: bool = False
    overwrite: bool = False
    doubt: DoubtPolicy = DoubtPolicy.HOLD
    replace: bool = False
    trust_ledger: bool = False
    again: bool = False

    def rules(self) -> Rules:
        """What decides about each image."""
        return Rules(
            fits=frozenset(self.all_key_params()),
            free=self.free,
            doubt=self.doubt,
            trust=self.trust_ledger,
            again=self.again,
        )

    def request(self, *, rebuild: bool) -> Params:
        """The parameters to send: those asked for, or the same as a delta."""
        return replace(self.params, output_format=OutputFormat.DELTA_PNG) if rebuild else self.params

    def result_place(self, place: str) -> str:
        """Where the result of the input at `place` goes."""
        return output_place(place, self.params.result_format)

    def result_names(self, names: Sequence[str]) -> list[str]:
        """The same for many inputs of one folder: the results' names in theirs."""
        return output_names(names, self.params.result_format)

    def all_key_params(self) -> list[str]:
        """The parameters of every key that this order may lead to."""
        rebuilt = (False, True) if self.via_delta else (False,)
        return [self.key_params(rebuild=rebuild) for rebuild in rebuilt]

    def key_params(self, *, rebuild: bool) -> str:
        """The ledger's half of the key that is not the bytes: all that changes the result."""
        params = canonical(self.request(rebuild=rebuild))
        return key_params(params, via_delta=rebuild, service=self.service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast, and how patiently."""

    ramp: Ramp = field(default_factory=Ramp)
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where results and the ledger go. min_free: bytes of disk that are left alone."""

    out: str
    ledger: str
    min_free: int = 100_000_000
