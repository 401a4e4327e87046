"""A run of one agent system for the pictures, sent to a viewer; it stays as it is until this program ends.

python showcase.py SYSTEM URL
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import etaoi_tui

STEP = 0.12
"""Seconds that a step takes."""


def _line() -> None:
    sys.stdout.write("shown\n")
    sys.stdout.flush()


async def voxagent(url: str) -> None:
    """An agent that reads a file over MCP and lets a program call its tools."""
    from voxagent import Agent
    from voxagent.code.agent import CodeModeConfig, setup_code_mode_for_agent
    from voxagent.providers.base import MessageEndChunk, TextDeltaChunk
    from voxagent_fakes import Server, call, script, tool

    program = """
total = 0
for price in (12, 30, 7):
    total = total + int(call_tool("default", "convert.py", amount=price, into="EUR"))
print(total)
print(call_tool("default", "book.py", room="sea view"))
"""

    async def convert(amount: int, into: str) -> int:
        await asyncio.sleep(STEP / 2)
        return amount * 2

    def book(room: str) -> str:
        raise ValueError(f"no {room} is free")

    model = script(
        "travel",
        [
            STEP,
            TextDeltaChunk(delta="Let me look at your notes first."),
            call("files_read_file", "f1", path="notes/trip.md"),
            MessageEndChunk(),
        ],
        [
            STEP,
            TextDeltaChunk(delta="Now the prices, all at once."),
            call("execute_code", "c1", code=program),
            MessageEndChunk(),
        ],
        [
            STEP,
            TextDeltaChunk(delta="The three nights cost 98 EUR; the sea view is taken."),
            MessageEndChunk(),
        ],
    )
    agent = Agent(
        model,
        name="travel desk",
        system_prompt="You plan trips. Be brief.",
        tools=[tool("convert", convert, True), tool("book", book)],
        toolsets=[Server()],
    )
    executor = setup_code_mode_for_agent(agent, CodeModeConfig(timeout_seconds=2))
    agent.register_tool(executor.get_execute_code_tool())
    handle = etaoi_tui.watch(agent, server_url=url)
    await agent.run("What do three nights in Lisbon cost?", session_key="chat-7")
    assert await asyncio.to_thread(handle.flush, 20.0)
    _line()


async def loomcycle(url: str) -> None:
    """A batch of three agents, one of which fails, and a run that asks and waits."""
    from loomcycle_server import event, pb, serve, usage, use

    def text_segments(text: str) -> list[dict[str, Any]]:
        return [
            {"role": "system", "content": [{"type": "trusted-text", "text": "Review with care."}]},
            {"role": "user", "content": [{"type": "trusted-text", "text": text}]},
        ]

    server, _, client = await serve()
    handle = etaoi_tui.watch(client, server_url=url)
    spawns = [
        {"agent": "linter", "segments": text_segments("Lint the parser.")},
        {"agent": "tester", "segments": text_segments("Test the parser.")},
        {"agent": "bad", "segments": text_segments("Fuzz the parser.")},
    ]
    await client.spawn_run_batch(spawns)
    slot = pb.AdmissionInfo(reason="lane", provider="anthropic", kind="chat")
    forever = asyncio.Event()
    server.scripts["reviewer"] = [
        event("started"),
        event("call_queued", admission=slot),
        STEP * 3,
        event("call_admitted", admission=slot),
        STEP,
        event("text", text="I read the change. "),
        event("tool_call", tool_use=use("Read", "t1", {"path": "parser.py"})),
        event("usage", usage=usage(2_310, 40, model="claude-sonnet-4-5")),
        STEP,
        event("tool_result", tool_use=use("Read", "t1"), text="def parse(text): ..."),
        event("text", text="Shall I rewrite the loop, or only report?"),
        event("usage", usage=usage(2_900, 22, model="claude-sonnet-4-5")),
        event("awaiting_input", awaiting_input=pb.AwaitingInput(since_turn=1)),
        STEP * 4,
        event("steer", user_input=pb.UserInput(text="Only report.", source="api")),
        STEP,
        event("text", text="Then: the loop reads each token twice (line 40)."),
        event("usage", usage=usage(3_010, 31, model="claude-sonnet-4-5")),
        event(
            "hook_decision",
            hook_decision=pb.HookDecision(
                hook="ops/guard", tool_name="Bash", decision="deny", reason="no writes"
            ),
        ),
        event("awaiting_review", awaiting_review=pb.AwaitingReview(since_turn=2, round=1)),
        forever,
    ]

    async def run() -> None:
        async for update in client.run_streaming(
            agent="reviewer", segments=text_segments("Review the parser.")
        ):
            if update.type == "awaiting_review":
                assert await asyncio.to_thread(handle.flush, 20.0)
                _line()

    await run()


async def hive(url: str) -> None:
    """An execution with goals, state and a judge, which is paused."""
    from tests.bridges.hive_bus import NewestBus, NodeOfTheNewest

    bus = NewestBus()
    handle = etaoi_tui.watch(bus, server_url=url)
    ids = {"execution_id": "run-42"}

    async def say(kind: str, **data: Any) -> None:
        await bus.emit(kind, "newsletter", **ids, data=data)
        await asyncio.sleep(STEP / 3)

    await say("execution_started", input={"topic": "heat pumps", "readers": "owners of old houses"})
    await say("goal_progress", progress=0.1, criteria_status={"sources": "0/3", "draft": "open"})
    researcher = NodeOfTheNewest(bus, "researcher", "newsletter", "run-42")
    for kind, data in (
        ("node_loop_started", {"max_iterations": 5}),
        ("node_loop_iteration", {"iteration": 1}),
        ("llm_text_delta", {"content": "I look for measurements.", "snapshot": "I look for measurements."}),
        (
            "tool_call_started",
            {"tool_use_id": "t1", "tool_name": "search", "tool_input": {"q": "heat pump COP old house"}},
        ),
        ("tool_call_completed", {"tool_use_id": "t1", "tool_name": "search", "result": "3 field studies"}),
        ("llm_text_delta", {"content": "Three studies agree.", "snapshot": "Three studies agree."}),
        (
            "llm_turn_complete",
            {"model": "gpt-5", "input_tokens": 4_200, "output_tokens": 180, "cost_usd": 0.0071},
        ),
        ("judge_verdict", {"action": "ACCEPT", "feedback": "sources are named"}),
        ("node_loop_completed", {"iterations": 1}),
    ):
        await researcher.say(kind, **data)
        await asyncio.sleep(STEP / 2)
    await say(
        "state_changed", key="sources", old_value=None, new_value=["Fraunhofer 2024", "BEIS"], scope="run"
    )
    await say("goal_progress", progress=0.5, criteria_status={"sources": "3/3", "draft": "open"})
    writer = NodeOfTheNewest(bus, "writer", "newsletter", "run-42")
    for kind, data in (
        ("node_loop_started", {"max_iterations": 3}),
        ("node_loop_iteration", {"iteration": 1}),
        ("llm_text_delta", {"content": "Heat pumps work", "snapshot": "Heat pumps work"}),
        (
            "llm_text_delta",
            {"content": " in old houses, too.", "snapshot": "Heat pumps work in old houses, too."},
        ),
        ("llm_turn_complete", {"model": "gpt-5", "input_tokens": 5_100, "output_tokens": 420}),
        ("node_retry", {"retry_count": 1, "max_retries": 3, "error": "too long for the slot"}),
        ("node_loop_iteration", {"iteration": 2}),
        ("llm_text_delta", {"content": "Shorter: they work.", "snapshot": "Shorter: they work."}),
    ):
        await writer.say(kind, **data)
        await asyncio.sleep(STEP / 2)
    await say("constraint_violation", constraint_id="length", description="the draft has 912 of 800 words")
    await say("state_changed", key="draft", old_value="", new_value="Heat pumps work ...", scope="run")
    await say("state_conflict", key="draft", old_value="Heat pumps work ...", new_value="Heat pumps: myths")
    await say("goal_progress", progress=0.8, criteria_status={"sources": "3/3", "draft": "in review"})
    await say("execution_paused", reason="the editor wants to read the draft")
    assert await asyncio.to_thread(handle.flush, 20.0)
    _line()


async def langgraph(url: str) -> None:
    """An agent that wants to be allowed what it does."""
    from langchain.agents import create_agent
    from langchain.agents.middleware import HumanInTheLoopMiddleware
    from langchain_core.messages import AIMessage
    from langchain_core.tools import tool
    from langgraph.checkpoint.memory import InMemorySaver

    from tests.sdk.langchain.models import ScriptedModel

    @tool
    def delete(name: str) -> str:
        """Delete a database."""
        return f"deleted {name}"

    tool_call = AIMessage(
        "The old one goes.", tool_calls=[{"name": "delete", "args": {"name": "prod-old"}, "id": "t1"}]
    )
    agent = create_agent(
        ScriptedModel(answers=[tool_call, "Done."]),
        [delete],
        name="dba",
        checkpointer=InMemorySaver(),
        middleware=[HumanInTheLoopMiddleware(interrupt_on={"delete": True})],
    )
    handle = etaoi_tui.watch(agent, server_url=url)
    await agent.ainvoke({"messages": [("user", "Tidy up.")]}, {"configurable": {"thread_id": "t"}})
    assert await asyncio.to_thread(handle.flush, 20.0)
    _line()


SYSTEMS = {play.__name__: play for play in (voxagent, loomcycle, hive, langgraph)}


async def play(name: str, url: str) -> None:
    """Play one, and stay."""
    await SYSTEMS[name](url)
    await asyncio.sleep(600)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    asyncio.run(play(sys.argv[1], sys.argv[2]))
