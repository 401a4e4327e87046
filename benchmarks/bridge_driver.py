"""Times one agent system, bare and watched in turn, in a process of its own (with that system installed).

python bridge_driver.py voxagent | loomcycle | eventbus   ->  {"what": [bare, watched] us per event} as JSON
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from etaoi_tui.sdk.watch import watch

ROUNDS = 15
CHUNKS = 500
Work = Callable[[], Awaitable[Any]]


async def compare(target: Any, works: dict[str, tuple[Work, int]]) -> dict[str, list[float]]:
    """Time each work bare and watched, alternately.

    Returns:
        CPU microseconds of the agent's thread per event, the least of all rounds. (The sender's thread works
        beside it; on a busy machine, wall time and averages would measure the neighbours.)
    """
    figures: dict[str, list[list[float]]] = {name: [[], []] for name in works}
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
                handle.detach()
    return {name: [min(values) for values in pair] for name, pair in figures.items()}


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

    told = await compare(agent, {"a streamed chunk": (answer, CHUNKS)})
    return {**told, **await compare(helper, {"a span (4 a run)": (runs, 200)})}


async def loomcycle() -> dict[str, list[float]]:
    """A long streamed answer, and runs of two model calls and a tool, over a real connection."""
    from loomcycle_server import event, serve, usage, use

    played, server, client = await serve()
    done = event("done", stop_reason="end_turn", usage=usage(1, 1))
    played.scripts["long"] = [event("started"), *(event("text", text="token ") for _ in range(CHUNKS)), done]
    played.scripts["steps"] = [
        event("started"),
        event("tool_call", tool_use=use("Read", "t", {"path": "a"})),
        event("usage", usage=usage(1, 1)),
        event("tool_result", tool_use=use("Read", "t"), text="ok"),
        event("text", text="fine"),
        event("usage", usage=usage(1, 1)),
        done,
    ]
    segments = [{"role": "user", "content": [{"type": "trusted-text", "text": "Write."}]}]

    async def read(agent: str) -> None:
        async for _ in client.run_streaming(agent=agent, segments=segments):
            pass

    async def answer() -> None:
        await read("long")

    async def runs() -> None:
        for _ in range(30):
            await read("steps")

    try:
        return await compare(
            client, {"a streamed text event": (answer, CHUNKS), "a span (4 a run)": (runs, 120)}
        )
    finally:
        await client.close()
        await server.stop(None)


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
