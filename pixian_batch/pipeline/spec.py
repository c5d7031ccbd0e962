"""What was asked for, in groups, the same for every image of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pixian_batch.contract.params import OutputFormat, Params, canonical, full_picture
from pixian_batch.pipeline.describing import Keep
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.decision import Rules
from pixian_batch.policy.naming import output_names, output_place
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.record import CONVERSIONS, key_params
from pixian_batch.policy.retry import DoubtPolicy, RetryPolicy
from pixian_batch.policy.template import Naming

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Spec:
    """What the user asked for, the same for every image of a run.

    naming: how results are named. service: part of the ledger's key when results are not the service's own (`local`),
    else "". free: no request can cost money. via_delta: buy Delta PNG and rebuild the full PNG. convert: make a PNG or
    JPEG of photos that the service does not take. overwrite: files that the ledger did not make may be replaced;
    replace: results that were bought with other parameters. trust_ledger: what it knows as done is done, though the
    file is gone. again: what is done is bought once more. keep_master: the full picture is bought and kept, and what was
    asked for is drawn from it. require_cached: nothing is bought, and what would have to be fails.
    """

    params: Params
    via_delta: bool = False
    convert: bool = False
    service: str = ""
    free: bool = False
    overwrite: bool = False
    doubt: DoubtPolicy = DoubtPolicy.HOLD
    naming: Naming = field(default_factory=Naming)
    replace: bool = False
    trust_ledger: bool = False
    again: bool = False
    keep_master: bool = False
    require_cached: bool = False

    def rules(self) -> Rules:
        """What decides about each image."""
        return Rules(
            fits=frozenset(self.fitting_key_params()),
            masters=frozenset(self._master_key_params()),
            free=self.free,
            doubt=self.doubt,
            trust=self.trust_ledger,
            again=self.again,
        )

    @property
    def bought(self) -> Params:
        """What is bought: what is asked for, or the full picture from which that is drawn."""
        return full_picture(self.params) if self.draws else self.params

    @property
    def is_full(self) -> bool:
        """Whether what is asked for is the full picture itself."""
        return canonical(self.params) == canonical(full_picture(self.params))

    @property
    def draws(self) -> bool:
        """Whether results are drawn from a master. One that is the full picture itself needs no other."""
        return self.keep_master and not self.is_full

    def request(self, *, rebuild: bool) -> Params:
        """The parameters to send: what is bought, or the same as a delta."""
        return replace(self.bought, output_format=OutputFormat.DELTA_PNG) if rebuild else self.bought

    def result_place(self, place: str) -> str:
        """Where the result of the input at `place` goes, where the tree is mirrored."""
        return output_place(place, self.params.result_format)

    @property
    def result_names(self) -> Callable[[Sequence[str]], list[str]] | None:
        """The same for many inputs of one folder: the results' names in theirs. None where they are named otherwise."""
        return self._result_names if self.naming.is_mirrored else None

    def _result_names(self, names: Sequence[str]) -> list[str]:
        return output_names(names, self.params.result_format)

    def all_key_params(self) -> list[str]:
        """The parameters of every key under which this order may buy, or has bought when it said `--convert`."""
        rebuilt = (False, True) if self.via_delta else (False,)
        sent_as_they_are = [self.key_params(rebuild=rebuild) for rebuild in rebuilt]
        return sent_as_they_are + [
            self.key_params(rebuild=False, conversion=conversion) for conversion in CONVERSIONS
        ]

    def fitting_key_params(self) -> list[str]:
        """The parameters of every key whose results are what was asked for, whether they were bought so or drawn."""
        conversions = () if self.is_full else (None, *CONVERSIONS)
        drawn = [self._drawn_key_params(conversion) for conversion in conversions]
        # A delta is always of the full picture: what is drawn from it is another result.
        as_bought = replace(self, keep_master=False, via_delta=self.via_delta and not self.draws)
        return as_bought.all_key_params() + drawn

    def _master_key_params(self) -> list[str]:
        """Those of every full picture from which it can be drawn; empty when nothing is drawn."""
        return replace(self, via_delta=True).all_key_params() if self.draws else []

    def key_params(self, *, rebuild: bool, conversion: str | None = None) -> str:
        """The ledger's half of the key that is not the bytes: all that changes what is bought."""
        params = canonical(self.request(rebuild=rebuild))
        return key_params(params, via_delta=rebuild, service=self.service, conversion=conversion)

    def result_key_params(self, *, rebuild: bool = False, conversion: str | None = None) -> str:
        """The same of the result at its place: what was bought, or what is drawn from it."""
        if self.draws:
            return self._drawn_key_params(conversion)
        return self.key_params(rebuild=rebuild, conversion=conversion)

    def _drawn_key_params(self, conversion: str | None) -> str:
        return key_params(canonical(self.params), service=self.service, conversion=conversion, drawn=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast, how patiently, and how long. max_duration: seconds, None for ever."""

    ramp: Ramp = field(default_factory=Ramp)
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    breaker: Breaker = field(default_factory=Breaker)
    max_duration: float | None = None


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where results and the ledger go. min_free: bytes of disk that are left alone; keeping: what results keep of photos."""

    out: str
    ledger: str
    min_free: int = 100_000_000
    keeping: Keep = field(default_factory=Keep)
