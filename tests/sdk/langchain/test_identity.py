"""Whose run it is, and what it is called: names, sessions, and handlers that are made for one request."""

from __future__ import annotations

import gc
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import START, StateGraph

from etaoi_tui.sdk.attach import AttachedHandle
from etaoi_tui.sdk.ids import session_uuid
from etaoi_tui.sdk.langchain.callback_handler import EtaoiHandler
from etaoi_tui.sdk.manual_spans import span as hand_made
from etaoi_tui.sdk.tracer import default_tracer
from etaoi_tui.sdk.transport.local import InMemorySink
from tests.sdk.langchain.models import ScriptedModel
from tests.sdk.langchain.trees import Forest

Watch = Callable[..., AttachedHandle]
Look = Callable[[AttachedHandle], Forest]


class State(TypedDict):
    x: int


def planner() -> Any:
    graph = StateGraph(State)
    graph.add_node("plan", lambda state: {"x": ScriptedModel(answers=["ok"]).invoke("?") and 1})
    graph.add_node("act", lambda state: {"x": 2})
    return graph.add_edge(START, "plan").add_edge("plan", "act").compile(name="Planner")


WIRE_WORDS = (
    "name", "event", "tags", "lc_chain_kind", "lc_hook", "lc_probe", "probe_label", "probe_phase",
    "agent.context_id", "tool_call_id", "etaoi_tui.waits_for", "etaoi_tui.dropped",
)  # fmt: skip


@pytest.mark.parametrize("word", WIRE_WORDS)
@pytest.mark.parametrize("by", ["metadata", "configurable"])
def test_metadata_of_the_caller_does_not_change_the_kinds_of_runs(
    word: str, by: str, watch: Watch, forest: Look
) -> None:
    graph = planner()
    handle = watch(graph)
    graph.invoke({"x": 0})
    graph.invoke({"x": 0}, {by: {word: "Ann"}})
    tree = forest(handle)
    plain, named = [
        [(one.name, one.kind, one.metadata.get(word)) for one in root.walk()]
        for root in tree.roots
        if root.kind != "agent_context"
    ]
    assert named == plain
    assert [name for name, _, _ in plain] == ["Planner", "plan", "fake-gpt-5", "act"]
    root = tree.roots[-1]
    if by == "metadata":
        assert root.metadata[f"metadata.{word}"] == "Ann"


def test_a_tool_and_a_run_keep_the_name_they_were_given(watch: Watch, forest: Look) -> None:
    @tool
    def tavily_search(query: str) -> str:
        """Search."""
        return query

    tavily_search.metadata = {"name": "web_search", "ls_integration": "x"}
    handle = watch()
    tavily_search.invoke({"query": "a"})
    RunnableLambda(lambda x: x).with_config(run_name="mine", metadata={"name": "theirs"}).invoke(1)
    with hand_made("by hand", metadata={"name": "Ann"}):
        pass
    tree = forest(handle)
    assert [root.name for root in tree.roots] == ["tavily_search", "mine", "by hand"]
    assert [root.metadata["metadata.name"] for root in tree.roots] == ["web_search", "theirs", "Ann"]


def sessions(handle: AttachedHandle) -> list[str]:
    handle.flush(60)
    return [
        event["session_id"]
        for event in handle.sink.events
        if event["kind"] == "span_start" and event["node_kind"] != "agent_context"
    ]


@pytest.mark.parametrize(
    ("by", "key"),
    [
        ("metadata", "session_id"),
        ("metadata", "thread_id"),
        ("metadata", "conversation_id"),
        ("configurable", "thread_id"),
    ],
)
def test_runs_of_one_conversation_are_one_session(by: str, key: str, watch: Watch) -> None:
    graph = planner()
    handle = watch(graph, session_id="given to attach")
    for who in ("ann", "bob", "ann"):
        graph.invoke({"x": 0}, {by: {key: who}})
    graph.invoke({"x": 0})
    expected = [str(session_uuid(who)) for who in ("ann", "bob", "ann", "given to attach")]
    assert sessions(handle) == [session for session in expected for _ in range(4)]


def test_the_session_is_the_first_that_the_metadata_names_and_of_the_root(watch: Watch) -> None:
    inner = RunnableLambda(lambda x: x)
    outer = RunnableLambda(lambda x: inner.invoke(x, {"metadata": {"session_id": "inside"}}))
    handle = watch()
    outer.invoke(1, {"metadata": {"conversation_id": "c", "thread_id": "t", "session_id": ""}})
    outer.invoke(1, {"metadata": {"thread_id": 7}})
    outer.invoke(1, {"metadata": {"thread_id": uuid.UUID(int=5), "conversation_id": "c"}})
    outer.invoke(1, {"metadata": {"thread_id": ["odd"]}})
    names = ["t", "7", uuid.UUID(int=5), handle.session_id]
    assert sessions(handle) == [str(session_uuid(name)) for name in names for _ in range(2)]  # type: ignore[arg-type]


def test_a_program_that_reloads_its_graph_is_one_session(watch: Watch) -> None:
    handles = []
    for _ in range(25):
        graph = planner()
        handles.append(watch(graph))
        graph.invoke({"x": 0})
    assert len({handle.session_id for handle in handles}) == 1
    assert len({session for handle in handles for session in sessions(handle)}) == 1
    assert watch(planner(), user_id="ann").session_id != handles[0].session_id


def test_a_handler_for_one_request_goes_with_it() -> None:
    sink = InMemorySink()
    inner = RunnableLambda(lambda x: x)
    outer = RunnableLambda(lambda x: inner.invoke(x))
    handler_refs = []
    for _ in range(3):
        handler = EtaoiHandler(sink=sink)
        outer.invoke(1, config={"callbacks": [handler]})
        handler_refs.append(weakref.ref(handler))
        tracer = handler.tracer
        assert default_tracer() is tracer
        del handler
        gc.collect()
        assert default_tracer() is not tracer
    assert [ref() for ref in handler_refs] == [None, None, None]
    assert sum(event["kind"] == "span_end" for event in sink.events) == 6


def test_a_handler_for_one_request_writes_where_the_last_one_did(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    for _ in range(3):
        handler = EtaoiHandler(sink=path)
        RunnableLambda(lambda x: x).invoke(1, config={"callbacks": [handler]})
        handler.tracer.flush(60)
        del handler
        gc.collect()
    assert [recording.name for recording in tmp_path.iterdir()] == ["run.msgpack"]
