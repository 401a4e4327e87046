"""LangGraph's own agents, as programs with langchain-core 0.3 have them: no `create_agent`, no middleware."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

from etaoi_tui.sdk.attach import AttachedHandle
from tests.sdk.langchain.models import ScriptedModel, calls
from tests.sdk.langchain.trees import Forest

Watch = Callable[..., AttachedHandle]
Look = Callable[[AttachedHandle], Forest]

pytestmark = pytest.mark.filterwarnings("ignore:create_react_agent")


@tool
def double(number: int) -> int:
    """Double a number."""
    return 2 * number


def react_agent() -> Any:
    from langgraph.prebuilt import create_react_agent

    model = ScriptedModel(answers=[calls(("double", {"number": 3})), "It is six."])
    return create_react_agent(model, [double], prompt="Be brief.", name="counter")


def check(tree: Forest) -> None:
    (root,) = tree.roots
    assert root.name == "counter"
    assert all(span.end is not None and span.error is None for span in tree.spans)
    assert [span for span in root.walk() if span.kind in ("llm", "tool")] == [
        span for span in tree.spans if span.kind in ("llm", "tool")
    ]
    _, second = tree.of("llm")
    assert second.streamed == "It is six." == second.payload["response"]["text"]
    asked = second.payload["input_messages"]
    assert [message["role"] for message in asked] == ["system", "human", "ai", "tool"]
    (answer,) = tree.of("tool")
    assert json.loads(answer.payload["input"]) == {"number": 3}
    assert json.loads(answer.payload["output"])["content"] == "6"


def test_a_prebuilt_agent_is_recorded_completely(watch: Watch, forest: Look) -> None:
    agent = react_agent()
    handle = watch(agent)
    list(agent.stream({"messages": [HumanMessage("double three")]}, stream_mode="messages"))
    check(forest(handle))


async def test_a_prebuilt_agent_is_recorded_by_the_global_hook(watch: Watch, forest: Look) -> None:
    handle = watch()
    agent = react_agent()
    async for _ in agent.astream({"messages": [HumanMessage("double three")]}, stream_mode="messages"):
        pass
    handle.detach()
    check(forest(handle))
