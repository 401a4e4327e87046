"""What leaves a full store, what stays, and that nothing of what left is kept alive."""

from __future__ import annotations

import gc
import tracemalloc

from etaoi_collector.store import Store
from etaoi_collector.store.model import SpanFlag, Status
from etaoi_collector.wire.events import Event
from tests.store.folds import check, folded, names, trace_of
from tests.store.histories import event, ident, opened


def run(name: str, at: float, *, end: bool = True, size: int = 4) -> list[Event]:
    """A trace of its own."""
    item: list[Event] = [event("span_start", name, at, trace=name)]
    for number in range(size - 1):
        child = {"parent": name, "trace": name}
        item.append(event("span_start", f"{name}/{number}", at + 1, **child))
        item.append(event("span_end", f"{name}/{number}", at + 2, **child))
    if end:
        item.append(event("span_end", name, at + 3, trace=name))
    return item


def test_the_oldest_finished_traces_leave() -> None:
    store = folded(*(item for number in range(20) for item in run(f"r{number}", number)), max_spans=40)
    check(store)
    assert store.span_count <= 40
    assert store.evicted_spans + store.span_count == 80
    assert store.evicted_traces + len(store.traces) == 20
    assert ident("trace", "r19") in store.traces
    assert ident("trace", "r0") not in store.traces
    assert store.find_span(ident("span", "r0")) is None


def test_running_traces_stay_until_twice_the_bound() -> None:
    store = folded(*(item for n in range(40) for item in run(f"r{n}", n, end=n != 0)), max_spans=40)
    assert ident("trace", "r0") in store.traces, "it runs"
    check(store)
    store = folded(*(item for n in range(200) for item in run(f"r{n}", n, end=False)), max_spans=40)
    check(store)
    assert store.span_count <= 90, "a client that never ends anything cannot fill the memory"


def test_the_newest_trace_stays_whole_however_large() -> None:
    store = folded(*run("big", 0, size=500), max_spans=40)
    assert store.span_count == 500


def test_what_left_is_not_kept_alive_by_changes_that_nobody_asks_for() -> None:
    store = folded(*(item for number in range(200) for item in run(f"r{number}", number)), max_spans=40)
    changes = store.drain_changes()
    assert len(changes.added) <= 40
    assert all(store.traces.get(span.trace.trace_id) is span.trace for span in changes.changed)


def test_children_in_other_traces_stay_when_their_parents_leave() -> None:
    inner = {"parent": "old", "trace": "young"}
    store = folded(
        *run("old", 0),
        event("span_start", "inner", 5, **inner),
        *(item for number in range(12) for item in run(f"r{number}", number)),
        max_spans=40,
    )
    check(store)
    assert ident("trace", "old") not in store.traces
    assert names(trace_of(store, "young").roots) == ["inner"]


def test_of_two_spans_with_one_id_the_other_is_still_found() -> None:
    store = folded(
        event("span_start", "x", 0, trace="a"),
        event("span_end", "x", 1, trace="a"),
        event("span_start", "x", 0, trace="b"),
        *(item for number in range(12) for item in run(f"r{number}", number)),
        max_spans=40,
    )
    assert ident("trace", "a") not in store.traces
    store.apply([event("span_end", "x", 9, trace="b")], 9, 1)
    check(store)
    assert trace_of(store, "b").roots[0].status is Status.OK


def test_a_store_that_is_done_with_gives_its_memory_back() -> None:
    history = [item for number in range(200) for item in run(f"r{number}", number)]

    def left_after(rounds: int) -> int:
        size_before = tracemalloc.get_traced_memory()[0]
        for _ in range(rounds):
            folded(*history).release()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - size_before

    tracemalloc.start()
    try:
        left_after(1)
        assert left_after(5) < 100_000, "4,000 spans would be more than a megabyte"
    finally:
        tracemalloc.stop()


def test_an_error_that_left_memory_marks_nobody() -> None:
    store = Store(max_spans=5)
    opened(store)
    failed = event("span_end", "child", 1, trace="old", parent="parent", error="ValueError('no')")
    stays = [event("span_start", "parent", 0, trace="new")]
    stays += [event("span_start", f"n{n}", 2 + n, trace="new", parent="parent") for n in range(6)]
    store.apply([failed, *stays], 0, 1)
    parent = store.find_span(stays[0].span_id)  # type: ignore[union-attr]
    assert store.evicted_traces == 1
    assert parent is not None
    assert not parent.flags & SpanFlag.ERROR_BELOW
