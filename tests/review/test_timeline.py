"""The axis of time: every moment has a bucket, long gaps are cut out, short ones stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.review.timeline import Timeline

DAY = 86_400.0
SPANS = st.lists(
    st.tuples(st.floats(1.5e9, 1.9e9), st.floats(0, 30 * DAY)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    min_size=1,
    max_size=12,
)


@given(SPANS)
def test_every_moment_of_a_run_has_its_own_bucket(spans: list[tuple[float, float]]) -> None:
    timeline = Timeline.of(spans)
    assert 1 <= timeline.buckets <= 140
    for begin, end in spans:
        for moment in (begin, (begin + end) / 2, end):
            first = timeline.begin_of(timeline.bucket(moment))
            assert first <= moment <= first + timeline.step + 1e-3
    assert [timeline.bucket(timeline.begin_of(bucket)) for bucket in range(timeline.buckets)] == list(
        range(timeline.buckets)
    )
    for one, other in zip(timeline.stretches, timeline.stretches[1:], strict=False):
        assert one.end <= other.begin
        assert other.first == one.first + timeline.bucket_count(one)
    assert timeline.active <= timeline.seconds + 1e-3


def test_a_gap_that_is_longer_than_half_of_all_the_rest_is_cut_out() -> None:
    hour = 3600.0
    two = Timeline.of([(0, hour), (3 * DAY, 3 * DAY + hour)])
    assert [(part.begin, part.end) for part in two.stretches] == [(0, hour), (3 * DAY, 3 * DAY + hour)]
    assert two.bucket(DAY) == two.stretches[1].first - 1, "what lies in a cut belongs to what was before"
    daily = Timeline.of([(day * DAY, day * DAY + hour) for day in range(40)])
    assert len(daily.stretches) == 1, "a habit is no gap"
    assert daily.step == 43_200


def test_one_moment_is_an_axis_too() -> None:
    timeline = Timeline.of([(1000.0, 1000.0)])
    assert (timeline.buckets, timeline.step) == (1, 1.0)
