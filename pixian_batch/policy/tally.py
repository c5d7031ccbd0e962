"""The fold of all endings: what a run has done and what it has cost. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from pixian_batch.policy.outcome import (
    Done,
    Duplicate,
    Ending,
    Failed,
    InDoubt,
    Kept,
    Lost,
    NotStarted,
    Skipped,
    SkipReason,
)

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of images and sums of credits of this run. `tally.plus(ending)` for every ending."""

    done: int = 0
    skipped: int = 0
    exists: int = 0
    """Of `skipped`: files that stood there already and are left alone."""
    bought: int = 0
    """Of `exists`: bought results, whose place a free one never takes."""
    trusted: int = 0
    """Of `skipped`: done by the ledger's word, their files gone."""
    duplicates: int = 0
    failed: int = 0
    in_doubt: int = 0
    lost: int = 0
    kept: int = 0
    """Results that are here and not at their places: the next run finishes them for free."""
    not_started: int = 0
    repaired: int = 0
    """Of `done`: finished for free from an interrupted run's bytes."""
    replaced: int = 0
    """Of `done` and `duplicates`: in the place of results that were bought with other parameters, and are kept."""
    attempts: int = 0
    warnings: int = 0
    credits_charged: Decimal = ZERO
    credits_calculated: Decimal = ZERO
    credits_unknown: int = 0
    """Results whose charge the service did not say, or that could not be kept."""
    credits_in_doubt: Decimal = ZERO
    """The most that these and images in doubt, of this run or an earlier one, can have cost, as far as known."""
    doubts_unpriced: int = 0
    """Images in doubt of which nobody knows what they can have cost."""

    @property
    def ended(self) -> int:
        """Images whose way has ended in this run, skipped ones included."""
        return self.done + self.kept + self.skipped + self.duplicates + self.failed + self.undecided

    @property
    def undecided(self) -> int:
        """Images that wait for a decision."""
        return self.in_doubt + self.lost

    def plus(self, ending: Ending) -> Tally:
        """This tally and one more ending."""
        tally = replace(self, attempts=self.attempts + ending.attempts)
        match ending.outcome:
            case Done() as done:
                return _plus_done(tally, done)
            case Kept(earlier=True):
                return replace(tally, kept=tally.kept + 1)
            case Kept(headers=headers, at_most=at_most):
                return _plus_paid(replace(tally, kept=tally.kept + 1), headers.credits_charged, at_most)
            case InDoubt(at_most=at_most):
                return replace(
                    tally,
                    in_doubt=tally.in_doubt + 1,
                    credits_in_doubt=tally.credits_in_doubt + (at_most or ZERO),
                    doubts_unpriced=tally.doubts_unpriced + (at_most is None),
                )
            case Lost() as lost:
                return _plus_lost(tally, lost)
            case Skipped(reason):
                return tally.plus_skipped(1, reason)
            case Duplicate(replaced=replaced):
                return replace(tally, duplicates=tally.duplicates + 1, replaced=tally.replaced + replaced)
            case Failed():
                return replace(tally, failed=tally.failed + 1)
            case NotStarted():
                return replace(tally, not_started=tally.not_started + 1)
            case other:
                assert_never(other)

    def plus_skipped(self, count: int, reason: SkipReason = SkipReason.DONE) -> Tally:
        """This tally and `count` images that need no work."""
        left_alone = reason in {SkipReason.EXISTS, SkipReason.BOUGHT}
        return replace(
            self,
            skipped=self.skipped + count,
            exists=self.exists + (count if left_alone else 0),
            bought=self.bought + (count if reason is SkipReason.BOUGHT else 0),
            trusted=self.trusted + (count if reason is SkipReason.TRUSTED else 0),
        )


def _plus_done(tally: Tally, done: Done) -> Tally:
    tally = replace(
        tally,
        done=tally.done + 1,
        repaired=tally.repaired + done.repaired,
        replaced=tally.replaced + done.replaced,
        warnings=tally.warnings + bool(done.headers.warnings),
        credits_calculated=tally.credits_calculated + (done.headers.credits_calculated or ZERO),
    )
    # What a repaired result is known to have cost was counted in the run that was interrupted.
    charged = done.headers.credits_charged
    return _plus_paid(tally, ZERO if done.repaired and charged is not None else charged, done.at_most)


def _plus_paid(tally: Tally, charged: Decimal | None, at_most: Decimal | None) -> Tally:
    """A result that was charged `charged`; where nobody knows, `at_most`."""
    if charged is not None:
        return replace(tally, credits_charged=tally.credits_charged + charged)
    return replace(
        tally,
        credits_unknown=tally.credits_unknown + 1,
        credits_in_doubt=tally.credits_in_doubt + (at_most or ZERO),
    )


def _plus_lost(tally: Tally, lost: Lost) -> Tally:
    charged = None if lost.earlier else lost.headers.credits_charged
    unsaid = lost.headers.credits_charged is None
    return replace(
        tally,
        lost=tally.lost + 1,
        credits_charged=tally.credits_charged + (charged or ZERO),
        credits_in_doubt=tally.credits_in_doubt + ((lost.at_most or ZERO) if unsaid else ZERO),
        doubts_unpriced=tally.doubts_unpriced + (unsaid and lost.at_most is None),
    )
