"""Models that write down what they really got. LangChain only: this also runs where the etaoi SDK lives."""

from __future__ import annotations

from abc import abstractmethod
from contextvars import ContextVar
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from tests.chat_model import FakeChatModel

Plain = dict[str, Any]
"""A request, a message or a tool as JSON can have it."""

PASSED: ContextVar[tuple[Plain, ...]] = ContextVar("passed", default=())
"""What the hooks around the code that runs were given and passed on, see `tests.xray.witness`."""

_ROLES = {"human": "user", "ai": "assistant"}


def plain_message(message: Any) -> Plain:
    """Return all of a message that a chain can show; a marker is ``[block, control]``, blocks from 1."""
    content = message.content
    blocks = content if isinstance(content, list) else []
    marked = [
        [n, block["cache_control"]]
        for n, block in enumerate(blocks, 1)
        if isinstance(block, dict) and block.get("cache_control")
    ]
    return {
        "role": _ROLES.get(message.type, message.type),
        "text": str(message.text),
        "calls": [[call["name"], call["id"], call["args"]] for call in getattr(message, "tool_calls", [])],
        "call_id": getattr(message, "tool_call_id", "") or "",
        "markers": marked,
    }


def plain_tools(tools: Any) -> list[Plain]:
    """Return tools as their names, what they say of themselves, and their marker."""
    plain = []
    for tool in tools or ():
        if isinstance(tool, dict):
            inner = tool.get("function", tool)
            about, marker = inner.get("description"), tool.get("cache_control")
            plain.append({"name": inner.get("name"), "description": about, "marker": marker})
        else:
            marker = (getattr(tool, "extras", None) or {}).get("cache_control")
            plain.append({"name": tool.name, "description": tool.description, "marker": marker})
    return plain


class Writing:
    """What scripted models have in common: each request is written down, then comes the next answer."""

    answers: list[Any]
    received: list[Plain]
    failures: int

    @abstractmethod
    def request(self, messages: list[BaseMessage], stop: list[str] | None, **kwargs: Any) -> Plain:
        """Return what the model was asked beside its messages: ``model``, ``tools`` and ``settings``."""

    def answer(self, messages: list[BaseMessage], stop: list[str] | None, **kwargs: Any) -> AIMessage:
        """Write the request down and return the next answer.

        Raises:
            ConnectionError: as often as the script says, before the first answer.
        """
        request = self.request(messages, stop, **kwargs)
        record = {"messages": [plain_message(m) for m in messages], "chain": list(PASSED.get())}
        self.received.append(request | record)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("try again")
        answer = self.answers.pop(0) if self.answers else "done"
        return answer if isinstance(answer, AIMessage) else AIMessage(answer)


class WritingModel(Writing, FakeChatModel):
    """Answers from a script, and writes down each request."""

    answers: list[Any] = Field(default_factory=list)
    received: list[Plain] = Field(default_factory=list)
    failures: int = 0

    def request(self, messages: list[BaseMessage], stop: list[str] | None, **kwargs: Any) -> Plain:
        """Return what this model was called with."""
        settings = {name: value for name, value in kwargs.items() if name != "tools"}
        if self.temperature is not None:
            settings["temperature"] = self.temperature
        if stop:
            settings["stop"] = stop
        return {"model": self.model_name, "tools": plain_tools(kwargs.get("tools")), "settings": settings}

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Offer the tools in the shape that most providers take, with their markers of caches."""
        offered = []
        for tool in tools:
            converted = convert_to_openai_tool(tool)
            marker = None if isinstance(tool, dict) else (tool.extras or {}).get("cache_control")
            offered.append({**converted, "cache_control": marker} if marker else converted)
        return self.bind(tools=offered, **kwargs)


def asks(name: str, call_id: str = "call_1", **arguments: Any) -> AIMessage:
    """An answer that asks for a tool."""
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": call_id}])
