"""`-`: a photo from standard input, a result to standard output, with the same promises about money.

What comes in is a file before it is sent, and what was bought is one before it is handed on, both in the user's state
folder: a reader that leaves loses nothing, and the same bytes with the same parameters are bought once there, too.

Proved by tests/cli/test_one_file.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar, cast

import typer
from blake3 import blake3
from filelock import FileLock, Timeout

from pixian_batch.adapters.reading import content_hash
from pixian_batch.cli.one_file import STREAM, OneFile, names_picture, to_file
from pixian_batch.cli.request import read_spec
from pixian_batch.cli.shared import fail
from pixian_batch.contract.kinds import HEAD_BYTES, sniff
from pixian_batch.pipeline.job import url_digest
from pixian_batch.policy.naming import suffix_of
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from pixian_batch.cli.options import PlanOptions, RunOptions

_Options = TypeVar("_Options", "RunOptions", "PlanOptions")
_BLOCK: Final = 1 << 20
_QUIETLY_S: Final = 2.0
"""Seconds that one pipe waits for another without a word."""
_UNSETTLED: Final = frozenset(
    {Exit.BUG, Exit.DISK, Exit.IN_DOUBT, *(code for code in Exit if code.is_signal)}
)
"""Endings after which the photo may be needed again, to finish what was bought."""


@contextmanager
def piped(options: _Options, *, sends: bool) -> Iterator[OneFile[_Options]]:
    """The run that stands for a pipe. Raises `BadParameter`; ends the command when there is nothing to read."""
    _check(options, sends=sends)
    folder = state_folder()
    os.makedirs(folder, exist_ok=True)
    with contextlib.ExitStack() as stack:
        source = ""
        if STREAM in (options.paths or []):
            source = take_in(os.path.join(folder, "in"))
            options = replace(options, paths=[source])
        if options.out != STREAM:
            one = OneFile(*to_file(options))
        else:
            if sends:
                stack.enter_context(_turn(folder))
            name = _name(options)
            one = OneFile(replace(options, out=folder), name)
        result = os.path.join(folder, one.name) if options.out == STREAM else ""
        try:
            yield replace(one, hand_on=lambda code: _end(code, source, result))
        except (typer.BadParameter, typer.Exit):  # nothing was sent
            _end(Exit.USAGE, source, "")
            raise


def _check(options: RunOptions | PlanOptions, *, sends: bool) -> None:
    paths = options.paths or []
    if len(paths) != 1 or options.files_from is not None:
        raise typer.BadParameter("- is one photo, or one result: name one input, and no list")
    if options.out != STREAM and not names_picture(options.out):
        raise typer.BadParameter(f"a photo from - needs a name for its result: --out {options.out}/cut.png")
    if options.out == STREAM and not paths[0].startswith("http") and os.path.isdir(paths[0]):
        raise typer.BadParameter(
            f"--out - is for one result, and {paths[0]} is a folder: name a folder there"
        )
    if STREAM in paths and sys.stdin.isatty():
        raise typer.BadParameter("- reads a photo from standard input, which is a terminal: pipe one into it")
    if options.keep_master:
        raise typer.BadParameter("--keep-master keeps a file: name a folder for the results, not -")
    if getattr(options, "lock", None):  # of a run only
        raise typer.BadParameter("--lock is for files that stay: leave it out, or say --lock '' for once")
    if options.out == STREAM and sends:
        if options.json:
            raise typer.BadParameter("--json and --out - both want standard output: leave one of them out")
        if sys.stdout.isatty():
            raise typer.BadParameter(
                "--out - writes a picture to standard output, which is a terminal: add > cut.png"
            )


def state_folder() -> str:
    """Where pipes keep what they bought, and its ledger. Raises `BadParameter` for a user without a home."""
    import platformdirs  # rarely needed

    with contextlib.suppress(RuntimeError):
        folder = platformdirs.user_state_dir("pixian-batch", appauthor=False)
        if os.path.isabs(folder):
            return os.path.join(folder, "pipes")
    raise typer.BadParameter(
        "there is no home folder to keep what is bought: set XDG_STATE_HOME, or use files"
    )


def take_in(folder: str) -> str:
    """Everything on standard input, in a file of this process in `folder`; its path."""
    os.makedirs(folder, exist_ok=True)
    digest = blake3()
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
        while block := sys.stdin.buffer.read(_BLOCK):
            file.write(block)
            digest.update(block)
        size = file.tell()
    if not size:
        os.unlink(file.name)
        fail("standard input is empty: nothing was sent", "pipe a photo into it", code=Exit.USAGE)
    path = os.path.join(folder, f"{digest.hexdigest()[:32]}-{os.getpid()}{_suffix(file.name)}")
    os.replace(file.name, path)
    return path


def _suffix(path: str) -> str:
    with open(path, "rb") as stream:
        kind = sniff(stream.read(HEAD_BYTES))
    return kind.suffix if kind is not None else ""


def _name(options: RunOptions | PlanOptions) -> str:
    """The result's name among those of all pipes: the same bytes and parameters have the same."""
    source = (options.paths or [""])[0]
    digest = url_digest(source) if source.startswith("http") else content_hash(source)
    spec = read_spec(options)
    asked = f"{spec.key_params(rebuild=options.via_delta)};{options.keep_metadata}"
    suffix = suffix_of(spec.params.result_format)
    return f"{digest.hex()[:32]}-{blake3(asked.encode()).hexdigest()[:8]}{suffix}"


@contextmanager
def _turn(folder: str) -> Iterator[None]:
    """One pipe after the other: they share a ledger, and `xargs -P` starts many."""
    lock = FileLock(os.path.join(folder, "turn.lock"))
    try:
        lock.acquire(timeout=_QUIETLY_S)
    except Timeout:
        sys.stderr.write("waiting for another pixian-batch that writes to a pipe\n")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _end(code: int, source: str, result: str) -> None:
    """Hand the result on, and remove the copy of the photo when nobody needs it any more."""
    if result and code == Exit.OK and os.path.isfile(result):
        with open(result, "rb") as stream:
            shutil.copyfileobj(stream, cast("BinaryIO", sys.stdout.buffer), _BLOCK)
        sys.stdout.buffer.flush()
    if source and code not in _UNSETTLED:
        with contextlib.suppress(OSError):
            os.unlink(source)
