"""Ends that somebody asked for: after a time, or before anything is bought. The bill is the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.sandboxes import png

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.sandboxes import Sandbox

SLOW = "weather.latency.median = 0.4\n"
NOBODY = {"PIXIAN_API_ID": "", "PIXIAN_API_SECRET": ""}


def test_a_run_ends_in_time_lands_what_is_in_flight_and_the_next_goes_on(
    sandbox: Callable[..., Sandbox],
) -> None:
    home = sandbox(SLOW)
    home.add(30)
    outcome = home.run("--max-duration", "1s", workers=3)
    assert (outcome.code, outcome.summary["stop"]["cause"]) == (9, "time"), outcome.stderr
    assert "run the same command again" in outcome.stderr
    done = outcome.summary["done"]
    bill = home.emulator.bill()
    assert 3 <= done < 30
    assert bill.totals["charges"] == done
    assert bill.totals["client_left"] == 0, "what was in flight was given up"
    assert home.undecided() == {}
    rest = home.run("--max-duration", "10m", workers=30)
    assert (rest.code, rest.summary["done"]) == (0, 30 - done)
    assert home.emulator.bill().totals["charges"] == 30


def test_when_all_has_landed_the_time_is_no_reason(
    sandbox: Callable[..., Sandbox],
) -> None:
    home = sandbox(SLOW)
    home.add(1)
    outcome = home.run("--max-duration", "200ms")
    assert (outcome.code, outcome.summary["done"]) == (0, 1), outcome.stderr
    home.add(1, first=7)
    assert home.run("--max-duration", "0").code == 9
    assert home.emulator.bill().totals["charges"] == 1


def test_with_require_cached_nothing_is_bought_and_what_would_be_is_named(
    sandbox: Callable[..., Sandbox],
) -> None:
    home = sandbox()
    home.add(2)
    assert home.run("--keep-master", "--crop-to-foreground").code == 0
    requests = home.emulator.bill().requests
    assert home.run("--crop-to-foreground", "--require-cached", env=NOBODY).code == 0
    home.add(1, first=7)
    (home.photos / "twin.png").write_bytes(png(0))
    outcome = home.run("--crop-to-foreground", "--require-cached", env=NOBODY)
    assert outcome.code == 3
    failed = [record for record in outcome.images if record["status"] == "failed"]
    assert [record["input"] for record in failed] == [str(home.photos / "00007.png")]
    assert failed[0]["error"]["code"] == "not_cached"
    assert outcome.statuses() == {"failed": 1, "skipped": 2, "duplicate": 1}
    free = home.run("--target-size", "9 9", "--keep-master", "--replace", "--require-cached", env=NOBODY)
    assert free.statuses() == {"failed": 1, "duplicate": 3}, "what can be drawn is drawn"
    assert home.emulator.bill().requests == requests
    assert home.ask("SELECT count(*) FROM failure") == [(0,)]
    assert home.run("--crop-to-foreground", "--replace").statuses()["done"] == 1


def test_with_require_cached_a_doubt_is_not_sent_again(
    sandbox: Callable[..., Sandbox],
) -> None:
    home = sandbox('weather.chances = [{fault = "reset_after_charge", probability = 1.0}]')
    home.add(1)
    assert home.run().code == 10
    requests = home.emulator.bill().requests
    assert home.run("--require-cached", "--in-doubt", "resend", env=NOBODY).code == 3
    assert home.run("--require-cached", env=NOBODY).code == 10
    assert home.emulator.bill().requests == requests
