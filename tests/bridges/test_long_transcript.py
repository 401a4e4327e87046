"""A transcript of 3,000 steps: recorded whole, without holding all that was said before at each step."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from etaoi_collector import Collector, CollectorOptions, Record
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_tui.feed import Feed
from etaoi_tui.sdk.loomcycle import history as loomcycle_history
from etaoi_tui.sdk.loomcycle.run import WHOLE_REQUEST
from etaoi_tui.sdk.transport.local import InMemorySink

STEPS = 3_000
RESULT = "a line of a result\n" * 20


def transcript(steps: int) -> list[dict[str, Any]]:
    """Steps of a model call that calls one tool, as the server stores them."""
    entries: list[dict[str, Any]] = []

    def add(kind: str, **payload: Any) -> None:
        at = datetime.fromtimestamp(1_700_000_000 + len(entries) / 10, UTC).isoformat()
        entries.append(
            {
                "seq": len(entries),
                "session_id": "s",
                "run_id": "r",
                "ts": at,
                "type": kind,
                "payload": json.dumps(payload).encode(),
            }
        )

    add("user_input", segments=[{"role": "user", "content": [{"type": "trusted-text", "text": "Go."}]}])
    add("started")
    for step in range(steps):
        use = {"id": f"t{step}", "name": "Read", "input": {"n": step}}
        add("text", text=f"step {step}")
        add("tool_call", tool_use=use)
        add("usage", usage={"input_tokens": 10, "output_tokens": 2, "model": "m"})
        add("tool_result", tool_use=use, text=RESULT)
    add("text", text="Done.")
    add("usage", usage={"input_tokens": 10, "output_tokens": 2, "model": "m"})
    add("done", stop_reason="end_turn")
    return entries


class Client:
    """What of a client the import asks for."""

    def __init__(self, steps: int) -> None:
        self._entries = transcript(steps)

    async def get_transcript(self, session_id: str) -> list[dict[str, Any]]:
        return self._entries


def folded(path: Path) -> Trace:
    source, store = ReplaySource(path), Store()
    feed = Feed(source, store)
    while not feed.ended:
        feed.work(1_000, 0.0)
    source.close()
    (trace,) = [trace for trace in store.traces.values() if not trace.only_context]
    return trace


def check_whole(trace: Trace) -> None:
    assert (trace.model_calls, trace.tool_calls) == (STEPS + 1, STEPS)
    assert (trace.running, trace.errors, trace.dropped) == (0, 0, 0)
    assert trace.input_tokens == 10 * (STEPS + 1)


def test_a_viewer_gets_the_whole_transcript(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    with Collector(CollectorOptions(port=0, record=path)) as collector:
        runs = asyncio.run(
            loomcycle_history.import_transcript(Client(STEPS), "s", server_url=collector.endpoint)
        )
        assert runs == 1
        collector.history(kinds="span_end", node_kind="turn")
    check_whole(folded(path))
    assert path.stat().st_size < 20_000_000


def test_a_file_gets_the_whole_transcript_and_memory_the_newest_part(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    client = Client(STEPS)
    tracemalloc.start()
    asyncio.run(loomcycle_history.import_transcript(client, "s", sink=str(path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    check_whole(folded(path))
    assert peak < 30_000_000, f"{peak:,} bytes"


def test_a_warning_names_the_missing_events(monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(loomcycle_history, "warn_once", warnings.append)
    with Collector(CollectorOptions(port=0, record=Record.NONE)) as collector:
        nobody = collector.endpoint
    asyncio.run(loomcycle_history.import_transcript(Client(20_000), "s", server_url=nobody))
    assert len(warnings) == 1 and "events of a transcript were left out" in warnings[0]


def test_each_call_of_a_long_run_records_only_its_new_messages() -> None:
    sink = InMemorySink()
    asyncio.run(loomcycle_history.import_transcript(Client(100), "s", sink=sink))
    requests = [
        event["payload"]["input_messages"]
        for event in sink.events
        if event["kind"] == "span_start" and event["node_kind"] == "llm"
    ]
    assert [len(request) for request in requests[:3]] == [1, 3, 5]
    assert max(map(len, requests)) <= WHOLE_REQUEST + 1
    last = requests[-1]
    assert last[0]["text"].endswith("earlier messages stand in the calls before›")
    assert [message["role"] for message in last[1:]] == ["ai", "tool"]
    assert last[-1]["text"] == RESULT
