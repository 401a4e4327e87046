"""Real agents whose middleware changes the request, each a scene that any SDK can record. LangChain only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    ContextEditingMiddleware,
    LLMToolSelectorMiddleware,
    ModelCallLimitMiddleware,
    ModelFallbackMiddleware,
    ModelRetryMiddleware,
    SummarizationMiddleware,
    TodoListMiddleware,
)
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from tests.xray import hooks
from tests.xray.models import PASSED, Plain, WritingModel, asks
from tests.xray.witness import witnessed

Instrument = Callable[[list[Any]], list[Any]]


@dataclass
class Scene:
    """An agent that is ready to run, and what will be known of its run from outside of any SDK.

    Attributes:
        agent: the agent.
        ask: its input.
        received: each request as its models received it, in order, with what the hooks around it did.
        all_recorded: whether every wrap hook is instrumented.
        writers: models that a middleware calls for itself; their requests are not in ``received``.
    """

    agent: Any
    ask: Plain
    received: list[Plain]
    all_recorded: bool = True
    writers: list[str] = field(default_factory=list)


@tool
def double(number: int) -> int:
    """Double a number."""
    return number * 2


@tool
def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


LONG = "What colour is 2 x 21? " + "Think about it well, and then once more. " * 6
"""Longer than what a digest keeps."""


def question(text: str = LONG) -> Plain:
    """One question, under an id."""
    return {"messages": [HumanMessage(text, id="m1")]}


def history(turns: int = 6) -> Plain:
    """A conversation, and one more question."""
    conversation: list[Any] = []
    for n in range(turns):
        conversation += [
            HumanMessage(f"Question {n}: " + "why " * 60, id=f"q{n}"),
            AIMessage(f"Answer {n}: " + "because " * 60, id=f"a{n}"),
        ]
    return {"messages": [*conversation, HumanMessage("And now?", id="now")]}


def _scene(
    instrument: Instrument,
    middleware: list[Any],
    *,
    model: Any = None,
    ask: Plain | None = None,
    prompt: str | None = "You count.",
    tools: Any = (double, shout),
    others: tuple[Any, ...] = (),
) -> Scene:
    received: list[Plain] = []
    model = model or WritingModel(answers=[asks("double", number=21)])
    for one in (model, *others):
        one.received = received
    agent = create_agent(
        model,
        list(tools),
        system_prompt=prompt,
        middleware=instrument(witnessed(middleware)),
        name="counter",
    )
    return Scene(agent, ask or question(), received)


def everything(instrument: Instrument) -> Scene:
    """A rewriting, a selecting, a switching, a retrying middleware, and ``dynamic_prompt``, in one chain."""
    model = WritingModel(answers=[asks("double", number=21)], failures=1)
    other = WritingModel(model_name="fake-small")
    middleware = [
        hooks.Notes(), hooks.Retries(), hooks.Rewrites(), hooks.politeness(), hooks.Selects(), hooks.Tunes(),
        hooks.Switches(other),
    ]  # fmt: skip
    return _scene(instrument, middleware, model=model, others=(other,))


def tuning(instrument: Instrument) -> Scene:
    """A model of the same name with other parameters, and parameters of the call."""
    other = WritingModel(temperature=0.25)
    middleware = [hooks.Cools(other), hooks.Tunes()]
    return _scene(instrument, middleware, model=WritingModel(temperature=0.9), others=(other,))


def compacting(instrument: Instrument) -> Scene:
    """History is compacted and put in another order on the way, without a trace in the state."""
    middleware = [hooks.Compacts(), hooks.politeness(), hooks.Reorders()]
    return _scene(instrument, middleware, model=WritingModel(), ask=history())


def summarising(instrument: Instrument) -> Scene:
    """LangChain's own summarising middleware, whose own call of a model is in the recording as well."""
    writer = WritingModel(model_name="fake-writer", answers=["They talked about numbers."] * 9)
    middleware = [
        SummarizationMiddleware(writer, trigger=("messages", 8), keep=("messages", 3)), hooks.politeness()
    ]  # fmt: skip
    scene = _scene(instrument, middleware, model=WritingModel(), ask=history())
    scene.writers = ["fake-writer"]
    return scene


def selecting(instrument: Instrument) -> Scene:
    """LangChain's own tool selector, which asks a model inside of its hook."""
    chooser = _Chooser(model_name="fake-chooser", answers=['{"tools": ["double"]}'] * 9)
    middleware = [hooks.Rewrites(), LLMToolSelectorMiddleware(model=chooser, max_tools=1), hooks.politeness()]
    scene = _scene(instrument, middleware)
    scene.writers = ["fake-chooser"]
    return scene


class _Chooser(WritingModel):
    """A model whose answer is JSON."""

    def with_structured_output(self, schema: Any, **_: Any) -> Any:
        from langchain_core.output_parsers import JsonOutputParser

        return self | JsonOutputParser()


def asking(instrument: Instrument) -> Scene:
    """Hooks that call a model for themselves, in their own place."""
    guide = WritingModel(model_name="fake-guide", answers=["numbers"] * 9)
    scene = _scene(instrument, [hooks.Rewrites(), hooks.Asks(guide), hooks.politeness()])
    scene.writers = ["fake-guide"]
    return scene


def retrying(instrument: Instrument) -> Scene:
    """LangChain's own retrying and falling back: the first model fails twice, the second one answers."""
    model = WritingModel(failures=2)
    other = WritingModel(model_name="fake-small")
    middleware = [
        ModelFallbackMiddleware(other),
        ModelRetryMiddleware(max_retries=1, initial_delay=0.0, on_failure="error"), hooks.Rewrites(),
    ]  # fmt: skip
    return _scene(instrument, middleware, model=model, others=(other,))


def editing(instrument: Instrument) -> Scene:
    """LangChain's own editing of old tool results, planning and limits."""
    from langchain.agents.middleware import ClearToolUsesEdit

    model = WritingModel(answers=[asks("double", f"call_{n}", number=n) for n in range(3)])
    edits = [ClearToolUsesEdit(trigger=1, keep=1)]
    limit = ModelCallLimitMiddleware(run_limit=9)
    middleware = [ContextEditingMiddleware(edits=edits), TodoListMiddleware(), limit]
    return _scene(instrument, middleware, model=model)


def states(instrument: Instrument) -> Scene:
    """Hooks before and after the agent and the model, whose updates come in every shape."""
    middleware = [hooks.Opens(), hooks.Reshapes(), hooks.Notes()]
    return _scene(instrument, middleware)


def schemas(instrument: Instrument) -> Scene:
    """A tool is described anew, and messages are written over where they lie."""
    return _scene(instrument, [hooks.Redescribes(), hooks.InPlace(), hooks.Selects()])


def caching(instrument: Instrument) -> Scene:
    """Markers for the provider's cache in the system prompt, a tool and a message."""
    blocks = [{"type": "text", "text": "Here is much. "}, {"type": "text", "text": "And more."}]
    ask = {"messages": [HumanMessage(blocks, id="m0"), HumanMessage("What is 2 x 21?", id="m1")]}
    return _scene(instrument, [hooks.Caches(), hooks.CachesInPlace(), hooks.Rewrites()], ask=ask)


def caching_by_the_provider(instrument: Instrument) -> Scene:
    """Anthropic's own caching middleware, before the real client of the provider."""
    from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware

    from tests.xray.claude import claude

    model = claude(answers=[asks("double", number=21)])
    return _scene(instrument, [hooks.Rewrites(), AnthropicPromptCachingMiddleware(ttl="1h")], model=model)


def deep(instrument: Instrument) -> Scene:
    """deepagents with its built-in middleware, and two of the user's own."""
    from deepagents import create_deep_agent

    received: list[Plain] = []
    model = WritingModel(answers=[asks("double", number=21)], received=received)
    model.received = received
    agent = create_deep_agent(
        model=model, tools=[double], name="planner", system_prompt="You plan.",
        middleware=instrument(witnessed([hooks.Rewrites(), ModelCallLimitMiddleware(run_limit=9)])),
    )  # fmt: skip
    return Scene(agent, question(), received, all_recorded=False)


def unrecorded(instrument: Instrument) -> Scene:
    """The chain of `everything`, and nobody instruments it."""
    scene = everything(lambda items: items)
    scene.all_recorded = False
    return scene


CROWD = 12
"""How many runs of one agent `crowd` is meant for, at the same time on one event loop."""


def crowd(instrument: Instrument) -> Scene:
    """An agent whose model repeats the question, so that one can see which run an answer belongs to."""
    middleware = [hooks.Retries(), hooks.Rewrites(), hooks.politeness()]
    return _scene(instrument, middleware, model=Echo(), prompt="Repeat.")


def questions() -> list[Plain]:
    """The inputs of a crowd."""
    return [question(f"Question number {n}.") for n in range(CROWD)]


class Echo(WritingModel):
    """Answers with the question."""

    def answer(self, messages: Any, stop: Any, **kwargs: Any) -> AIMessage:
        """Repeat it."""
        self.received.append({"text": messages[-1].text, "chain": list(PASSED.get())})
        return AIMessage(f"You said: {messages[-1].text}")


SCENES: dict[str, Callable[[Instrument], Scene]] = {
    scene_function.__name__: scene_function
    for scene_function in (
        everything, tuning, compacting, summarising, selecting, asking, retrying, editing, states, schemas,
        caching, caching_by_the_provider, deep, unrecorded,
    )
}  # fmt: skip
