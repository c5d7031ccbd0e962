"""The rows that were measured: printed as they come, and kept for the JSON file."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass, field
from typing import Any, Final

_WIDTH: Final = 17


@dataclass(slots=True)
class Bench:
    """One call of the command. work: a folder for what is measured; cache: for what is kept between calls."""

    work: str
    cache: str
    quick: bool = False
    rounds: int = 3
    rows: list[dict[str, Any]] = field(default_factory=list)
    _columns: list[str] = field(default_factory=list)

    def row(self, section: str, **values: Any) -> None:
        """Keep and print one row; a new header whenever its columns change."""
        self.rows.append({"section": section, **values})
        columns = [section, *values]
        if columns != self._columns:
            self._columns = columns
            print("\n" + "  ".join(f"{name:>{_WIDTH}}" for name in values), flush=True)
        print("  ".join(f"{_text(value):>{_WIDTH}}" for value in values.values()), flush=True)

    def note(self, text: str) -> None:
        """A line between rows."""
        self._columns = []
        print(f"\n{text}", flush=True)

    def write(self, path: str) -> None:
        """The rows and the machine, as JSON."""
        about = {"machine": platform.platform(), "cores": _cores(), "python": platform.python_version()}
        with open(path, "w", encoding="utf-8") as stream:
            json.dump({**about, "rows": self.rows}, stream, indent=1)
            stream.write("\n")


def _text(value: Any) -> str:
    return "-" if value is None else str(value)


def _cores() -> int:
    import os  # one question

    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
