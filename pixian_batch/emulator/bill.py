"""The emulator's own bill: what was asked, charged and delivered. This is how nothing-paid-twice is proved.

Memory: one small record per distinct image, and bounded lists of recent requests and arrivals. With a
bill file every charge is on its way to the disk before the answer's first byte leaves, so that the
bill survives the emulator's sudden death. Only the event loop's thread may use a bill.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ARRIVALS: Final = 200_000
ZERO: Final = Decimal(0)


@dataclass(slots=True)
class Visit:
    """One request for a result, from its arrival to its end. `delivered`: its whole body was handed over.

    time: of the arrival, in seconds since 1970.
    """

    number: int
    time: float
    at_once: int
    image: str | None = None
    params: str = ""
    test: bool = False
    ready: bool = False
    charged: Decimal = ZERO
    calculated: Decimal | None = None
    status: int | None = None
    code: int | None = None
    fault: str | None = None
    delivered: bool = False
    client_left: bool = False


@dataclass(slots=True)
class ImageAccount:
    """All requests that carried the same bytes.

    `charges` counts results that were made and were no tests, also when they cost 0.
    """

    requests: int = 0
    charges: int = 0
    charged: Decimal = ZERO
    delivered: int = 0
    tests: int = 0


@dataclass(slots=True)
class Totals:
    """Sums over all requests."""

    requests: int = 0
    charges: int = 0
    charged: Decimal = ZERO
    calculated: Decimal = ZERO
    delivered: int = 0
    tests: int = 0
    client_left: int = 0
    at_once: int = 0
    most_at_once: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    by_fault: Counter[str] = field(default_factory=Counter)


class Bill:
    """Adds up visits. With `file` it also appends them there as JSON lines, and goes on from what is there.

    now: the wall clock, in seconds since 1970.
    """

    def __init__(self, *, now: Callable[[], float], entries: int = 10_000, file: Path | None = None) -> None:
        self._now = now
        self._kept = entries
        self._file: IO[str] | None = None
        self._clear()
        if file is not None:
            self._go_on(file)

    def _clear(self) -> None:
        self.totals = Totals()
        self.images: dict[str, ImageAccount] = {}
        self.entries: deque[Visit] = deque(maxlen=self._kept)
        self.arrivals: deque[tuple[float, int]] = deque(maxlen=_ARRIVALS)
        self._number = 0

    def arrive(self) -> Visit:
        """A new request is here."""
        self._number += 1
        self.totals.requests += 1
        self.totals.at_once += 1
        self.totals.most_at_once = max(self.totals.most_at_once, self.totals.at_once)
        visit = Visit(self._number, self._now(), self.totals.at_once)
        self.arrivals.append((visit.time, visit.at_once))
        return visit

    def identify(self, visit: Visit, image: str) -> int:
        """The request's image is known by its SHA-256 (hex); returns how often it has been here, from 1."""
        visit.image = image
        account = self._add_request(visit)
        self._write("image", visit)
        return account.requests

    def _account(self, visit: Visit) -> ImageAccount:
        return self.images.setdefault(visit.image or "", ImageAccount())

    def _add_request(self, visit: Visit) -> ImageAccount:
        account = self._account(visit)
        account.requests += 1
        account.tests += visit.test
        self.totals.tests += visit.test
        return account

    def charge(self, visit: Visit, amount: Decimal, *, calculated: Decimal | None = None) -> None:
        """The result is ready: book `amount` (0 for tests) before anything of the answer leaves."""
        visit.ready = True
        visit.charged = amount
        visit.calculated = calculated
        self._book(visit)
        self._write("charge", visit)

    def _book(self, visit: Visit) -> None:
        account = self._account(visit)
        account.charged += visit.charged
        account.charges += not visit.test
        self.totals.charged += visit.charged
        self.totals.charges += not visit.test
        self.totals.calculated += visit.calculated or ZERO

    def leave(self, visit: Visit) -> None:
        """The request is over, well or not."""
        self.totals.at_once -= 1
        self._count_end(visit)
        self.entries.append(visit)
        self._write("end", visit)

    def _count_end(self, visit: Visit) -> None:
        self.totals.delivered += visit.delivered
        self.totals.client_left += visit.client_left
        self.totals.by_status[str(visit.status or "none")] += 1
        if visit.fault:
            self.totals.by_fault[visit.fault] += 1
        if visit.image is not None:
            self._account(visit).delivered += visit.delivered

    def reset(self) -> None:
        """Forget everything, also in the bill file. Requests under way are counted from their next event on."""
        under_way = self.totals.at_once
        self._clear()
        self.totals.at_once = self.totals.most_at_once = under_way
        if self._file is not None:
            self._file.truncate(0)

    def close(self) -> None:
        """Close the bill file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def as_json(self, *, images: bool = True, entries: int = 0, arrivals: int = 0) -> dict[str, Any]:
        """The bill as JSON values; `entries` and `arrivals` say how many of the latest to show."""
        shown: dict[str, Any] = {"v": 1, "totals": _plain(self.totals)}
        if images:
            shown["images"] = {name: _plain(account) for name, account in self.images.items()}
        if entries:
            shown["entries"] = [_plain(visit) for visit in list(self.entries)[-entries:]]
        if arrivals:
            latest = list(self.arrivals)[-arrivals:]
            shown["arrivals"] = [{"time": when, "at_once": at_once} for when, at_once in latest]
        return shown

    # The bill file.
    def _write(self, event: str, visit: Visit) -> None:
        if self._file is not None:
            self._file.write(json.dumps({"event": event, **_plain(visit)}) + "\n")
            # Handed to the operating system: it survives kill -9 of this process.
            self._file.flush()

    def _go_on(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+", encoding="utf-8")
        self._file.seek(0)
        line = "\n"
        for line in self._file:
            self._replay(line)
        if not line.endswith("\n"):
            # A line that a crash cut short must not be glued to the next one.
            self._file.write("\n")

    def _replay(self, line: str) -> None:
        try:
            record = json.loads(line)
            event = record.pop("event")
            visit = _visit(record)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
            return  # a line that a crash cut short
        self._number = max(self._number, visit.number)
        if event == "image":
            self.totals.requests += 1
            self._add_request(visit)
        elif event == "charge":
            self._book(visit)
        else:
            # Requests without an image are known by their end alone.
            self.totals.requests += visit.image is None
            self._count_end(visit)


def _visit(record: dict[str, Any]) -> Visit:
    calculated = record["calculated"]
    record["charged"] = Decimal(record["charged"])
    record["calculated"] = None if calculated is None else Decimal(calculated)
    return Visit(**record)


def _plain(record: Visit | ImageAccount | Totals) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__slots__}
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in values.items()}
