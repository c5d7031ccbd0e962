"""What a fall of the account's balance proves about attempts in doubt. Pure."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Finding(Enum):
    """The most that can be said, if nothing else used the account meanwhile."""

    NONE_CHARGED = auto()
    SOME_CHARGED = auto()
    ALL_CHARGED = auto()
    UNEXPLAINED = auto()


def reconciled(
    before: Decimal, now: Decimal, charged: Decimal, doubts: Sequence[Decimal | None], *, unknown: int = 0
) -> tuple[Finding, Decimal]:
    """The finding, and the credits that known charges do not explain.

    doubts: the most that each attempt in doubt can have cost; None where nothing is known. unknown: results whose
    charge nobody knows, which may explain the rest as well as the doubts.
    """
    unexplained = before - now - charged
    if unexplained == 0:
        return Finding.NONE_CHARGED, unexplained
    known = [at_most for at_most in doubts if at_most is not None]
    if unknown or unexplained < 0 or (len(known) == len(doubts) and unexplained > sum(known, Decimal(0))):
        return Finding.UNEXPLAINED, unexplained
    if len(known) == len(doubts) and unexplained == sum(known, Decimal(0)):
        return Finding.ALL_CHARGED, unexplained
    return Finding.SOME_CHARGED, unexplained
