"""Hive's EventBus: history, proxies, detaching, any order of events, and that watching changes nothing."""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import types
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etaoi_collector.conventions.hive.fold import DETACHED
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
from tests.bridges.plays import BOTH, LOOP, Play, complete, one_loop, play_newest, recorded, start
from tests.bridges.trees import Forest

ROUNDED = timedelta(milliseconds=1)
"""How far a time on the wire may lie from the clock that it was read from."""


async def test_history_before_attaching_has_its_own_times() -> None:
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
    attach_time = datetime.now().astimezone()
    await NodeOfTheFirst(bus, "n").say("llm_text_delta", content="now", snapshot="now")
    after = datetime.now().astimezone()
    await complete(bus, "e1")
    handle.detach()
    detached = datetime.now().astimezone()
    again = watch(bus, sink=sink)
    again.detach()
    tree = Forest(sink.events)
    (root,) = tree.roots
    assert root.outline() == ["task main", ["sub_agent n", ["turn iteration 1", "llm model"]]]
    assert abs((root.began - began).total_seconds()) < 0.001
    call = tree.one("llm")
    assert abs((call.began - began).total_seconds() - 2) < 0.001
    assert call.text() == "now"
    first_token = call.began + timedelta(milliseconds=call.result["ttft_ms"])
    assert attach_time - ROUNDED <= first_token <= after + ROUNDED
    assert after - ROUNDED <= root.over <= detached + ROUNDED


async def test_history_that_lost_its_start_and_no_history() -> None:
    bus = NewestBus(max_history=4)
    node = NodeOfTheNewest(bus, "n", "main", "e1")
    await start(bus, "e1")
    await one_loop(node)
    tree = await recorded(bus, lambda bus: complete(bus, "e1"))
    assert [child.kind for child in tree.one("task").children] == ["sub_agent"]
    tree.nothing_dangles()
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
    attributes_before = dict(vars(bus))
    handle = watch(bus, sink="memory")
    assert vars(bus).keys() - attributes_before.keys() == {"publish"}
    assert bus.get_stats()["subscriptions"] == 0
    handle.detach()
    handle.detach()
    assert vars(bus) == attributes_before
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
            ids = {"stream_id": "main", "node_id": "writer", "execution_id": "e1"}
            await bus.publish(hive.AgentEvent(type=hive.EventType(kind), data=data, **ids))

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

    tree = await recorded(bus_class(), play)
    for span in tree.all():
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
@example(
    events=[
        ("execution_started", "main", "n", "e1", {}),
        ("execution_completed", "main", "n", "e1", {}),
        ("execution_completed", "main", "n", "e1", {}),
    ]
)
def test_any_order_of_events_is_a_forest(events: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    async def play(bus: Any) -> None:
        for kind, stream_id, node_id, execution_id, data in events:
            await bus.emit(kind, stream_id, node_id=node_id, execution_id=execution_id, data=dict(data))

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
        received: list[Any] = []

        async def handler(event: Any, received: list[Any] = received) -> None:
            await asyncio.sleep(0)
            received.append((str(event.type), event.stream_id, event.data))
            if event.type == "execution_started":
                raise RuntimeError("a handler's own mistake")

        bus.subscribe(list(bus.EventType), handler)
        handle = None
        if chosen is not None:
            handle = watch(bus, sink=RaisingSink() if chosen == "raising" else chosen)
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
        if handle is not None:
            handle.detach()
        outcomes.append((received, errors, task.cancelled(), history, bus.get_stats()))
    assert outcomes[0] == outcomes[1]
