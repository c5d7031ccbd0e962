"""The options as the user wrote them -> frozen groups, each for the room that needs it. Nothing is sent yet.

Raises `typer.BadParameter` and `MistakeError`: exit code 2, nothing spent.
"""

from __future__ import annotations

import os
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

import typer

from pixian_batch.adapters.ledger import default_path, questions
from pixian_batch.adapters.walking import fixed_prefix
from pixian_batch.cli.choosing import read_selection
from pixian_batch.cli.local_engine import service_word
from pixian_batch.cli.missing import check_file, check_inputs
from pixian_batch.cli.mistakes import MistakeError
from pixian_batch.cli.shared_ledger import ask_ledger
from pixian_batch.contract.headers import Box
from pixian_batch.contract.params import (
    FIELDS,
    OutputFormat,
    ParamError,
    Params,
    Size,
    contradictions,
    params_from_text,
)
from pixian_batch.display.text import printable
from pixian_batch.pipeline.describing import Keep
from pixian_batch.pipeline.inputs import Inputs
from pixian_batch.pipeline.spec import Outputs, Pace, Spec
from pixian_batch.pipeline.spending import Limits
from pixian_batch.policy.breaker import Breaker
from pixian_batch.policy.naming import OnCollision
from pixian_batch.policy.ramp import Ramp
from pixian_batch.policy.retry import DoubtPolicy, RetryPolicy
from pixian_batch.policy.selection import Changes
from pixian_batch.policy.spelling import nearest
from pixian_batch.policy.template import Naming, TemplateError, read_template

if TYPE_CHECKING:
    from pixian_batch.cli.options import (
        ApiOptions,
        InputOptions,
        MoneyOptions,
        PaceOptions,
        PlanOptions,
        RunOptions,
    )
    from pixian_batch.cli.output_options import OutputOptions

_ANY: Final = Size(1000, 1000)
"""A picture in which margins leave room, if they do in any."""
_E = TypeVar("_E", bound=StrEnum)
_FOR_EXAMPLE: Final = "for example: pixian-batch ./photos --out ./cut; or a list of names: --files-from FILE"


def read_params(options: ApiOptions) -> Params:
    """API parameters; the message shows the offending part and a right example."""
    values = {field.attribute: getattr(options, field.attribute) for field in FIELDS}
    given = [
        (name, "true" if value is True else value)
        for name, value in values.items()
        if value not in {None, False}
    ]
    try:
        params = params_from_text(given, by_option=True)
    except ParamError as error:
        raise typer.BadParameter(str(error)) from error
    if problems := contradictions(params):
        raise typer.BadParameter("; ".join(problems))
    return params


def _to_be_drawn(params: Params) -> None:
    """That it can be drawn from a full picture. Raises `BadParameter`: nothing is bought for what can never be drawn."""
    if params.output_format is OutputFormat.DELTA_PNG:
        raise typer.BadParameter("--keep-master keeps full PNGs: leave --output-format delta_png out")
    from pixian_batch.imaging.errors import LayoutError  # only where it is asked for
    from pixian_batch.imaging.layout import lay_out

    try:
        lay_out(_ANY, Box(0, 0, _ANY.width, _ANY.height), params)
    except LayoutError as error:
        raise typer.BadParameter(str(error)) from error


def _for_delta(params: Params) -> Params:
    """`--via-delta` writes a PNG of the whole photo: nothing else can be asked for."""
    if params.output_format not in {OutputFormat.AUTO, OutputFormat.PNG}:
        raise typer.BadParameter(f"--via-delta writes PNG: leave --output-format {params.output_format} out")
    if problems := contradictions(replace(params, output_format=OutputFormat.DELTA_PNG)):
        raise typer.BadParameter("; ".join(problems).replace("delta_png", "--via-delta"))
    return replace(params, output_format=OutputFormat.PNG)


def read_spec(options: PlanOptions | RunOptions) -> Spec:
    """What is wanted of every image, but for its result's name."""
    params = read_params(options)
    if options.keep_master:
        _to_be_drawn(params)
    elif options.via_delta:
        params = _for_delta(params)
    return Spec(
        params=params,
        via_delta=options.via_delta,
        convert=options.convert,
        service=service_word(options),
        free=options.local or params.test,
        overwrite=options.overwrite,
        doubt=choice(DoubtPolicy, options.in_doubt, "--in-doubt"),
        replace=options.replace,
        trust_ledger=options.trust_ledger,
        keep_master=options.keep_master,
    )


def read_naming(options: OutputOptions, output: OutputFormat, single: str = "") -> Naming:
    """How results are named."""
    on_collision = choice(OnCollision, options.on_collision, "--on-collision")
    if options.name is None and not options.flat and on_collision is not OnCollision.SUFFIX:
        return Naming(None, on_collision, single)
    if single:
        raise typer.BadParameter("--out names the result: leave --name, --flat and --on-collision out")
    try:
        template = read_template(
            "{stem}.{ext}" if options.name is None else options.name, output, flat=options.flat
        )
    except TemplateError as error:
        raise typer.BadParameter(f"--name {options.name}: {error}") from error
    return Naming(template, on_collision)


def read_pace(options: PaceOptions, spec: Spec) -> Pace:
    """How fast, and how patiently."""
    resend = spec.free or spec.doubt is DoubtPolicy.RESEND
    return Pace(
        ramp=Ramp(options.concurrency_start, options.concurrency_max, options.ramp_interval),
        retry_policy=RetryPolicy(options.backoff_step, options.retries, resend),
        breaker=Breaker(give_up_after=options.give_up_after),
        max_duration=options.max_duration,
    )


def read_limits(options: MoneyOptions) -> Limits:
    """Credits that may be spent."""
    return Limits(ever=options.max_credits, run=options.max_credits_per_run, day=options.max_credits_per_day)


def read_inputs(options: InputOptions) -> Inputs:
    """What to walk."""
    inputs = Inputs(
        paths=tuple(options.paths or ()),
        listed=options.files_from,
        nul=options.nul,
        include=tuple(options.include or ()),
        exclude=tuple(options.exclude or ()),
        follow_symlinks=options.follow_symlinks,
        include_system=options.include_system,
        selection=read_selection(options),
        convert=options.convert,
    )
    if not inputs.paths and inputs.listed is None:
        raise MistakeError("nothing to cut out: name at least one photo, folder, glob or URL", _FOR_EXAMPLE)
    if inputs.listed not in {None, "-"}:
        check_file(str(inputs.listed), "--files-from")
    check_inputs(inputs)
    rev = _revision(options)
    return inputs if rev is None else only_changed(inputs, rev)


def _revision(options: InputOptions) -> str | None:
    """Of `--changed-since`. An empty variable, elsewhere none at all, is a CI server that does not know: no reason to buy all."""
    empty = os.environ.get("PIXIAN_BATCH_CHANGED_SINCE") == ""
    return "" if options.changed_since is None and empty else options.changed_since


def only_changed(inputs: Inputs, rev: str) -> Inputs:
    """Of the inputs, those that git says have changed. Raises `MistakeError` where it cannot say."""
    from pixian_batch.adapters.git import GitError, changed_since  # only where it is asked for

    urls = ("http://", "https://")
    folders = [_folder_of(path) for path in inputs.paths if path != "-" and not path.startswith(urls)]
    if inputs.listed is not None:
        folders.append(os.curdir)  # what it lists is not known yet
    try:
        trees = changed_since(rev, filter(os.path.isdir, folders))
    except GitError as error:
        raise MistakeError(
            f"--changed-since: {printable(str(error))}; nothing was sent", error.hint
        ) from error
    return replace(inputs, selection=replace(inputs.selection, changes=Changes(trees)))


def _folder_of(path: str) -> str:
    """The folder below which all lies that is found by a named input."""
    if os.path.isdir(path):
        return path
    return (os.path.dirname(path) if os.path.lexists(path) else fixed_prefix(path)) or os.curdir


def only_failed(inputs: Inputs, ledger: str) -> Inputs:
    """Of the inputs, those that the ledger lists as failed: absolute paths and URLs."""
    failures = ask_ledger(ledger, questions.failures)
    urls = ("http://", "https://")
    names = frozenset(
        item.input if item.input.startswith(urls) else os.path.abspath(item.input) for item in failures
    )
    return replace(inputs, only=names)


def read_outputs(options: OutputOptions, inputs: Inputs) -> Outputs:
    """Where results go; an output that cannot be meant is refused."""
    out = options.out
    if os.path.lexists(out) and not os.path.isdir(out):
        raise MistakeError(f"--out {out}: is a file", "name a folder")
    for path in inputs.paths:
        if os.path.lexists(path):
            what, folder = "the input folder itself", path
        else:
            what, folder = f"the folder of the photos {path}", fixed_prefix(path)
        if os.path.isdir(folder) and os.path.isdir(out) and os.path.samefile(folder, out):
            raise MistakeError(f"--out {out}: is {what}", "name another one: --out ./cut")
    keeping = Keep(options.keep_dates, options.keep_metadata)
    return Outputs(out, options.ledger or default_path(out), options.min_free, keeping)


def read_report(options: RunOptions, single: str) -> bool:
    """Whether a report is wanted; that it can be made is known before anything is spent. single: of the one result."""
    if not options.report:
        return False
    if single:
        raise MistakeError("--report is for a folder of results", "name a folder as --out, or leave it out")
    from pixian_batch.review.page_file import ReviewMissingError, check_jinja  # only where it is asked for

    try:
        check_jinja()
    except ReviewMissingError as error:
        raise MistakeError(f"--report: {error}", error.hint) from None
    return True


def read_lock(options: RunOptions) -> str | None:
    """The lock that is wanted; that it can be written is known before anything is spent. Raises `MistakeError`."""
    if not options.lock:  # empty: what a file of options says does not hold now
        return None
    from pixian_batch.cli.locking import check_lock  # only where it is asked for

    check_lock(options.lock)
    return options.lock


def choice(kind: type[_E], text: str, option: str) -> _E:
    """A member of an enumeration by its value."""
    return kind(choice_of(tuple(kind), text, option))


def choice_of(words: tuple[str, ...], text: str, option: str) -> str:
    """One of some words."""
    if text not in words:
        near = nearest(text, words)
        hint = f"did you mean {near}?" if near else f"for example: {option} {words[0]}"
        raise MistakeError(f"{option}: {text!r} is none of {', '.join(words)}", hint)
    return text


def check_apart(one: tuple[str | None, str], other: tuple[str | None, str]) -> None:
    """That two files of messages are not one. Raises `MistakeError`."""
    paths = [os.path.realpath(path) for path, _option in (one, other) if path is not None]
    if len(paths) == 2 and paths[0] == paths[1]:  # both were given
        raise MistakeError(f"{one[1]} and {other[1]} are the same file: {one[0]}", "name two files")


def check_writable(path: str | None, option: str) -> None:
    """That a file of messages can be written, before anything is spent. Raises `BadParameter`."""
    if path is None:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path) or not os.path.isdir(folder):
        raise MistakeError(
            f"{option} {path}: is not the name of a file", "name a file in a folder that is there"
        )
    if not os.access(path if os.path.lexists(path) else folder, os.W_OK):
        raise MistakeError(f"{option} {path}: cannot be written", "check its rights, or name another file")
