"""A photo that comes to stand at a place while its result is bought: it stays, and the result waits, paid for once."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from support.sandboxes import until_bill

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.sandboxes import Sandbox

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links that any user may make")
DISK, FAILED = 8, 3


@pytest.mark.parametrize("make", [os.link, os.symlink])
def test_the_photo_stays_and_the_result_waits(
    sandbox: Callable[..., Sandbox], make: Callable[[str, str], None]
) -> None:
    home = sandbox("weather.latency.median = 0.5")
    home.add(3)
    run = home.begin(workers=3)
    until_bill(home, lambda bill: bill.totals["at_once"] == 3)
    photo = min(home.photos.iterdir())
    content, place = photo.read_bytes(), home.out / f"{photo.stem}.png"
    make(str(photo), str(place))
    outcome = run.wait()
    assert outcome.code == DISK, outcome.stderr
    assert outcome.statuses() == {"done": 2, "kept": 1}
    assert "a photo has come to stand there" in outcome.stdout
    assert place.read_bytes() == photo.read_bytes() == content
    still = home.run()
    assert (still.code, place.read_bytes()) == (FAILED, content)
    place.unlink()
    last = home.run()
    assert last.code == 0, last.stderr
    assert photo.read_bytes() == content != place.read_bytes()
    bill = home.emulator.bill()
    assert bill.totals["charges"] == bill.totals["delivered"] == 3
