"""`etaoi_tui.watch`: which system an object belongs to, and what watching leaves behind."""

from __future__ import annotations

import functools
import inspect
import subprocess
import sys
import types
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda

import etaoi_tui
from etaoi_tui.sdk.bridges.registry import find_bridges
from etaoi_tui.sdk.transport.local import InMemorySink
from etaoi_tui.sdk.watch import watch
from tests.bridges.hive_bus import FirstBus, NewestBus
from tests.bridges.trees import Forest


def test_watch_is_at_the_top() -> None:
    assert etaoi_tui.watch is watch
    assert callable(etaoi_tui.watch_user)
    assert callable(etaoi_tui.import_transcript)


@pytest.mark.parametrize(
    "target", [None, 5, "agent", object(), [], FirstBus, types.SimpleNamespace(publish=print)]
)
def test_an_unknown_object_is_refused_with_what_is_supported(target: Any) -> None:
    with pytest.raises(TypeError) as refused:
        watch(target, sink="memory")
    assert all(bridge.name in str(refused.value) for bridge in find_bridges())


def test_objects_that_attach_accepts_are_attached() -> None:
    agent = RunnableLambda(lambda text: text + "!").with_config(run_name="shout")
    with watch(agent, sink="memory") as handle:
        assert agent.invoke("hi") == "hi!"
        assert [event["kind"] for event in handle.sink.events if event["node_kind"] != "agent_context"]


def graph() -> Any:
    from langgraph.graph import START, MessagesState, StateGraph

    builder = StateGraph(MessagesState)
    builder.add_node("think", lambda state: {"messages": []})
    builder.add_edge(START, "think")
    return builder.compile()


def computed(kind: type, name: str) -> bool:
    """Whether an attribute is nothing but what the class remembers of its own first answer."""
    return isinstance(inspect.getattr_static(kind, name, None), functools.cached_property)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RunnableLambda(str.upper),
        lambda: RunnableLambda(str.upper).with_config(run_name="shout"),
        lambda: FakeListChatModel(responses=["hello"]),
        graph,
        FirstBus,
        NewestBus,
    ],
)
def test_detaching_leaves_the_target_and_its_class_as_they_were(make: Any) -> None:
    """Twice, so that what a first watch leaves behind is found by the second."""
    target, other = make(), make()

    def parts() -> Any:
        config = getattr(target, "config", None)
        classes = {kind: dict(vars(kind)) for kind in type(target).__mro__ if kind is not object}
        own = {name: value for name, value in vars(target).items() if not computed(type(target), name)}
        return type(target), own, config and {**config}, classes

    parts_before, other_before = parts(), dict(vars(other))
    for _ in range(2):
        handle = watch(target, sink="memory")
        handle.detach()
        handle.detach()
        assert parts() == parts_before
    assert dict(vars(other)) == other_before


def test_a_livekit_session_is_attached(monkeypatch: pytest.MonkeyPatch) -> None:
    livekit = types.ModuleType("livekit.agents")
    livekit.AgentSession = type("AgentSession", (), {})  # type: ignore[attr-defined]
    home = types.ModuleType("etaoi_tui.sdk.livekit.attach")
    home.attach_session = lambda session, **options: (session, options)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "livekit.agents", livekit)
    monkeypatch.setitem(sys.modules, "etaoi_tui.sdk.livekit.attach", home)
    session = livekit.AgentSession()
    assert watch(session, sink="memory") == (session, {"sink": "memory"})


async def test_nothing_happens_when_everything_is_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETAOI_DISABLED", "1")
    bus = FirstBus()
    attributes_before = dict(vars(bus))
    with watch(bus, sink="memory") as handle:
        assert vars(bus) == attributes_before
        assert (handle.tracer, handle.session_id, handle.sink) == (None, None, None)
        assert handle.flush()


def test_wrong_options_are_reported_and_leave_the_target_alone() -> None:
    bus = FirstBus()
    attributes_before = dict(vars(bus))
    with pytest.raises(TypeError):
        watch(bus, sinc="memory")
    with pytest.raises(ValueError, match="unknown sink"):
        watch(bus, sink="nonsense")
    assert vars(bus) == attributes_before


async def test_a_second_destination_is_refused_and_a_second_watch_shares_the_first() -> None:
    bus, sink = FirstBus(), InMemorySink()
    first = watch(bus, sink=sink)
    with pytest.raises(RuntimeError, match="already watched"):
        watch(bus, sink=InMemorySink())
    second = watch(bus, sink=sink)
    await bus.emit("execution_started", "main", execution_id="e1")
    first.detach()
    await bus.emit("execution_completed", "main", execution_id="e1")
    second.detach()
    (root,) = Forest(sink.events).roots
    assert root.error is None
    assert "publish" not in vars(bus)


def test_an_attached_watch_is_where_spans_made_by_hand_go() -> None:
    with watch(FirstBus(), sink="memory") as handle:
        with etaoi_tui.span("by hand"):
            pass
        assert [
            event["metadata"]["name"] for event in handle.sink.events if event["kind"] == "span_start"
        ] == ["by hand"]


SYSTEMS = {
    *("voxagent", "loomcycle", "grpc", "framework", "langchain_core", "livekit"),
    *("textual", "rich", "pydantic", "websockets"),
}


def test_asking_imports_no_system() -> None:
    program = (
        "import sys\n"
        "from etaoi_tui import watch\n"
        "try:\n    watch(object())\nexcept TypeError:\n    pass\n"
        "import etaoi_tui.sdk.voxagent.agent, etaoi_tui.sdk.loomcycle.history\n"
        "import etaoi_tui.sdk.hive.eventbus, etaoi_tui.sdk.loomcycle.client\n"
        "taken = {name.partition('.')[0] for name in sys.modules}\n"
        f"print(sorted(taken & {SYSTEMS!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
