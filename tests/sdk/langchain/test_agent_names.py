"""Which graphs are agents, what they are called without a name, and how many levels that takes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypedDict

import pytest
from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, MessagesState, StateGraph

from etaoi_collector.store.model import Span, SpanFlag, Trace
from etaoi_tui.detail.pages.agent_use import use_of
from etaoi_tui.sdk.attach import AttachedHandle
from tests.detail.recorded import Recorded
from tests.sdk.langchain.models import ScriptedModel, calls

Watch = Callable[..., AttachedHandle]
ASK: Any = {"messages": [("user", "1+2")]}


def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def model() -> ScriptedModel:
    return ScriptedModel(answers=[calls(("add", {"a": 1, "b": 2})), "three"])


def react(name: str | None) -> Any:
    from langgraph.prebuilt import create_react_agent

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return create_react_agent(model(), [add], name=name, prompt="You do maths.")


MAKERS: dict[str, Callable[[str | None], Any]] = {
    "create_agent": lambda name: create_agent(model(), [add], name=name, system_prompt="You do maths."),
    "create_react_agent": react,
    "deepagents": lambda name: create_deep_agent(model(), [add], name=name),
}


def recorded_traces(handle: AttachedHandle) -> tuple[Recorded, list[Trace]]:
    handle.flush(60)
    recorded = Recorded.of(handle.sink.events)
    return recorded, [trace for trace in recorded.store.traces.values() if not trace.only_context]


def visible(span: Span, depth: int = 0) -> list[tuple[int, str, str]]:
    """What a reader sees below and including a span: depth, kind and name."""
    hidden = bool(span.flags & SpanFlag.INTERNAL)
    rows = [] if hidden else [(depth, span.kind, span.name)]
    for child in span.children or ():
        rows += visible(child, depth if hidden else depth + 1)
    return rows


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("name", ["math_expert", None])
def test_an_agent_in_a_team_is_one_level_with_a_card(maker: str, name: str | None, watch: Watch) -> None:
    team = StateGraph(MessagesState)
    team.add_node("math_expert", MAKERS[maker](name))
    graph = team.add_edge(START, "math_expert").compile(name="team")
    handle = watch()
    graph.invoke(ASK)
    recorded, (trace,) = recorded_traces(handle)
    tree = [one for one in visible(trace.roots[0]) if one[1] in ("sub_agent", "llm", "tool") or one[0] == 0]
    assert tree == [
        (0, "middleware", "team"),
        (1, "sub_agent", "math_expert"),
        (2, "llm", "fake-gpt-5"),
        (2, "tool", "add"),
        (2, "llm", "fake-gpt-5"),
    ]
    (agent,) = [span for span in trace.spans if span.kind == "sub_agent"]
    assert {span.agent for span in trace.spans if span.kind in ("llm", "tool")} == {"math_expert"}
    snapshots = [
        span for one in recorded.store.traces.values() for span in one.spans if span.kind == "agent_context"
    ]
    (snapshot,) = [span for span in snapshots if span.name == "math_expert"]
    use = use_of(snapshot, "math_expert", 0.0)
    assert (
        use.runs == 1 and use.tools["add"].calls == 1 and sum(one.calls for one in use.models.values()) == 2
    )
    assert agent.trace.context_ids[-1] == snapshot.span_id
    (picture,) = [span for span in snapshots if span.name == "team"]
    nodes = recorded.payloads.event(picture.start_ref)["payload"]["graph"]["nodes"]  # type: ignore[index]
    assert {node["id"] for node in nodes} >= {"__start__", "math_expert"}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("attached", [False, True])
def test_an_agent_without_a_name_is_called_by_its_variable(maker: str, attached: bool, watch: Watch) -> None:
    weather_desk = MAKERS[maker](None)
    handle = watch(weather_desk) if attached else watch()
    for _ in range(2):
        weather_desk.invoke(ASK)
    recorded, traces = recorded_traces(handle)
    assert [(trace.roots[0].kind, trace.roots[0].name) for trace in traces] == [
        ("sub_agent", "weather_desk")
    ] * 2
    (snapshot,) = [
        span for one in recorded.store.traces.values() for span in one.spans if span.kind == "agent_context"
    ]
    assert snapshot.name == "weather_desk"
    assert use_of(snapshot, "weather_desk", 0.0).runs == 2


def test_a_generic_variable_name_is_replaced_by_the_file_or_the_graph_id(watch: Watch) -> None:
    agent = create_agent(model(), [add])
    handle = watch()
    agent.invoke(ASK)
    _, (trace,) = recorded_traces(handle)
    assert trace.roots[0].name == "test_agent_names"


def test_a_name_that_a_run_was_given_stays(watch: Watch) -> None:
    weather_desk = create_agent(model(), [add])
    handle = watch()
    weather_desk.invoke(ASK, {"run_name": "morning round"})
    _, (trace,) = recorded_traces(handle)
    assert (trace.roots[0].kind, trace.roots[0].name) == ("sub_agent", "morning round")


def test_a_named_sub_graph_is_an_agent_and_an_unnamed_one_is_a_step(watch: Watch) -> None:
    class State(TypedDict):
        x: int

    def graph_of(name: str | None) -> Any:
        graph = StateGraph(State).add_node("inner", lambda state: {"x": 1}).add_edge(START, "inner")
        return graph.compile(name=name)

    outer = StateGraph(State)
    outer.add_node("named", graph_of("Planner")).add_node("plain", graph_of(None))
    outer.add_edge(START, "named").add_edge("named", "plain")
    handle = watch()
    outer.compile(name="outer").invoke({"x": 0})
    _, (trace,) = recorded_traces(handle)
    kinds = {span.name: span.kind for span in trace.spans}
    assert kinds == {
        "outer": "middleware", "named": "middleware", "Planner": "sub_agent", "inner": "middleware",
        "plain": "middleware",
    }  # fmt: skip


def test_a_step_named_agent_in_a_graph_of_ones_own_is_shown(watch: Watch) -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("agent", lambda state: {"messages": [("ai", "hi")]}).add_edge(START, "agent")
    handle = watch()
    graph.compile(name="mine").invoke(ASK)
    _, (trace,) = recorded_traces(handle)
    assert visible(trace.roots[0]) == [(0, "middleware", "mine"), (1, "middleware", "agent")]


def test_plain_runnables_are_no_agents(watch: Watch) -> None:
    handle = watch()
    RunnableLambda(lambda x: x, name="step").invoke(1)
    _, (trace,) = recorded_traces(handle)
    assert trace.roots[0].kind == "middleware"
