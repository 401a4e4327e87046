"""A scripted provider, and tools and servers, for the tests with real voxagent agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

from voxagent.providers.base import BaseProvider, MessageEndChunk, TextDeltaChunk, ToolUseChunk
from voxagent.providers.registry import get_default_registry
from voxagent.tools.definition import ToolDefinition
from voxagent.types.messages import Message, ToolCall


class Scripted(BaseProvider):
    """Says for each model what its script says; a script gets the messages and yields chunks or calls."""

    scripts: ClassVar[dict[str, Callable[..., Iterator[Any]]]] = {}

    def __init__(self, model: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model

    name = property(lambda self: "scripted")
    models = property(lambda self: list(self.scripts))
    supports_tools = property(lambda self: True)
    supports_streaming = property(lambda self: True)
    context_limit = property(lambda self: 1000)

    async def stream(
        self, messages: Any, system: Any = None, tools: Any = None, abort_signal: Any = None
    ) -> AsyncIterator[Any]:
        try:
            for chunk in self.scripts[self.model](list(messages), abort_signal):
                if isinstance(chunk, float):
                    await asyncio.sleep(chunk)
                elif isinstance(chunk, Exception):
                    raise chunk
                else:
                    await asyncio.sleep(0)
                    yield chunk
        finally:
            await asyncio.sleep(0)

    async def complete(self, messages: Any, system: Any = None, tools: Any = None) -> Message:
        return Message(role="assistant", content="complete")

    def count_tokens(self, messages: Any, system: Any = None) -> int:
        raise AssertionError("counting may go to the network")


def say(*texts: str) -> list[Any]:
    return [*(TextDeltaChunk(delta=text) for text in texts), MessageEndChunk()]


def call(name: str, id_: str = "c1", **params: Any) -> ToolUseChunk:
    return ToolUseChunk(tool_call=ToolCall(id=id_, name=name, params=params))


def results(messages: list[Any]) -> int:
    return sum(isinstance(message.content, list) for message in messages)


def script(name: str, *turns: list[Any]) -> str:
    """Register a model that says one turn after another, by how many tool results there are."""

    def play(messages: list[Any], signal: Any) -> Iterator[Any]:
        index = sum(message.role == "assistant" for message in messages)
        yield from turns[min(index, len(turns) - 1)]

    Scripted.scripts[name] = play
    get_default_registry().register("scripted", Scripted)
    return f"scripted:{name}"


def tool(name: str, execute: Callable[..., Any], is_async: bool = False) -> ToolDefinition:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    return ToolDefinition(
        name=name, description=f"The {name}.", execute=execute, parameters=schema, is_async=is_async
    )


def weather(q: str = "") -> str:
    return f"sunny in {q}"


async def events_of(stream: Any) -> list[Any]:
    return [[event.event_type, event.model_dump(mode="json")] async for event in stream]


class Server:
    """Looks like an MCP server of PydanticAI."""

    def __init__(self) -> None:
        self.name = "files"
        self.log: list[str] = []

    async def __aenter__(self) -> Server:
        self.log.append("enter")
        return self

    async def __aexit__(self, *error: Any) -> None:
        self.log.append("exit")

    async def list_tools(self) -> list[Any]:
        return [SimpleNamespace(name="read-file", description="Reads.", inputSchema={"type": "object"})]

    async def direct_call_tool(self, name: str, args: dict[str, Any]) -> Any:
        if args.get("path") == "missing":
            raise FileNotFoundError("missing")
        return SimpleNamespace(content=[{"text": f"{name} {args['path']}"}])
