"""SIGKILL at every point of an image's way; the emulator's bill is the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.kill_points import DRAWING, POINTS
from support.sandboxes import Sandbox, audit, png

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS = 4
KILLED = -9
REBUILDING = {"rebuilt_before_rename", "rebuilt_after_rename"}
ONCE_A_RUN = {"before_end_of_run", "after_end_of_run"}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("passage", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_a_kill_costs_nothing_twice(sandbox: Callable[..., Sandbox], point: str, passage: int) -> None:
    home = sandbox()
    home.add(10)
    for copy in range(8):  # the same bytes under other names
        (home.photos / f"copy-{copy}.png").write_bytes(png(copy % 3))
    options = ["--via-delta"] if point in REBUILDING else []
    options = ["--crop-to-foreground", "--keep-master"] if point in DRAWING else options
    passage = 1 if point in ONCE_A_RUN else passage
    assert home.run(*options, workers=WORKERS, kill=[point, passage]).code == KILLED
    audit(home, home.run(*options, workers=WORKERS), workers=WORKERS)
    before = home.emulator.bill()
    again = home.run(*options, workers=WORKERS)
    assert again.summary["done"] == 0
    assert home.emulator.bill().payload == before.payload, "the third run sent something"


RECOVERIES = [
    ("after_sync", "before_verdict"),
    ("after_sync", "in_verdict_commit"),
    ("after_sync", "after_verdict"),
    ("after_verdict", "before_rename"),
    ("after_verdict", "after_rename"),
    ("after_rename", "before_placed"),
    ("after_rename", "after_placed"),
    ("upload_after_tail", "in_verdict_commit"),
    ("first_body_block", "in_verdict_commit"),
    ("body_mid_way", "after_verdict"),
]


@pytest.mark.parametrize(("first", "second"), RECOVERIES)
def test_the_recovery_itself_may_be_killed(sandbox: Callable[..., Sandbox], first: str, second: str) -> None:
    home = sandbox()
    home.add(10)
    assert home.run(workers=WORKERS, kill=[first, 3]).code == KILLED
    assert home.run(workers=WORKERS, kill=[second, 1]).code == KILLED
    audit(home, home.run(workers=WORKERS), workers=2 * WORKERS)
