"""Any history leaves a store that holds together, however bad the order of however many events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.store import Store
from etaoi_collector.store.model import Status
from etaoi_collector.wire.events import Event
from tests.store.folds import check, members
from tests.store.histories import event, opened

_NAMES = st.sampled_from("abcdef")
_ERRORS = st.sampled_from([None, None, "ValueError()", "CancelledError()", "GraphInterrupt()"])


@st.composite
def anything(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(["span_start", "span_start", "span_delta", "span_end", "state_tick"]))
    at = draw(st.integers(0, 8))
    if kind == "state_tick":
        return event(kind, "s", at, session=draw(st.sampled_from("st")), subject="user", state="x")
    fields: dict[str, Any] = {
        "trace": draw(st.sampled_from("tu")),
        "session": draw(st.sampled_from("st")),
        "parent": draw(st.none() | _NAMES),
        "node_kind": draw(st.sampled_from(["llm", "tool", "agent_context"])),
        "payload": draw(st.sampled_from([{}, {"input_tokens": 3}, {"text": "x"}])),
    }
    if kind == "span_end":
        fields["error"] = draw(_ERRORS)
    return event(kind, draw(_NAMES), at, **fields)


@given(st.lists(anything(), max_size=40), st.sampled_from([5, 10, 1_000]))
@settings(max_examples=250, deadline=None)
def test_any_history_leaves_a_consistent_store(history: list[Event], most: int) -> None:
    store = Store(max_spans=most)
    opened(store)
    for number, item in enumerate(history):
        store.apply([item], number, 1)
        check(store)
    store.finish()
    assert not any(span.status is Status.RUNNING for span in members(store))


@pytest.mark.parametrize("shape", ["reversed", "placeholders", "strangers", "ends first", "bottom up"])
def test_forty_thousand_spans_in_the_worst_order(shape: str) -> None:
    """Work that grows with the square of their number would not come back from here."""
    most = 40_000
    parents: list[Event] = []
    if shape == "reversed":
        history = [event("span_start", f"c{n}", n, parent="root") for n in range(most, 0, -1)]
    elif shape == "ends first":
        history = [event("span_end", f"c{n}", n + 1, parent="r") for n in range(most // 2)]
        parents = [event("span_start", f"c{n}", n, parent="r") for n in range(most // 2)]
    elif shape == "bottom up":
        history = [event("span_start", f"c{n}", n, parent=f"c{n - 1}") for n in range(most, 0, -1)]
    else:
        history = [event("span_start", f"c{n}", n, parent=f"p{n}") for n in range(most // 2)]
        trace = "other" if shape == "strangers" else "t"
        parents = [event("span_start", f"p{n}", n, trace=trace) for n in range(most // 2)]
    store = Store()
    opened(store)
    store.apply(history + parents, 0, 1)
    check(store)
    store.release()
