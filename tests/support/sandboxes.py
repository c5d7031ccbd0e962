"""The test bench of the promises about money: real runs in processes of their own, judged by the bill.

A `Sandbox` is one user's folder of photos, an output folder with its ledger, and an emulator that lives
in yet another process, so that killing the command leaves the bill untouched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import sqlite3
import struct
import time
import urllib.request
import zlib
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from support.forks import PATIENCE, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from support.forks import Child, ForkServer, Outcome

QUICK: Final = (
    "--ramp-interval", "0", "--backoff-step", "10ms", "--min-free", "1MB", "--idle-timeout", "30s",
    "--give-up-after", "20s", "--json",
)  # fmt: skip


def png(number: int, width: int = 8, height: int = 8) -> bytes:
    """A small PNG, different for each number. Built by hand: thousands are needed."""
    row = b"\0" + struct.pack(">I", number)[1:] * width
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(row * height, 1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


class EmulatorProcess:
    """An emulator in a process of its own."""

    def __init__(self, fork_server: ForkServer, toml: str = "", *, engine: str = "canned") -> None:
        self._child = fork_server.ask(emulate=f'engine = "{engine}"\nbill_entries = 200000\n' + toml)
        self.origin = wait_for(self._child.place / "url")

    @property
    def api(self) -> str:
        return f"{self.origin}/api/v2"

    def bill(self, *, settled: bool = True, entries: int = 0) -> Bill:
        """The bill; `settled`: wait until no request is under way any more."""
        until = time.monotonic() + PATIENCE
        while True:
            with urllib.request.urlopen(f"{self.origin}/emulator/bill?entries={entries}") as reply:  # noqa: S310
                bill = Bill(json.load(reply))
            if not settled or not bill.totals["at_once"] or time.monotonic() > until:
                return bill
            time.sleep(0.005)

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._child.send(signal.SIGKILL)


@dataclass(frozen=True)
class Bill:
    """What the emulator has charged."""

    payload: dict[str, Any]

    @property
    def totals(self) -> dict[str, Any]:
        return dict(self.payload["totals"])

    @property
    def images(self) -> dict[str, dict[str, Any]]:
        return dict(self.payload["images"])

    @property
    def requests(self) -> int:
        return int(self.totals["requests"])

    @property
    def charged(self) -> Decimal:
        return Decimal(self.totals["charged"])

    @property
    def most_charges(self) -> int:
        """How often the most charged image was charged."""
        return max((image["charges"] for image in self.images.values()), default=0)

    @property
    def most_delivered(self) -> int:
        return max((image["delivered"] for image in self.images.values()), default=0)

    def charged_for(self, digest: str) -> Decimal:
        return Decimal(self.images[digest]["charged"]) if digest in self.images else Decimal(0)


@dataclass
class Sandbox:
    """A user's folders and the service they use."""

    fork_server: ForkServer
    root: Path
    emulator: EmulatorProcess
    out: Path = field(init=False)
    photos: Path = field(init=False)

    def __post_init__(self) -> None:
        self.photos, self.out = self.root / "in", self.root / "out"
        self.photos.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.emulator.stop()

    # --- photos --------------------------------------------------------------------------------------

    def add(self, count: int, *, first: int = 0, size: tuple[int, int] = (8, 8)) -> None:
        """Photos with bytes of their own."""
        for number in range(first, first + count):
            (self.photos / f"{number:05}.png").write_bytes(png(number, *size))

    def digests(self) -> dict[str, str]:
        """Input path -> SHA-256, as the bill names it."""
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.photos.rglob("*"))
            if path.is_file()
        }

    # --- runs ----------------------------------------------------------------------------------------

    def begin(self, *more: str, workers: int = 4, **request: Any) -> Child:
        """A run of the command in the background."""
        arguments = [
            "run", str(self.photos), "--out", str(self.out), "--api-url", self.emulator.api,
            "--concurrency-max", str(workers), *QUICK, *more,
        ]  # fmt: skip
        env = {"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret", **request.pop("env", {})}
        return self.fork_server.ask(run=arguments, env=env, **request)

    def run(self, *more: str, workers: int = 4, **request: Any) -> Outcome:
        """A run of the command, to its end."""
        return self.begin(*more, workers=workers, **request).wait()

    # --- what is there -------------------------------------------------------------------------------

    @property
    def ledger(self) -> Path:
        return self.out / ".pixian-batch" / "ledger.db"

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        """A question to the ledger, in SQL, as any user may ask."""
        with contextlib.closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as db:
            return db.execute(question).fetchall()

    def charged(self) -> Decimal:
        """The sum of the charges in the ledger."""
        return sum((Decimal(row[0]) for row in self.ask("SELECT charged FROM answer") if row[0]), Decimal(0))

    def written_down(self) -> int:
        """How many attempts the ledger has."""
        if not self.ask("SELECT 1 FROM sqlite_schema WHERE name = 'attempt'"):
            return 0
        return int(self.ask("SELECT count(*) FROM attempt")[0][0])

    def undecided(self) -> dict[str, str]:
        """Input -> state, of what waits for a decision."""
        return dict(
            self.ask(
                "SELECT input, state FROM image JOIN attempt ON attempt.id = image.attempt"
                " WHERE state IN ('in_doubt', 'lost')"
            )
        )

    def results(self) -> list[Path]:
        return [path for path in self.out.rglob("*") if path.is_file() and not _hidden(path, self.out)]

    def strays(self) -> list[Path]:
        """Leftovers: hidden files in the output that the ledger does not name as kept."""
        kept = {Path(row[0]).name for row in self.ask("SELECT kept FROM verdict WHERE kept IS NOT NULL")}
        return [
            path
            for path in self.out.rglob("*")
            if path.is_file() and ".pixian-batch" not in path.parts and "pixian-" in path.name
            and path.name not in kept
        ]  # fmt: skip


def until_bill(sandbox: Sandbox, true: Callable[[Bill], bool]) -> None:
    """Wait until the bill says so."""
    until = time.monotonic() + PATIENCE
    while not true(sandbox.emulator.bill(settled=False)):
        assert time.monotonic() < until
        time.sleep(0.01)


def _hidden(path: Path, out: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(out).parts) or ".pixian" in path.name


def audit(sandbox: Sandbox, outcome: Outcome, *, workers: int) -> None:
    """The promises after an interrupted run was followed by a complete one under `hold`."""
    bill, digests, undecided = sandbox.emulator.bill(), sandbox.digests(), sandbox.undecided()
    assert outcome.code == (10 if undecided else 0), outcome.stderr
    summary = outcome.summary
    assert bill.most_delivered <= 1, "an image was delivered twice"
    assert bill.most_charges <= 1, "an image was charged twice"
    assert len(undecided) <= workers, undecided
    assert summary["failed"] == 0, summary
    # Each input ends exactly once, and each has its result unless it is undecided.
    told = Counter(record["input"] for record in outcome.images)
    assert told == Counter(dict.fromkeys(digests, 1)), told
    waiting = {path for path, digest in digests.items() if digest in {digests[name] for name in undecided}}
    names = {path.relative_to(sandbox.out).with_suffix("") for path in sandbox.results()}
    wanted = {Path(path).relative_to(sandbox.photos).with_suffix("") for path in set(digests) - waiting}
    assert names == wanted
    # The ledger's sum is the bill's, but for what is listed as in doubt.
    doubtful = [name for name, state in undecided.items() if state == "in_doubt"]
    hidden = sum((bill.charged_for(digests[name]) for name in doubtful), Decimal(0))
    assert sandbox.charged() == bill.charged - hidden
    assert sandbox.strays() == []
