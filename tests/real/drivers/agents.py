"""Runs real LangGraph agents with the etaoi SDK attached. Runs in the real clients' environment.

    python agents.py SCENARIO URL LOG

Scenarios: ``create_agent``, ``deepagent``, ``concurrent``. LOG gets what was sent (see tap.py).
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import etaoi
from deepagents import create_deep_agent
from fakes import Guard, ScriptedModel, lookup_order
from langchain.agents import create_agent
from tap import tap

QUESTION = {"messages": [("user", "Where are my orders?")]}
RUNS = 20


def _agent() -> Any:
    return create_agent(
        model=ScriptedModel(),
        tools=[lookup_order],
        middleware=etaoi.instrument([Guard()]),
        system_prompt="You answer questions about orders.",
        name="order-desk",
    )


def create_agent_run(url: str) -> None:
    """One run with two parallel tools and instrumented middleware."""
    agent = _agent()
    handle = etaoi.attach(agent, server_url=url, session_id="create-agent", user_id="tester")
    agent.invoke(QUESTION)
    handle.detach()


def deepagent_run(url: str) -> None:
    """A deep agent that hands a task to a sub-agent, which calls tools."""
    agent = create_deep_agent(
        model=ScriptedModel(),
        tools=[lookup_order],
        subagents=[
            {
                "name": "checker",
                "description": "Checks orders.",
                "system_prompt": "Check.",
                "tools": [lookup_order],
            }
        ],
        name="lead",
    )
    handle = etaoi.attach(agent, server_url=url, session_id="deepagent")
    agent.invoke(QUESTION)
    handle.detach()


def concurrent_runs(url: str) -> None:
    """Twenty runs of one agent at the same time, on one event loop."""
    agent = _agent()
    handle = etaoi.attach(agent, server_url=url, session_id="concurrent")

    async def all_of_them() -> None:
        await asyncio.gather(*(agent.ainvoke(QUESTION) for _ in range(RUNS)))

    asyncio.run(all_of_them())
    handle.detach()


SCENARIOS = {"create_agent": create_agent_run, "deepagent": deepagent_run, "concurrent": concurrent_runs}

if __name__ == "__main__":
    scenario, url, log = sys.argv[1:]
    tap(log)
    SCENARIOS[scenario](url)
