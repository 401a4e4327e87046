"""Middleware of every kind that changes a request, in its sync and its async form. LangChain only."""

from __future__ import annotations

from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, dynamic_prompt
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES

EPHEMERAL = {"type": "ephemeral"}


class Changes(AgentMiddleware):
    """Passes on what ``change`` makes of a request."""

    def change(self, request: Any) -> Any:
        """Return the request to pass on."""
        raise NotImplementedError

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        """Pass the changed request on."""
        return handler(self.change(request))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        """Pass the changed request on."""
        return await handler(self.change(request))


class Rewrites(Changes):
    """Rewrites the system prompt and a message."""

    def change(self, request: Any) -> Any:
        messages = [
            HumanMessage(m.text.replace("colour", "color"), id=m.id) if m.type == "human" else m
            for m in request.messages
        ]
        system = SystemMessage((request.system_prompt or "") + "\nNever guess.")
        return request.override(messages=messages, system_message=system)


class Selects(Changes):
    """Offers only one tool."""

    def change(self, request: Any) -> Any:
        return request.override(tools=[t for t in request.tools if t.name == "double"])


class Redescribes(Changes):
    """Says something else about a tool of the same name."""

    def change(self, request: Any) -> Any:
        tools = [
            t.model_copy(update={"description": "Twice as much."}) if t.name == "double" else t
            for t in request.tools
        ]
        return request.override(tools=tools)


class Tunes(Changes):
    """Sets parameters of the call."""

    def change(self, request: Any) -> Any:
        return request.override(model_settings={**request.model_settings, "top_p": 0.5}, tool_choice="double")


class Switches(Changes):
    """Uses another model once a tool has answered."""

    def __init__(self, other: Any) -> None:
        super().__init__()
        self.other = other

    def change(self, request: Any) -> Any:
        answered = any(isinstance(m, ToolMessage) for m in request.messages)
        return request.override(model=self.other) if answered else request


class Cools(Changes):
    """Uses a model of the same name, with other parameters."""

    def __init__(self, other: Any) -> None:
        super().__init__()
        self.other = other

    def change(self, request: Any) -> Any:
        return request.override(model=self.other)


class Compacts(Changes):
    """Sends a summary instead of everything but the last two messages."""

    def change(self, request: Any) -> Any:
        if len(request.messages) < 4:
            return request
        older = request.messages[:-2]
        summary = HumanMessage(f"Summary of {len(older)} messages: they counted.")
        return request.override(messages=[summary, *request.messages[-2:]])


class Reorders(Changes):
    """Puts the first message last."""

    def change(self, request: Any) -> Any:
        return request.override(messages=[*request.messages[1:], request.messages[0]])


class InPlace(Changes):
    """Writes into the objects it was given, as it should not."""

    def change(self, request: Any) -> Any:
        for message in request.messages:
            if message.type == "human" and isinstance(message.content, str):
                message.content = message.content + " (please)"
        return request


class Caches(Changes):
    """Marks the system prompt, the last tool and a message for the provider's cache."""

    def change(self, request: Any) -> Any:
        system = [{"type": "text", "text": request.system_prompt, "cache_control": EPHEMERAL}]
        last = request.messages[-1]
        blocks = [
            {"type": "text", "text": "Mind: "},
            {"type": "text", "text": str(last.text), "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ]
        marked = last.model_copy(update={"content": blocks})
        tool = request.tools[-1].model_copy(update={"extras": {"cache_control": EPHEMERAL}})
        return request.override(
            messages=[*request.messages[:-1], marked],
            system_message=SystemMessage(content=system),
            tools=[*request.tools[:-1], tool],
        )


class CachesInPlace(Changes):
    """Marks the last block of the last message where it lies."""

    def change(self, request: Any) -> Any:
        for message in request.messages:
            if isinstance(message.content, list):
                message.content[-1]["cache_control"] = EPHEMERAL
        return request


class Retries(AgentMiddleware):
    """Tries again when the model fails, with a hint."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        try:
            return handler(request)
        except ConnectionError:
            return handler(self.hinted(request))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        try:
            return await handler(request)
        except ConnectionError:
            return await handler(self.hinted(request))

    @staticmethod
    def hinted(request: Any) -> Any:
        """Return the request of the second attempt."""
        return request.override(messages=[*request.messages, HumanMessage("Second try.")])


class Notes(AgentMiddleware):
    """Adds to the state before, and changes the answer after the model."""

    def before_model(self, state: Any, runtime: Any) -> Any:
        if len(state["messages"]) == 1:
            return {"messages": [HumanMessage("Today is Friday.", id="note")]}
        return None

    async def abefore_model(self, state: Any, runtime: Any) -> Any:
        return self.before_model(state, runtime)

    def after_model(self, state: Any, runtime: Any) -> Any:
        last = state["messages"][-1]
        if isinstance(last, AIMessage) and last.content == "done":
            return {"messages": [AIMessage("done, really", id=last.id)]}
        return None

    async def aafter_model(self, state: Any, runtime: Any) -> Any:
        return self.after_model(state, runtime)


class Opens(AgentMiddleware):
    """Replaces the whole history before the agent, and adds a last word after it."""

    def before_agent(self, state: Any, runtime: Any) -> Any:
        questions = [m for m in state["messages"] if m.type == "human"]
        return {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), HumanMessage("Rules first."), *questions]}

    async def abefore_agent(self, state: Any, runtime: Any) -> Any:
        return self.before_agent(state, runtime)

    def after_agent(self, state: Any, runtime: Any) -> Any:
        return {"messages": [AIMessage("Bye.", id="bye")]}

    async def aafter_agent(self, state: Any, runtime: Any) -> Any:
        return self.after_agent(state, runtime)


class Reshapes(AgentMiddleware):
    """Updates the state in the shapes that LangGraph takes besides message objects."""

    def before_model(self, state: Any, runtime: Any) -> Any:
        if len(state["messages"]) > 3:
            return None
        first = state["messages"][0]
        return {
            "messages": [
                ("user", "As a pair."),
                {"role": "user", "content": "As a map.", "id": "map"},
                "As a text.",
                RemoveMessage(first.id),
                HumanMessage("The first again.", id=first.id),
            ]
        }

    async def abefore_model(self, state: Any, runtime: Any) -> Any:
        return self.before_model(state, runtime)


def politeness() -> Any:
    """A ``dynamic_prompt``; a new one each time, because instrumenting changes it in place."""

    @dynamic_prompt
    def polite(request: ModelRequest) -> str:
        return f"Be polite. {request.system_prompt or ''}"

    return polite


class Asks(AgentMiddleware):
    """Asks a model for itself, directly: before the agent's call, and before the model hook."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def before_model(self, state: Any, runtime: Any) -> None:
        self.model.invoke("What is this about?")

    async def abefore_model(self, state: Any, runtime: Any) -> None:
        await self.model.ainvoke("What is this about?")

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        topic = self.model.invoke([HumanMessage("Name the topic.")])
        return handler(request.override(system_message=SystemMessage(f"Topic: {topic.text}")))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        topic = await self.model.ainvoke([HumanMessage("Name the topic.")])
        return await handler(request.override(system_message=SystemMessage(f"Topic: {topic.text}")))
