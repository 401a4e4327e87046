"""What real clients do: every case ends in a visible, explained state, none ends the viewer."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgpack
import pytest

from etaoi_collector.store import LOST_AFTER, Store
from etaoi_collector.store.model import SpanFlag, Status
from etaoi_collector.wire.codec import decode_frame
from tests.store.folds import check, folded, members, names, span_of, trace_of
from tests.store.histories import EPOCH, event, opened, reported_tree

CAPTURES = Path(__file__).parent.parent / "captures"
START = EPOCH.timestamp()


def captured(name: str) -> Store:
    """Fold a recording of the real SDK, one connection for each Hello, all of them gone at its end."""
    store = Store()
    connections = 0
    at = 0.0
    with (CAPTURES / f"{name}.msgpack").open("rb") as file:
        for index, (at, frame) in enumerate(msgpack.Unpacker(file, max_buffer_size=0)):
            message = msgpack.unpackb(frame) if isinstance(frame, bytes) else frame
            if isinstance(message, dict):
                connections += 1
                opened(store, connections, at)
            else:
                store.apply(decode_frame(frame), index, connections)
    for number in store.connections:
        store.connection_closed(number, at)
    return store


def test_parents_in_another_trace() -> None:
    store = captured("s09a_livekit_text")
    strangers = [
        span for span in members(store) if span.parent is not None and span.parent.trace is not span.trace
    ]
    assert {span.kind for span in strangers} >= {"voice_turn"}
    for span in strangers:
        assert span.parent is not None
        assert span in (span.parent.children or ())
        assert span not in span.trace.roots
    check(store)


def test_children_starting_after_their_parent_ended() -> None:
    store = folded(
        event("span_start", "turn", 0),
        event("span_end", "turn", 1),
        event("span_start", "late", 2, parent="turn"),
    )
    assert names(span_of(store, "turn").children) == ["late"]
    assert span_of(store, "turn").status is Status.OK
    assert span_of(store, "late").status is trace_of(store).status is Status.RUNNING
    check(store)


def test_deltas_after_the_end() -> None:
    store = folded(
        event("span_start", "a", 0),
        event("span_end", "a", 1),
        event("span_delta", "a", 2, payload={"text": "late"}),
    )
    span = span_of(store, "a")
    assert span.flags & SpanFlag.LATE
    assert span.status is Status.OK
    assert span.deltas == [2]
    assert span.tail == "", "what has ended streams no more"
    assert trace_of(store).ended_at == START + 2


def test_one_speech_id_with_two_voice_turns() -> None:
    start_fields = {"node_kind": "voice_turn", "speech_id": "speech_1", "metadata": {"name": None}}
    store = folded(
        event("span_start", "a", 0, trace="a", **start_fields),
        event("span_start", "b", 1, trace="b", **start_fields),
    )
    assert [span.kind for span in members(store)] == ["voice_turn", "voice_turn"]
    assert len(store.traces) == 2


def test_several_llm_spans_for_one_model_call() -> None:
    usage = {"usage": {"input_tokens": 10, "output_tokens": 2}}
    start_fields = {"node_kind": "llm"}
    store = folded(
        event("span_start", "outer", 0, **start_fields),
        event("span_start", "inner", 0, parent="outer", **start_fields),
        event("span_end", "inner", 1, parent="outer", payload=usage, **start_fields),
        event("span_end", "outer", 1, **start_fields),
    )
    assert trace_of(store).model_calls == 2
    assert trace_of(store).input_tokens == 10
    assert span_of(store, "outer").usage is None
    check(store)


def test_roots_whose_start_was_dropped() -> None:
    store = folded(
        event("span_start", "child", 1, parent="root", node_kind="tool"),
        event("span_end", "child", 2, parent="root", node_kind="tool"),
    )
    root = span_of(store, "root")
    assert root.placeholder
    assert root.status is trace_of(store).status is Status.INCOMPLETE
    assert names(root.children) == ["child"]
    assert trace_of(store).span_count == 1
    store.apply([event("span_end", "root", 3)], 5, 1)
    assert not root.placeholder
    assert root.status is Status.INCOMPLETE
    assert trace_of(store).span_count == 2
    check(store)


@pytest.mark.parametrize("error", [None, "ValueError('x')", "CancelledError()", "GraphInterrupt()"])
def test_ends_before_starts(error: str | None) -> None:
    start_fields = {"node_kind": "llm", "parent": "root"}
    ended = event(
        "span_end", "a", 2, error=error, payload={"input_tokens": 7, "output_tokens": 1}, **start_fields
    )
    started = event("span_start", "a", 1, payload={"input_tokens": 3}, **start_fields)
    root = event("span_start", "root", 0)
    straight = folded(root, started, ended)
    for history in itertools.permutations([root, started, ended]):
        store = folded(*history)
        check(store)
        assert reported_tree(store) == reported_tree(straight)
        assert trace_of(store).running == 1


def test_usage_of_an_end_is_kept_when_the_start_comes_later() -> None:
    start_fields = {"node_kind": "llm", "metadata": {"name": None}}
    started = event("span_start", "a", 1, payload={"input_tokens": 3}, **start_fields)
    ended = event("span_end", "a", 2, payload={"input_tokens": 7, "output_tokens": 1}, **start_fields)
    for history in ([started, ended], [ended, started]):
        store = folded(*history)
        usage = span_of(store, "a").usage
        assert usage is not None
        assert usage.input_tokens == trace_of(store).input_tokens == 7


def test_spans_that_never_end_after_a_kill() -> None:
    store = captured("s10a_sigkill")
    opens = [span for span in members(store) if span.status is Status.RUNNING]
    assert len(opens) == 3
    closed_at = max(c.closed_at or 0.0 for c in store.connections.values())
    store.tick(closed_at + LOST_AFTER - 0.1)
    assert all(span.status is Status.RUNNING and span.reconnecting for span in opens)
    store.tick(closed_at + LOST_AFTER)
    assert all(span.status is Status.LOST for span in opens)
    assert all(span.last_seen_at == closed_at for span in opens)
    assert all(span.duration(1e12) == closed_at - span.started_at for span in opens)


def test_synthesized_ends() -> None:
    store = folded(
        event("span_start", "a", 0),
        event("span_end", "a", 1, error="span_end_synthesized_on_detach"),
        event("span_start", "b", 0),
        event("span_end", "b", 1, error="synthesized_on_turn_close"),
    )
    assert span_of(store, "a").status is Status.LOST
    assert span_of(store, "b").status is Status.OK
    assert trace_of(store).errors == 0


def test_a_shared_default_trace_with_orphans_of_unrelated_runs() -> None:
    store = folded(
        event("span_start", "a", 0, parent="gone 1", trace="default"),
        event("span_start", "b", 1, parent="gone 2", trace="default"),
        event("span_start", "c", 2, trace="default", session="other"),
    )
    assert [root.placeholder for root in trace_of(store, "default").roots] == [True, True, False]
    assert len(store.sessions) == 2
    check(store)


def test_handoff_deltas_without_a_speech_id() -> None:
    store = folded(
        event("span_start", "a", 0, node_kind="tool"),
        event("span_delta", "a", 1, node_kind="tool", speech_id=None, payload={"handoff": {"to": "b"}}),
    )
    assert span_of(store, "a").deltas == [1]
    assert span_of(store, "a").tail == ""
