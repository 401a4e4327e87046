"""The page of a tool call shows its middleware: what each changed, returned, tried again; its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ToolRetryMiddleware
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.types import Command

from etaoi_collector.store.model import Span
from etaoi_tui.detail.middleware.tool_chain import ToolChain, build_tool_chain, change_words
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.sdk.attach import attach
from etaoi_tui.sdk.langchain.middleware import instrument
from etaoi_tui.view.neighbouring_calls import surroundings_version
from tests.detail.pages import text_of
from tests.detail.recorded import Recorded
from tests.xray.models import WritingModel, asks
from tests.xray.recorders import MODES, ObservedRun


class Around(AgentMiddleware):
    """Passes on what ``change`` makes of a tool call, and returns what ``answer`` makes of its result."""

    def change(self, request: Any) -> Any:
        return request

    def answer(self, result: Any) -> Any:
        return result

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return self.answer(handler(self.change(request)))

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        return self.answer(await handler(self.change(request)))


class Triples(Around):
    """Changes an argument and adds one."""

    def change(self, request: Any) -> Any:
        call = request.tool_call
        arguments = {"number": call["args"]["number"] * 3, "unit": "apples"}
        return request.override(tool_call={**call, "args": arguments})


class WritesOver(Around):
    """Writes into the arguments where they lie."""

    def change(self, request: Any) -> Any:
        request.tool_call["args"]["number"] = 50
        return request


class Signs(Around):
    """Returns another message than the tool's."""

    def answer(self, result: Any) -> Any:
        return ToolMessage(f"{result.content} (signed)", tool_call_id=result.tool_call_id)


class Scribbles(Around):
    """Writes into the tool's message where it lies."""

    def answer(self, result: Any) -> Any:
        result.content = "scribbled"
        return result


class Commands(Around):
    """Returns a command instead of a message."""

    def answer(self, result: Any) -> Any:
        return Command(update={"messages": [result], "jump_to": None})


class Answers(Around):
    """Does without the tool."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return ToolMessage("from the cache", tool_call_id=request.tool_call["id"])

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        return self.wrap_tool_call(request, handler)


class Twice(Around):
    """Tries once more when the tool fails, with another argument."""

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        try:
            return handler(request)
        except ConnectionError:
            return handler(self.again(request))

    async def awrap_tool_call(self, request: Any, handler: Any) -> Any:
        try:
            return await handler(request)
        except ConnectionError:
            return await handler(self.again(request))

    @staticmethod
    def again(request: Any) -> Any:
        call = request.tool_call
        return request.override(tool_call={**call, "args": {**call["args"], "number": 1}})


def run(
    mode: str,
    middleware: list[Any],
    failures: int = 0,
    instrumented: Any = instrument,
    watching: Callable[[Recorded], None] | None = None,
) -> tuple[ObservedRun, list[dict[str, Any]]]:
    """Run an agent that asks for one tool; return what is shown, and the arguments that the tool got."""
    received: list[dict[str, Any]] = []
    remaining_failures = [failures]

    @tool
    def double(number: int, unit: str = "") -> str:
        """Double a number."""
        received.append({"number": number, **({"unit": unit} if unit else {})})
        if remaining_failures[0]:
            remaining_failures[0] -= 1
            raise ConnectionError("gone")
        return f"{number * 2} {unit}".strip()

    model = WritingModel(answers=[asks("double", number=2)])
    agent = create_agent(model, [double], middleware=instrumented(middleware), name="counter")
    handle = attach(agent, sink="memory")
    ask: Any = {"messages": [HumanMessage("Go.")]}
    if mode == "async":
        asyncio.run(agent.ainvoke(ask))
    else:
        agent.invoke(ask)
    handle.detach()
    recorded = Recorded()
    for event in handle.sink.events:
        recorded.send(event)
        if watching is not None:
            watching(recorded)
    recorded.store.finish()
    (session,) = recorded.store.sessions.values()
    return ObservedRun(session, recorded.payloads, [], [], True), received


def tools(observed: ObservedRun) -> list[Span]:
    return sorted((s for s in observed.spans if s.kind == "tool"), key=lambda s: (s.started_at, s.number))


def chain_of(observed: ObservedRun, span: Span) -> ToolChain:
    chain = build_tool_chain(observed.evidence(span))
    assert chain is not None
    return chain


def page(observed: ObservedRun, span: Span, tab: str = "io") -> str:
    return " ".join(text_of(describe_span(span, observed.payloads, span.trace.ended_at), tab).split())


either_way = pytest.mark.parametrize("mode", MODES)


@either_way
def test_each_hook_shows_what_it_changed_and_returned(mode: str) -> None:
    observed, received = run(mode, [Signs(), Triples(), WritesOver(), Scribbles()])
    (double,) = tools(observed)
    chain = chain_of(observed, double)
    hook = "awrap_tool_call" if mode == "async" else "wrap_tool_call"
    names = ["Signs", "Triples", "WritesOver", "Scribbles"]
    assert [step.label for step in chain.down] == [f"{name}.{hook}" for name in names]
    assert [change_words(step.diff) for step in chain.down if step.diff] == [
        "", "2 arguments", "1 argument", "",
    ]  # fmt: skip
    arguments = {k: v for k, v in (chain.request.parameters or {}).items() if k not in ("tool", "call id")}
    assert arguments == {"number": 2}
    for step in chain.down:
        assert step.diff is not None
        arguments |= {name: new for name, _, new in step.diff.parameters}
    assert [arguments] == received == [{"number": 50, "unit": "apples"}]
    back = [(step.label.partition(".")[0], step.response_changed) for step in chain.up]
    assert back == [("Scribbles", True), ("WritesOver", False), ("Triples", False), ("Signs", True)]
    text = page(observed, double)
    assert "4 middleware · 4 steps changed something" in text
    assert 'asked for {"number": 2}' in text
    assert "number: 2 + number: 6" in text
    assert "number: 6 + number: 50" in text
    assert "scribbled (signed)" in text


@either_way
def test_own_times_exclude_nested_spans(mode: str) -> None:
    observed, _ = run(mode, [Signs(), Triples()])
    (double,) = tools(observed)
    chain = chain_of(observed, double)
    whole = chain.down[0].span.duration(0.0)  # type: ignore[union-attr]
    own = [step.own_seconds for step in chain.down]
    took = double.duration(0.0)
    assert whole is not None
    assert took is not None
    assert 0.0 < sum(seconds or 0.0 for seconds in own) <= whole - took + 1e-6


@either_way
@pytest.mark.parametrize("make_hook", [Twice, lambda: ToolRetryMiddleware(max_retries=2, initial_delay=0.0)])
def test_attempts_have_pages_of_their_own(mode: str, make_hook: Any) -> None:
    observed, received = run(mode, [Signs(), make_hook()], failures=1)
    first, second = tools(observed)
    assert first.error is not None
    assert second.error is None
    chains = chain_of(observed, first), chain_of(observed, second)
    assert [(c.down[1].attempt, c.down[1].attempts) for c in chains] == [(1, 2), (2, 2)]
    for chain, real in zip(chains, received, strict=True):
        assert chain.down[1].diff is not None
        passed = chain.down[1].diff.new.parameters or {}
        assert {name: passed[name] for name in real} == real
    assert chains[0].up[0].notes == [
        "It called the rest of the chain again; what it returned is told with the last call."
    ]
    assert "It called the tool 2 times." in chains[1].up[0].notes
    assert "attempt 2 of 2" in page(observed, second)
    assert "Attempt 1 failed: ConnectionError: gone" in page(observed, second)


@either_way
def test_a_hook_that_answers_itself_says_so_on_its_own_page(mode: str) -> None:
    observed, received = run(mode, [Signs(), Answers()])
    assert received == []
    assert tools(observed) == []
    probe = next(span for span in observed.spans if span.name.startswith("Answers.") and span.flags & 512)
    text = page(observed, probe, "changes")
    assert "It answered itself, without the tool." in text
    assert "from the cache" in text


@either_way
def test_a_command_is_labelled_command(mode: str) -> None:
    observed, _ = run(mode, [Commands()])
    (double,) = tools(observed)
    (step,) = chain_of(observed, double).up
    assert step.response_changed is True
    assert step.notes == ["Its command writes to the state: jump_to, messages"]


def test_a_tool_without_middleware_has_none_on_its_page() -> None:
    observed, _ = run("sync", [])
    (double,) = tools(observed)
    assert build_tool_chain(observed.evidence(double)) is None
    assert "Middleware" not in page(observed, double)


@either_way
def test_changes_that_nobody_recorded_are_named(mode: str) -> None:
    middleware = [*instrument([Signs()]), Triples()]
    observed, received = run(mode, middleware, instrumented=list)
    (double,) = tools(observed)
    chain = chain_of(observed, double)
    last = chain.down[-1]
    assert not last.recorded
    assert last.diff is not None
    assert change_words(last.diff) == "2 arguments"
    assert received == [{"number": 6, "unit": "apples"}]
    assert "a hook without a probe" in page(observed, double)


@either_way
def test_the_page_is_right_after_every_event_and_outdated_after_each_change(mode: str) -> None:
    page_texts: list[tuple[int, str]] = []

    def watching(recorded: Recorded) -> None:
        for span in recorded.spans:
            if span.kind == "tool":
                document = describe_span(span, recorded.payloads, span.started_at + 1)
                text = text_of(document, "io")
                assert "This page failed" not in text
                assert not document.notes
                page_texts.append((span.version + surroundings_version(span), text))

    run(mode, [Signs(), Triples()], watching=watching)
    texts: dict[int, str] = {}
    for version, text in page_texts:
        assert texts.setdefault(version, text) == text
    assert "↑" not in page_texts[0][1]
    assert page_texts[-1][1].count("↑") == 2
