"""What `pixian-batch plan` does: say what a run would do and cost. Reads headers only; spends nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pixian_batch.adapters.credentials import NoCredentialsError
from pixian_batch.adapters.landing import Landing
from pixian_batch.adapters.ledger import questions
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.adapters.walking import in_words
from pixian_batch.adapters.wire.trace import WireError
from pixian_batch.cli.local_engine import choose_model
from pixian_batch.cli.one_file import one_file
from pixian_batch.cli.request import only_failed, read_inputs, read_naming, read_outputs, read_pace, read_spec
from pixian_batch.cli.service import Endpoint, open_wire
from pixian_batch.cli.shared import check_api_url, check_way, fail, say, table
from pixian_batch.cli.shared_ledger import ledger_errors
from pixian_batch.display.records import left_out_record
from pixian_batch.display.text import about, printable, to_decide, visible, with_hint
from pixian_batch.pipeline.planning import Planner, calibrate
from pixian_batch.policy.forecast import FREE, Fate, FolderPlan, Range, credits_for
from pixian_batch.policy.price import PriceBook
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections import Counter

    from pixian_batch.cli.options import PlanOptions
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.spec import Outputs, Spec
    from pixian_batch.policy.left_out import LeftOut
    from pixian_batch.policy.ramp import Ramp

_FATES: tuple[Fate, ...] = tuple(Fate)
_COLUMNS: list[Fate] = [fate for fate in Fate if fate is not Fate.BOUGHT]
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
    replace: bool
    """Whether results bought with other parameters may be replaced."""
    left_out: LeftOut
    refused: Counter[tuple[str, str]]
    """Why photos can be no inputs, and what to do about it."""


def begin(options: PlanOptions) -> None:
    """Plan, and print the plan."""
    with one_file(options, sends=False) as one:
        _begin(one.options, one.name)


def _begin(options: PlanOptions, name: str) -> None:
    spec = read_spec(options)
    spec = replace(spec, naming=read_naming(options, spec.params.result_format, name))
    inputs = read_inputs(options)
    outputs = read_outputs(options, inputs)
    if options.only_failed:
        inputs = only_failed(inputs, outputs.ledger)
    ramp = read_pace(options, spec).ramp
    service = _service(options)
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
        fail(*in_words(error), code=Exit.USAGE)
    say([json.dumps(_record(plan))] if options.json else plan_lines(plan))


def _service(options: PlanOptions) -> Endpoint:
    """Who is asked for prices."""
    return Endpoint(
        local=options.local,
        model=choose_model(options, local=options.local),
        api_url=(check_api_url if options.local else check_way)(options.api_url),
        idle_timeout=options.idle_timeout,
    )


async def make_plan(
    spec: Spec,
    inputs: Inputs,
    outputs: Outputs,
    ramp: Ramp,
    *,
    service: Endpoint,
    samples: int = 0,
    only_replacing: bool = False,
) -> Plan:
    """Plan. Raises `LedgerError`, OSError (the list file), and with samples `NoCredentialsError`, `WireError`.

    only_replacing: of the images that may need work, look at those only whose results would replace others.
    """
    reader = LedgerReader.open(outputs.ledger, missing_ok=True)
    try:
        planner = Planner(
            spec=spec,
            ledger=reader,
            landing=Landing(outputs.out),
            inputs=inputs,
            only_replacing=only_replacing,
        )
        await planner.plan()
        prices, seconds = await _prices(reader, spec), await reader.ask(questions.seconds_per_image)
        if samples and planner.samples:
            seconds = await _calibrate(planner, prices, service, samples) or seconds
    finally:
        reader.close()
    return _plan_of(planner, prices, None if seconds is None else (ramp, seconds))


async def _calibrate(planner: Planner, prices: PriceBook, service: Endpoint, samples: int) -> float | None:
    """Learn the prices of some photos by free test requests; mean seconds of one."""
    async with open_wire(service) as wire:
        sampled, mean = await calibrate(planner, wire, samples)
    for pixels, cost in sampled:
        prices.learn(pixels, cost)
    return mean


async def _prices(reader: LedgerReader, spec: Spec) -> PriceBook:
    """What images have cost with these parameters."""
    prices = PriceBook()
    for params in spec.all_key_params():
        for pixels, cost in await reader.prices(params):
            prices.learn(pixels, cost)
    return prices


def _plan_of(planner: Planner, prices: PriceBook, pace: tuple[Ramp, float] | None) -> Plan:
    """pace: the ramp and the mean seconds of one image, where these are known."""
    spec, total = planner.spec, planner.total
    expected = FREE if spec.free else credits_for(total, prices)
    return Plan(
        folders=dict(sorted(planner.folders.items())),
        total=total,
        credits=expected,
        seconds=None if pace is None else pace[0].seconds_from_start(total.fates[Fate.NEW] * pace[1]),
        free=spec.free,
        replace=spec.replace,
        left_out=planner.left_out,
        refused=planner.refused,
    )


def plan_lines(plan: Plan) -> list[str]:
    """The plan as a person reads it."""
    shown: list[Fate] = [fate for fate in _COLUMNS if _count(plan.total, fate) or fate is Fate.NEW]
    rows = [["folder", *(fate.value.replace("_", " ") for fate in shown), "megapixels"]]
    for folder, folder_plan in list(plan.folders.items())[:_MOST_FOLDERS]:
        rows.append([printable(folder, _WIDEST), *_counts(folder_plan, shown)])
    if len(plan.folders) > _MOST_FOLDERS:
        rows.append([f"... {len(plan.folders) - _MOST_FOLDERS} more folders", *("" for _ in shown), ""])
    rows.append(["total", *_counts(plan.total, shown)])
    passed_by = [with_hint(text, hint) for text, hint in plan.left_out.sentences()]
    return [*table(rows), "", _credits_line(plan), _time_line(plan), *_notes(plan), *passed_by]


def _counts(folder: FolderPlan, shown: list[Fate]) -> list[str]:
    return [*(f"{_count(folder, fate):,}" for fate in shown), f"{folder.megapixels:,.1f}"]


def _count(folder: FolderPlan, fate: Fate) -> int:
    """Inputs of one fate; the same words as a run's summary: bought results that stand there exist."""
    return folder.fates[fate] + (folder.fates[Fate.BOUGHT] if fate is Fate.EXISTS else 0)


def _notes(plan: Plan) -> list[str]:
    """What needs a word of the user, and what is not to be had."""
    total = plan.total
    notes = [
        with_hint(f"{count:,} cannot be sent: {text}", hint)
        for (text, hint), count in plan.refused.most_common(_MOST_REASONS)
    ]
    if total.replaces:
        text = "kept, going back to them is free" if plan.replace else "a run asks first, or needs --replace"
        notes.append(with_hint(replaces_sentence(total), text))
        if total.at_hand:
            notes.append(at_hand_sentence(total))
    if total.fates[Fate.BOUGHT]:
        notes.append(
            with_hint(
                f"{total.fates[Fate.BOUGHT]:,} bought results stand there: free results never take their place",
                "name another --out",
            )
        )
    in_doubt, lost = total.fates[Fate.IN_DOUBT], total.fates[Fate.LOST]
    if in_doubt or lost:
        notes.append(with_hint(to_decide(in_doubt, lost), "decide with: pixian-batch resolve"))
    return notes


def replaces_sentence(total: FolderPlan) -> str:
    """How many bought results another one would take the place of."""
    results = "result that was" if total.replaces == 1 else "results that were"
    return f"replaces {total.replaces:,} {results} bought with other parameters"


def at_hand_sentence(total: FolderPlan) -> str:
    """What need not be bought: crop, margin, size, background and format can be drawn on a full result."""
    return with_hint(
        f"{total.at_hand:,} of them differ only in crop, margin, size, background or format, and the full results are here",
        "made from these for nothing by: pixian-batch render",
    )


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
        **{fate.value: _count(folder, fate) for fate in _FATES},
        "replaces": folder.replaces,
        "replaces_at_hand": folder.at_hand,
        "megapixels": round(folder.megapixels, 3),
    }
