"""What a run asks before anything is spent: may bought results be replaced, may it cost so much?

A person is asked at a terminal. Elsewhere bought results are replaced for `--replace` only, and nobody is asked
about costs: `--max-credits` is for that. Loads what it asks with only when it asks.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pixian_batch.adapters.ledger import LedgerError, results
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.policy.stopping import Exit, Stop

if TYPE_CHECKING:
    from decimal import Decimal

    from pixian_batch.cli.commands.plan import Plan
    from pixian_batch.cli.displays import DisplayOptions
    from pixian_batch.cli.on_finish import Hook
    from pixian_batch.cli.service import Endpoint
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.spec import Outputs, Pace, Spec
    from pixian_batch.pipeline.spending import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """All that a run was asked to do, in groups; each room is handed its own."""

    inputs: Inputs
    outputs: Outputs
    spec: Spec
    pace: Pace
    limits: Limits
    service: Endpoint
    screens: DisplayOptions
    hook: Hook | None = None
    report: bool = False
    """Make a page of the results at the end."""
    lock: str | None = None
    """The lock that is brought up to date at the end."""
    yes: bool = False
    """Never ask."""
    engine: str = ""
    """About the user's own network, if there is one."""


def consent(asked: RunSpec, ask_above: Decimal | None) -> RunSpec | Stop:
    """What the user agreed to, or why the run does not begin.

    A list from a pipe can be read only once, so nothing is looked at ahead: bought results that would be replaced
    fail then, image by image.
    """
    listed = asked.inputs.listed
    if listed is not None and not os.path.isfile(listed):
        return asked
    try:
        agreed = asked if asked.spec.free or asked.spec.replace else _about_replacing(asked)
        if isinstance(agreed, Stop) or ask_above is None or asked.yes:
            return agreed
        return _about_costs(agreed, ask_above)
    except (LedgerError, OSError):
        return asked  # the run meets the same, and tells it better


def _about_replacing(asked: RunSpec) -> RunSpec | Stop:
    if not os.path.isfile(asked.outputs.ledger):
        return asked
    plan = asyncio.run(_look_ahead(asked))
    if plan is None or not plan.total.replaces:
        return asked
    from pixian_batch.cli.ask import at_terminal, may_replace  # only where it is asked
    from pixian_batch.cli.commands.plan import at_hand_sentence, replaces_sentence

    if not asked.yes and at_terminal():
        if may_replace(plan):
            return replace(asked, spec=replace(asked.spec, replace=True))
        return Stop(Exit.USAGE, "nothing was spent", "say --replace, or name another --out")
    at_hand = f" ({at_hand_sentence(plan.total)})" if plan.total.at_hand else ""
    return Stop(
        Exit.USAGE,
        f"this run {replaces_sentence(plan.total)}{at_hand}; nothing was spent",
        "to have them replaced (they are kept, going back is free) add --replace; else name another --out",
    )


async def _look_ahead(asked: RunSpec) -> Plan | None:
    """What the run would replace; None when no result of other parameters is here, as nearly always."""
    with closing(LedgerReader.open(asked.outputs.ledger)) as reader:
        if not await reader.ask(results.has_others, asked.spec.fitting_key_params()):
            return None
    from pixian_batch.cli.commands.plan import make_plan  # only where it is asked

    return await make_plan(
        asked.spec, asked.inputs, asked.outputs, asked.pace.ramp, service=asked.service, only_replacing=True
    )


def _about_costs(asked: RunSpec, above: Decimal) -> RunSpec | Stop:
    """Plan first, and ask when it is dear."""
    from pixian_batch.cli.ask import at_terminal, may_cost  # only where it is asked
    from pixian_batch.cli.commands.plan import make_plan

    if not at_terminal():
        return asked
    plan = make_plan(asked.spec, asked.inputs, asked.outputs, asked.pace.ramp, service=asked.service)
    if may_cost(asyncio.run(plan), above):
        return asked
    return Stop(Exit.USAGE, "nothing was spent", "raise --ask-above, or say --yes")
