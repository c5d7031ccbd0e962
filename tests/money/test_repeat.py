"""What was bought stays bought: other runs over the same folders cost nothing and take nothing away."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.sandboxes import Sandbox


def test_a_free_run_does_not_replace_what_was_paid_for(sandbox: Callable[..., Sandbox]) -> None:
    """A watermarked file over a bought one would mean to buy it again."""
    home = sandbox()
    home.add(3)
    assert home.run().code == 0
    bought = {path: path.read_bytes() for path in home.results()}
    outcome = home.run("--test")
    assert outcome.code == 0, outcome.stderr
    assert outcome.summary["exists"] == outcome.summary["skipped"] == 3
    assert {path: path.read_bytes() for path in home.results()} == bought
    assert home.run().summary["skipped"] == 3
    assert home.emulator.bill().totals["charges"] == 3


def test_a_paid_run_replaces_free_results(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(3)
    assert home.run("--test").code == 0
    assert home.run().summary["done"] == 3
    assert home.emulator.bill().totals["charges"] == 3


def test_credits_that_run_out_and_come_back(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox('credits = "0.5"\nprice = {base = "0.1", per_megapixel = "0"}')
    home.add(12)
    outcome = home.run(workers=4)
    assert outcome.code == 5, outcome.stderr
    assert outcome.summary["done"] == 5
    assert outcome.summary["failed"] == outcome.summary["in_doubt"] == 0
    assert home.emulator.bill().charged == home.charged()


def test_files_that_others_made_are_left_alone(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(2)
    home.out.mkdir()
    (home.out / "00000.png").write_bytes(b"somebody's")
    outcome = home.run()
    assert outcome.statuses() == {"skipped": 1, "done": 1}
    assert (home.out / "00000.png").read_bytes() == b"somebody's"
    assert home.emulator.bill().totals["charges"] == 1
