"""The number of traces that a session is said to have, kept from what changes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.store import Store
from etaoi_collector.wire.events import Event
from etaoi_tui.view.trace_counts import TraceCounts
from tests.store.histories import opened
from tests.store.test_any_history import anything


@given(st.lists(anything(), max_size=40), st.sampled_from([3, 10, 1_000]), st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_updated_counts_equal_a_full_recount(history: list[Event], most: int, every: int) -> None:
    store = Store(max_spans=most)
    opened(store)
    counts = TraceCounts(store)
    for number, event in enumerate(history):
        store.apply([event], number, 1)
        if number % every:
            continue
        counts.apply(store.drain_changes())
        for session in store.sessions.values():
            looked = sum(bool(trace.roots) and not trace.only_context for trace in session.traces)
            assert counts[session] == looked
