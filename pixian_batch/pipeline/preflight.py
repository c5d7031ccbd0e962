"""Before the first credit: are the credentials good, and what do the ledger and the account say?

A free request without an image tells the first; a run that has nothing to send asks nothing. The account
is asked for `reconcile` only: a service that does not say is no trouble.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.adapters.wire.trace import Trace, WireError
from pixian_batch.contract.account import Account, CredentialCheck, read_probe
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.pipeline.spending import Spending
    from pixian_batch.pipeline.stop_sign import StopSign


@dataclass(slots=True, kw_only=True)
class Preflight:
    """`once` before every image: only the first one asks, and all wait for its answer."""

    session: WireSession
    ledger: Ledger
    spending: Spending
    stop: StopSign
    needed: bool
    _asked: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def once(self) -> None:
        """Raise the stop sign when the credentials are not good. A service that is down says nothing of them.

        Raises `LedgerError`.
        """
        if not self.needed:
            return
        async with self._lock:  # whoever waits here finds it done
            if self._asked or self.stop.up:
                return
            with contextlib.suppress(WireError):
                await self._check_credentials()
            if not self.stop.up:
                await self._note_balance(after=False)
            self._asked = True
            await self.spending.open()

    async def afterwards(self) -> None:
        """When something may have been sent: note what the account holds now."""
        if self._asked and not self.stop.hard:
            await self._note_balance(after=True)

    async def _check_credentials(self) -> None:
        async with self.session.probe_credentials(Trace()) as answer:
            error = await answer.error()
        match read_probe(answer.status):
            case CredentialCheck.REFUSED:
                self.stop.raise_(Stop(Exit.CREDENTIALS, error.message, error.hint))
            case CredentialCheck.NO_CREDITS:
                self.stop.raise_(Stop(Exit.CREDITS, error.message, error.hint))
            case CredentialCheck.NO_API:
                message = f"there is no Pixian API at this address: {error.message}"
                self.stop.raise_(Stop(Exit.SERVICE, message, "check --api-url"))
            case CredentialCheck.GOOD | CredentialCheck.UNKNOWN:
                pass

    async def _note_balance(self, *, after: bool) -> None:
        with contextlib.suppress(WireError, LedgerError):
            account = await self.session.account()
            if isinstance(account, Account) and account.credits is not None:
                await self.ledger.balance(account.credits, after=after)
