"""The store's fast path comes to what its slow path comes to, after any history and for every recording."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import Closed, EventBatch, Opened, SourceItem
from etaoi_collector.store import Store
from etaoi_collector.store.model import Session, Span, SpanFlag, Trace, Wait
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.events import Event, Reject
from tests import generate
from tests.scribe import Scribe
from tests.store.histories import History, opened
from tests.store.test_any_history import anything

CAPTURES = Path(__file__).parent.parent / "captures"


def slow_store() -> Store:
    """A store whose events all go the way of the unusual ones."""
    store = Store()
    fast = store._fast_path
    unusual = fast._unusual

    def fold(events: Sequence[Event | Reject], ref: int, step: int, connection: int) -> None:
        for number, event in enumerate(events):
            unusual(event, ref + number * step, connection)

    fast.fold = fold  # type: ignore[method-assign]
    return store


def plain(value: Any) -> Any:
    """Replace what a store's objects refer to by ids, so that two stores can be compared."""
    if isinstance(value, Span):
        return ("span", value.span_id, value.trace.trace_id)
    if isinstance(value, Trace):
        return ("trace", value.trace_id)
    if isinstance(value, Session):
        return ("session", value.session_id)
    if isinstance(value, Wait):
        return ("wait", value.text, value.began_at, value.ended_at, plain(value.answer))
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, map(plain, value)))
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def dump(store: Store) -> dict[str, Any]:
    """Everything that a store holds, in plain values."""
    ignored = {"agents", "__weakref__", "inner_calls"}
    values: dict[str, Any] = {
        "counts": (store.events, store.repeats, store.rejected, store.dropped, store.span_count),
        "rejects": [msgspec.to_builtins(reject) for reject in store.rejects],
    }
    for one in (*store.sessions.values(), *store.traces.values()):
        key = plain(one)
        values[repr(key)] = {
            name: plain(getattr(one, name)) for name in type(one).__slots__ if name not in ignored
        }
    for trace in store.traces.values():
        for span in trace.spans:
            fields = {name: plain(getattr(span, name)) for name in Span.__struct_fields__}
            fields.pop("version")  # counts steps, which the two ways may take differently
            values[repr(plain(span))] = fields
    changes = store.drain_changes()
    values["changed"] = sorted(repr(plain(span)) for span in {*changes.changed, *changes.added})
    values["changed traces"] = sorted(repr(plain(trace)) for trace in changes.traces)
    return values


def assert_alike(items: Iterable[SourceItem]) -> None:
    fast, slow = Store(), slow_store()
    for item in items:
        for store in (fast, slow):
            if isinstance(item, Opened):
                store.connection_opened(msgspec.structs.replace(item.connection))
            elif isinstance(item, Closed):
                store.connection_closed(item.connection, item.at, item.code, item.reason)
            elif isinstance(item, EventBatch):
                store.apply(item.events, item.base_ref + item.first_ordinal, item.connection)
    for store in (fast, slow):
        store.finish()
    assert dump(fast) == dump(slow)


def assert_batches_alike(batches: Iterable[list[Event]]) -> None:
    fast, slow = Store(), slow_store()
    for store in (fast, slow):
        opened(store)
    ref = 0
    for batch in batches:
        for store in (fast, slow):
            store.apply(batch, ref, 1)
        ref += len(batch)
    assert dump(fast) == dump(slow)


@given(st.lists(st.lists(anything(), max_size=12), max_size=5))
@settings(max_examples=250, deadline=None)
def test_any_history(batches: list[list[Event]]) -> None:
    assert_batches_alike(batches)


@given(st.integers(0, 1_000_000), st.randoms(use_true_random=False), st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_true_histories_in_any_order(seed: int, dice: random.Random, spans: int) -> None:
    events = History.random(seed, spans).events
    if dice.random() < 0.7:
        dice.shuffle(events)
    step = dice.randint(1, 20)
    assert_batches_alike(events[start : start + step] for start in range(0, len(events), step))


@pytest.mark.parametrize("recording", sorted(CAPTURES.glob("*.msgpack")), ids=lambda path: path.stem)
def test_every_recording(recording: Path) -> None:
    assert_alike(TraceReader(recording).arrivals())


def test_generated_traffic(tmp_path: Path) -> None:
    path = tmp_path / "traffic.msgpack"
    generate.write_trace(path, 6_000, seed=11)
    assert_alike(TraceReader(path).arrivals())


def test_both_ways_see_that_a_hook_changed_the_state() -> None:
    metadata = {"lc_probe": "before_model", "probe_label": "Guard.before_model"}
    scribe = Scribe("hooks")
    root = scribe.start("sub_agent", "agent")
    for diff in ({"keys_set": ["todos"]}, {}, "no map", None):
        scribe.end(scribe.start("middleware", None, root, metadata=metadata), {"diff": diff})
    wraps = {"lc_probe": "wrap_model_call", "probe_label": "Guard.wrap_model_call"}
    scribe.end(scribe.start("middleware", None, root, metadata=wraps), {"diff": {"messages_added": [1]}})
    events = decode_frame(generate.frame(scribe.take()))
    for store in (Store(), slow_store()):
        store.apply(events, 0, 1)
        (trace,) = store.traces.values()
        changed = [bool(span.flags & SpanFlag.CHANGED_STATE) for span in trace.spans]
        assert changed == [False, True, False, False, False, False]
