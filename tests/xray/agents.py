"""Real agents with middleware that change the request, and a model that writes down what it really got."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware, SummarizationMiddleware
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from etaoi_collector.model import Span
from etaoi_tui.sdk.attach import attach
from tests.detail.recorded import Recorded
from tests.xray.hooks import Notes, Retries, Rewrites, Selects, Switches, politeness
from tests.xray.models import asks
from tests.xray.scenes import double, shout


@dataclass
class Got:
    """One request as the model got it."""

    model: str
    messages: list[BaseMessage]
    tools: list[str]


class WritingModel(BaseChatModel):
    """Answers from a script, and writes down each request."""

    model_name: str = "fake-gpt-5"
    answers: list[Any] = Field(default_factory=list)
    got: list[Got] = Field(default_factory=list)
    failures: int = 0

    @property
    def _llm_type(self) -> str:
        return "fakeai"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {"ls_provider": "fakeai", "ls_model_name": self.model_name, "ls_model_type": "chat"}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        tools = [tool["function"]["name"] for tool in kwargs.get("tools", [])]
        self.got.append(Got(self.model_name, list(messages), tools))
        if self.failures:
            self.failures -= 1
            raise ConnectionError("try again")
        answer = self.answers.pop(0) if self.answers else "done"
        message = answer if isinstance(answer, AIMessage) else AIMessage(answer)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)


@dataclass
class Run:
    """A finished run: what its model got, and what was recorded of it."""

    recorded: Recorded
    got: list[Got]
    models: list[WritingModel] = field(default_factory=list)

    @property
    def calls(self) -> list[Span]:
        """The model calls in order of their start."""
        found = [span for span in self.recorded.spans if span.kind == "llm"]
        return sorted(found, key=lambda span: (span.started_at, span.number))


Instrument = Callable[[list[Any]], list[Any]]


def record(agent: Any, got: list[Got], asked: Any = None, *, times: int = 1) -> Run:
    """Run an agent under our SDK and load what it sent."""
    handle = attach(agent, sink="memory")
    try:
        for _ in range(times):
            agent.invoke(asked or {"messages": [HumanMessage("What colour is 2 x 21?", id="m1")]})
    finally:
        handle.detach()
    recorded = Recorded()
    for event in handle.sink.events:
        recorded.send(event["batch"][0] if "batch" in event else event)
    recorded.store.finish()
    return Run(recorded, got)


def everything(instrument: Instrument) -> Run:
    """create_agent with a rewriting, a selecting, a switching, a retrying middleware, and dynamic_prompt."""
    got: list[Got] = []
    model = WritingModel(answers=[asks("double", number=21)], failures=1)
    other = WritingModel(model_name="fake-small", answers=["done"])
    model.got = other.got = got
    agent = create_agent(
        model,
        [double, shout],
        system_prompt="You count.",
        middleware=instrument([Notes(), Retries(), Rewrites(), politeness(), Selects(), Switches(other)]),
        name="counter",
    )
    return record(agent, got)


def summarising(instrument: Instrument) -> Run:
    """create_agent whose history is compacted by LangChain's own summarising middleware."""
    got: list[Got] = []
    model = WritingModel(answers=["done"], got=got)
    model.got = got
    writer = WritingModel(model_name="fake-writer", answers=["They talked about numbers."] * 9)
    agent = create_agent(
        model,
        [double],
        middleware=instrument(
            [SummarizationMiddleware(writer, trigger=("messages", 8), keep=("messages", 3)), politeness()]
        ),
        name="talker",
    )
    history: list[Any] = []
    for n in range(6):
        history += [
            HumanMessage(f"Question {n}: " + "why " * 60, id=f"q{n}"),
            AIMessage(f"Answer {n}: " + "because " * 60, id=f"a{n}"),
        ]
    return record(agent, got, {"messages": [*history, HumanMessage("And now?", id="now")]})


def deep(instrument: Instrument) -> Run:
    """deepagents with its built-in middleware, and two of the user's own."""
    from deepagents import create_deep_agent

    got: list[Got] = []
    model = WritingModel(answers=[asks("double", number=21), "done"])
    model.got = got
    agent = create_deep_agent(
        model=model, tools=[double], name="planner", system_prompt="You plan.",
        middleware=instrument([Rewrites(), ModelCallLimitMiddleware(run_limit=9)]),
    )  # fmt: skip
    return record(agent, got)
