"""What a host's own objects do when they are looked at must not reach the host's run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call, wrap_tool_call
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool

from etaoi_tui.sdk.attach import AttachedHandle
from etaoi_tui.sdk.langchain.middleware import instrument
from tests.sdk.langchain.models import ScriptedModel, calls
from tests.sdk.langchain.trees import Forest


class Wordless(Exception):
    """Fails again when its text is asked for."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Shut:
    """Shows nothing of itself."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no attributes")


@tool
def breaks(number: int) -> int:
    """Break."""
    raise Wordless


Watch = Callable[..., AttachedHandle]
Look = Callable[[AttachedHandle], Forest]
ASK: dict[str, Any] = {"messages": [HumanMessage("hello")]}


def test_an_error_without_a_text_reaches_a_model_hook_as_it_is(watch: Watch, forest: Look) -> None:
    caught: list[BaseException] = []

    @wrap_model_call
    def again(request: Any, handler: Any) -> Any:
        try:
            return handler(request)
        except Exception as error:
            caught.append(error)
            return handler(request)

    agent = create_agent(ScriptedModel(answers=[Wordless(), "done"]), middleware=instrument([again]))
    handle = watch(agent)
    assert agent.invoke(ASK)["messages"][-1].content == "done"
    assert [type(error) for error in caught] == [Wordless]
    errors = [delta["payload"].get("error") for delta in forest(handle).one("again.wrap_model_call").deltas]
    assert errors == [None, "Wordless: its text could not be read", None]


def test_an_error_without_a_text_leaves_a_tool_hook_as_it_is(watch: Watch) -> None:
    @wrap_tool_call
    def through(request: Any, handler: Any) -> Any:
        return handler(request)

    model = ScriptedModel(answers=[calls(("breaks", {"number": 2})), "done"])
    agent = create_agent(model, [breaks], middleware=instrument([through]))
    watch(agent)
    with pytest.raises(Wordless):
        agent.invoke(ASK)


def test_an_answer_that_cannot_be_inspected_passes_a_tool_hook(watch: Watch, forest: Look) -> None:
    answers: list[Any] = []

    @wrap_tool_call
    def odd(request: Any, handler: Any) -> Any:
        return Shut()

    @wrap_tool_call
    def outer(request: Any, handler: Any) -> Any:
        answers.append(handler(request))
        return ToolMessage("fine", tool_call_id=request.tool_call["id"])

    model = ScriptedModel(answers=[calls(("breaks", {"number": 2})), "done"])
    agent = create_agent(model, [breaks], middleware=instrument([outer, odd]))
    handle = watch(agent)
    assert agent.invoke(ASK)["messages"][-1].content == "done"
    assert [type(answer) for answer in answers] == [Shut]
    assert forest(handle).one("outer.wrap_tool_call").error is None
