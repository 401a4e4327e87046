"""How subscribers step back while agents send a flood."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from etaoi_collector.ingest.throttle import LONGEST, SHARE, Throttle


@given(st.lists(st.floats(0.0, LONGEST / SHARE), min_size=1, max_size=30))
def test_pauses_that_are_asked_for_together_follow_one_another(worked: list[float]) -> None:
    """Together they leave the collector its share of the time, however many subscribers there are."""
    pace = Throttle(lambda: 100.0)
    pauses = [pace.after(seconds) for seconds in worked]
    assert pauses == sorted(pauses)
    assert abs(pauses[-1] - SHARE * sum(worked)) < 1e-9


def test_a_pause_is_bounded_and_past_ones_are_forgotten() -> None:
    now = 10.0
    pace = Throttle(lambda: now)
    assert abs(pace.after(1_000.0) - LONGEST) < 1e-9
    now = 20.0
    assert pace.after(0.0) == 0.0
    assert pace.after(-5.0) == 0.0
