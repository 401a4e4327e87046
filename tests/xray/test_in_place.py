"""Code that writes into messages, calls and answers where they lie, and updates in unusual shapes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, Overwrite

from etaoi_tui.detail.compare.diff_sections import in_words
from etaoi_tui.detail.messages.chat import Message
from etaoi_tui.detail.middleware.request_step import Step
from etaoi_tui.detail.middleware.tool_chain import build_tool_chain
from etaoi_tui.sdk.attach import attach
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot
from etaoi_tui.sdk.langchain.middleware import instrument
from etaoi_tui.sdk.langchain.payloads import ChainInput, ChainOutput, ModelInput, snapshot_of_state
from etaoi_tui.sdk.langchain.state_hooks import StateSnapshot, describe_state_snapshot
from tests.detail.recorded import Recorded
from tests.xray.models import WritingModel, asks
from tests.xray.recorders import MODES, ObservedRun
from tests.xray.scenes import double

either_way = pytest.mark.parametrize("mode", MODES)


def run(
    mode: str, middleware: list[Any], answers: list[Any], *more: Any, instrumented: Any = instrument
) -> ObservedRun:
    """Run an agent, and go on with ``more`` inputs in the same thread."""
    agent = create_agent(
        WritingModel(answers=answers), [double], middleware=instrumented(middleware), name="counter",
        checkpointer=InMemorySaver() if more else None,
    )  # fmt: skip
    handle = attach(agent, sink="memory", session_id="one")
    config: Any = {"configurable": {"thread_id": "t"}}
    for ask in ({"messages": [HumanMessage("Go.", id="m1"), HumanMessage("Now.", id="m2")]}, *more):
        if mode == "async":
            asyncio.run(agent.ainvoke(ask, config))
        else:
            agent.invoke(ask, config)
    handle.detach()
    recorded = Recorded.of(handle.sink.events)
    (session,) = [one for one in recorded.store.sessions.values() if any(t.model_calls for t in one.traces)]
    return ObservedRun(session, recorded.payloads, [], [], True)


def step_of(observed: ObservedRun, label: str, call: int = 0) -> Step:
    chain = observed.chain(observed.calls[call])
    return next(step for step in (*chain.down, *chain.up) if step.label.startswith(label))


def texts(messages: list[Message] | None) -> list[str]:
    assert messages is not None
    return [message.text for message in messages]


class Scribbles(AgentMiddleware):
    """Writes into the answer on its way back, and returns the same object."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return self.scribble(handler(request))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return self.scribble(await handler(request))

    @staticmethod
    def scribble(response: Any) -> Any:
        response.result[0].content = "scribbled"
        return response


class Looks(AgentMiddleware):
    """Looks on."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(request)

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(request)


class Further(Looks):
    """Looks on from further in."""


@either_way
def test_an_overwritten_answer_was_changed(mode: str) -> None:
    observed = run(mode, [Looks(), Scribbles(), Further()], ["done"])
    chain = observed.chain(observed.calls[0])
    assert [step.response_changed for step in chain.up] == [False, True, False]
    response = chain.up[1].response
    assert response is not None
    assert response["messages"][0]["message"]["text"] == "scribbled"
    assert response["messages"][0]["preview"] == "scribbled"


class EditsCalls(AgentMiddleware):
    """Replaces the tool calls of the answer where it lies."""

    def after_model(self, state: Any, runtime: Any) -> Any:
        last = state["messages"][-1]
        if not last.tool_calls:
            return None
        last.tool_calls = [{**call, "args": {"number": 5}} for call in last.tool_calls]
        return {"messages": [last]}

    async def aafter_model(self, state: Any, runtime: Any) -> Any:
        return self.after_model(state, runtime)


@either_way
def test_overwritten_tool_calls_are_shown_as_edited(mode: str) -> None:
    observed = run(mode, [EditsCalls(), Looks()], [asks("double", number=2)])
    step = step_of(observed, "EditsCalls.")
    assert step.diff is not None
    (change,) = (change for change in step.diff.messages if change.what != "same")
    assert change.what == "edited"
    assert change.old is not None
    assert change.new is not None
    assert [call.arguments for call in (*change.old.calls, *change.new.calls)] == [
        {"number": 2},
        {"number": 5},
    ]
    # The next request has the edited call, and nobody is blamed for it.
    chain = observed.chain(observed.calls[-1])
    assert not [step for step in chain.down if not step.recorded and step.changed]
    assert chain.sent.messages is not None
    assert chain.sent.messages[2].calls[0].arguments == {"number": 5}


@either_way
def test_a_tool_call_that_a_human_edited_is_shown_on_the_tools_page(mode: str) -> None:
    gate = HumanInTheLoopMiddleware(interrupt_on={"double": True})
    edited = {"name": "double", "args": {"number": 5}}
    decision = Command(resume={"decisions": [{"type": "edit", "edited_action": edited}]})
    observed = run(mode, [gate, Looks()], [asks("double", number=2)], decision)
    (ran,) = (span for span in observed.spans if span.kind == "tool")
    chain = build_tool_chain(observed.evidence(ran))
    assert chain is not None
    (step,) = chain.down
    assert step.diff is not None
    assert step.diff.parameters == [("number", 2, 5)]
    assert chain.up[0].response_changed is True


def updating(update: Any) -> AgentMiddleware[Any, Any, Any]:
    """A hook before the model that gives back one update, and nothing the second time."""
    updates = [update]

    class Updates(AgentMiddleware):
        def before_model(self, state: Any, runtime: Any) -> Any:
            return updates.pop() if updates else None

        async def abefore_model(self, state: Any, runtime: Any) -> Any:
            return self.before_model(state, runtime)

    return Updates()


UPDATES = {
    "a message alone": {"messages": HumanMessage("Alone.")},
    "a text": {"messages": "As a text."},
    "a pair": {"messages": [("user", "As a pair.")]},
    "a map under a known id": {"messages": [{"role": "user", "content": "Instead.", "id": "m1"}]},
    "a removal": {"messages": [RemoveMessage("m1")]},
    "a removal and a return": {"messages": [RemoveMessage("m1"), HumanMessage("Back.", id="m1")]},
    "an overwrite": {"messages": Overwrite([HumanMessage("Only this.", id="m9")])},
    "a command": Command(update={"messages": [HumanMessage("By command.")]}),
}


@either_way
@pytest.mark.parametrize("probed", [True, False], ids=["instrumented", "not instrumented"])
@pytest.mark.parametrize("update", list(UPDATES.values()), ids=list(UPDATES))
def test_an_update_of_any_shape_is_shown_as_langgraph_applies_it(
    mode: str, probed: bool, update: Any
) -> None:
    instrumented = instrument if probed else list
    middleware = [updating(update), *instrument([Looks()])]
    observed = run(mode, middleware, ["done"], instrumented=instrumented)
    chain = observed.chain(observed.calls[0])
    step = step_of(observed, "Updates.")
    assert step.diff is not None, step.notes
    sent = texts(chain.sent.messages)
    assert texts(step.diff.new.messages) == sent
    assert texts(step.diff.old.messages) == ["Go.", "Now."]
    assert in_words(step.diff) != ""
    assert [change.what for change in step.diff.messages if change.what == "moved"] == []
    assert not [s for s in chain.down if not s.recorded and s.span is None and s.changed]
    assert texts(chain.raw.messages) == ["Go.", "Now."]


@either_way
def test_an_answer_under_the_same_id_is_an_edit(mode: str) -> None:
    class Replaces(AgentMiddleware):
        def after_model(self, state: Any, runtime: Any) -> Any:
            return {"messages": [AIMessage("better", id=state["messages"][-1].id)]}

        async def aafter_model(self, state: Any, runtime: Any) -> Any:
            return self.after_model(state, runtime)

    observed = run(mode, [Replaces()], ["done"])
    step = step_of(observed, "Replaces.")
    assert step.diff is not None
    assert in_words(step.diff) == "1 edited"
    assert texts(step.diff.new.messages) == ["Go.", "Now.", "better"]


def test_later_changes_are_not_in_an_event() -> None:
    plain, parts = HumanMessage("as it was"), HumanMessage([{"type": "text", "text": "one"}])
    chain = ChainInput({"messages": [plain, parts], "other": 1})
    ended = ChainOutput(snapshot_of_state({"messages": [plain, parts]}))
    call = ModelInput([MessageSnapshot([plain, parts])], None, {}, set())
    state = StateSnapshot({"messages": [plain, parts]})
    plain.content = "written over"
    assert isinstance(parts.content, list)
    assert isinstance(parts.content[0], dict)
    parts.content[0]["cache_control"] = {"type": "ephemeral"}
    inputs = chain()["inputs"].described()
    assert [message["content"] for message in inputs["messages"]] == [
        "as it was", [{"type": "text", "text": "one"}],
    ]  # fmt: skip
    assert (list(inputs), inputs["other"]) == (["messages", "other"], 1)
    assert ended()["outputs"].described()["messages"] == inputs["messages"]
    asked = call()
    assert [message["text"] for message in asked["input_messages"].described()] == ["as it was", "one"]
    assert asked["cache_breakpoints"] == []
    assert [entry["preview"] for entry in describe_state_snapshot(state)["messages"]] == ["as it was", "one"]
