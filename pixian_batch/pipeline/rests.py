"""Why workers rest: the one list that all of them note their rests in. Decides nothing; asks nobody for the time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.progress import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.policy.verdict import Verdict

_LULL: Final = 30.0
"""Seconds without a rest after which the next one is another spell."""


@dataclass(slots=True)
class _Spell:
    """Rests for one reason, one after the other. due: when those who rest send again."""

    since: float
    latest: float
    status: int | None = None
    times: int = 0
    due: Counter[float] = field(default_factory=Counter)

    def goes_on(self, now: float) -> bool:
        return bool(self.due) or now - self.latest <= _LULL


@dataclass(slots=True)
class Rests:
    """Times are the event loop's. on_change: told why somebody began to rest, or ended it, and how many rest now."""

    on_change: Callable[[Verdict, int], None] = lambda _why, _resting: None
    _spells: dict[Verdict, _Spell] = field(default_factory=dict)

    def begin(self, why: Verdict, status: int | None, *, now: float, due: float) -> None:
        """A worker rests until `due`, since its request was answered so."""
        spell = self._spells.get(why)
        if spell is None or not spell.goes_on(now):
            spell = self._spells[why] = _Spell(now, now)
        spell.status = status if status is not None else spell.status
        spell.times += 1
        spell.due[due] += 1
        self.on_change(why, self.resting)

    def end(self, why: Verdict, *, now: float, due: float) -> None:
        """It does not rest any more."""
        spell = self._spells[why]
        spell.latest = now
        spell.due[due] -= 1
        spell.due += Counter()  # drops what is zero
        self.on_change(why, self.resting)

    @property
    def resting(self) -> int:
        """Workers that rest now."""
        return sum(spell.due.total() for spell in self._spells.values())

    def slow_since(self, now: float) -> float | None:
        """Since when workers are held back; None when nobody is, nor was a moment ago."""
        return min((spell.since for spell in self._spells.values() if spell.goes_on(now)), default=None)

    def backoffs(self, now: float) -> tuple[Backoff, ...]:
        """Why workers rest now, for each reason."""
        return tuple(
            Backoff(
                why=why,
                status=spell.status,
                workers=spell.due.total(),
                times=spell.times,
                seconds=now - spell.since,
                next_in=max(0.0, min(spell.due) - now),
            )
            for why, spell in self._spells.items()
            if spell.due
        )
