"""Hive's EventBus, in its first and its newest shape, watched."""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import os
import sys
import time
import types
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etaoi_tui.sdk.bridges.eventbus_spans import DETACHED, STOPPED
from etaoi_tui.sdk.bridges.eventbus_state import UNSAID
from etaoi_tui.sdk.ids import bridge_uuid, session_uuid
from etaoi_tui.sdk.transport.local import InMemorySink
from etaoi_tui.sdk.watch import watch
from tests.bridges.hive_bus import (
    FIRST_TYPES,
    NEWER_TYPES,
    FirstBus,
    NewestBus,
    NodeOfTheFirst,
    NodeOfTheNewest,
    ScopedBus,
)
from tests.bridges.trees import Forest

Play = Callable[[Any], Awaitable[None]]


async def recorded(bus: Any, play: Play, **options: Any) -> Forest:
    sink = InMemorySink()
    with watch(bus, sink=sink, **options):
        await play(bus)
    return Forest(sink.events)


async def start(bus: Any, execution_id: str, stream_id: str = "main", **data: Any) -> None:
    await bus.emit("execution_started", stream_id, execution_id=execution_id, data={"input": data})


async def complete(bus: Any, execution_id: str, stream_id: str = "main", **data: Any) -> None:
    await bus.emit("execution_completed", stream_id, execution_id=execution_id, data={"output": data})


async def one_loop(node: Any, who: str = "x") -> None:
    await node.say("node_loop_started", max_iterations=5)
    await node.say("node_loop_iteration", iteration=1)
    await node.say("llm_reasoning_delta", content="hm ")
    await node.say("llm_text_delta", content="I ", snapshot="I ")
    await node.say("llm_text_delta", content="look", snapshot="I look")
    await node.say("tool_call_started", tool_use_id="t1", tool_name="search", tool_input={"q": who})
    await node.say("tool_call_completed", tool_use_id="t1", tool_name="search", result=f"found {who}")
    await node.say("llm_text_delta", content="done", snapshot="done")
    await node.say("node_loop_iteration", iteration=2)
    await node.say("tool_call_started", tool_use_id="t2", tool_name="save", tool_input={})
    await node.say(
        "tool_call_completed", tool_use_id="t2", tool_name="save", result="disk full", is_error=True
    )
    await node.say("node_loop_completed", iterations=2)


LOOP = [
    "sub_agent writer",
    ["turn iteration 1", "llm model", "tool search", "llm model"],
    ["turn iteration 2", "llm model", "tool save"],
]


async def play_first(bus: Any) -> None:
    await start(bus, "e1", topic="cats")
    await one_loop(NodeOfTheFirst(bus, "writer"))
    await complete(bus, "e1", page="ok")


async def play_newest(bus: Any) -> None:
    await start(bus, "e1", topic="cats")
    await one_loop(NodeOfTheNewest(bus, "writer", "main", "e1"))
    await complete(bus, "e1", page="ok")


BOTH = pytest.mark.parametrize(("bus_class", "play"), [(FirstBus, play_first), (NewestBus, play_newest)])


@BOTH
async def test_an_execution_is_a_tree(bus_class: type[FirstBus], play: Play) -> None:
    shown = await recorded(bus_class(), play)
    shown.nothing_dangles()
    (root,) = shown.roots
    assert root.outline() == ["task main", LOOP]
    assert root.json("inputs") == {"topic": "cats"}
    assert root.json("outputs") == {"page": "ok"}
    assert root.start["trace_id"] == str(bridge_uuid("hive", "execution", "e1"))
    assert root.start["session_id"] == str(bridge_uuid("hive", "stream", "main"))
    assert root.metadata["execution_id"] == "e1"
    first, _, again = root.children[0].children[0].children
    assert (first.text(), first.text("reasoning")) == ("I look", "hm ")
    assert first.result["response"] == {"role": "ai", "text": "I look"}
    assert again.text() == "done"
    search, save = shown.find("tool")
    assert (search.json("input"), search.result["output"], search.error) == ({"q": "x"}, "found x", None)
    assert save.error == "disk full"
    assert first.over <= search.began
    assert again.began == search.over
    assert root.children[0].result["iterations"] == 2


async def test_a_session_that_is_asked_for_holds_all_streams() -> None:
    shown = await recorded(FirstBus(), play_first, session_id="mine")
    assert {span.start["session_id"] for span in shown.all()} == {str(session_uuid("mine"))}


@pytest.mark.parametrize("node_class", [NodeOfTheFirst, NodeOfTheNewest])
async def test_the_same_node_in_executions_at_the_same_time(node_class: Any) -> None:
    """In the first version only the publisher's task tells them apart."""

    async def run(bus: Any, name: str) -> None:
        await start(bus, name)
        node = (
            NodeOfTheFirst(bus, "writer")
            if node_class is NodeOfTheFirst
            else node_class(bus, "writer", "main", name)
        )
        for kind, data in (
            ("node_loop_started", {}),
            ("node_loop_iteration", {"iteration": 1}),
            ("llm_text_delta", {"content": name, "snapshot": name}),
            ("tool_call_started", {"tool_use_id": "t", "tool_name": "f", "tool_input": name}),
            ("tool_call_completed", {"tool_use_id": "t", "tool_name": "f", "result": name}),
            ("node_loop_completed", {"iterations": 1}),
        ):
            await node.say(kind, **data)
            await asyncio.sleep(0)
        await complete(bus, name)

    async def play(bus: Any) -> None:
        await asyncio.gather(*(run(bus, f"e{number}") for number in range(5)))

    shown = await recorded(FirstBus() if node_class is NodeOfTheFirst else NewestBus(), play)
    shown.nothing_dangles()
    assert len(shown.roots) == 5
    for root in shown.roots:
        name = root.metadata["execution_id"]
        assert root.outline() == [
            "task main",
            ["sub_agent writer", ["turn iteration 1", "llm model", "tool f"]],
        ]
        (model,) = (span for span in root.all() if span.kind == "llm")
        (tool,) = (span for span in root.all() if span.kind == "tool")
        assert (model.text(), tool.result["output"]) == (name, name)


async def test_a_node_loops_twice_and_one_that_never_ends() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheFirst(bus, "n")
        await node.say("node_loop_started")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("node_loop_started")
        await node.say("node_stalled", reason="no progress")
        await complete(bus, "e1")

    (root,) = (await recorded(FirstBus(), play)).roots
    first, second = root.children
    assert first.error == UNSAID
    assert second.error == "no progress"
    assert root.error is None


async def test_failures_pauses_and_stops() -> None:
    async def play(bus: Any) -> None:
        for name in ("failed", "paused", "stopped"):
            await start(bus, name, name)
            await NodeOfTheNewest(bus, "n", name, name).say("node_loop_started")
        await bus.emit("execution_failed", "failed", execution_id="failed", data={"error": "boom"})
        await bus.emit("execution_paused", "paused", execution_id="paused", data={"reason": "asks"})
        await bus.emit("execution_resumed", "paused", execution_id="paused")
        await complete(bus, "paused", "paused")
        await bus.emit("stream_stopped", "stopped")

    failed, paused, stopped = (await recorded(NewestBus(), play)).roots
    assert [span.error for span in failed.all()] == ["boom"] * 2
    assert paused.deltas == [{"status": "paused", "reason": "asks"}, {"status": "resumed"}]
    assert paused.error is None
    assert [span.error for span in stopped.all()] == [STOPPED] * 2


async def test_text_for_the_client_is_the_models_only_if_nothing_else_is() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("client_output_delta", content="hello ", snapshot="hello ")
        await node.say("client_output_delta", content="you", snapshot="hello you")
        await node.say("node_loop_iteration", iteration=2)
        await node.say("llm_text_delta", content="inner", snapshot="inner")
        await node.say("client_output_delta", content="outer", snapshot="hello yououter")
        await node.say("node_loop_completed")
        await complete(bus, "e1")

    shown = await recorded(NewestBus(), play)
    assert [call.text() for call in shown.find("llm")] == ["hello you", "inner"]
    assert shown.one("sub_agent").text("client") == "outer"


async def test_a_snapshot_that_begins_anew_is_another_model_call() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheFirst(bus, "n")
        await node.say("node_loop_iteration", iteration=1)
        for content, snapshot in (("a", "a"), ("b", "ab"), ("c", "c"), ("d", "cd")):
            await node.say("llm_text_delta", content=content, snapshot=snapshot)
        await complete(bus, "e1")

    assert [call.text() for call in (await recorded(FirstBus(), play)).find("llm")] == ["ab", "cd"]


TURN = {
    "model": "m",
    "stop_reason": "end",
    "input_tokens": 10,
    "output_tokens": 5,
    "cached_tokens": 4,
    "cost_usd": 0.0,
}
USAGE = {
    "input_tokens": 10,
    "output_tokens": 5,
    "total_tokens": 15,
    "input_token_details": {"cache_read": 4},
}


async def test_usage_is_the_turns_unless_it_had_one_model_call() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("llm_text_delta", content="a", snapshot="a")
        await node.say("llm_turn_complete", **TURN)
        await node.say("node_loop_iteration", iteration=2)
        await node.say("tool_call_started", tool_use_id="t", tool_name="f")
        await node.say("tool_call_completed", tool_use_id="t", tool_name="f", result="r")
        await node.say("llm_text_delta", content="b", snapshot="b")
        await node.say("llm_turn_complete", **{**TURN, "cost_usd": 0.25})
        await complete(bus, "e1")

    shown = await recorded(NewestBus(), play)
    one, many = shown.find("turn")
    assert one.deltas == []
    assert one.children[0].result["usage"] == USAGE
    assert "cost_usd" not in one.children[0].result
    assert [call.result.get("usage") for call in many.children if call.kind == "llm"] == [None, None]
    (told,) = many.deltas
    assert (told["usage"], told["cost_usd"], told["model"]) == (USAGE, 0.25, "m")


async def test_a_silent_model_call_is_found_by_the_context_usage_before_it() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        for number in (1, 2):
            for batch in ("a", "b"):
                await node.say("tool_call_started", tool_use_id=f"{number}{batch}", tool_name="f")
            for batch in ("a", "b"):
                await node.say(
                    "tool_call_completed", tool_use_id=f"{number}{batch}", tool_name="f", result=""
                )
            await bus.emit(
                "context_usage_updated", "main", node_id="n", data={"trigger": "post_tool_results"}
            )
        await complete(bus, "e1")

    shown = await recorded(NewestBus(), play)
    assert [child.kind for child in shown.one("turn").children] == [
        "llm",
        "tool",
        "tool",
        "llm",
        "tool",
        "tool",
    ]


async def test_compaction_is_middleware() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("context_compaction_started", usage_before=0.9)
        await bus.emit("context_compacted", "main", node_id="n", data={"usage_after": 0.3})
        await node.say("context_compacted", usage_after=0.2)
        await complete(bus, "e1")

    whole, alone = (await recorded(NewestBus(), play)).find("middleware", "context compaction")
    assert (whole.json("inputs"), whole.json("outputs")) == ({"usage_before": 0.9}, {"usage_after": 0.3})
    assert alone.json("outputs") == {"usage_after": 0.2}


async def test_workers_end_with_their_report() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "q1", "queen")
        for worker in ("w1", "w2", "w3"):
            await one_loop(NodeOfTheNewest(bus, "writer", f"worker:{worker}", None))
            await bus.emit(
                "execution_completed", f"worker:{worker}", data={"worker_id": worker, "success": True}
            )
        reports = (("w1", "success"), ("w2", "failed"))
        for worker, status in reports:
            data = {"worker_id": worker, "status": status, "summary": f"{worker} says", "error": "no luck"}
            await bus.emit("subagent_report", f"worker:{worker}", data=data)
        await NodeOfTheNewest(bus, "writer", "worker:w1", None).say(
            "llm_text_delta", content="late", snapshot="late"
        )
        await complete(bus, "q1", "queen")
        await one_loop(NodeOfTheNewest(bus, "writer", "worker:w4", None))
        await bus.emit("subagent_report", "queen", data={"worker_id": "w4", "status": "timeout"})

    shown = await recorded(NewestBus(), play)
    queen, late, alone = shown.roots
    one, two, three = queen.children
    assert [worker.outline() for worker in queen.children] == [
        [f"sub_agent {name}", LOOP] for name in ("w1", "w2", "w3")
    ]
    assert (one.error, one.result["outputs"]) == (None, "w1 says")
    assert two.error == "no luck"
    assert two.deltas[0]["data"]["success"] is True
    assert three.error == UNSAID
    assert late.outline() == "task llm_text_delta"
    assert late.start["trace_id"] == one.start["trace_id"]
    assert (alone.kind, alone.error) == ("sub_agent", "timeout")


async def test_a_node_without_an_execution_has_a_root_of_its_own() -> None:
    async def play(bus: Any) -> None:
        await one_loop(NodeOfTheFirst(bus, "writer"))
        await one_loop(NodeOfTheFirst(bus, "writer"))

    shown = await recorded(FirstBus(), play)
    assert [root.outline() for root in shown.roots] == [["task writer", LOOP]] * 2
    shown.nothing_dangles()


async def test_everything_else_is_a_mark() -> None:
    odd = object()

    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("judge_verdict", action="RETRY")
        await node.say("never_heard_of", anything=odd)
        await bus.emit("goal_progress", "elsewhere", data={"progress": 0.5})
        await complete(bus, "e1")
        await bus.emit("constraint_violation", "main", execution_id="", data={"constraint_id": "c"})
        await bus.emit("state_changed", "main", execution_id="e1", data={"key": "k"})
        elsewhere = contextvars.Context()
        await asyncio.create_task(bus.emit("credentials_required", "ui"), context=elsewhere)

    shown = await recorded(NewestBus(), play)
    root, violation, state, ui = shown.roots
    told = [delta["event"] for delta in shown.one("turn").deltas]
    assert told == ["judge_verdict", "never_heard_of"]
    assert [delta["event"] for delta in root.deltas] == ["goal_progress"]
    assert [mark.name for mark in (violation, state, ui)] == [
        "constraint_violation",
        "state_changed",
        "credentials_required",
    ]
    assert violation.start["trace_id"] == state.start["trace_id"] == root.start["trace_id"]
    assert violation.began == violation.over
    assert ui.start["trace_id"] != root.start["trace_id"]


async def test_what_happened_before_is_told_at_its_own_times() -> None:
    bus = FirstBus()
    began = datetime.now().astimezone() - timedelta(hours=2)

    async def past(kind: str, stream: str, after: float, **rest: Any) -> None:
        moment = (began + timedelta(seconds=after)).replace(tzinfo=None)
        await bus.publish(bus.AgentEvent(bus.EventType(kind), stream, timestamp=moment, **rest))

    await past("execution_started", "main", 0, execution_id="e1")
    await past("node_loop_started", "n", 1, node_id="n")
    await past("node_loop_iteration", "n", 2, node_id="n", data={"iteration": 1})
    sink = InMemorySink()
    handle = watch(bus, sink=sink)
    await NodeOfTheFirst(bus, "n").say("llm_text_delta", content="now", snapshot="now")
    await complete(bus, "e1")
    handle.detach()
    again = watch(bus, sink=sink)
    again.detach()
    shown = Forest(sink.events)
    (root,) = shown.roots
    assert root.outline() == ["task main", ["sub_agent n", ["turn iteration 1", "llm model"]]]
    assert abs((root.began - began).total_seconds()) < 0.001
    assert abs((shown.one("llm").began - began).total_seconds() - 2) < 0.001
    assert shown.one("llm").text() == "now"
    assert time.time() - root.over.timestamp() < 60


async def test_history_that_lost_its_start_and_no_history() -> None:
    bus = NewestBus(max_history=4)
    node = NodeOfTheNewest(bus, "n", "main", "e1")
    await start(bus, "e1")
    await one_loop(node)
    shown = await recorded(bus, lambda bus: complete(bus, "e1"))
    assert [child.kind for child in shown.one("task").children] == ["sub_agent"]
    shown.nothing_dangles()
    bus = NewestBus()
    await start(bus, "e1")
    assert (await recorded(bus, lambda bus: asyncio.sleep(0), history=False)).roots == []


async def test_a_proxy_is_watched_at_the_bus_behind_it() -> None:
    real = NewestBus()
    scoped = ScopedBus(real, "g1")
    sink = InMemorySink()
    first, second = watch(scoped, sink=sink), watch(real, sink=sink)
    await play_newest(scoped)
    first.detach()
    await start(scoped, "e2")
    second.detach()
    done, open_one = Forest(sink.events).roots
    assert done.outline() == ["task main", LOOP]
    assert done.metadata["graph_id"] == "g1"
    assert open_one.error == DETACHED


async def test_detaching_leaves_no_trace() -> None:
    bus = NewestBus()
    before = dict(vars(bus))
    handle = watch(bus, sink="memory")
    assert vars(bus).keys() - before.keys() == {"publish"}
    assert bus.get_stats()["subscriptions"] == 0
    handle.detach()
    handle.detach()
    assert vars(bus) == before
    await play_newest(bus)
    assert handle.sink.events == []


def real_hive() -> Any:
    """The module of a real Hive EventBus, where the environment names its source."""
    path = os.environ.get("ETAOI_TUI_HIVE")
    if path is None:
        pytest.skip("ETAOI_TUI_HIVE names no folder with Hive's framework package")
    sys.path.insert(0, path)
    for name in ("framework.runtime.event_bus", "framework.host.event_bus"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    pytest.skip(f"no event_bus module in {path}")


async def test_the_real_bus() -> None:
    hive = real_hive()

    async def play(bus: Any) -> None:
        async def publish(kind: str, **data: Any) -> None:
            place = {"stream_id": "main", "node_id": "writer", "execution_id": "e1"}
            await bus.publish(hive.AgentEvent(type=hive.EventType(kind), data=data, **place))

        await publish("execution_started", input={"topic": "cats"})
        await one_loop(types.SimpleNamespace(say=publish))
        await publish("execution_completed", output={"page": "ok"})

    (root,) = (await recorded(hive.EventBus(), play)).roots
    assert root.outline() == ["task main", LOOP]


@pytest.mark.parametrize("bus_class", [FirstBus, NewestBus])
async def test_no_type_of_event_is_a_problem(
    bus_class: type[FirstBus], caplog: pytest.LogCaptureFixture
) -> None:
    async def play(bus: Any) -> None:
        for fields in ({}, {"execution_id": "e1"}, {"node_id": "n"}, {"execution_id": "e1", "node_id": "n"}):
            for kind in bus.EventType:
                await bus.publish(bus.AgentEvent(kind, "s", **fields))
                await bus.publish(bus.AgentEvent(kind, "s", data={"content": 5, "tool_use_id": []}, **fields))

    shown = await recorded(bus_class(), play)
    for span in shown.all():
        assert span.end is not None
    assert "etaoi-tui" not in caplog.text


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*FIRST_TYPES, *NEWER_TYPES, "unheard_of"]),
        st.sampled_from(["main", "queen", "worker:w1", "worker:w2", ""]),
        st.sampled_from(["n", "m", None]),
        st.sampled_from(["e1", "e2", "", None]),
        st.sampled_from(
            [
                {},
                {"content": "a", "snapshot": "a"},
                {"content": "b", "snapshot": "ab"},
                {"tool_use_id": "t1", "tool_name": "f", "result": "r", "is_error": True},
                {"worker_id": "w1", "status": "failed"},
                {"trigger": "post_tool_results", "iteration": 3, "input_tokens": 1, "output_tokens": 1},
            ]
        ),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS)
def test_any_order_of_events_is_a_forest(events: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    async def play(bus: Any) -> None:
        for kind, stream_id, node_id, execution_id, data in events:
            await bus.emit(kind, stream_id, node_id=node_id, execution_id=execution_id, data=data)

    asyncio.run(recorded(NewestBus(), play)).nothing_dangles()
    assert "failed" not in caplog.text


class RaisingSink:
    def emit(self, envelope: dict[str, Any]) -> None:
        raise RuntimeError("this sink is broken")


class Strange:
    """An event that raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name in ("type", "data", "stream_id", "timestamp"):
            raise ValueError(name)
        raise AttributeError(name)


@BOTH
@pytest.mark.parametrize("sink", [None, "memory", "raising"])
async def test_watching_changes_nothing(bus_class: type[FirstBus], play: Play, sink: str | None) -> None:
    outcomes = []
    for chosen in (None, sink):
        bus = bus_class()
        seen: list[Any] = []

        async def handler(event: Any, seen: list[Any] = seen) -> None:
            await asyncio.sleep(0)
            seen.append((str(event.type), event.stream_id, event.data))
            if event.type == "execution_started":
                raise RuntimeError("a handler's own mistake")

        bus.subscribe(list(bus.EventType), handler)
        if chosen is not None:
            watch(bus, sink=RaisingSink() if chosen == "raising" else chosen)
        await play(bus)
        errors = []
        for wrong in (Strange(), None):
            try:
                await bus.publish(wrong)
            except Exception as error:
                errors.append((type(error), str(error)))
        task = asyncio.ensure_future(bus.publish(bus.AgentEvent("custom", "s")))
        task.cancel()
        await asyncio.wait([task])
        history = [
            getattr(event, "data", None) for event in bus._event_history if type(event) is bus.AgentEvent
        ]
        outcomes.append((seen, errors, task.cancelled(), history, bus.get_stats()))
    assert outcomes[0] == outcomes[1]
