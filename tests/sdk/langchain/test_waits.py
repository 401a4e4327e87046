"""Graphs that wait for a person, from the callbacks to the rows: whatever makes them wait."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.tools import tool
from langchain_core.runnables import RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt

from etaoi_collector.store.model import Span, Status, Trace
from etaoi_tui.sdk.attach import AttachedHandle
from etaoi_tui.view.row_summaries import Summaries
from tests.detail.recorded import Recorded
from tests.sdk.langchain.models import ScriptedModel, calls

Watch = Callable[..., AttachedHandle]


class State(TypedDict):
    x: str
    y: Annotated[list[Any], operator.add]


def graph_of(**nodes: Callable[[Any], Any]) -> Any:
    graph = StateGraph(State)
    for name, node in nodes.items():
        graph.add_node(name, node)
        graph.add_edge(START, name)
    return graph


def compiled(graph: Any, name: str = "Mailer", **options: Any) -> Any:
    return graph.compile(checkpointer=InMemorySaver(), name=name, **options)


def thread(name: str = "t") -> Any:
    return {"configurable": {"thread_id": name}}


def recorded_traces(handle: AttachedHandle) -> tuple[Recorded, list[Trace]]:
    handle.flush(60)
    recorded = Recorded.of(handle.sink.events)
    return recorded, [trace for trace in recorded.store.traces.values() if not trace.only_context]


def named(trace: Trace, name: str) -> Span:
    (match,) = [span for span in trace.spans if span.name == name]
    return match


@tool
def delete_db(name: str) -> str:
    """Delete."""
    return "deleted " + name


@tool
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}: {interrupt({'question': 'May I pay?', 'amount': amount})}"


@entrypoint(checkpointer=InMemorySaver())
def flow(x: str) -> Any:
    return interrupt({"prompt": "Go on?", "x": x})


def asking_tool() -> Any:
    model = ScriptedModel(answers=[calls(("pay", {"amount": 5})), "done"])
    return create_agent(model, [pay], name="payer", checkpointer=InMemorySaver())


def approving() -> Any:
    model = ScriptedModel(answers=[calls(("delete_db", {"name": "prod"})), "done"])
    hook = HumanInTheLoopMiddleware(interrupt_on={"delete_db": True})
    return create_agent(model, [delete_db], name="dba", checkpointer=InMemorySaver(), middleware=[hook])


def nested() -> Any:
    inner = graph_of(ask=lambda state: {"x": interrupt({"message": "Nested?"})}).compile(name="Inner")
    return compiled(graph_of(sub=inner), "Outer")


def before_step() -> Any:
    graph = graph_of(plan=lambda state: {"x": "1"})
    graph.add_node("act", lambda state: {"x": "2"}).add_edge("plan", "act")
    return compiled(graph, interrupt_before=["act"])


def two_at_once() -> Any:
    return compiled(
        graph_of(
            a=lambda state: {"y": [interrupt("A?")]}, b=lambda state: {"y": [interrupt({"question": "B?"})]}
        )
    )


MESSAGE = {"messages": [("user", "go")]}
APPROVE = Command(resume={"decisions": [{"type": "approve"}]})
KINDS: dict[Callable[[], Any], tuple[Any, Any, str, str]] = {
    asking_tool: (MESSAGE, Command(resume="yes, do it"), "May I pay? amount 5", "yes, do it"),
    approving: (MESSAGE, APPROVE, 'delete_db name "prod"', "approve"),
    nested: ({"x": "0"}, Command(resume="yes"), "Nested?", "yes"),
    before_step: ({"x": "0"}, None, "a go-ahead before act", ""),
    (lambda: flow): ("hi", Command(resume=["a", "b"]), "Go on? x hi", "a, b"),
}


@pytest.fixture(params=KINDS, ids=["tool", "approval", "nested", "breakpoint", "functional"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param(), *KINDS[request.param]


def test_a_graph_that_asks_is_paused_until_it_is_answered(kind: Any, watch: Watch) -> None:
    graph, ask, answer, question, words = kind
    handle = watch()
    graph.invoke(ask, thread("paused"))
    _, (trace,) = recorded_traces(handle)
    assert trace.status is Status.PAUSED and trace.waits_for == question
    assert trace.roots[0].status is Status.PAUSED and trace.errors == 0
    graph.invoke(answer, thread("paused"))
    recorded, (asking, after) = recorded_traces(handle)
    assert [asking.status, after.status] == [Status.OK, Status.OK]
    assert asking.session is after.session and asking.errors == 0
    wait = asking.roots[0].wait
    assert wait is not None and wait.answer is after.roots[0] and wait.text == question
    assert after.resumed == {after.roots[0]: asking.roots[0]}
    assert after.roots[0].name == asking.roots[0].name
    assert Summaries(recorded.source).of_trace(after) == (f"↪ {words}" if words else "")


@pytest.mark.parametrize("how", ["stream", "astream"])
async def test_leaving_the_stream_at_the_question_is_paused(how: str, kind: Any, watch: Watch) -> None:
    graph, ask, _, question, _ = kind
    handle = watch()
    if how == "stream":
        for part in graph.stream(ask, thread("left"), stream_mode="updates"):
            if "__interrupt__" in part:
                break
        del part
    else:
        stream = graph.astream(ask, thread("left"), stream_mode="updates")
        async for part in stream:
            if "__interrupt__" in part:
                break
        await stream.aclose()
    _, (trace,) = recorded_traces(handle)
    assert trace.status is Status.PAUSED and trace.waits_for == question
    assert {span.status for span in trace.spans} <= {Status.PAUSED, Status.OK}


def test_leaving_a_stream_that_asks_nothing_is_cancelled(watch: Watch) -> None:
    graph = graph_of(a=lambda state: {"x": "1"}).add_node("b", lambda state: {"x": "2"}).add_edge("a", "b")
    handle = watch()
    stream = graph.compile(name="plain").stream({"x": "0"}, stream_mode="updates")
    next(stream)
    stream.close()
    _, (trace,) = recorded_traces(handle)
    assert trace.status is Status.CANCELLED and trace.waits_for is None


def test_two_questions_at_once_are_both_asked_and_both_answered(watch: Watch) -> None:
    graph = two_at_once()
    handle = watch()
    asked = graph.invoke({"x": "0"}, thread())["__interrupt__"]
    _, (trace,) = recorded_traces(handle)
    assert trace.waits_for == "A? · B?"
    assert {span.name: span.waits_for for span in trace.spans[1:]} == {"a": "A?", "b": "B?"}
    graph.invoke(Command(resume={one.id: f"yes {one.id[:0]}" for one in asked}), thread())
    recorded, (asking, after) = recorded_traces(handle)
    assert asking.waits_for is None
    assert Summaries(recorded.source).of_trace(after) == "↪ yes · yes"


def test_a_wait_and_its_answer_in_one_trace(watch: Watch) -> None:
    graph = compiled(graph_of(ask=lambda state: {"x": interrupt("In one?")}), "One")

    def both(value: int) -> Any:
        graph.invoke({"x": "0"}, thread())
        return graph.invoke(Command(resume="yes"), thread())

    handle = watch()
    RunnableLambda(both, name="both").invoke(1)
    _, (trace,) = recorded_traces(handle)
    first, second = [span for span in trace.spans if span.name == "One"]
    assert first.wait is not None and first.wait.answer is second
    assert trace.status is Status.OK and trace.resumed == {second: first}


def test_a_new_question_in_the_thread_abandons_the_old_one(watch: Watch) -> None:
    graph = compiled(graph_of(ask=lambda state: {"x": interrupt("Again?")}))
    handle = watch()
    graph.invoke({"x": "0"}, thread())
    graph.invoke({"x": "1"}, thread())
    graph.invoke({"x": "0"}, thread("another"))
    _, traces = recorded_traces(handle)
    assert [trace.status for trace in traces] == [Status.OK, Status.PAUSED, Status.PAUSED]
    assert all(trace.resumed is None for trace in traces)


def test_the_question_is_recorded_completely(watch: Watch) -> None:
    graph = compiled(graph_of(ask=lambda state: {"x": interrupt({"question": "?", "rows": list(range(50))})}))
    handle = watch()
    graph.invoke({"x": "0"}, thread())
    handle.flush(60)
    (asked,) = [e for e in handle.sink.events if e["kind"] == "span_end" and "interrupts" in e["payload"]]
    assert '"rows":[0,1,2' in asked["payload"]["interrupts"][0]["value"]
    assert asked["metadata"]["etaoi_tui.waits_for"].startswith("? rows 0, 1")
