"""The same bytes with the same parameters are bought once, whatever they are called and wherever they lie."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from support.sandboxes import Sandbox, png

if TYPE_CHECKING:
    from collections.abc import Callable


def test_forty_workers_with_the_same_bytes_in_hand(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox("weather.latency.median = 0.2")
    for number in range(80):
        (home.photos / f"{number}.png").write_bytes(png(number % 2))
    outcome = home.run(workers=40)
    assert outcome.code == 0, outcome.stderr
    assert outcome.statuses() == {"done": 2, "duplicate": 78}
    bill = home.emulator.bill()
    assert (bill.totals["charges"], bill.totals["delivered"]) == (2, 2)
    assert {path.name for path in home.results()} == {f"{number}.png" for number in range(80)}
    assert home.strays() == []


def test_across_runs_folders_and_names(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(5)
    assert home.run().code == 0
    shutil.copytree(home.photos, home.photos / "again" / "deep")
    for path in list((home.photos / "again" / "deep").iterdir()):
        path.rename(path.with_name(f"other-{path.name}"))
    outcome = home.run()
    assert outcome.statuses() == {"skipped": 5, "duplicate": 5}
    assert home.emulator.bill().totals["charges"] == 5
    for number in range(5):
        first = home.out / f"{number:05}.png"
        second = home.out / "again" / "deep" / f"other-{number:05}.png"
        assert first.read_bytes() == second.read_bytes()


def test_other_parameters_are_another_image(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(1)
    assert home.run().code == 0
    assert home.run("--background-color", "#ff0000", "--replace").code == 0
    assert home.emulator.bill().totals["charges"] == 2


def test_a_doubt_holds_all_its_copies(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox('weather.script = ["fair", "reset_after_charge"]')
    for number in range(40):
        (home.photos / f"{number}.png").write_bytes(png(7))
    outcome = home.run(workers=40)
    assert outcome.code == 10
    assert outcome.statuses() == {"in_doubt": 40}
    assert home.emulator.bill().totals["charges"] == 1
    # One purchase is in doubt, not forty.
    assert len(home.undecided()) == 1
    assert outcome.summary["credits_in_doubt"] in {"0", "0.05"}


def test_a_failure_is_no_doubt_for_its_copies(sandbox: Callable[..., Sandbox]) -> None:
    """The second copy is tried when the first was refused; nothing is charged for either."""
    home = sandbox('weather.script = ["fair", "error_500", "error_500"]')
    for number in range(4):
        (home.photos / f"{number}.png").write_bytes(png(7))
    outcome = home.run("--retries", "1", workers=4)
    assert outcome.statuses() == {"failed": 1, "done": 1, "duplicate": 2}
    assert home.emulator.bill().totals["charges"] == 1


def test_an_input_that_changed_is_bought_anew_and_only_it(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox()
    home.add(4)
    assert home.run().code == 0
    (home.photos / "00002.png").write_bytes(png(99))
    outcome = home.run()
    assert outcome.statuses() == {"skipped": 3, "done": 1}
    assert home.emulator.bill().totals["charges"] == 5
