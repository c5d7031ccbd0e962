"""`--limit` holds whatever the service does, and whoever is killed; each image is bought once, by the emulator's bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.sandboxes import Sandbox, png

if TYPE_CHECKING:
    from collections.abc import Callable

STORM = (
    'weather.chances = [{fault = "error_503", probability = 0.2}, {fault = "reset_after_charge", probability = 0.2},'
    ' {fault = "cut_body", probability = 0.1}]\nweather.latency = {median = 0.02, sigma = 0.8}'
)


def test_no_weather_makes_a_run_buy_more(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox(STORM)
    home.add(40)
    photos = sorted(home.photos.iterdir())
    # Duplicates of what is bought, of what is lost on the way, and of what comes later.
    for number in range(20):
        (home.photos / f"again-{number}.png").write_bytes(photos[number * 2].read_bytes())
    before = 0
    for _run in range(4):
        outcome = home.run("--limit", "7", workers=20)
        charges = home.emulator.bill().totals["charges"]
        assert charges - before <= 7, outcome.stderr
        assert outcome.summary["done"] + outcome.summary["failed"] <= 7
        before = charges
    assert home.emulator.bill().most_charges == 1


def test_a_killed_run_and_the_next_one_buy_no_more_than_each_may(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox("weather.latency.median = 0.05")
    home.add(30)
    for number, passage in enumerate((2, 4, 1), start=1):
        assert home.run("--limit", "5", workers=8, kill=["upload_after_tail", passage]).code == -9
        assert home.emulator.bill().totals["charges"] <= 5 * number
    outcome = home.run("--limit", "5", workers=8)
    assert outcome.code == 10, outcome.stderr
    assert outcome.summary["done"] >= 5
    assert home.emulator.bill().most_charges == 1


def test_a_hundred_workers_take_the_first_by_name(sandbox: Callable[..., Sandbox]) -> None:
    home = sandbox("weather.latency = {median = 0.05, sigma = 1.0}")
    for number in range(60):
        side = 300 if number % 3 == 0 else 8  # the first of three takes longer to read
        (home.photos / f"{number:04}.png").write_bytes(png(number, side, side))
    outcome = home.run("--limit", "25", workers=100)
    assert outcome.code == 0, outcome.stderr
    assert {path.name for path in home.results()} == {f"{number:04}.png" for number in range(25)}
    assert home.emulator.bill().totals["charges"] == 25
    assert outcome.summary["left_out"]["over_limit"] == 35
