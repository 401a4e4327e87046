"""The PyPI ``etaoi`` SDK in a process and environment of its own, driving real agents, against the collector.

What the SDK says that it sent must be in the store and in the recording, in its place of the right tree,
and the replay of the recording must give the same trees.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from etaoi_collector.store import Store
from etaoi_collector.store.model import Status
from tests.real.collecting import collecting
from tests.real.evidence import (
    Sent,
    all_spans,
    fold,
    logged,
    parents,
    recorded_event_ids,
    shapes,
    stored_event_ids,
)
from tests.real_env import ETAOI, real_env

DRIVERS = Path(__file__).parent / "drivers"
RUNS = 20
"""Concurrent runs; the driver's number."""

pytestmark = pytest.mark.real_clients


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python that has the SDK and the frameworks."""
    return real_env("etaoi-agents", *ETAOI, "langchain", "deepagents")


def _run_and_prove(python: Path, scenario: str, folder: Path) -> Store:
    """Collect one scenario's events, and check that all of it is kept, live and replayed.

    Returns:
        What the viewer would show.
    """
    log = folder / "sent.jsonl"
    with collecting(folder / "run.msgpack") as collected:
        done = subprocess.run(
            [python, DRIVERS / "agents.py", scenario, collected.url, log],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        sent = logged(log)
        collected.wait_for_events(len(sent))
        store = collected.store
        assert stored_event_ids(store, collected.read) == set(sent)
    assert set(sent) == set(logged(log, "queued")), "the SDK itself lost events"
    assert recorded_event_ids(collected.recording) == set(sent)
    _assert_all_in_tree(store, sent)

    replayed = Store()
    fold(replayed, collected.replayed())
    assert shapes(replayed) == shapes(store)
    return store


def _assert_all_in_tree(store: Store, sent: dict[str, Sent]) -> None:
    """Each span that was started is in the tree, under the parent that its client named."""
    assert store.rejected == 0, [reject.reason for reject in store.rejects]
    assert store.events == len(sent)
    starts = {event.span_id: event for event in sent.values() if event.kind == "span_start"}
    parent_of = parents(store)
    assert set(parent_of) == set(starts)
    for span_id, event in starts.items():
        if event.parent_span_id in starts:
            assert parent_of[str(span_id)] == event.parent_span_id
    assert {span.status for span in all_spans(store)} == {Status.OK}


def test_create_agent(python: Path, tmp_path: Path) -> None:
    """One agent, parallel tools, instrumented middleware."""
    store = _run_and_prove(python, "create_agent", tmp_path)
    names = Counter((span.kind, span.name) for span in all_spans(store))
    assert names["sub_agent", "order-desk"] == 1
    assert names["tool", "lookup_order"] == 2
    assert sum(count for (kind, _), count in names.items() if kind == "llm") == 2
    assert names["middleware", "Guard.wrap_model_call"] >= 2


def test_deepagent_with_sub_agent(python: Path, tmp_path: Path) -> None:
    """The sub-agent's spans lie below the tool that called it."""
    store = _run_and_prove(python, "deepagent", tmp_path)
    (checker,) = [span for span in all_spans(store) if span.name == "checker"]
    above = []
    span = checker.parent
    while span is not None:
        above.append((span.kind, span.name))
        span = span.parent
    assert ("tool", "task") in above
    assert above[-1] == ("sub_agent", "lead")
    below = [span for span in all_spans(store) if span.kind == "tool" and span.name == "lookup_order"]
    assert len(below) == 2


def test_twenty_concurrent_runs(python: Path, tmp_path: Path) -> None:
    """Twenty runs at once are twenty separate trees of the same shape."""
    store = _run_and_prove(python, "concurrent", tmp_path)
    runs = [trace for trace in store.traces.values() if trace.model_calls]
    assert len(runs) == RUNS
    assert {(trace.model_calls, trace.tool_calls, trace.running) for trace in runs} == {(2, 2, 0)}
    assert {len(trace.roots) for trace in runs} == {1}
    assert {trace.session.session_id for trace in runs} == {runs[0].session.session_id}


def test_doctor(python: Path, tmp_path: Path) -> None:
    """The SDK's own check of a server passes, but for the stream of a web page that a terminal has not."""
    with collecting(tmp_path / "run.msgpack") as collected:
        done = subprocess.run(
            [python, "-m", "etaoi", "doctor", "--url", collected.url, "--json"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    for name in (
        "Server reachable",
        "WebSocket handshake",
        "Schema version compatible",
        "Sample envelope roundtrip",
    ):
        assert checks[name]["ok"], checks[name]
