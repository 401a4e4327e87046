"""Whole spans for subscribers: real agents of our own SDK, over real sockets."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from etaoi_collector import BusEvent, Collector, CollectorOptions, Record, RemoteError, connect
from etaoi_collector.subscriptions.hub import SubscriptionHub
from etaoi_tui.cli.main import main
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.tracer import Tracer
from tests.bus.telling import numbered, send
from tests.collector.serving import PATIENCE, run, serving, wait_for


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector(CollectorOptions(port=0, record=Record.NONE)) as running:
        yield running


@pytest.fixture
def agent(collector: Collector) -> Iterator[Tracer]:
    tracer = open_tracer(server_url=collector.endpoint)
    yield tracer
    tracer.close()


def work(tracer: Tracer) -> None:
    """An agent that calls a model and two tools, one of which fails, in an execution of a node."""
    ids = {"execution_id": "e7", "stream_id": "main"}
    task = tracer.start("task", "job", metadata=ids, payload={"inputs": '{"goal": "cats"}'})
    node = tracer.start("sub_agent", "writer", parent=task, metadata={"node_id": "n1"}, agent_name="writer")
    model = tracer.start(
        "llm", "gpt-5", parent=node, payload={"input_messages": [{"role": "human", "text": "find cats"}]}
    )
    tracer.delta(model, {"text": "I "})
    tracer.delta(model, {"text": "look"})
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    tracer.end(model, {"response": {"role": "ai", "text": "I look"}, "usage": usage, "model": "gpt-5"})
    for name, error in (("search", None), ("fetch", "ValueError: no")):
        tool = tracer.start(
            "tool", name, parent=node, payload={"input": '{"q": "cats"}'}, agent_name="writer"
        )
        tracer.end(tool, {"output": f"{name} said"}, error=error)
    tracer.end(node)
    tracer.end(task, {"outputs": "done"})
    assert tracer.flush(PATIENCE)


def names(events: list[BusEvent]) -> list[tuple[str, str | None]]:
    return [(event.kind.removeprefix("span_"), event.name) for event in events]


def test_an_end_tells_everything_about_its_span(collector: Collector, agent: Tracer) -> None:
    work(agent)
    (search,) = collector.history(name="search", kinds="span_end")
    assert (search.name, search.status, search.agent, search.error) == ("search", "ok", "writer", None)
    assert (search.input, search.output) == ({"q": "cats"}, "search said")
    assert (search.node, search.execution, search.stream) == ("n1", "e7", "main")
    assert search.duration_ms == search.span["duration_ms"] is not None and search.duration_ms >= 0
    (model,) = collector.history(node_kind="llm", kinds="span_end")
    assert model.usage is not None and model.usage["input_tokens"] == 10 and model.model == "gpt-5"
    assert model.output == {"role": "assistant", "text": "I look"}


def test_an_object_is_what_tail_and_show_print(tmp_path: Path) -> None:
    file = tmp_path / "run.msgpack"
    with Collector(CollectorOptions(port=0, record=file)) as collector:
        tracer = open_tracer(server_url=collector.endpoint)
        work(tracer)
        spans_at_ends = {event.span_id: event.span for event in collector.history(kinds="span_end")}
        with connect(collector.endpoint) as viewer:
            followed = {event.span_id: event.span for event in viewer.history(kinds="span_end")}
        tracer.close()
    assert followed == spans_at_ends
    result = invoke("show", str(file), "--json")
    assert {span["span_id"]: span for span in map(json.loads, result.splitlines())} == json.loads(
        json.dumps(spans_at_ends)
    )


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_event_shows_its_span_as_it_was(collector: Collector, agent: Tracer) -> None:
    work(agent)
    start, first, second, end = collector.history(node_kind="llm")
    assert [event.status for event in (start, first, second, end)] == ["running"] * 3 + ["ok"]
    assert [event.output for event in (start, first, second)] == [
        None,
        {"role": "assistant", "text": "I ", "incomplete": True},
        {"role": "assistant", "text": "I look", "incomplete": True},
    ]
    assert (first.text, second.text, start.text, end.text) == ("I ", "look", "", "")
    assert start.duration_ms is None and start.usage is None


ALL_TOOLS = [("start", "search"), ("end", "search"), ("start", "fetch"), ("end", "fetch")]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": "search"}, ALL_TOOLS[:2]),
        ({"name": ["search", "fetch"]}, ALL_TOOLS),
        ({"name": "*etch"}, ALL_TOOLS[2:]),
        ({"agent": "writer", "node_kind": "tool"}, ALL_TOOLS),
        (
            {"agent": "writer", "kinds": "span_end"},
            [("end", name) for name in ("gpt-5", "search", "fetch", "writer")],
        ),
        ({"node": "n1", "node_kind": "tool"}, ALL_TOOLS),
        ({"node": "n2"}, []),
        ({"execution": "e7", "kinds": "span_end", "node_kind": "llm"}, [("end", "gpt-5")]),
        ({"stream": "main", "kinds": "span_start", "node_kind": "task"}, [("start", "job")]),
        ({"status": "error"}, [("end", "fetch")]),
        ({"status": ("error", "ok"), "node_kind": "tool"}, [("end", "search"), ("end", "fetch")]),
        ({"query": "tool:search"}, ALL_TOOLS[:2]),
        ({"query": "in:cats kind:tool out:fetch"}, [("end", "fetch")]),
        ({"query": "err:", "execution": "e8"}, []),
    ],
)
def test_filters_speak_the_programs_words(
    collector: Collector, agent: Tracer, filters: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    """Out of the history, live, and from elsewhere alike."""
    with collector.subscribe(**filters) as live:  # type: ignore[arg-type]
        work(agent)
        assert names(collector.history(**filters)) == expected  # type: ignore[arg-type]
        with connect(collector.endpoint) as viewer:
            assert names(viewer.history(**filters)) == expected  # type: ignore[arg-type]
        collector.stop(60)
        assert names(list(live)) == expected


@pytest.mark.parametrize("filters", [{"status": "fine"}, {"query": "no:such"}, {"kinds": "span"}])
def test_a_filter_that_makes_no_sense_is_refused(collector: Collector, filters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"fine|no|span"):
        collector.subscribe(**filters)  # type: ignore[arg-type]


def test_what_began_before_a_subscription_has_its_name(collector: Collector, agent: Tracer) -> None:
    span = agent.start("tool", "slow", payload={"input": '{"n": 1}'})
    assert agent.flush(PATIENCE)
    wait_for(lambda: collector.stats().events == 1)
    with collector.subscribe(history=0) as late:
        agent.end(span, {"output": "at last"})
        event = late.wait(timeout=PATIENCE)
    assert (event.kind, event.name, event.input, event.output) == ("span_end", "slow", {"n": 1}, "at last")
    assert late.stats().delivered == 1 and late.stats().passed_over == 0


def test_a_history_ends_and_holds_all(tmp_path: Path) -> None:
    with serving(tmp_path, segment_bytes=50_000) as (collector, _):
        assert collector.history() == []
        send(collector, numbered(1, 12_000, per_frame=50))
        events = collector.history(kinds="span_start")
        assert [event.name for event in events] == [f"tool {number}" for number in range(1, 12_001)]
        assert collector.history(name="delete") == []
        assert collector.stats().events_by_kind == {"span_start": 12_000}
        with connect(collector.endpoint, timeout=PATIENCE) as viewer:
            assert len(viewer.history()) == 12_000
            assert viewer.wait(name="tool 12000", timeout=PATIENCE).name == "tool 12000"


def test_an_async_function_runs_on_the_loop_of_who_subscribes(collector: Collector, agent: Tracer) -> None:
    calls: list[tuple[str | None, int]] = []

    async def handle(event: BusEvent) -> None:
        await asyncio.sleep(0)
        if event.name == "fetch":
            raise ValueError("not this one")
        calls.append((event.name, threading.get_ident()))

    async def watch() -> None:
        subscription = collector.subscribe(handle, kinds="span_end")
        await asyncio.to_thread(work, agent)
        await collector.wait_for(name="job", kinds="span_end", timeout=PATIENCE)
        await asyncio.to_thread(wait_for, lambda: subscription.stats().delivered == 5 and len(calls) == 4)
        stats = subscription.stats()
        assert (stats.failures, stats.last_failure) == (1, "ValueError: not this one")

    run(watch())
    assert [name for name, _ in calls] == ["gpt-5", "search", "writer", "job"]
    assert {thread for _, thread in calls} == {threading.get_ident()}


def test_an_async_function_has_a_loop_where_nobody_runs_one(collector: Collector, agent: Tracer) -> None:
    names: list[str | None] = []

    async def handle(event: BusEvent) -> None:
        await asyncio.sleep(0)
        names.append(event.name)

    subscription = collector.subscribe(handle, node_kind="tool", kinds="span_end")
    work(agent)
    wait_for(lambda: len(names) == 2)
    collector.stop(60)
    assert subscription.join(PATIENCE) and names == ["search", "fetch"]


def test_stats_count_kinds_and_subscriptions(collector: Collector, agent: Tracer) -> None:
    with collector.subscribe(), collector.subscribe(kinds="span_end"):
        work(agent)
        wait_for(lambda: collector.stats().events == 12)
        stats = collector.stats()
        assert stats.events_by_kind == {"span_start": 5, "span_delta": 2, "span_end": 5}
        assert stats.subscriptions == 2
    assert collector.stats().subscriptions == 0


def test_a_viewer_elsewhere_is_subscribed_to_with_the_same_words(collector: Collector, agent: Tracer) -> None:
    with connect(collector.endpoint, timeout=PATIENCE) as viewer:
        assert isinstance(viewer, SubscriptionHub)
        with viewer.subscribe(kinds="span_end", name="search") as subscription:
            work(agent)
            event = subscription.wait(timeout=PATIENCE)
        assert (event.name, event.output, event.execution) == ("search", "search said", "e7")
        assert run(viewer.wait_for(name="fetch", status="error", timeout=PATIENCE)).error == "ValueError: no"
        assert viewer.stats().events == collector.stats().events
    assert viewer.stats().subscriptions == 0


def test_who_cannot_be_followed_is_told(collector: Collector) -> None:
    endpoint = collector.endpoint
    collector.stop(60)
    with pytest.raises(RemoteError, match="Nothing listens"):
        connect(endpoint)


def test_public_names_are_documented_and_load_alone() -> None:
    import etaoi_collector

    for name in etaoi_collector.__all__:
        assert getattr(etaoi_collector, name)
        if name != "__version__":
            assert (getattr(etaoi_collector, name).__doc__ or "").strip(), name
    with pytest.raises(AttributeError):
        etaoi_collector.nothing  # noqa: B018
