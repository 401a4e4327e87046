"""Five agent systems at the same time, sent to one viewer. Runs where those asked for are installed.

    python together.py SYSTEM,SYSTEM... URL RUNS [SECONDS]  ->  one JSON map on stdout when all is sent

Whatever can be mistaken is the same everywhere: the agent is called ``helper``, its tool ``lookup``, its call
``t1``. What run N of a system says and hears holds the word ``SYSTEM#N``. SECONDS is about how long a run's
steps take. Everybody who can say so belongs to the session ``visit-9``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import etaoi_tui

VISIT = "visit-9"
SECRET = "SECRET-do-not-record"
SHARED = "helper"


class Plan:
    """What a system is asked for.

    Args:
        url: the viewer.
        runs: how many runs, all at the same time.
        pause: seconds between two steps of a run.
    """

    def __init__(self, url: str, runs: int, pause: float) -> None:
        self.url = url
        self.runs = runs
        self.pause = pause

    async def follow(self, target: Any, each: Callable[[int], Awaitable[Any]], **options: Any) -> None:
        """Watch a target while all its runs are on."""
        with etaoi_tui.watch(target, server_url=self.url, session_id=VISIT, **options) as handle:
            await asyncio.gather(*(each(number) for number in range(self.runs)))
            assert await asyncio.to_thread(handle.flush, 20.0), "the viewer did not take it"


async def voxagent(plan: Plan) -> None:
    """Each run has a session of its own but the first, which is part of the visit."""
    from voxagent import Agent
    from voxagent.providers.base import MessageEndChunk, TextDeltaChunk
    from voxagent_fakes import Scripted, call, results, say, script, tool

    def play(messages: list[Any], signal: Any) -> Iterator[Any]:
        who = next(m.content for m in messages if m.role == "user" and isinstance(m.content, str))
        yield plan.pause
        if results(messages):
            yield from say(f"{who} ", "is answered.")
        else:
            yield TextDeltaChunk(delta=f"{who}: let me see. ")
            yield plan.pause
            yield call("lookup", "t1", q=who)
            yield MessageEndChunk()

    script(SHARED, say(""))
    Scripted.scripts[SHARED] = play
    agent = Agent(
        f"scripted:{SHARED}",
        name=SHARED,
        tools=[tool("lookup", lambda q: f"found {q}")],
        secrets_to_redact={"ticket": SECRET},
    )

    async def run(number: int) -> None:
        key = VISIT if number == 0 else f"voxagent-{number}"
        await agent.run(f"voxagent#{number} {SECRET}", session_key=key, deps={"token": SECRET})

    await plan.follow(agent, run)


async def loomcycle(plan: Plan) -> None:
    """Each run has the session that the server gave it, but the last goes on in that of the first."""
    from loomcycle_plays import all_of
    from loomcycle_server import event, serve, usage, use

    server, grpc_server, client = await serve()
    first_over = asyncio.Event()

    def steps(who: str) -> list[Any]:
        return [
            event("started"),
            plan.pause,
            event("text", text=f"{who}: let me see. "),
            event("tool_call", tool_use=use("lookup", "t1", {"q": who})),
            event("usage", usage=usage(10, 2)),
            plan.pause,
            event("tool_result", tool_use=use("lookup", "t1"), text=f"found {who}"),
            event("text", text=f"{who} is answered."),
            event("usage", usage=usage(20, 3)),
            event("done", stop_reason="end_turn", usage=usage(30, 5)),
        ]

    async def run(number: int) -> None:
        who = f"loomcycle#{number}"
        segments = [{"role": "user", "content": [{"type": "trusted-text", "text": who}]}]
        if number == plan.runs - 1 and number:
            await first_over.wait()
            server.scripts[SHARED] = steps(who)
            server.sessions["own-0"] = SHARED
            await all_of(client.continue_session(session_id="own-0", segments=segments))
            return
        name = f"{SHARED}-{number}"
        server.scripts[name] = steps(who)
        request = {"agent": name, "session_id": f"own-{number}", "segments": segments}
        await all_of(client.run_streaming(**request, user_bearer=SECRET))
        if number == 0:
            first_over.set()

    try:
        await plan.follow(client, run)
    finally:
        await client.close()
        await grpc_server.stop(None)


async def hive(plan: Plan) -> None:
    """A stream for each two executions; nobody asks for a session, so each stream is one."""
    from tests.bridges.hive_bus import NewestBus, NodeOfTheNewest

    bus = NewestBus()

    async def run(number: int) -> None:
        who, stream = f"hive#{number}", f"stream-{number // 2}"
        payload = {"q": who, "headers": {"Authorization": f"Bearer {SECRET}"}}
        await bus.emit("execution_started", stream, execution_id=who, data={"input": payload})
        node = NodeOfTheNewest(bus, SHARED, stream, who)
        for kind, data in (
            ("node_loop_started", {"max_iterations": 3}),
            ("node_loop_iteration", {"iteration": 1}),
            ("llm_text_delta", {"content": f"{who}: let me see. ", "snapshot": f"{who}: let me see. "}),
            ("tool_call_started", {"tool_use_id": "t1", "tool_name": "lookup", "tool_input": {**payload}}),
            ("tool_call_completed", {"tool_use_id": "t1", "tool_name": "lookup", "result": f"found {who}"}),
            ("llm_text_delta", {"content": f"{who} is answered.", "snapshot": f"{who} is answered."}),
            ("llm_turn_complete", {"model": "m", "input_tokens": 30, "output_tokens": 5}),
            ("node_loop_completed", {"iterations": 1}),
        ):
            await node.say(kind, **data)
            await asyncio.sleep(plan.pause)
        await bus.emit("execution_completed", stream, execution_id=who, data={"output": {"a": who}})

    with etaoi_tui.watch(bus, server_url=plan.url) as handle:
        await asyncio.gather(*(run(number) for number in range(plan.runs)))
        assert await asyncio.to_thread(handle.flush, 20.0)


async def langgraph(plan: Plan) -> None:
    """Agents as ``create_agent`` makes them, all in the visit."""
    from langchain.agents import create_agent
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool as lc_tool

    from tests.sdk.langchain.models import ScriptedModel

    @lc_tool
    async def lookup(q: str) -> str:
        """Look something up."""
        await asyncio.sleep(plan.pause)
        return f"found {q}"

    async def run(number: int) -> None:
        who = f"langgraph#{number}"
        tool_call = AIMessage(
            f"{who}: let me see.", tool_calls=[{"name": "lookup", "args": {"q": who}, "id": "t1"}]
        )
        model = ScriptedModel(answers=[tool_call, f"{who} is answered."])
        agent = create_agent(model, [lookup], name=SHARED)
        with etaoi_tui.watch(agent, server_url=plan.url, session_id=VISIT) as handle:
            async for _ in agent.astream({"messages": [("user", who)]}, stream_mode="messages"):
                await asyncio.sleep(plan.pause / 8)
            assert await asyncio.to_thread(handle.flush, 20.0)

    await asyncio.gather(*(run(number) for number in range(plan.runs)))


async def voice(plan: Plan) -> None:
    """One call in real time, in the visit; the user asks once, and a tool is called."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "livekit/drivers"))
    from fakes import World
    from livekit.agents import Agent, function_tool
    from scenarios import idle, session_with

    class Helper(Agent):
        def __init__(self) -> None:
            super().__init__(instructions="voice#0: help.")

        @function_tool
        async def lookup(self, q: str) -> str:
            """Look something up."""
            await asyncio.sleep(plan.pause)
            return f"found {q}"

    world = World()
    script = {"found": "voice#0 is answered.", "voice#0": ("lookup", {"q": "voice#0"})}
    session = session_with(world, script)
    handle = etaoi_tui.watch(session, server_url=plan.url, session_id=VISIT)
    await session.start(Helper())
    await world.user_says("voice#0 please", 0.5)
    await idle(session)
    await session.aclose()
    assert await asyncio.to_thread(handle.flush, 20.0)
    handle.detach()


SYSTEMS = {play.__name__: play for play in (voxagent, loomcycle, hive, langgraph, voice)}


async def play_all(names: list[str], plan: Plan) -> None:
    """All at the same time, in one event loop."""
    await asyncio.gather(*(SYSTEMS[name](plan) for name in names))


if __name__ == "__main__":
    tool_call, url, runs, *pause = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).parent))
    plan = Plan(url, int(runs), float(pause[0]) if pause else 0.01)
    asyncio.run(asyncio.wait_for(play_all(tool_call.split(","), plan), 100))
    sys.stdout.write(json.dumps({"done": tool_call.split(",")}) + "\n")
