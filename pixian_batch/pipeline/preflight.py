"""Before the first image: is the service there, are the credentials good, and what do the ledger and the account say?

A free request without an image tells the first two; a run that has nothing to send asks nothing. When nobody can be
reached, nothing is sent and no image has failed: the run stops, and they are new in the next one. The account
is asked for `reconcile` only: a service that does not say is no trouble.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger import LedgerError
from pixian_batch.adapters.wire.trace import Trace, WireError
from pixian_batch.contract.account import Account, CredentialCheck, read_probe
from pixian_batch.policy.progress import Level, Message
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from pixian_batch.adapters.ledger import Ledger
    from pixian_batch.adapters.wire.session import WireSession
    from pixian_batch.pipeline.spending import Spending
    from pixian_batch.pipeline.stop_sign import StopSign
    from pixian_batch.policy.retry import RetryPolicy

_REACH: Final = "check the network and --api-url, then run the same command again"


@dataclass(slots=True, kw_only=True)
class Preflight:
    """`once` before every image: only the first one asks, and all wait for its answer.

    local: the service is in this process; free: no request can cost money.
    """

    session: WireSession
    ledger: Ledger
    spending: Spending
    stop: StopSign
    retry_policy: RetryPolicy
    notify: Callable[[Message], None]
    local: bool
    free: bool
    _asked: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def once(self) -> None:
        """Raise the stop sign when the service is not reached, or the credentials are not good. A service that is
        down (an answered 5xx) says nothing of them.

        Raises `LedgerError`.
        """
        if self.local:
            return
        async with self._lock:  # whoever waits here finds it done
            if self._asked or self.stop.up:
                return
            await self._reach()
            self._asked = True
            if self.free:
                return
            if not self.stop.up:
                await self._note_balance(after=False)
            await self.spending.open()

    async def afterwards(self) -> None:
        """When something may have been sent: note what the account holds now."""
        if self._asked and not self.free and not self.stop.hard:
            await self._note_balance(after=True)

    async def _reach(self) -> None:
        """Ask, with the patience that `--retries` gives; raise the stop sign when nobody was there."""
        policy = self.retry_policy
        for number in range(1, policy.retries + 2):
            try:
                await self._check_credentials()
            except WireError as error:
                trouble = self._unreached(error)
            else:
                return
            if number == 1 and policy.retries and not self.stop.up:
                times = "once more" if policy.retries == 1 else f"{policy.retries} times more, if need be"
                self.notify(Message(Level.WARNING, trouble, f"it is tried {times}"))
            if number <= policy.retries and not await self.stop.rest(number * policy.step):
                return
        if not self.stop.up:
            self.stop.raise_(Stop(Exit.SERVICE, f"nothing was sent: {trouble}", _REACH))

    def _unreached(self, error: WireError) -> str:
        """Host and cause, in one clause."""
        host, text = self.session.host, str(error)
        return text if host in text else f"{host} is not reached: {text}"

    async def _check_credentials(self) -> None:
        async with self.session.probe_credentials(Trace()) as answer:
            error = await answer.error()
        match read_probe(answer.status):
            case CredentialCheck.REFUSED:
                self.stop.raise_(Stop(Exit.CREDENTIALS, error.message, error.hint))
            case CredentialCheck.NO_CREDITS if not self.free:
                self.stop.raise_(Stop(Exit.CREDITS, error.message, error.hint))
            case CredentialCheck.NO_API:
                message = f"there is no Pixian API at this address: {error.message}"
                self.stop.raise_(Stop(Exit.SERVICE, message, "check --api-url"))
            case CredentialCheck.GOOD | CredentialCheck.UNKNOWN | CredentialCheck.NO_CREDITS:
                pass

    async def _note_balance(self, *, after: bool) -> None:
        with contextlib.suppress(WireError, LedgerError):
            account = await self.session.account()
            if isinstance(account, Account) and account.credits is not None:
                await self.ledger.balance(account.credits, after=after)
