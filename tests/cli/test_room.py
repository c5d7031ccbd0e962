"""Whether the disk has room for the results to come is said before it is full."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.workspaces import Workspace

ROOM = 20_000_000
LARGE = 1_000_000


def test_a_run_says_when_its_results_will_hardly_fit(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add(*(f"{number:03}.png" for number in range(60)))
    assert home.run()[0] == 0
    home.add(*(f"more/{number:03}.png" for number in range(40)))
    code, _, err = home.run("--min-free", str(shutil.disk_usage(home.out).free - ROOM))
    assert "GB are free" not in err, "forty tiny results fit"
    assert code == 0
    for result in home.out.glob("*.png"):
        os.truncate(result, LARGE)  # as if results of that size had been made
    with closing(sqlite3.connect(home.ledger)) as ledger, ledger:
        ledger.execute("UPDATE place SET size = ? WHERE folder = ''", (LARGE,))
    home.add(*(f"again/{number:03}.png" for number in range(40)))
    code, _, err = home.run("--min-free", str(shutil.disk_usage(home.out).free - ROOM))
    assert "the results will need about" in err
    assert code == 0, "it goes on as long as there is room"
