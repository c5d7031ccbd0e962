"""The way of a repair: the damaged files are kept, a new ledger is built beside them, and takes their place. Blocking.

A new ledger is never begun in silence: the damaged files stay beside it as `ledger.damaged-<time>.db`, what
was saved is said, and the run stops.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

from pixian_batch.adapters.clock import now
from pixian_batch.adapters.ledger import opening
from pixian_batch.adapters.ledger.errors import LedgerError, LedgerRebuiltError, in_our_words

if TYPE_CHECKING:
    from pixian_batch.adapters.ledger.repair.mending import Saved

_COMPANIONS: Final = ("-wal", "-shm")
_BLOCK: Final = 1 << 20


def mark(path: str) -> None:
    """Remember that the ledger at `path` was found damaged while it was used. Never raises."""
    with suppress(OSError), open(_marker(path), "w", encoding="utf-8") as stream:
        stream.write("found damaged: the next run rebuilds the ledger\n")


def is_marked(path: str) -> bool:
    """Whether a run has found the ledger damaged, though it may look whole now."""
    return os.path.exists(_marker(path))


def _marker(path: str) -> str:
    return f"{path}.damaged"


def _rebuilt(path: str) -> str:
    return f"{path}.rebuilt"


def finish_interrupted(path: str) -> None:
    """Finish a repair that was interrupted after its ledger was ready. Raises `LedgerRebuiltError` then."""
    if os.path.isfile(_rebuilt(path)):
        _swap(path)
        raise LedgerRebuiltError(
            f"the ledger {path} was damaged, and an interrupted run had rebuilt it from what could be read;"
            " the damaged one is beside it"
        )


def rebuild(path: str, out: str, reason: str) -> LedgerRebuiltError:
    """Set the damaged ledger at `path` aside and put what can be saved in its place; the error that says so.

    out: the output folder, whose files prove results. Raises `LedgerError` when the disk does not take the
    new ledger; then nothing has changed.
    """
    try:
        aside = _keep_aside(path)
        saved = _build(path, out)
        _swap(path)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"the damaged ledger {path} cannot be rebuilt: {in_our_words(error)}") from error
    return LedgerRebuiltError(
        f"the ledger {path} was damaged ({reason}) and has been rebuilt: {saved}; the damaged one is kept as {aside}"
    )


def is_ours(path: str) -> bool:
    """Whether a file that SQLite cannot use was a ledger: by its place, its header, or a table of ours in it."""
    return opening.in_own_folder(path) or any(_names_us(path + companion) for companion in ("", "-wal"))


def _names_us(path: str) -> bool:
    with suppress(OSError), open(path, "rb") as stream:
        head = stream.read(100)
        if head[68:72] == opening.APPLICATION_ID.to_bytes(4, "big"):
            return True
        tail = head
        while block := stream.read(_BLOCK):
            if b"CREATE TABLE attempt" in tail + block or b"attempt_is_kept" in tail + block:
                return True
            tail = block[-32:]
    return False


def _keep_aside(path: str) -> str:
    """Copies of the damaged files, whole and synced; the path of the first."""
    stem, extension = os.path.splitext(path)
    aside = f"{stem}.damaged-{now().replace(':', '').replace('+0000', 'Z')}{extension}"
    for companion in ("", *_COMPANIONS):
        if os.path.isfile(path + companion):
            _copy(path + companion, aside + companion)
    return aside


def _copy(source: str, target: str) -> None:
    """A copy that skips what the disk does not give back."""
    with open(source, "rb") as reader, open(target, "wb") as writer:
        while True:
            at = reader.tell()
            try:
                block = reader.read(_BLOCK)
            except OSError:
                reader.seek(at + _BLOCK)
                block = b"\0" * _BLOCK
            if not block:
                break
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    shutil.copystat(source, target)


def _build(path: str, out: str) -> Saved:
    """The new ledger, complete and synced, as `.rebuilt`: from then on it will take the old one's place."""
    from pixian_batch.adapters.ledger.repair.carving import Carver  # every run asks this module for marks
    from pixian_batch.adapters.ledger.repair.mending import Mender
    from pixian_batch.adapters.ledger.repair.shapes import take_rows

    part = f"{_rebuilt(path)}.part"
    for companion in ("", "-journal", *_COMPANIONS):
        with suppress(FileNotFoundError):
            os.unlink(part + companion)
    with closing(sqlite3.connect(part, isolation_level=None)) as db:
        opening.create(db)
        db.execute("BEGIN")
        take_rows(db, Carver(path).rows())
        saved = Mender(db, out).mend()
        db.execute("COMMIT")
    opening.put_in_place(part, _rebuilt(path))
    return saved


def _swap(path: str) -> None:
    """The new ledger takes the old one's place. The old log goes first: SQLite would play it into the new file."""
    for companion in _COMPANIONS:
        with suppress(FileNotFoundError):
            os.unlink(path + companion)
    os.replace(_rebuilt(path), path)
    with suppress(FileNotFoundError):
        os.unlink(_marker(path))
