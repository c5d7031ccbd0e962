"""The options of `run` and `plan` -> frozen groups, each for the room that needs it. Nothing is sent yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from pixian_batch.adapters.ledger import default_path
from pixian_batch.contract.params import OutputFormat, ParamError, Params, contradictions, params_from_text
from pixian_batch.pipeline.job import Order
from pixian_batch.policy.course import DoubtPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pixian_batch.pipeline.run import Inputs


def read_params(texts: Mapping[str, str | bool | None]) -> Params:
    """API parameters from (attribute, text or switch). Raises `BadParameter` with a right example."""
    given = [
        (name, "true" if value is True else str(value))
        for name, value in texts.items()
        if value not in {None, False}
    ]
    try:
        params = params_from_text(given, by_option=True)
    except ParamError as error:
        raise typer.BadParameter(str(error)) from error
    if said := contradictions(params):
        raise typer.BadParameter("; ".join(said))
    return params


def read_order(params: Params, *, via_delta: bool, local: bool, overwrite: bool, doubt: str) -> Order:
    """What is wanted of every image."""
    if via_delta:
        params = _for_delta(params)
    return Order(
        params=params,
        via_delta=via_delta,
        service="local" if local else "",
        free=local or params.test,
        overwrite=overwrite,
        doubt=choice(DoubtPolicy, doubt, "--in-doubt"),
    )


def choice(kind: type[DoubtPolicy], text: str, option: str) -> DoubtPolicy:
    """A member of an enumeration by its value. Raises `BadParameter`."""
    try:
        return kind(text)
    except ValueError:
        raise typer.BadParameter(f"{option}: {text!r} is none of {', '.join(kind)}") from None


def _for_delta(params: Params) -> Params:
    """`--via-delta` writes a PNG of the whole photo: nothing else can be asked for."""
    if params.output_format not in {OutputFormat.AUTO, OutputFormat.PNG}:
        raise typer.BadParameter(f"--via-delta writes PNG: leave --output-format {params.output_format} out")
    from dataclasses import replace  # noqa: PLC0415

    said = contradictions(replace(params, output_format=OutputFormat.DELTA_PNG))
    if said:
        raise typer.BadParameter("; ".join(said).replace("delta_png", "--via-delta"))
    return replace(params, output_format=OutputFormat.PNG)


def check_places(inputs: Inputs, out: str, ledger: str | None) -> str:
    """The ledger's path; raises `BadParameter` for inputs and outputs that cannot be meant."""
    if not inputs.paths and inputs.listed is None:
        raise typer.BadParameter("name at least one photo, folder, glob or URL, or use --files-from")
    if os.path.lexists(out) and not os.path.isdir(out):
        raise typer.BadParameter(f"--out {out}: is a file; name a folder")
    for path in inputs.paths:
        if os.path.isdir(path) and os.path.isdir(out) and os.path.samefile(path, out):
            raise typer.BadParameter(f"--out {out}: is the input folder itself; name another one")
    return ledger or default_path(out)
