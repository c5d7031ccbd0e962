"""The lock of a run: what it found done or has made, written down at its end, whole or not at all. Sends nothing.

What only the ledger knows (which bytes a result was made of, what they cost) is taken from there; the result's own hash
from its file. A line that says all that already is left as it is, and its file is not read: a result that was altered
since is not locked anew by a run that has only passed it by. Proved by tests/cli/test_lock.py.
"""

from __future__ import annotations

import os
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.ledger import statements
from pixian_batch.adapters.ledger.reader import LedgerReader
from pixian_batch.adapters.whole_file import whole_file
from pixian_batch.pipeline.hashing import looking
from pixian_batch.pipeline.verifying import read_lock_file
from pixian_batch.policy.lockfile import UNKNOWN, LockLine, merged, write_lock
from pixian_batch.policy.outcome import Done, Duplicate, Skipped, SkipReason
from pixian_batch.policy.progress import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixian_batch.pipeline.spec import Outputs
    from pixian_batch.policy.outcome import Ending

_URLS: Final = ("http://", "https://")
_STANDING: Final = frozenset({SkipReason.DONE, SkipReason.BOUGHT})


@dataclass(frozen=True, slots=True)
class _Noted:
    """An input whose result stands at its place. made: in this run."""

    input: str
    made: bool


class LockNotes(Watcher):
    """Notes which inputs have a result; what is fetched by address is counted only, since nothing can prove it later."""

    def __init__(self) -> None:
        self.standing: dict[str, _Noted] = {}
        """By the result's path."""
        self.urls = 0

    @property
    def tells_skipped(self) -> bool:
        """What is done has a line, too."""
        return True

    def ended(self, ending: Ending) -> None:
        """One image's way has ended."""
        match ending.outcome:
            case Done() | Duplicate():
                self._note(ending, made=True)
            case Skipped(reason) if reason in _STANDING:
                self._note(ending, made=False)
            case _:
                pass

    def _note(self, ending: Ending, *, made: bool) -> None:
        if ending.input.startswith(_URLS):
            self.urls += 1
        elif ending.output is not None:
            self.standing[ending.output] = _Noted(ending.input, made)


def write_lock_file(path: str, notes: LockNotes, outputs: Outputs) -> int:
    """Bring the lock at `path` up to date, and give its number of lines.

    Raises OSError, `LockError` and `LedgerError`; what was there is still there then.
    """
    folder = os.path.dirname(os.path.abspath(path))
    old = read_lock_file(path) if os.path.lexists(path) else []
    fresh = list(_fresh(folder, old, notes, outputs))
    lines = merged(old, fresh, lambda name: os.path.lexists(os.path.join(folder, name)))
    content = write_lock(lines)
    if not old or content != _content(path):
        with whole_file(path) as out:
            out.write(content)
    return content.count(b"\n") - 1


def _fresh(folder: str, old: list[LockLine], notes: LockNotes, outputs: Outputs) -> Iterator[LockLine]:
    """The lines of this run. Those whose file has to be read come last."""
    before = {line.files: line for line in old}
    unread = []
    for line, made in _from_ledger(folder, notes, outputs):
        known = before.get(line.files)
        if known is not None and known.is_of(line) and not made:
            yield replace(known, credits=line.credits)
        else:
            unread.append(line)
    with looking() as look:
        seen = look([os.path.join(folder, line.output) for line in unread])
    for line, file in zip(unread, seen, strict=True):
        if file.digest is not None:
            yield replace(line, output_hash=file.digest)


def _from_ledger(folder: str, notes: LockNotes, outputs: Outputs) -> Iterator[tuple[LockLine, bool]]:
    """What the ledger says of each result of this run, and whether it was made in it. The results' hashes are empty."""
    with closing(LedgerReader.open(outputs.ledger)) as reader:
        for place, digest, params, charged in reader.each(statements.priced_results):
            path = os.path.join(outputs.out, *place.split("/"))
            noted = notes.standing.get(path)
            if noted is not None:
                line = LockLine(
                    input=relative(noted.input, folder),
                    input_hash=digest.hex(),
                    parameters=params,
                    output=relative(path, folder),
                    output_hash="",
                    credits=charged or UNKNOWN,
                )
                yield line, noted.made


def relative(path: str, folder: str) -> str:
    """A path as a lock in `folder` has it: relative, with `/`; on another drive it stays absolute."""
    whole = os.path.abspath(path)
    with suppress(ValueError):  # another drive of Windows
        whole = os.path.relpath(whole, folder)
    return whole.replace(os.sep, "/")


def _content(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()
