"""Times one agent system, bare and watched in turn, in a process of its own (with that system installed).

python bridge_driver.py voxagent | loomcycle | eventbus   ->  {"what": [bare, watched, seen]} as JSON, in
microseconds an event; `seen` is how many events the SDK wrote while it watched
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from etaoi_tui.sdk.watch import watch

ROUNDS = 7
CHUNKS = 500
Work = Callable[[], Awaitable[Any]]


async def compare(target: Any, works: dict[str, tuple[Work, int]]) -> dict[str, list[float]]:
    """Time each work bare and watched, alternately.

    Returns:
        CPU microseconds of the agent's thread per event, the least of all rounds, and how many events the SDK
        wrote in all. (The sender's thread works beside it; on a busy machine, wall time and averages would
        measure the neighbours.)
    """
    figures: dict[str, list[list[float]]] = {name: [[], []] for name in works}
    encoded = 0
    for round_number in range(ROUNDS + 1):
        for watched in (False, True):
            handle = watch(target, sink="msgpack-drop") if watched else None
            for name, (work, events) in works.items():
                await asyncio.sleep(0.06)  # the sender is idle when the clock starts
                began = time.thread_time()
                await work()
                if round_number:  # the first round warms up
                    figures[name][watched].append((time.thread_time() - began) / events * 1e6)
            if handle is not None:
                handle.flush()
                encoded += handle.stats.encoded
                handle.detach()
    return {name: [*map(min, pair), encoded] for name, pair in figures.items()}


async def voxagent() -> dict[str, list[float]]:
    """A long streamed answer, and runs of two model calls and a tool, of which nothing takes time."""
    from voxagent import Agent
    from voxagent.providers.base import MessageEndChunk, TextDeltaChunk
    from voxagent_fakes import call, script, tool, weather

    long = script("long", [*(TextDeltaChunk(delta="token ") for _ in range(CHUNKS)), MessageEndChunk()])
    steps = script(
        "steps",
        [call("weather", q="Oslo"), MessageEndChunk()],
        [TextDeltaChunk(delta="sunny"), MessageEndChunk()],
    )
    agent = Agent(long, name="writer")
    helper = Agent(steps, name="helper", tools=[tool("weather", weather)])

    async def answer() -> None:
        await agent.run("write")

    async def runs() -> None:
        for _ in range(50):
            await helper.run("How is it?")

    figures = await compare(agent, {"a streamed chunk": (answer, CHUNKS)})
    return {**figures, **await compare(helper, {"a span (4 a run)": (runs, 200)})}


class Channel:
    """A channel without a network, whose noise would hide what is measured: it plays events from memory."""

    def __init__(self, make: Callable[..., Any], events: list[Any]) -> None:
        self.make = make
        self._events = events
        self._runs = 0

    def unary_stream(self, path: str, **_: Any) -> Callable[..., Any]:
        return lambda request, metadata: self._play()

    def unary_unary(self, path: str, **_: Any) -> None:
        return None

    async def _play(self) -> Any:
        self._runs += 1
        ids = {"run_id": f"run_{self._runs}"}
        yield self.make("session", text="s")
        yield self.make("agent", text="a", error=json.dumps(ids))
        for event in self._events:
            yield event


async def loomcycle() -> dict[str, list[float]]:
    """A long streamed answer, and runs of two model calls and a tool, through the real client."""
    from loomcycle import LoomcycleClient
    from loomcycle_server import event, usage, use

    done = event("done", stop_reason="end_turn", usage=usage(1, 1))
    long = [event("started"), *(event("text", text="token ") for _ in range(CHUNKS)), done]
    steps = [
        event("started"),
        event("tool_call", tool_use=use("Read", "t", {"path": "a"})),
        event("usage", usage=usage(1, 1)),
        event("tool_result", tool_use=use("Read", "t"), text="ok"),
        event("text", text="fine"),
        event("usage", usage=usage(1, 1)),
        done,
    ]
    segments = [{"role": "user", "content": [{"type": "trusted-text", "text": "Write."}]}]

    def played(events: list[Any], runs: int) -> tuple[LoomcycleClient, Work]:
        client = LoomcycleClient(channel=Channel(event, events))

        async def work() -> None:
            for _ in range(runs):
                async for _ in client.run_streaming(agent="writer", segments=segments):
                    pass

        return client, work

    client, answer = played(long, 1)
    figures = await compare(client, {"a streamed text event": (answer, CHUNKS)})
    client, runs = played(steps, 50)
    return {**figures, **await compare(client, {"a span (4 a run)": (runs, 200)})}


async def eventbus() -> dict[str, list[float]]:
    """Events published on a stand-in of the newest bus that has no subscribers."""
    from tests.bridges.hive_bus import NewestBus, NodeOfTheNewest

    bus = NewestBus(max_history=1)
    node = NodeOfTheNewest(bus, "n", "main", "e1")

    async def text() -> None:
        await node.say("node_loop_iteration", iteration=1)
        for _ in range(CHUNKS):
            await node.say("llm_text_delta", content="token ", snapshot="so far")

    async def tools() -> None:
        await node.say("node_loop_iteration", iteration=1)
        for number in range(CHUNKS // 2):
            await node.say("tool_call_started", tool_use_id=f"t{number}", tool_name="f", tool_input={"q": 1})
            await node.say("tool_call_completed", tool_use_id=f"t{number}", tool_name="f", result="r")

    return await compare(bus, {"a text delta": (text, CHUNKS), "a tool event": (tools, CHUNKS)})


if __name__ == "__main__":
    measure = {"voxagent": voxagent, "loomcycle": loomcycle, "eventbus": eventbus}[sys.argv[1]]
    print(json.dumps(asyncio.run(measure())))
