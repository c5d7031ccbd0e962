"""What `pixian-batch redo` does: find where the results stand, say the price, ask, and run for these photos alone."""

from __future__ import annotations

import asyncio
import os
import posixpath
import sys
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from pixian_batch.adapters.landing import is_kept
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.adapters.reading import ReadingError, read_fingerprint
from pixian_batch.adapters.walking import read_list
from pixian_batch.adapters.walking.lists import in_words
from pixian_batch.cli.ask import at_terminal, may_redo
from pixian_batch.cli.commands.plan import make_plan
from pixian_batch.cli.commands.run import carry_out, read_run
from pixian_batch.cli.shared import fail
from pixian_batch.cli.shared_ledger import ledger_errors
from pixian_batch.display.text import printable
from pixian_batch.policy.stopping import Exit
from pixian_batch.policy.template import facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.cli.commands.plan import Plan
    from pixian_batch.cli.consent import RunSpec
    from pixian_batch.cli.options import RunOptions
    from pixian_batch.pipeline.inputs import Inputs
    from pixian_batch.pipeline.spec import Spec
    from pixian_batch.policy.template import Template


def begin(options: RunOptions) -> None:
    """Find, ask, run; ends the command with the run's exit code."""
    asked = read_run(options)
    asked = replace(asked, spec=replace(asked.spec, again=True, replace=True))
    asked = replace(asked, inputs=_named_ones(asked.inputs))
    with ledger_errors():
        placed = asyncio.run(_find(asked))
    asked = replace(asked, inputs=replace(asked.inputs, placed=tuple(placed), listed=None, nul=False))
    with ledger_errors():
        plan = asyncio.run(
            make_plan(asked.spec, asked.inputs, asked.outputs, asked.pace.ramp, service=asked.service)
        )
    _agree(asked, plan)
    raise typer.Exit(carry_out(asked))


def _named_ones(inputs: Inputs) -> Inputs:
    """Those of a list, too, each once. They are read before anything is asked: their number is part of the price."""
    if inputs.listed is None:
        return inputs
    try:
        listed = [*read_list(inputs.listed, nul=inputs.nul)]
    except OSError as error:
        message, hint = in_words(error)
        fail(message, hint, code=Exit.USAGE)
    paths = tuple(dict.fromkeys([*inputs.paths, *listed]))
    if not paths:
        fail(
            f"{inputs.listed} names no photo, and nothing was spent", "write one name a line", code=Exit.USAGE
        )
    return replace(inputs, paths=paths)


def _agree(asked: RunSpec, plan: Plan) -> None:
    """Say what it may cost, and go on only when that is well."""
    person = at_terminal() and not asked.yes
    if not may_redo(plan, ask=person):
        fail("not run, and nothing was spent", "nothing has changed", code=Exit.USAGE)
    if not (plan.free or asked.yes or person):
        fail(
            "nobody is here to be asked, and nothing was spent",
            "add --yes to buy them again",
            code=Exit.USAGE,
        )


async def _find(asked: RunSpec) -> list[tuple[str, str]]:
    """(path, place of its folder) for each photo. Raises `LedgerError`; ends the command for one without a result."""
    found: dict[bytes, str] = {}
    placed: list[tuple[str, str]] = []
    with closing(LedgerReader.open(asked.outputs.ledger)) as reader:
        for path in asked.inputs.paths:
            digest = _digest(path, convert=asked.spec.convert)
            if (first := found.setdefault(digest, path)) != path:
                _refuse_twin(path, first, listed=asked.inputs.listed is not None)
                continue
            results = [
                (params, place)
                for params, place, _size in await reader.results_of(digest)
                if not is_kept(place)
            ]
            placed.append((path, _folder(path, results, asked.spec, digest)))
    return placed


def _refuse_twin(path: str, first: str, *, listed: bool) -> None:
    """The same bytes are bought once, whoever asks twice: said of a list, and the end of a command that names both."""
    if not listed:
        fail(f"{path} has the same bytes as {first}", "name one of them", code=Exit.USAGE)
    sys.stderr.write(
        printable(
            f"warning: {path} has the same bytes as {first}, and is left out: remove its result and run again,"
        )
        + "\n  and it is made from the new one, for free\n"
    )


def _digest(path: str, *, convert: bool) -> bytes:
    try:
        return read_fingerprint(path, convert=convert).digest
    except ReadingError as error:
        fail(f"{path}: {error}", error.hint, code=Exit.USAGE)


def _folder(path: str, results: list[tuple[str, str]], spec: Spec, digest: bytes) -> str:
    """The folder of the photo in its tree, as a place: of several the one whose way is most like the photo's own."""
    fits = spec.fitting_key_params()
    places = [place for params, place in results if params in fits]
    template = spec.naming.template
    folders = list(_named(path, places, template, digest) if template else _mirrored(path, places, spec))
    if not folders:
        bought = sorted({params or "no parameters" for params, _place in results})
        hint = (
            f"it was bought with {'; '.join(bought)}: give the same options" if bought else "use run for it"
        )
        fail(f"{path} has no result with these parameters", hint, code=Exit.USAGE)
    way = os.path.dirname(os.path.abspath(path)).split(os.sep)
    return max(folders, key=lambda folder: _likeness(folder.split("/"), way))


def _mirrored(path: str, places: list[str], spec: Spec) -> Iterator[str]:
    """The folders of results that are called as this photo's would be."""
    name = os.path.basename(path)
    for place in places:
        folder = posixpath.dirname(place)
        if spec.result_place(posixpath.join(folder, name)) == place:
            yield folder


def _named(path: str, places: list[str], template: Template, digest: bytes) -> Iterator[str]:
    """The folders, of all in which the photo may be said to lie, from which the template leads to one of the places."""
    *way, name = os.path.abspath(path).split(os.sep)
    for start in range(len(way) + 1):
        folder = "/".join(way[start:])
        facts = replace(facts_of(posixpath.join(folder, name)), digest=digest.hex())
        with suppress(ValueError):  # a value that it needs is not known
            shape = template.shape(facts)
            if any(map(shape.fits, places)):
                yield folder


def _likeness(folder: list[str], way: list[str]) -> int:
    """How many of the last parts are the same."""
    same = 0
    for one, other in zip(reversed(folder), reversed(way), strict=False):
        if one != other:
            break
        same += 1
    return same
