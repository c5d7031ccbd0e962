"""The account that pays: its pack, its balance, and what an image costs it. Pure state, no I/O."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pixian_batch.emulator import refusals
from pixian_batch.emulator.settings import PackState

if TYPE_CHECKING:
    from pixian_batch.emulator.bill import Bill
    from pixian_batch.emulator.settings import EmulatorSettings

_ZERO = Decimal(0)


class CreditAccount:
    """What the account began with, less what is on the bill: the two can never differ.

    Test requests and free emulators need neither a pack nor credits. start: credits before anything was charged.
    """

    def __init__(self, settings: EmulatorSettings, bill: Bill) -> None:
        self._settings = settings
        self._bill = bill
        self.start = settings.credits

    @property
    def balance(self) -> Decimal:
        """What is left. A bill that goes on from its file goes on here, too; a new bill begins with all of it."""
        return self.start - self._bill.totals.charged

    def check(self, *, test: bool) -> None:
        """Refuse (402) what this account may not ask for; an early look, before any work is done."""
        if test or self._settings.free:
            return
        if self._settings.pack_state is PackState.NONE:
            raise refusals.no_pack()
        if self._settings.pack_state is PackState.DORMANT:
            raise refusals.dormant_pack()
        if self.balance <= 0:
            raise refusals.out_of_credits()

    def price(self, pixels: int) -> Decimal:
        """Credits for an image of `pixels` pixels after `max_pixels`; 0 when all is free."""
        return _ZERO if self._settings.free else self._settings.price.of(pixels)

    def check_price(self, amount: Decimal) -> None:
        """Refuse (402) what is more than what is left. Whoever passes is booked on the bill at once."""
        if amount > self.balance:
            raise refusals.out_of_credits()

    def as_json(self) -> dict[str, Any]:
        """The answer of `GET /account`."""
        active = self._settings.pack_state is PackState.ACTIVE
        return {
            "creditPack": "" if self._settings.pack_state is PackState.NONE else self._settings.pack,
            "state": "active" if active else "dormant",
            "useBefore": self._settings.use_before,
            "credits": float(self.balance) if active else 0,
        }
