"""The wall clock is read in one place on each side of the wire; all else asks the loop or is handed a time."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pixian_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = Path(pixian_batch.__file__).parent
CLOCKS: Final = {
    *("time.time", "time.time_ns", "time.ctime", "time.gmtime", "time.localtime", "time.strftime"),
    *("datetime.now", "datetime.today", "datetime.utcnow", "date.today"),
}


def readings(source: str) -> Iterator[str]:
    """Every mention of a wall clock in a module, called or handed on."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            name = ".".join(ast.unparse(node).split(".")[-2:])
            if name in CLOCKS:
                yield name
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"time.{alias.name}" for alias in node.names if f"time.{alias.name}" in CLOCKS)


def test_the_measure_sees_a_clock_however_it_is_named() -> None:
    source = "import datetime\nfrom time import time\ndatetime.datetime.now()\nmonotonic = loop.time()"
    assert sorted(readings(source)) == ["datetime.now", "time.time"]


def test_the_wall_clock_is_read_in_one_place_on_each_side_of_the_wire() -> None:
    places = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(readings(path.read_text(encoding="utf-8")))
    }
    ours, emulator = sorted(places, key=lambda place: place.startswith("emulator/"))
    assert ours.startswith("adapters/")
    assert ours.endswith("/clock.py")
    assert emulator == "emulator/server.py"
    assert list(readings((PACKAGE / emulator).read_text(encoding="utf-8"))) == ["time.time"]
