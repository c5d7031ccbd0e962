"""`pixian-batch account`: credits, pack and state. Free."""

from __future__ import annotations

import asyncio
import json as json_module
from typing import TYPE_CHECKING, Any

from pixian_batch.cli.output import say
from pixian_batch.cli.shared import ApiUrl, Json, connect, give_up
from pixian_batch.contract.address import DEFAULT_API_URL
from pixian_batch.display.text import credit_amount, plain_decimal, printable
from pixian_batch.library.errors import PixianError

if TYPE_CHECKING:
    from pixian_batch.library.client import Account

_IDLE = 30.0
"""Seconds: nothing is computed for this answer, so a short patience is enough."""


def account(api_url: ApiUrl = DEFAULT_API_URL, json: Json = False) -> None:  # noqa: FBT002  # a switch
    """Show the account's credits, pack, state and last day of use. Free.

    Credentials come from PIXIAN_API_ID and PIXIAN_API_SECRET.

    Example: pixian-batch account --json
    """
    try:
        found = asyncio.run(_ask(api_url))
    except PixianError as error:
        give_up(error)
    say([json_module.dumps(_record(found))] if json else _lines(found))


async def _ask(api_url: str) -> Account:
    async with connect(api_url, idle_timeout=_IDLE) as client:
        return await client.account()


def _record(found: Account) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "account",
        "credits": None if found.credits is None else plain_decimal(found.credits),
        "credit_pack": found.credit_pack,
        "state": found.state,
        "use_before": found.use_before,
    }


def _lines(found: Account) -> list[str]:
    credit = None if found.credits is None else credit_amount(found.credits)
    facts = [
        ("credits", credit),
        ("pack", found.credit_pack),
        ("state", found.state),
        ("use before", found.use_before),
    ]
    lines = [f"{name:<12}{printable(text) if text else 'not said'}" for name, text in facts]
    if found.state == "dormant":
        lines.append("A dormant pack buys nothing: renew it in your account.")
    return lines
