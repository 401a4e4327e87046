"""Real agents with middleware that change the request, run under our SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware, SummarizationMiddleware
from langchain_core.messages import HumanMessage

from etaoi_collector.store.model import Span
from etaoi_tui.sdk.attach import attach
from tests.detail.recorded import Recorded
from tests.xray.hooks import Notes, Retries, Rewrites, Selects, Switches, politeness
from tests.xray.models import Plain, WritingModel, asks
from tests.xray.scenes import Instrument, double, history, shout


@dataclass
class Run:
    """A finished run: what its model got, and what was recorded of it."""

    recorded: Recorded
    received: list[Plain]

    @property
    def calls(self) -> list[Span]:
        """The model calls in order of their start."""
        calls = [span for span in self.recorded.spans if span.kind == "llm"]
        return sorted(calls, key=lambda span: (span.started_at, span.number))


def record(agent: Any, received: list[Plain], asked: Any = None) -> Run:
    """Run an agent under our SDK and load what it sent."""
    handle = attach(agent, sink="memory")
    try:
        agent.invoke(asked or {"messages": [HumanMessage("What colour is 2 x 21?", id="m1")]})
    finally:
        handle.detach()
    return Run(Recorded.of(handle.sink.events), received)


def everything(instrument: Instrument) -> Run:
    """create_agent with a rewriting, a selecting, a switching, a retrying middleware, and dynamic_prompt."""
    received: list[Plain] = []
    model = WritingModel(answers=[asks("double", number=21)], failures=1)
    other = WritingModel(model_name="fake-small", answers=["done"])
    model.received = other.received = received
    agent = create_agent(
        model,
        [double, shout],
        system_prompt="You count.",
        middleware=instrument([Notes(), Retries(), Rewrites(), politeness(), Selects(), Switches(other)]),
        name="counter",
    )
    return record(agent, received)


def summarising(instrument: Instrument) -> Run:
    """create_agent whose history is compacted by LangChain's own summarising middleware."""
    received: list[Plain] = []
    model = WritingModel(answers=["done"])
    model.received = received
    writer = WritingModel(model_name="fake-writer", answers=["They talked about numbers."] * 9)
    agent = create_agent(
        model,
        [double],
        middleware=instrument(
            [SummarizationMiddleware(writer, trigger=("messages", 8), keep=("messages", 3)), politeness()]
        ),
        name="talker",
    )
    return record(agent, received, history())


def deep(instrument: Instrument) -> Run:
    """deepagents with its built-in middleware, and two of the user's own."""
    from deepagents import create_deep_agent

    received: list[Plain] = []
    model = WritingModel(answers=[asks("double", number=21), "done"])
    model.received = received
    agent = create_deep_agent(
        model=model, tools=[double], name="planner", system_prompt="You plan.",
        middleware=instrument([Rewrites(), ModelCallLimitMiddleware(run_limit=9)]),
    )  # fmt: skip
    return record(agent, received)
