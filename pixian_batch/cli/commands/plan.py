"""What `pixian-batch plan` does: say what a run would do and cost. Reads headers only; spends nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pixian_batch.adapters.credentials import NoCredentialsError
from pixian_batch.adapters.landing import Landing
from pixian_batch.adapters.ledger import questions
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.adapters.walking import ListError
from pixian_batch.adapters.wire.trace import WireError
from pixian_batch.cli.request import read_inputs, read_outputs, read_pace, read_spec
from pixian_batch.cli.service import Endpoint, open_wire
from pixian_batch.cli.shared import check_api_url, check_way, fail, say, table
from pixian_batch.cli.shared_ledger import ledger_errors
from pixian_batch.display.records import left_out_record
from pixian_batch.display.text import about, printable, visible, with_hint
from pixian_batch.pipeline.planning import Planner, calibrate
from pixian_batch.policy.forecast import Fate, FolderPlan, Range, credits_for
from pixian_batch.policy.price import PriceBook
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections import Counter

    from pixian_batch.cli.options import PlanOptions
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.spec import Outputs, Spec
    from pixian_batch.policy.left_out import LeftOut
    from pixian_batch.policy.ramp import Ramp

_FATES = (Fate.NEW, Fate.DONE, Fate.EXISTS, Fate.DUPLICATE, Fate.UNREADABLE, Fate.TOO_LARGE, Fate.COLLISION)
_MOST_FOLDERS = 40
_MOST_REASONS = 5
_WIDEST = 200
"""Columns of a folder's name: every line of the table is as wide as the longest."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: per folder and in total, with credits and seconds where they can be told."""

    folders: dict[str, FolderPlan]
    total: FolderPlan
    credits: Range
    seconds: float | None
    free: bool
    left_out: LeftOut
    refused: Counter[tuple[str, str]]
    """Why photos can be no inputs, and what to do about it."""


def begin(options: PlanOptions) -> None:
    """Plan, and print the plan."""
    spec = read_spec(options, local=options.local, overwrite=options.overwrite, convert=options.convert)
    inputs = read_inputs(options)
    outputs = read_outputs(options, inputs)
    ramp = read_pace(options, spec).ramp
    service = Endpoint(
        local=options.local,
        api_url=(check_api_url if options.local else check_way)(options.api_url),
        idle_timeout=options.idle_timeout,
    )
    try:
        with ledger_errors():
            plan = asyncio.run(
                make_plan(spec, inputs, outputs, ramp, service=service, samples=options.calibrate)
            )
    except NoCredentialsError as error:
        fail(str(error), error.hint, code=Exit.CREDENTIALS)
    except WireError as error:
        fail(
            f"the prices could not be asked: {error}",
            "plan without --calibrate, or again later",
            code=Exit.SERVICE,
        )
    except OSError as error:
        hint = error.hint if isinstance(error, ListError) else "check --files-from"
        fail(f"the list cannot be read: {error.strerror}", hint, code=Exit.USAGE)
    say([json.dumps(_record(plan))] if options.json else plan_lines(plan))


async def make_plan(
    spec: Spec, inputs: Inputs, outputs: Outputs, ramp: Ramp, *, service: Endpoint, samples: int = 0
) -> Plan:
    """Plan. Raises `LedgerError`, OSError (the list file), and with samples `NoCredentialsError`, `WireError`."""
    reader = LedgerReader.open(outputs.ledger, missing_ok=True)
    try:
        planner = Planner(spec, reader, Landing(outputs.out), inputs)
        await planner.plan()
        left_out = planner.left_out
        prices, seconds = PriceBook(), await reader.ask(questions.seconds_per_image)
        for params in spec.all_key_params():
            for pixels, cost in await reader.prices(params):
                prices.learn(pixels, cost)
        if samples and planner.samples:
            async with open_wire(service) as wire:
                sampled, mean = await calibrate(planner, wire, samples)
            for pixels, cost in sampled:
                prices.learn(pixels, cost)
            seconds = seconds or mean
    finally:
        reader.close()
    total = planner.total
    expected = credits_for(total, prices)
    time = None if seconds is None else ramp.seconds_from_start(total.fates[Fate.NEW] * seconds)
    folders = dict(sorted(planner.folders.items()))
    return Plan(folders, total, expected, time, free=spec.free, left_out=left_out, refused=planner.refused)


def plan_lines(plan: Plan) -> list[str]:
    """The plan as a person reads it."""
    shown = [fate for fate in _FATES if plan.total.fates[fate] or fate is Fate.NEW]
    rows = [["folder", *(fate.value.replace("_", " ") for fate in shown), "megapixels"]]
    for folder, folder_plan in list(plan.folders.items())[:_MOST_FOLDERS]:
        rows.append([printable(folder, _WIDEST), *_counts(folder_plan, shown)])
    if len(plan.folders) > _MOST_FOLDERS:
        rows.append([f"... {len(plan.folders) - _MOST_FOLDERS} more folders", *("" for _ in shown), ""])
    rows.append(["total", *_counts(plan.total, shown)])
    passed_by = [with_hint(text, hint) for text, hint in plan.left_out.sentences()]
    refused = [
        with_hint(f"{count:,} cannot be sent: {printable(text)}", hint)
        for (text, hint), count in plan.refused.most_common(_MOST_REASONS)
    ]
    return [*table(rows), "", _credits_line(plan), _time_line(plan), *refused, *passed_by]


def _counts(folder: FolderPlan, shown: list[Fate]) -> list[str]:
    return [*(f"{folder.fates[fate]:,}" for fate in shown), f"{folder.megapixels:,.1f}"]


def _credits_line(plan: Plan) -> str:
    expected = plan.credits
    new = plan.total.fates[Fate.NEW]
    if not new:
        return "credits  0: nothing is new"
    if plan.free:
        return "credits  free"
    if expected.unpriced == new:
        return "credits  not known yet: add --calibrate 5 to ask by free test requests"
    line = f"credits  {expected.low:,.2f} to {expected.high:,.2f} expected"
    notes = []
    if expected.extrapolated:
        notes.append(f"{expected.extrapolated:,} larger than any image with a known price")
    if expected.unpriced:
        notes.append(f"{expected.unpriced:,} without a known price not counted")
    return line + (f" ({'; '.join(notes)})" if notes else "")


def _time_line(plan: Plan) -> str:
    if not plan.total.fates[Fate.NEW]:
        return "time     a moment"
    return "time     not known yet" if plan.seconds is None else f"time     {about(plan.seconds)}"


def _record(plan: Plan) -> dict[str, Any]:
    return {
        "v": 1,
        "type": "plan",
        "folders": [
            {"folder": visible(name), **_folder_record(folder)} for name, folder in plan.folders.items()
        ],
        **_folder_record(plan.total),
        "credits_low": f"{plan.credits.low:f}",
        "credits_high": f"{plan.credits.high:f}",
        "unpriced": plan.credits.unpriced,
        "extrapolated": plan.credits.extrapolated,
        "seconds": plan.seconds,
        "problems": [
            {"message": text, "count": count} for (text, _hint), count in plan.refused.most_common()
        ],
        "left_out": left_out_record(plan.left_out),
    }


def _folder_record(folder: FolderPlan) -> dict[str, Any]:
    return {
        **{fate.value: folder.fates[fate] for fate in (*_FATES, Fate.OTHER)},
        "megapixels": round(folder.megapixels, 3),
    }
