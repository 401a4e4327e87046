"""What the bridges record, folded by the viewer's store: nothing rejected, nothing said twice."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from etaoi_collector.store import Store
from etaoi_collector.store.model import SpanFlag
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.event_ref import pack_event_ref
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.transport.local import InMemorySink
from etaoi_tui.sdk.watch import watch
from tests.bridges.hive_bus import NewestBus, NodeOfTheNewest
from tests.bridges.plays import complete, start
from tests.bridges.real import played

real_clients = pytest.mark.real_clients

WRONG = SpanFlag.CONFLICT | SpanFlag.ID_CLASH | SpanFlag.PARENT_CYCLE | SpanFlag.CLOCK_BACKWARDS


def folded(events: list[dict[str, Any]]) -> Store:
    store = Store()
    for number, event in enumerate(events):
        frame = msgpack.packb([{"schema_version": "0.5.1", "batch": [event]}])
        store.apply(decode_frame(frame), pack_event_ref(0, number), 0)
    return store


@real_clients
@pytest.mark.parametrize("package", ["voxagent", "loomcycle"])
def test_the_store_reads_every_scenario_without_a_problem(package: str, version: str) -> None:
    for name, result in played(package, version, "watched").items():
        store = folded(result["events"])
        assert (store.rejected, store.repeats) == (0, 0), name
        for trace in store.traces.values():
            assert trace.running == 0, name
            for span in trace.spans:
                assert not span.flags & WRONG, f"{name}: {span.name} {SpanFlag(span.flags & WRONG)!r}"


@real_clients
def test_tokens_are_counted_once() -> None:
    result = played("loomcycle", "newest", "watched")["stream"]
    traces = [one for one in folded(result["events"]).traces.values() if not one.only_context]
    assert [(trace.input_tokens, trace.output_tokens) for trace in traces] == [(30, 9)] * 3


async def test_tokens_that_a_bus_reports_after_a_turn_are_counted() -> None:
    """Of one model call, ended or not, they are its own; of several they are their turn's."""
    took = {"model": "m", "input_tokens": 10, "output_tokens": 5}
    bus, sink = NewestBus(), InMemorySink()
    with watch(bus, sink=sink):
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        for calls in (0, 1, 2):
            await node.say("node_loop_iteration", iteration=calls)
            for call in range(calls):
                await node.say("llm_text_delta", content="a", snapshot="a")
                await node.say("tool_call_started", tool_use_id=f"{call}", tool_name="f")
                await node.say("tool_call_completed", tool_use_id=f"{call}", tool_name="f", result="r")
            await node.say("llm_turn_complete", **took)
        await node.say("brand_new", usage={"input_tokens": 1_000, "output_tokens": 1_000})
        await complete(bus, "e1")
    store = folded(sink.events)
    (trace,) = (one for one in store.traces.values() if not one.only_context)
    assert (trace.input_tokens, trace.output_tokens) == (30, 15)
    usages = [(span.kind, span.model, bool(span.flags & SpanFlag.LATE)) for span in trace.spans if span.usage]
    assert sorted(usages) == [("llm", "m", False), ("llm", "m", False), ("turn", "m", False)]


def test_tokens_in_a_note_of_something_that_happened_are_not_counted() -> None:
    tracer = open_tracer(sink="memory")
    turn = tracer.start("turn", "turn")
    tracer.delta(turn, {"event": "limit", "usage": {"input_tokens": 1_000, "output_tokens": 1}})
    tracer.delta(turn, {"usage": {"input_tokens": 2, "output_tokens": 1}, "model": "m"})
    tracer.end(turn)
    tracer.close()
    (trace,) = folded(tracer.sink.events).traces.values()
    assert (trace.input_tokens, trace.output_tokens) == (2, 1)
