"""`pixian-batch account`: credits, pack and state. Free."""

from __future__ import annotations

import asyncio
import json as json_module
from typing import TYPE_CHECKING, Any

from pixian_batch.cli.options import ApiUrl, Json, ServiceOptions
from pixian_batch.cli.shared import connect, give_up, say
from pixian_batch.display.text import credit_amount, plain_decimal, printable
from pixian_batch.library.errors import PixianError

if TYPE_CHECKING:
    from pixian_batch.library.client import Account

_IDLE = 30.0
"""Seconds: nothing is computed for this answer, so a short patience is enough."""


def account(*, api_url: ApiUrl = ServiceOptions.api_url, json: Json = False) -> None:
    """Show the account's credits, pack, state and last day of use. Free.

    Credentials come from PIXIAN_API_ID and PIXIAN_API_SECRET.

    Example: pixian-batch account --json
    """
    try:
        answer = asyncio.run(_ask(api_url))
    except PixianError as error:
        give_up(error)
    say([json_module.dumps(_record(answer))] if json else _lines(answer))


async def _ask(api_url: str) -> Account:
    async with connect(api_url, idle_timeout=_IDLE) as client:
        return await client.account()


def _record(account: Account) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "account",
        "credits": None if account.credits is None else plain_decimal(account.credits),
        "credit_pack": account.credit_pack,
        "state": account.state,
        "use_before": account.use_before,
    }


def _lines(account: Account) -> list[str]:
    credit = None if account.credits is None else credit_amount(account.credits)
    facts = [
        ("credits", credit),
        ("pack", account.credit_pack),
        ("state", account.state),
        ("use before", account.use_before),
    ]
    lines = [f"{name:<12}{printable(text) if text else 'not said'}" for name, text in facts]
    if account.state == "dormant":
        lines.append("A dormant pack buys nothing: renew it in your account.")
    return lines
