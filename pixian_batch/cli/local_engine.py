"""The options about the local engine -> the user's model, and what its results are known by in a ledger.

The same for `plan`, `run` and `doctor`. Nothing is run here: that needs the runtime, and the emulator does it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pixian_batch.cli.options import EngineOptions, ServiceOptions
    from pixian_batch.emulator.engine.model import Model
    from pixian_batch.emulator.settings import ModelChoice


def choose_model(options: EngineOptions, *, local: bool) -> ModelChoice | None:
    """The model to work with, None for the built-in one. Raises `BadParameter`.

    One that a file or the environment names is for local runs and waits for them. One that stands on the
    command line was meant now: without `--local` the run would spend credits in its place.
    """
    if not local:
        if options.engine_model is not None and _was_typed(options):
            raise typer.BadParameter("--engine-model is for --local: add --local, or leave it out")
        return None
    from pixian_batch.cli.request import choice  # only for local runs, as all of these
    from pixian_batch.emulator.engine.recipe import Answers
    from pixian_batch.emulator.settings import ModelChoice

    path, output = options.engine_model, options.engine_output
    try:
        return ModelChoice(
            path=Path(path) if path is not None else None,
            size=options.engine_size,
            mean=options.engine_mean,
            deviation=options.engine_deviation,
            output=None if output is None else choice(Answers, output, "--engine-output"),
        )
    except ValueError as error:
        raise typer.BadParameter(str(error).replace("engine_", "--engine-")) from None


def model_of(choice: ModelChoice | None) -> Model | None:
    """The chosen model, read; None for the built-in one. Raises `BadParameter`."""
    if choice is None or choice.path is None:
        return None
    from pixian_batch.emulator.engine.model import ModelError, read_model  # only for those who have one

    try:
        return read_model(str(choice.path), choice.given)
    except ModelError as error:
        raise typer.BadParameter(f"--engine-model {error}") from None


def service_word(options: ServiceOptions) -> str:
    """Whose results they are, for the ledger: "" the service's; another word for every model. Raises `BadParameter`."""
    model = model_of(choose_model(options, local=options.local))
    own = "" if model is None else f"-{model.word}"
    return f"local{own}" if options.local else ""


def about_model(options: ServiceOptions) -> str:
    """What a run says of the user's own network when it begins; "" when there is none. Raises `BadParameter`."""
    model = model_of(choose_model(options, local=options.local))
    return "" if model is None else f"the local engine works with {model.about}"


def _was_typed(options: EngineOptions) -> bool:
    source = options.context.get_parameter_source("engine_model")
    return source is not None and source.name == "COMMANDLINE"
