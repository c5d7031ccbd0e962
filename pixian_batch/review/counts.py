"""What all checked files come to: counts by status and by rule. Its memory does not grow with their number. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixian_batch.review.compliance import Compliance, Severity

if TYPE_CHECKING:
    from pixian_batch.review.compliance import Checked


@dataclass(slots=True)
class CheckCounts:
    """Counts of one profile. rules: broken, by severity and name; untold: rules that could not be judged, by name."""

    statuses: Counter[Compliance] = field(default_factory=Counter)
    rules: Counter[tuple[Severity, str]] = field(default_factory=Counter)
    demanded: dict[tuple[Severity, str], str] = field(default_factory=dict)
    untold: Counter[str] = field(default_factory=Counter)
    judged: int = 0
    """Rules that were judged, over all files."""

    def add(self, checked: Checked) -> None:
        """One file more."""
        self.statuses[checked.status] += 1
        for judgement in checked.judgements:
            key = judgement.severity, judgement.rule
            if judgement.keeps is None:
                self.untold[judgement.rule] += 1
                continue
            self.judged += 1
            self.demanded[key] = judgement.demanded
            self.rules[key] += not judgement.keeps

    @property
    def files(self) -> int:
        """All files."""
        return self.statuses.total()

    def failing(self, *, strict: bool) -> int:
        """Files that do not comply."""
        advised = self.statuses[Compliance.ADVISED] if strict else 0
        return self.statuses[Compliance.BREAKS] + self.statuses[Compliance.UNREADABLE] + advised
