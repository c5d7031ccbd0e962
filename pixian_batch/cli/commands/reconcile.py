"""`pixian-batch reconcile`: what the account's balance proves about images in doubt, and what it cannot."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from pixian_batch.adapters.credentials import NoCredentialsError
from pixian_batch.adapters.ledger import questions
from pixian_batch.adapters.wire.trace import WireError
from pixian_batch.cli.commands.status import to_decide_of
from pixian_batch.cli.options import ApiUrl, ServiceOptions
from pixian_batch.cli.service import Endpoint, open_wire
from pixian_batch.cli.shared import LedgerPath, Out, check_way, fail, next_command, say
from pixian_batch.cli.shared_ledger import ask_ledger, ledger_path
from pixian_batch.contract.account import Account
from pixian_batch.display.text import credit_amount, images
from pixian_batch.policy.reconciliation import Finding, reconciled
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from pixian_batch.adapters.ledger.rows import Evidence


def reconcile(out: Out, *, ledger: LedgerPath = None, api_url: ApiUrl = ServiceOptions.api_url) -> None:
    """Compare the account's balance with what was charged, and say what that proves about the doubts.

    Example: pixian-batch reconcile ./cut
    """
    known = ask_ledger(ledger_path(out, ledger), questions.evidence)
    if not known.doubts:
        say(
            [
                "nothing is in doubt, and nothing is lost whose charge is unknown: there is nothing to reconcile"
            ]
        )
        return
    if known.balance_before is None:
        fail(
            "the balance before that run is not known: the service did not say",
            "look at the account's history on the vendor's site",
            code=Exit.IN_DOUBT,
        )
    now = _balance_now(Endpoint(api_url=check_way(api_url)))
    settle = partial(next_command, "resolve", out, ledger, *(str(item.attempt) for item in known.doubts))
    say(_lines(known, known.balance_before, now, settle))


def _balance_now(service: Endpoint) -> Decimal:
    async def ask() -> Decimal:
        async with open_wire(service) as wire:
            account = await wire.account()
        if not isinstance(account, Account):
            raise NoCredentialsError(account.message, account.hint)
        if account.credits is None:
            raise WireError("the service did not say what the account holds")
        return account.credits

    try:
        return asyncio.run(ask())
    except NoCredentialsError as error:
        fail(str(error), error.hint, code=Exit.CREDENTIALS)
    except WireError as error:
        fail(f"the account could not be asked: {error}", "try again later", code=Exit.SERVICE)


def _lines(known: Evidence, before: Decimal, now: Decimal, settle: Callable[[str], str]) -> list[str]:
    doubts = [item.at_most for item in known.doubts]
    finding, unexplained = reconciled(before, now, known.charged, doubts, unknown=known.unknown)
    these = to_decide_of(known.doubts)
    return [
        f"the account held  {credit_amount(before)} before the run of the oldest doubt",
        f"it holds          {credit_amount(now)} now",
        f"known charges     {credit_amount(known.charged)} since then",
        f"not explained     {credit_amount(unexplained)}; {these}",
        "",
        *_told(finding, these, known.unknown, settle),
    ]


def _told(finding: Finding, these: str, unknown: int, settle: Callable[[str], str]) -> list[str]:
    """What the balance proves, and the line that settles it."""
    match finding:
        case Finding.NONE_CHARGED:
            lines = [f"{these}: not charged,", "if nothing else used or refilled this account:"]
            return [*lines, f"  {settle('--not-charged')}"]
        case Finding.ALL_CHARGED:
            lines = [f"{these}: all can have been charged,", "if nothing else used this account:"]
            return [*lines, f"  {settle('--charged')}"]
        case Finding.SOME_CHARGED:
            return [f"{these}: some were charged; the balance cannot tell which."]
        case Finding.UNEXPLAINED if unknown:
            return [f"This proves nothing: {images(unknown)} of unknown price may have cost it."]
        case Finding.UNEXPLAINED:
            return ["This proves nothing: something else used or refilled the account, too."]
