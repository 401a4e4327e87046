"""What is published on a bus in the tests, and the tree that it makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from etaoi_tui.sdk.transport.local import InMemorySink
from etaoi_tui.sdk.watch import watch
from tests.bridges.hive_bus import FirstBus, NewestBus, NodeOfTheFirst, NodeOfTheNewest
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
