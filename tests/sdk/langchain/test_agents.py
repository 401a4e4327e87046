"""The agent's snapshot: what real agents are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    SummarizationMiddleware,
    TodoListMiddleware,
    dynamic_prompt,
)
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langgraph.graph import START, StateGraph

from etaoi_tui.sdk.attach import AttachedHandle
from etaoi_tui.sdk.langchain.agents import describe_agent
from etaoi_tui.sdk.langchain.middleware import instrument
from tests.sdk.langchain.models import ScriptedModel, calls
from tests.sdk.langchain.trees import Forest

Watch = Callable[..., AttachedHandle]
Look = Callable[[AttachedHandle], Forest]


@tool
def double(number: int) -> int:
    """Double a number."""
    return number * 2


class Guard(AgentMiddleware):
    def before_agent(self, state: Any, runtime: Any) -> None:
        return None

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(request)

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(request)


@dynamic_prompt
def polite(request: Any) -> str:
    return "Be polite."


def order_agent(**options: Any) -> Any:
    return create_agent(
        options.pop("model", ScriptedModel(answers=["done"])),
        options.pop("tools", [double]),
        system_prompt=options.pop("prompt", "You take orders."),
        middleware=options.pop("middleware", [Guard(), polite, TodoListMiddleware()]),
        name="orders",
        **options,
    )


@pytest.mark.parametrize("instrumented", [False, True])
def test_a_create_agent_graph_is_described(instrumented: bool) -> None:
    chain = [Guard(), polite, TodoListMiddleware()]
    card = describe_agent(order_agent(middleware=instrument(chain) if instrumented else chain), "agent-7")
    assert card["framework"] == "langchain"
    assert card["agent_name"] == "orders"
    assert card["agent_id"] == "agent-7"
    assert card["system_prompt"]["text"] == "You take orders."
    assert card["llm"] == {
        "provider": "fakeai",
        "model": "fake-gpt-5",
        "class": "ScriptedModel",
        "temperature": 0.2,
        "max_tokens": 512,
    }
    assert [one["name"] for one in card["tools"]] == ["write_todos", "double"]
    schema = json.loads(card["tools"][1]["args_schema"])
    assert schema["properties"]["number"]["type"] == "integer"
    assert [(one["name"], one["kind"], one["hooks"]) for one in card["middleware"]] == [
        ("Guard", "wrap_model_call", ["before_agent", "wrap_model_call"]),
        ("polite", "dynamic_prompt", ["wrap_model_call"]),
        ("TodoListMiddleware", "after_model", ["wrap_model_call", "after_model"]),
    ]
    assert {node["id"] for node in card["graph"]["nodes"]} >= {"model", "tools", "Guard.before_agent"}
    assert card["graph"]["entrypoint"] == "Guard.before_agent"
    assert len(card["hash"]) == 16


def test_a_deepagent_is_described() -> None:
    from deepagents import create_deep_agent

    card = describe_agent(
        create_deep_agent(model=ScriptedModel(answers=["x"]), tools=[double], system_prompt="Plan first.")
    )
    assert "Plan first." in card["system_prompt"]["text"]
    assert card["llm"]["model"] == "fake-gpt-5"
    names = {one["name"] for one in card["tools"]}
    assert {"double", "read_file", "write_file", "task"} <= names
    assert {"FilesystemMiddleware", "SubAgentMiddleware"} <= {one["name"] for one in card["middleware"]}


def test_a_graph_of_ones_own_shows_its_model_and_tools() -> None:
    from langgraph.prebuilt import ToolNode

    class State(TypedDict):
        messages: list[Any]

    model = ScriptedModel(answers=["x"])
    builder = StateGraph(State)
    builder.add_node("ask", lambda state: {"messages": [model.invoke("?")]})
    builder.add_node("act", ToolNode([double]))
    builder.add_edge(START, "ask")
    builder.add_edge("ask", "act")
    card = describe_agent(builder.compile(name="hand made"))
    assert card["agent_name"] == "hand made"
    assert card["llm"]["model"] == "fake-gpt-5"
    assert [one["name"] for one in card["tools"]] == ["double"]


def test_mcp_servers_are_recognized_by_their_tools() -> None:
    card = describe_agent(
        order_agent(
            tools=[
                {"type": "mcp", "server_label": "github", "server_url": "https://example.invalid/mcp"},
                {"type": "mcp", "server_label": "github", "name": "second"},
            ],
            middleware=[],
        )
    )
    assert card["mcp_servers"] == [{"name": "github", "tool_count": 2, "transport": "http"}]


def test_a_models_secrets_are_no_part_of_it() -> None:
    class Keyed(ScriptedModel):
        api_key: str = "sk-very-secret-key-0123456789"

    assert "sk-very" not in json.dumps(describe_agent(order_agent(model=Keyed(answers=["x"]))))


def test_every_span_points_to_the_snapshot(watch: Watch, forest: Look) -> None:
    agent = order_agent()
    handle = watch(agent, agent_id="agent-7")
    agent.invoke({"messages": [HumanMessage("hi")]})
    tree = forest(handle)
    (context,) = tree.contexts
    assert context.parent is None
    assert context.end is not None
    for span in tree.roots[0].walk():
        assert span.metadata["agent.context_id"] == context.span_id
        assert span.metadata["agent.context_hash"] == context.payload["hash"]


def test_the_same_agent_is_reported_once_and_a_changed_one_again(watch: Watch, forest: Look) -> None:
    handle = watch(order_agent(), session_id="s")
    watch(order_agent(), sink=handle.sink, session_id="s")
    assert len(forest(handle).contexts) == 1
    watch(order_agent(prompt="You take no orders."), sink=handle.sink, session_id="s")
    prompts = [context.payload["system_prompt"]["text"] for context in forest(handle).contexts]
    assert prompts == ["You take orders.", "You take no orders."]


def test_agents_that_nobody_attached_are_reported_too(watch: Watch, forest: Look) -> None:
    helper = create_agent(ScriptedModel(answers=["helped"]), system_prompt="Help.", name="helper")

    @tool
    def ask_helper(question: str) -> str:
        """Ask."""
        return str(helper.invoke({"messages": [("user", question)]})["messages"][-1].content)

    model = ScriptedModel(answers=[calls(("ask_helper", {"question": "?"})), "done"])
    boss = create_agent(model, [ask_helper], name="boss")
    handle = watch()
    boss.invoke({"messages": [HumanMessage("hi")]})
    order_agent().invoke({"messages": [HumanMessage("hi")]})
    order_agent().invoke({"messages": [HumanMessage("hi")]})
    create_agent(ScriptedModel(answers=["x"]), system_prompt="One.").invoke(
        {"messages": [HumanMessage("hi")]}
    )
    create_agent(ScriptedModel(answers=["x"]), system_prompt="Two.").invoke(
        {"messages": [HumanMessage("hi")]}
    )
    tree = forest(handle)
    prompts = [context.payload.get("system_prompt", {}).get("text") for context in tree.contexts]
    assert prompts == [None, "Help.", "You take orders.", "One.", "Two."]
    (inner,) = tree.named("helper")
    assert inner.kind == "sub_agent"
    assert inner.metadata["agent.context_id"] == tree.contexts[1].span_id
    assert all(span.metadata["agent.context_id"] == tree.contexts[1].span_id for span in inner.walk())


def test_summarizing_middleware_brings_its_own_model_but_not_as_the_agents(watch: Watch) -> None:
    other = ScriptedModel(answers=["summary"], model_name="small")
    card = describe_agent(order_agent(middleware=[SummarizationMiddleware(model=other)]))
    assert card["llm"]["model"] == "fake-gpt-5"
