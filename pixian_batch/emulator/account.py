"""The account that pays: its pack, its balance, and what an image costs it. Pure state, no I/O."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pixian_batch.emulator import refusals
from pixian_batch.emulator.settings import PackState

if TYPE_CHECKING:
    from pixian_batch.emulator.settings import EmulatorSettings

_ZERO = Decimal(0)
_PLENTY = 1_000_000
"""What `GET /account` says when credits never run out: the field is a number."""


class CreditAccount:
    """Keeps the balance. Test requests and free emulators need neither a pack nor credits."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self._settings = settings
        self.balance = settings.credits

    def check(self, *, test: bool) -> None:
        """Refuse (402) what this account may not ask for; an early look, before any work is done."""
        if test or self._settings.free:
            return
        if self._settings.pack_state is PackState.NONE:
            raise refusals.no_pack()
        if self._settings.pack_state is PackState.DORMANT:
            raise refusals.dormant_pack()
        if self.balance is not None and self.balance <= 0:
            raise refusals.out_of_credits()

    def price(self, pixels: int) -> Decimal:
        """Credits for an image of `pixels` pixels after `max_pixels`; 0 when all is free."""
        return _ZERO if self._settings.free else self._settings.price.of(pixels)

    def pay(self, amount: Decimal) -> None:
        """Take `amount` from the balance; raises `Refusal` (402) and takes nothing when it is not there."""
        if self.balance is None:
            return
        if amount > self.balance:
            raise refusals.out_of_credits()
        self.balance -= amount

    def as_json(self) -> dict[str, Any]:
        """The answer of `GET /account`."""
        active = self._settings.pack_state is PackState.ACTIVE
        left = _PLENTY if self.balance is None else float(self.balance)
        return {
            "creditPack": "" if self._settings.pack_state is PackState.NONE else self._settings.pack,
            "state": "active" if active else "dormant",
            "useBefore": self._settings.use_before,
            "credits": left if active else 0,
        }
