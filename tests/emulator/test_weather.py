"""What goes wrong is decided by the seed and the request's number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.emulator.weather import (
    Bucket,
    Chance,
    Fault,
    FaultKind,
    Latency,
    RateLimit,
    Weather,
    draw,
    fault_of_image,
    forecast,
)

STORM = Weather(
    seed=7,
    latency=Latency(1.0, 0.5),
    chances=(
        Chance(Fault(FaultKind.ERROR_500), probability=0.3),
        Chance(Fault(FaultKind.CUT_BODY), every=10),
    ),
)


def test_the_same_seed_gives_the_same_weather_in_any_order() -> None:
    forwards = [forecast(STORM, number) for number in range(1, 200)]
    backwards = [forecast(STORM, number) for number in reversed(range(1, 200))]
    assert forwards == backwards[::-1]


def test_another_seed_gives_other_weather() -> None:
    other = Weather(seed=8, latency=STORM.latency, chances=STORM.chances)
    assert [forecast(STORM, n) for n in range(1, 50)] != [forecast(other, n) for n in range(1, 50)]


def test_a_probability_is_met_about_that_often() -> None:
    struck = sum(forecast(STORM, n).fault == Fault(FaultKind.ERROR_500) for n in range(1, 2001))
    assert 500 < struck < 700


def test_every_nth_request_is_struck_unless_an_earlier_chance_was_first() -> None:
    for number in range(10, 500, 10):
        assert forecast(STORM, number).fault is not None
    only = Weather(chances=(Chance(Fault(FaultKind.CUT_BODY), every=3),))
    assert [forecast(only, n).fault is not None for n in range(1, 7)] == [False, False, True] * 2


def test_the_script_rules_the_first_requests_and_chances_the_rest() -> None:
    weather = Weather(
        script=(None, Fault(FaultKind.GARBAGE)), chances=(Chance(Fault(FaultKind.CUT_BODY), probability=1.0),)
    )
    kinds = [fault and fault.kind for fault in (forecast(weather, n).fault for n in (1, 2, 3))]
    assert kinds == [None, FaultKind.GARBAGE, FaultKind.CUT_BODY]


def test_credentials_can_end_at_a_request() -> None:
    weather = Weather(unauthorized_from=3)
    kinds = [forecast(weather, number).fault for number in (1, 2, 3, 4)]
    assert kinds == [None, None, Fault(FaultKind.UNAUTHORIZED), Fault(FaultKind.UNAUTHORIZED)]


def test_an_image_has_faults_of_its_own() -> None:
    weather = Weather(by_image={"ab": (Fault(FaultKind.GARBAGE), None)})
    assert fault_of_image(weather, "ab", 1) == Fault(FaultKind.GARBAGE)
    assert fault_of_image(weather, "ab", 2) is None
    assert fault_of_image(weather, "ab", 3) is None
    assert fault_of_image(weather, "cd", 1) is None


def test_fixed_latency_is_exact_and_log_normal_latency_spreads_around_its_median() -> None:
    assert {forecast(Weather(latency=Latency(0.25)), n).latency for n in range(1, 9)} == {0.25}
    spread = sorted(forecast(STORM, n).latency for n in range(1, 1000))
    assert 0.9 < spread[499] < 1.1
    assert spread[0] < 0.5
    assert spread[-1] > 2


@given(st.floats(0.1, 100), st.integers(1, 20), st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_a_bucket_never_lets_more_through_than_its_rate(rate: float, burst: int, gaps: list[float]) -> None:
    limit = RateLimit(per_second=rate, burst=burst)
    bucket, now, passed = Bucket(float(burst), 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        bucket, passes = draw(bucket, limit, now)
        passed += passes
    assert passed <= burst + rate * now + 1e-6


def test_a_bucket_that_was_left_alone_holds_no_more_than_its_burst() -> None:
    limit = RateLimit(per_second=5, burst=3)
    bucket, passed = Bucket(3.0, 0.0), 0
    for _ in range(20):
        bucket, passes = draw(bucket, limit, 1000.0)
        passed += passes
    assert passed == 3


def test_without_a_rate_everything_passes() -> None:
    assert draw(Bucket(0.0, 0.0), RateLimit(), 0.0) == (Bucket(0.0, 0.0), True)


@pytest.mark.parametrize(
    "text", ["cut_body", "stall_in_body:5", "header_missing:X-Credits-Charged", "redirect_other:http://h/x"]
)
def test_faults_are_read_as_they_are_written(text: str) -> None:
    assert str(Fault.parse(text)) == text


def test_a_fault_that_makes_no_sense_is_refused() -> None:
    for text in (
        "cut",
        "stall_in_body:x",
        "stall_in_body:-1",
        "stall_in_body:nan",
        "stall_in_body:inf",
        "cut_body:3",
        "header_wrong",
        "header_wrong:X-No",
        "redirect_other:ftp://h",
    ):
        with pytest.raises(ValueError, match=text.partition(":")[0]):
            Fault.parse(text)


@pytest.mark.parametrize(
    "chance", [{}, {"probability": 0.5, "every": 2}, {"probability": 1.5}, {"every": -1}]
)
def test_a_chance_is_one_thing_or_the_other(chance: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="probability"):
        Chance(Fault(FaultKind.GARBAGE), **chance)  # type: ignore[arg-type]
