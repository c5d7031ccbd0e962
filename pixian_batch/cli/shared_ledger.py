"""Commands about a finished or running run: where its ledger lies, and how its errors are told."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from pixian_batch.adapters.ledger import (
    LedgerError,
    LedgerInUseError,
    LedgerMissingError,
    LedgerTooNewError,
    default_path,
)
from pixian_batch.adapters.ledger.errors import LedgerOutdatedError
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.adapters.walking.spelling import did_you_mean
from pixian_batch.cli.shared import fail
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.adapters.ledger.base import Question

_P = ParamSpec("_P")
_T = TypeVar("_T")


def ledger_path(out: str, ledger: str | None) -> str:
    """Where the ledger lies. Ends the command for an output folder that is not there."""
    if ledger is None and not os.path.lexists(out):
        fail(f"{out} does not exist", did_you_mean(out, LedgerMissingError.hint), code=Exit.USAGE)
    return ledger or default_path(out)


def ask_ledger(path: str, question: Question[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
    """The answer to a question, also while a run goes on; trouble with the ledger ends the command."""

    async def answer() -> _T:
        with closing(LedgerReader.open(path)) as reader:
            return await reader.ask(question, *args, **named)

    with ledger_errors():
        return asyncio.run(answer())


@contextmanager
def ledger_errors() -> Iterator[None]:
    """The ledger's errors as one line, what to do, and an exit code."""
    try:
        yield
    except LedgerError as error:
        fail(str(error), error.hint, code=exit_of(error))


def exit_of(error: LedgerError) -> Exit:
    """Whose move it is: the run's that holds the ledger, the user's, or the disk's."""
    match error:
        case LedgerInUseError():
            return Exit.LEDGER_IN_USE
        case LedgerMissingError() | LedgerTooNewError() | LedgerOutdatedError():
            return Exit.USAGE
        case _:
            return Exit.DISK
