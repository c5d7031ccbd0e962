"""Opening a ledger: under a run's lock or to read; what is damaged, somebody else's, newer or not there is said."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support.pictures import put
from support.records import sending

from pixian_batch.adapters.ledger import (
    Ledger,
    LedgerDamagedError,
    LedgerError,
    LedgerInUseError,
    LedgerMissingError,
    LedgerTooNewError,
    default_path,
    errors,
    questions,
)
from pixian_batch.adapters.ledger.migration import SCHEMA_VERSION
from pixian_batch.adapters.ledger.opening import read_only
from pixian_batch.adapters.ledger.reader import LedgerReader

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="names that only POSIX systems have")


@posix
@pytest.mark.asyncio
async def test_a_ledger_may_lie_anywhere(tmp_path: Path) -> None:
    for folder in ("it's 100%?#", "new\nline", os.fsdecode(b"caf\xe9"), ":memory:"):
        path = default_path(str(tmp_path / folder))
        opened = await Ledger.open(path)
        await opened.begin_run(version="1", service="test")
        with closing(read_only(path)) as reader:
            assert reader.execute("SELECT count(*) FROM run").fetchone() == (1,), folder
        await opened.close()
        assert os.path.isfile(path), folder


@pytest.mark.asyncio
async def test_a_second_run_on_one_ledger_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerInUseError, match="another run"):
        await Ledger.open(ledger.path)
    script = (
        "import asyncio, sys\n"
        "from pixian_batch.adapters.ledger import Ledger, LedgerInUseError\n"
        "try: asyncio.run(Ledger.open(sys.argv[1]))\n"
        "except LedgerInUseError: sys.exit(11)\n"
    )
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", script, ledger.path)
    assert await other.wait() == 11


@pytest.mark.asyncio
async def test_the_lock_is_gone_with_its_process(path: str) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from pixian_batch.adapters.ledger import Ledger\n"
        "asyncio.run(Ledger.open(sys.argv[1])); os._exit(9)\n"
    )
    assert (
        subprocess.run([sys.executable, "-c", script, path], check=False).returncode == 9
    )  # nothing else runs
    await (await Ledger.open(path)).close()


@pytest.mark.asyncio
async def test_garbage_is_said_to_be_damaged_and_left_as_it_is(path: str) -> None:
    photo, whole = b"\xff\xd8\xff\xe0photo", b"SQLite format 3\0" + b"\xff" * 8000
    for content in (b"garbage" * 2000, whole, b"x", photo):
        put(path, content)
        with pytest.raises(LedgerDamagedError):
            await Ledger.open(path)
        with pytest.raises(LedgerDamagedError):
            read_only(path)
        with open(path, "rb") as stream:
            assert stream.read() == content


@pytest.mark.asyncio
async def test_a_damaged_ledger_can_be_looked_for_again(path: str) -> None:
    put(path, b"garbage" * 2000)
    for _ in range(2):  # the lock was let go of
        with pytest.raises(LedgerDamagedError):
            await Ledger.open(path)


async def filled(path: str) -> None:
    opened = await Ledger.open(path)
    await opened.begin_run(version="1", service="test")
    await asyncio.gather(*(opened.sending(sending(n, input="n" * 500)) for n in range(1, 200)))
    await opened.close()


@pytest.mark.asyncio
async def test_a_truncated_ledger_is_found_damaged(path: str) -> None:
    await filled(path)
    for part in (0.9, 0.3):
        os.truncate(path, int(os.path.getsize(path) * part))
        with pytest.raises(LedgerDamagedError):
            await Ledger.open(path)


@pytest.mark.asyncio
async def test_overwritten_pages_are_found(path: str) -> None:
    await filled(path)
    with open(path, "rb+") as stream:  # a test
        stream.seek(3 * 4096)
        stream.write(b"\xa5" * 4096 * 4)
    with pytest.raises(LedgerDamagedError):
        await Ledger.open(path)


@pytest.mark.asyncio
async def test_somebody_elses_database_is_refused_and_left_as_it_is(path: str) -> None:
    put(path)
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    with open(path, "rb") as stream:  # a test
        before = stream.read()
    with pytest.raises(LedgerDamagedError, match="not a pixian-batch ledger"):
        await Ledger.open(path)
    with open(path, "rb") as stream:  # a test
        assert stream.read() == before


@pytest.mark.asyncio
async def test_a_newer_ledger_is_refused(path: str) -> None:
    await (await Ledger.open(path)).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(LedgerTooNewError, match="newer"):
        await Ledger.open(path)
    with pytest.raises(LedgerTooNewError, match="newer"):
        read_only(path)


@pytest.mark.asyncio
async def test_an_empty_file_becomes_a_ledger_unless_it_had_been_one(path: str, tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere.db")
    await (await Ledger.open(elsewhere)).close()
    read_only(elsewhere).close()
    put(path)  # where only ledgers are: this one has lost its content
    with pytest.raises(LedgerDamagedError, match="cut off"):
        await Ledger.open(path)


@pytest.mark.asyncio
async def test_a_ledger_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    put(tmp_path / "file")
    with pytest.raises(LedgerError, match="cannot be made"):
        await Ledger.open(str(tmp_path / "file" / "ledger.db"))
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(LedgerError, match="cannot be opened"):
        await Ledger.open(str(tmp_path / "folder.db"))
    with pytest.raises(LedgerError, match="no ledger"):
        read_only(str(tmp_path / "nothing.db"))


@pytest.mark.asyncio
async def test_readers_read_while_a_run_writes_and_cannot_write(ledger: Ledger) -> None:
    reader = read_only(ledger.path)
    writing = asyncio.gather(*(ledger.sending(sending(n)) for n in range(1, 100)))
    while not writing.done():
        assert reader.execute("SELECT count(*) FROM attempt").fetchone()[0] >= 0
        await asyncio.sleep(0)
    assert reader.execute("SELECT count(*) FROM attempt").fetchone() == (99,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM source")
    reader.close()


@pytest.mark.asyncio
async def test_no_ledger_yet_is_an_empty_one_only_where_that_is_asked_for(tmp_path: Path) -> None:
    path = default_path(str(tmp_path / "never"))
    with pytest.raises(LedgerMissingError, match="there is no ledger"):
        LedgerReader.open(path)
    with pytest.raises(LedgerMissingError):
        await Ledger.open(path, create=False)
    with closing(LedgerReader.open(path, missing_ok=True)) as reader:
        assert await reader.ask(questions.result_sizes) == (0, 0)
    assert os.listdir(tmp_path) == [], "nobody made anything"


@pytest.mark.asyncio
async def test_a_ledger_that_cannot_be_read_is_no_empty_one(path: str) -> None:
    put(path, b"garbage" * 2000)
    with pytest.raises(LedgerDamagedError):
        LedgerReader.open(path, missing_ok=True)


def test_every_error_says_whose_move_it_is() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, LedgerError)
    ]
    assert len(kinds) > 5
    hints = {kind.__name__: kind.hint for kind in kinds}
    assert all(hints.values()), hints
    assert len(set(hints.values())) == len(hints), "each has its own"
