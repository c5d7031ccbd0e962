"""Whether an image complies with a profile: each of its rules judged, with the measured and the demanded number. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pixian_batch.review.facts import ImageFacts, UnreadableFile
from pixian_batch.review.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.contract.params import Color
    from pixian_batch.review.profiles import Profile


class Severity(StrEnum):
    """How much a rule counts."""

    ERROR = "error"
    """Demanded: who breaks it does not comply."""
    WARNING = "warning"
    """Advised."""


class Compliance(StrEnum):
    """How an image stands to a profile."""

    COMPLIES = "complies"
    ADVISED = "advised"
    """It complies, and something is advised."""
    BREAKS = "breaks"
    """It does not comply."""
    UNREADABLE = "unreadable"
    """Nothing could be measured, so it does not comply either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One rule, judged. keeps: None where it cannot be told; at: where in the picture, x and y; value: for programs."""

    rule: str
    severity: Severity
    keeps: bool | None
    measured: str
    demanded: str
    advice: str
    value: float | str | bool | None = None
    at: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """One file against one profile."""

    path: str
    profile: str
    facts: ImageFacts | UnreadableFile
    judgements: tuple[Judgement, ...] = ()

    def broken(self) -> Iterator[Judgement]:
        """What it breaks, errors first."""
        for severity in Severity:
            yield from (item for item in self.judgements if item.keeps is False and item.severity is severity)

    @property
    def status(self) -> Compliance:
        """The worst of it."""
        if isinstance(self.facts, UnreadableFile):
            return Compliance.UNREADABLE
        worst = next(self.broken(), None)
        if worst is None:
            return Compliance.COMPLIES
        return Compliance.BREAKS if worst.severity is Severity.ERROR else Compliance.ADVISED

    def complies(self, *, strict: bool = False) -> bool:
        """Whether it may be uploaded. strict: what is advised counts, too."""
        return self.status is Compliance.COMPLIES or (self.status is Compliance.ADVISED and not strict)


def judge(path: str, facts: ImageFacts | UnreadableFile, profile: Profile) -> Checked:
    """Judge a file by all rules of a profile."""
    if isinstance(facts, UnreadableFile):
        return Checked(path, profile.name, facts)
    levels = ((Severity.ERROR, profile.errors), (Severity.WARNING, profile.warnings))
    judgements = tuple(
        _judgement(name, value, severity, facts, ground=profile.background, recipe=profile.recipe)
        for severity, rules in levels
        for name, value in rules
    )
    return Checked(path, profile.name, facts, judgements)


def _judgement(
    name: str,
    value: object,
    severity: Severity,
    facts: ImageFacts,
    *,
    ground: Color | None,
    recipe: str | None,
) -> Judgement:
    rule = RULES[name]
    seen = rule.judge(value, facts, ground)
    return Judgement(
        rule=name,
        severity=severity,
        keeps=seen.keeps,
        measured=seen.measured,
        demanded=rule.demanded(value),
        advice="" if seen.keeps else (seen.advice or rule.advice).text(recipe),
        value=seen.value,
        at=seen.at,
    )
