"""A collector as the bus of a program that has none, and the logs of Hive's bus as recordings."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etaoi_collector import Collector, CollectorOptions, Record
from etaoi_collector.readers.hive_log import HiveLog
from etaoi_collector.recording.reader import TraceFileError
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Status
from etaoi_collector.subscriptions.publishers import Publishers
from etaoi_tui.cli.main import main
from etaoi_tui.feed import Feed
from tests.bridges.hive_bus import NewestEvent


@pytest.fixture
def bus() -> Iterator[Collector]:
    with Collector(CollectorOptions(port=0, record=Record.NONE)) as running:
        yield running


def test_every_publisher_reaches_a_subscriber(bus: Collector) -> None:
    """With arguments by position, as Hive's take them; and awaited."""
    values: dict[str, Any] = {"str": "x", "float": 0.5, "int": 1, "Any": "v", "bool": False}

    async def publish_all() -> list[str]:
        published = []
        for name in sorted(vars(Publishers)):
            if not name.startswith("emit_"):
                continue
            emit = getattr(bus, name)
            hints = {key: hint for key, hint in emit.__annotations__.items() if key not in ("return", "more")}
            arguments = {key: values[hint] for key, hint in hints.items() if hint in values}
            if "execution_id" in hints:
                arguments["execution_id"] = "e1"
            await emit(**arguments)
            published.append(name.removeprefix("emit_"))
        return published

    published = asyncio.run(publish_all())
    assert len(published) == 26
    names = {event.name for event in bus.history()}
    assert {"goal_progress", "state_changed", "judge_verdict", "custom", "x"} <= names
    assert bus.stats().rejected == 0


def test_what_is_published_can_be_asked_for_in_the_programs_words(bus: Collector) -> None:
    bus.emit_execution_started("main", "run-1", {"topic": "cats"})
    bus.emit_node_loop_started("main", "writer", execution_id="run-1")
    bus.emit_node_loop_iteration("main", "writer", 1, execution_id="run-1")
    bus.emit_llm_text_delta("main", "writer", "hello", "hello", execution_id="run-1")
    bus.emit_llm_turn_complete("main", "writer", "end", "gpt-5", 10, 5, execution_id="run-1")
    bus.emit_execution_failed("main", "run-1", "boom")
    bus.emit_execution_started("main", "run-2")
    bus.emit_execution_completed("main", "run-2")
    assert [event.name for event in bus.history(kinds="span_end", execution="run-2")] == ["main"]
    (call,) = bus.history(kinds="span_end", node="writer", node_kind="llm")
    assert (call.name, call.model, call.output) == ("gpt-5", "gpt-5", {"role": "assistant", "text": "hello"})
    failed = bus.history(kinds="span_end", stream="main", status="error", node_kind="task")
    assert [event.error for event in failed] == ["boom"]
    assert bus.stats().clients == 1


def test_an_event_may_be_an_object_of_somebody_elses_bus(bus: Collector) -> None:
    bus.publish(NewestEvent("tool_call_started", "s", "n", "e", {"tool_use_id": "t", "tool_name": "f"}))
    bus.publish(NewestEvent("tool_call_completed", "s", "n", "e", {"tool_use_id": "t", "result": 5}))
    bus.publish({"type": "never_heard_of", "stream_id": "s", "execution_id": "e", "data": {"a": 1}})
    assert bus.wait(name="f", kinds="span_end", timeout=60).output == 5
    (row,) = bus.history(name="never_heard_of", kinds="span_start")
    assert row.input == {"a": 1} and row.attributes["event"] == "never_heard_of"


def test_threads_may_publish_at_once(bus: Collector) -> None:
    def talk(number: int) -> None:
        for call in range(50):
            at = {"stream_id": f"s{number}", "node_id": "n", "execution_id": f"e{number}"}
            data = {"tool_use_id": str(call), "tool_name": "f", "result": call}
            bus.publish({"type": "tool_call_started", **at, "data": data})
            bus.publish({"type": "tool_call_completed", **at, "data": data})

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        ends = bus.history(kinds="span_end", name="f", execution=f"e{number}")
        assert [event.output for event in ends] == list(range(50))


def test_a_collector_that_does_not_run_takes_nothing() -> None:
    collector = Collector(CollectorOptions(port=0, record=Record.NONE)).bind()
    collector.stop(60)
    with pytest.raises(RuntimeError):
        collector.publish({"type": "x", "stream_id": "s"})


BEGAN = datetime(2026, 8, 20, 12)


def line(seconds: float, kind: str, node: str | None = "queen", **data: Any) -> str:
    return json.dumps(
        {
            "type": kind,
            "stream_id": "queen",
            "node_id": node,
            "execution_id": "e1",
            "data": data,
            "timestamp": (BEGAN + timedelta(seconds=seconds)).isoformat(),
            "seq": 1,
        }
    )


LOG = [
    line(0, "execution_started", None, input={"task": "cats"}),
    line(0.1, "node_loop_started"),
    line(0.2, "node_loop_iteration", iteration=1),
    line(1.0, "tool_call_started", tool_use_id="t", tool_name="search", tool_input={"q": 1}),
    line(1.5, "tool_call_completed", tool_use_id="t", tool_name="search", result="ok"),
    line(0.6, "client_output_delta", content="now.", snapshot="I look now."),
    line(2, "llm_turn_complete", model="claude", input_tokens=10, output_tokens=4),
    line(3, "client_input_requested", questions=[{"id": "q", "prompt": "Go on?"}]),
    line(63, "client_input_received", content="yes"),
    line(64, "llm_text_delta", content="done", snapshot="all done"),
    line(65, "node_loop_completed", iterations=1),
    line(66, "execution_completed", None, output={"ok": 1}),
    "{torn",
]
"""A session's log: merged deltas stand behind the tools that came after them."""


def test_a_log_of_hive_opens(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(LOG), "utf-8")
    source, store = ReplaySource(path), Store()
    feed = Feed(source, store)
    while not feed.ended:
        feed.work(100, 0.0)
    (trace,) = [trace for trace in store.traces.values() if not trace.only_context]
    assert (trace.status, trace.errors, trace.started_at) == (Status.OK, 0, BEGAN.timestamp())
    assert trace.ended_at == (BEGAN + timedelta(seconds=66)).timestamp()
    calls = [span for span in trace.spans if span.kind == "llm"]
    assert [round((call.ended_at or 0) - call.started_at, 1) for call in calls] == [0.8, 2.0]
    source.close()
    result = CliRunner().invoke(main, ["show", str(path), "--json"])
    spans = [json.loads(text) for text in result.stdout.splitlines()]
    assert [span["output"]["text"] for span in spans if span["kind"] == "llm"] == ["I look now.", "all done"]
    assert any(span["name"] == "custom" and span["input"]["lines"] == 1 for span in spans)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type": 1}', '{"a": 1}\n', "\x00\x01", "{" * 100_000])
def test_no_other_file_is_taken_for_one(tmp_path: Path, text: str) -> None:
    assert not HiveLog().sniff(text.encode())
    path = tmp_path / "x"
    path.write_text(text, "utf-8")
    with pytest.raises(TraceFileError):
        ReplaySource(path)
    with pytest.raises(TraceFileError):
        ReplaySource(tmp_path / "nothing")


def test_a_history_of_12_000_events_is_whole_and_its_memory_bounded(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("w", encoding="utf-8") as log:
        log.write(line(0, "execution_started", None, input={}) + "\n")
        for step in range(3_000):
            at = 1 + step / 10
            tool = {"tool_use_id": f"t{step}", "tool_name": "f"}
            log.write(line(at, "node_loop_iteration", iteration=step) + "\n")
            log.write(line(at + 0.01, "llm_text_delta", content="x", snapshot="x") + "\n")
            log.write(line(at + 0.02, "tool_call_started", tool_input={"n": step}, **tool) + "\n")
            log.write(line(at + 0.03, "tool_call_completed", result="y" * 200, **tool) + "\n")
        log.write(line(400, "execution_completed", None, output={}) + "\n")
    began = time.thread_time()
    tracemalloc.start()
    written = sum(map(len, HiveLog().translation().take([path.read_bytes()])))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    took = time.thread_time() - began
    assert peak < 20 * path.stat().st_size and written < 20 * path.stat().st_size
    source, store = ReplaySource(path), Store()
    feed = Feed(source, store)
    while not feed.ended:
        feed.work(1_000, 0.0)
    (trace,) = store.traces.values()
    assert (trace.tool_calls, trace.model_calls, trace.running, trace.errors) == (3_000, 3_000, 0, 0)
    source.close()
    assert took < 60
