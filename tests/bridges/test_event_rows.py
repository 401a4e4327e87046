"""What a viewer makes of an agent's events: rows, warnings, waiting, state and goal, the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import etaoi_tui
from etaoi_collector import Collector, CollectorOptions, Record
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.sources.live import LiveSource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace
from etaoi_tui.detail.document.model import KeyValues, Section, Table, Text, section_text
from etaoi_tui.detail.pages.agent_card import card_document
from etaoi_tui.detail.pages.conversation import conversation_document
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.feed import Feed
from etaoi_tui.sdk.bridge_support.event_row import write_event
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.watch import watch
from etaoi_tui.view.error_navigation import next_error, previous_error
from etaoi_tui.view.row_summaries import Summaries
from tests.bridges.hive_bus import NewestBus, NodeOfTheNewest
from tests.bridges.plays import complete, start
from tests.collector.serving import PATIENCE, wait_for


class Watched:
    """What a viewer's store holds of what was recorded."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.handles: list[Any] = []
        self.source = LiveSource(collector)
        self.store = Store()
        self.feed = Feed(self.source, self.store)
        self.payloads = RecordedPayloads(self.source)
        self.summaries = Summaries(self.source)

    def look(self, events: int) -> None:
        wait_for(lambda: self.collector.stats().events >= events)
        self.feed.work(1_000, 0.0)

    def play(self, work: Any) -> None:
        async def run() -> None:
            bus = NewestBus()
            handle = watch(bus, server_url=self.collector.endpoint)
            self.handles.append(handle)
            await work(bus)
            assert handle.flush(PATIENCE)

        asyncio.run(run())
        self.collector.history()
        self.look(0)

    def run(self) -> Trace:
        (trace,) = [trace for trace in self.store.traces.values() if not trace.only_context]
        return trace

    def span(self, name: str) -> Span:
        return next(span for span in self.run().spans if span.name == name)

    def tab(self, key: str) -> list[Section]:
        document = describe_span(self.run().roots[0], self.payloads, 0.0)
        return list(next(tab for tab in document.tabs if tab.key == key).sections)


@pytest.fixture
def watched() -> Iterator[Watched]:
    with Collector(CollectorOptions(port=0, record=Record.NONE, watched=True)) as collector:
        watched = Watched(collector)
        yield watched
        for handle in watched.handles:
            handle.detach()


async def a_run(bus: Any) -> None:
    await bus.emit("stream_started", "main", data={"entry_point": "main"})
    await start(bus, "e1", topic="cats")
    node = NodeOfTheNewest(bus, "writer", "main", "e1")
    await node.say("node_loop_iteration", iteration=1)
    await node.say("judge_verdict", action="RETRY", feedback="say more")
    await bus.emit("state_changed", "main", execution_id="e1", data={"key": "page", "new_value": "one"})
    await node.say("state_changed", key="page", old_value="one", new_value="two")
    await bus.emit("state_conflict", "main", execution_id="e1", data={"key": "page", "new_value": "three"})
    await bus.emit(
        "goal_progress", "main", data={"progress": 0.4, "criteria_status": {"found": True, "told": False}}
    )
    await node.say("constraint_violation", constraint_id="budget", description="too much")
    await node.say("context_usage_updated", trigger="iteration_start")
    await complete(bus, "e1", page="two")


def test_events_are_rows_with_what_is_known_of_them(watched: Watched) -> None:
    watched.play(a_run)
    rows = {s.name: watched.summaries.of(s) for s in watched.run().spans if s.flags & SpanFlag.EVENT}
    assert rows["judge_verdict"] == "RETRY: say more"
    assert rows["state_conflict"] == "page = three"
    assert rows["goal_progress"] == "40% · found=true told=false"
    assert rows["constraint_violation"] == "budget: too much"
    assert watched.span("context_usage_updated").flags & SpanFlag.INTERNAL
    assert not watched.span("goal_progress").flags & SpanFlag.INTERNAL
    assert watched.run().errors == 0 and watched.run().status is Status.OK


def test_e_stops_at_warnings(watched: Watched) -> None:
    watched.play(a_run)
    trace = watched.run()
    first = next_error(trace, None)
    assert first is not None and first.name == "constraint_violation"
    second = next_error(trace, first)
    assert second is not None and second.name == "state_conflict"
    assert next_error(trace, second) is None
    assert previous_error(trace, None) is second and previous_error(trace, second) is first


def test_an_event_outside_of_any_run_is_no_run(watched: Watched) -> None:
    watched.play(a_run)
    assert len(watched.store.traces) == 2
    assert [trace.roots[0].name for trace in watched.store.traces.values() if trace.only_context] == [
        "stream_started"
    ]


def test_the_runs_page_has_its_state_and_its_goal(watched: Watched) -> None:
    watched.play(a_run)
    state, conflicts = watched.tab("state")
    (table,) = state.blocks
    assert isinstance(table, KeyValues)
    ((key, value),) = table.rows
    words = "".join(text for text, _ in value)
    assert key == "page" and "one → two" in words and "1 conflict" in words
    (conflict,) = conflicts.blocks
    assert isinstance(conflict, Text) and conflict.style == "error" and "page = three" in conflict.text
    goal, violations = watched.tab("goal")
    assert goal.summary == "40%"
    criteria = next(block for block in goal.blocks if isinstance(block, KeyValues))
    assert [(name, "".join(t for t, _ in v)) for name, v in criteria.rows] == [
        ("found", "✓ met"),
        ("told", "○ not yet"),
    ]
    assert any(isinstance(block, Table) for block in goal.blocks)
    assert "budget: too much" in str(violations.blocks[0])


async def a_talk(bus: Any) -> None:
    await start(bus, "e1")
    node = NodeOfTheNewest(bus, "guide", "main", "e1")
    await node.say("node_loop_iteration", iteration=1)
    await node.say("client_output_delta", content="Which city?", snapshot="Which city?")
    await node.say("client_input_requested", questions=[{"id": "c", "prompt": "Which city?"}])


async def its_end(bus: Any) -> None:
    await a_talk(bus)
    node = NodeOfTheNewest(bus, "guide", "main", "e1")
    await node.say("client_input_received", content="Oslo")
    await node.say("client_output_delta", content="Oslo it is", snapshot="Oslo it is")
    await node.say("node_loop_completed", iterations=1)
    await complete(bus, "e1")


def test_a_run_that_waits_is_paused_and_says_what_for(watched: Watched) -> None:
    watched.play(a_talk)
    trace = watched.run()
    assert (trace.status, trace.waits_for) == (Status.PAUSED, "Which city?")
    assert watched.span("guide").status is Status.PAUSED
    assert not [span for span in trace.spans if span.kind == "llm" and span.status is Status.RUNNING]


def test_client_input_and_output_on_the_bus_is_the_conversation(watched: Watched) -> None:
    watched.play(its_end)
    assert watched.run().status is Status.OK
    document = conversation_document(watched.run().session, watched.payloads, 0.0)
    sections = [
        (section.title, "".join(block.text for block in section.blocks if isinstance(block, Text)))
        for section in document.tabs[0].sections
    ]
    assert sections == [("guide", "Which city?"), ("user", "Oslo"), ("guide", "Oslo it is")]


def test_a_hand_written_event_is_a_row_of_the_same_shape(tmp_path: Path) -> None:
    with Collector(CollectorOptions(port=0, record=Record.NONE, watched=True)) as collector:
        watched = Watched(collector)
        handle = etaoi_tui.watch(NewestBus(), server_url=collector.endpoint)
        with etaoi_tui.span("job"):
            etaoi_tui.event("cache_miss", key="cats", age=3)
            etaoi_tui.event("goal_progress", progress=0.5)
        assert handle.flush(PATIENCE)
        collector.history()
        watched.look(6)
        handle.detach()
        miss, progress = watched.span("cache_miss"), watched.span("goal_progress")
        assert miss.flags & SpanFlag.EVENT and progress.flags & SpanFlag.EVENT
        assert watched.summaries.of(miss) == "key=cats age=3"
        assert watched.summaries.of(progress) == "50%"


def test_the_error_page_names_the_kind_of_failure() -> None:
    with Collector(CollectorOptions(port=0, record=Record.NONE, watched=True)) as collector:
        watched = Watched(collector)
        tracer = open_tracer(server_url=collector.endpoint)
        info = {"category": "transient", "is_retryable": True, "retry_after_ms": 500}
        tracer.end(tracer.start("turn", "run"), {"error_info": info}, error="overloaded")
        assert tracer.flush(PATIENCE)
        tracer.close()
        collector.history()
        watched.look(2)
        document = describe_span(watched.run().roots[0], watched.payloads, 0.0)
        error = next(section for section in document.tabs[0].sections if section.key == "error")
        rows = [row for block in error.blocks if isinstance(block, KeyValues) for row in block.rows]
        assert ("is retryable", "true") in rows and ("retry after ms", "500") in rows


def test_a_refused_call_outside_of_any_run_is_no_run(watched: Watched) -> None:
    tracer = open_tracer(server_url=watched.collector.endpoint)
    write_event(tracer, "review_run", {"run_id": "unknown"}, parent=None, warning=True)
    run = tracer.start("turn", "worker")
    write_event(tracer, "review_run", {"run_id": "r"}, parent=run, warning=True)
    tracer.end(run)
    tracer.close()
    watched.look(6)
    listed = [trace for trace in watched.store.traces.values() if not trace.only_context]
    assert [trace.roots[0].name for trace in listed] == ["worker"]
    refused = [
        span for trace in watched.store.traces.values() for span in trace.spans if span.name == "review_run"
    ]
    assert [bool(span.flags & SpanFlag.WARNING) for span in refused] == [True, True]
    assert [span.trace.only_context for span in refused] == [True, False]


@pytest.mark.parametrize("nodes", [("writer",), ("writer", "checker")])
def test_a_failed_execution_is_one_failure(watched: Watched, nodes: tuple[str, ...]) -> None:
    async def work(bus: NewestBus) -> None:
        await start(bus, "run-1")
        for name in nodes:
            node = NodeOfTheNewest(bus, name, "main", "run-1")
            await node.say("node_loop_started", max_iterations=3)
            await node.say("node_loop_iteration", iteration=1)
            await node.say("tool_call_started", tool_use_id=name, tool_name="search", tool_input={})
        await bus.emit("execution_failed", "main", execution_id="run-1", data={"error": "boom"})

    watched.play(work)
    run = watched.run()
    tools = [span for span in run.spans if span.kind == "tool"]
    assert run.status is Status.ERROR and run.errors == 1
    if len(nodes) == 1:  # it can only have been this one
        assert [tool.error for tool in tools] == ["boom"]
    else:
        assert {tool.status for tool in tools} == {Status.CANCELLED} and run.roots[0].error == "boom"


def test_a_node_has_an_agent_card_built_from_its_events(watched: Watched) -> None:
    async def work(bus: NewestBus) -> None:
        for run in ("run-1", "run-2"):
            await start(bus, run)
            node = NodeOfTheNewest(bus, "writer", "main", run)
            await node.say("node_loop_started", max_iterations=3)
            for number, tool in enumerate(("search", "save")):
                await node.say("node_loop_iteration", iteration=number)
                await node.say("tool_call_started", tool_use_id="t", tool_name=tool, tool_input={})
                await node.say("tool_call_completed", tool_use_id="t", tool_name=tool, result="ok")
                await node.say("llm_turn_complete", model="gpt-5", input_tokens=3, output_tokens=2)
            await node.say("node_loop_completed", iterations=2)
            await complete(bus, run)

    watched.play(work)
    traces = [trace for trace in watched.store.traces.values() if not trace.only_context]
    spans = [span for trace in watched.store.traces.values() for span in trace.spans]
    cards = [span for span in spans if span.kind == "agent_context"]
    assert [len(trace.context_ids) for trace in traces] == [2, 1]  # another tool, another snapshot
    assert traces[1].context_ids == traces[0].context_ids[-1:] == (cards[-1].span_id,)
    document = card_document(cards[-1], cards[:1], watched.payloads, 0.0, 80)
    sections = [section for tab in document.tabs for section in tab.sections]
    page = "\n".join(f"{section.title} {section_text(section)}" for section in sections)
    assert all(word in page for word in ("gpt-5", "what its runs told", "search", "save")), page
