"""The sender at the borders of a program's life: replaced threads, forks, exit handlers, a full disk."""

from __future__ import annotations

import _thread
import itertools
import os
import threading
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest

from etaoi_collector.wire.trace_records import TraceWriter
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import Span, Tracer
from etaoi_tui.sdk.transport import file, registry
from etaoi_tui.sdk.transport.endpoint import Endpoint
from etaoi_tui.sdk.transport.local import EmitOutlet, InMemorySink
from etaoi_tui.sdk.transport.pipeline import Pipeline
from etaoi_tui.sdk.transport.send_queue import EncodedEvent
from etaoi_tui.sdk.transport.websocket import WebSocketOutlet
from tests.collector.test_recorder import file_size_limit
from tests.sdk.test_processes import read_trace
from tests.sdk.test_websocket import until
from tests.sdk.viewer import Viewer


def names(events: list[dict[str, Any]]) -> list[str]:
    """Names of the spans that start, each once: a new connection tells again what is open."""
    return list(dict.fromkeys(event["metadata"]["name"] for event in events if event["kind"] == "span_start"))


def replace_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the lock of threads, as gevent and eventlet do when they patch a program that runs."""
    allocate = _thread.allocate_lock
    monkeypatch.setattr(_thread, "allocate_lock", lambda: allocate())


def senders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "etaoi-tui-sender"]


def test_threads_that_are_replaced_while_it_runs_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    senders_before = senders()
    with Viewer() as viewer:
        tracer = open_tracer(server_url=viewer.url)
        tracer.start("tool", "first")
        assert tracer.flush(60)
        replace_locks(monkeypatch)
        tracer.start("tool", "second")
        assert tracer.flush(60)
        viewer.wait(lambda: names(viewer.events) == ["first", "second"])
        until(lambda: len(senders()) == len(senders_before) + 1, "two senders share one queue")
        tracer.close()


def test_a_flush_after_threads_were_replaced_needs_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = InMemorySink()
    tracer = open_tracer(sink=sink)
    tracer.start("tool", "kept")
    replace_locks(monkeypatch)
    assert tracer.flush(60)
    assert names(sink.events) == ["kept"]
    tracer.close()


def test_without_new_threads_a_flush_sends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread cannot be started any more once the interpreter goes down."""

    def no_more(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    sink = InMemorySink()
    tracer = open_tracer(sink=sink)
    monkeypatch.setattr(threading.Thread, "start", no_more)
    tracer.start("tool", "late")
    assert tracer.flush(60)
    assert names(sink.events) == ["late"]
    tracer.close()


def test_events_of_exit_handlers_are_sent_before_the_handlers_continue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    received: list[dict[str, Any]] = []

    class ListSink:
        def emit(self, envelope: dict[str, Any]) -> None:
            received.extend(envelope["batch"])

    tracer = open_tracer(sink=ListSink())
    assert tracer.pipeline is not None
    monkeypatch.setattr(registry, "_alive", WeakSet([tracer.pipeline]))
    tracer.start("tool", "before")
    registry.flush_at_exit()
    assert names(received) == ["before"]
    for number in range(3):
        tracer.start("tool", f"handler {number}")
        assert names(received)[-1] == f"handler {number}"
    tracer.close()


def test_an_exit_handler_waits_once_for_a_viewer_that_is_not_there() -> None:
    with Viewer() as viewer:
        tracer = open_tracer(server_url=viewer.url)
        tracer.start("tool", "before")
        assert tracer.flush(60)
    pipeline = tracer.pipeline
    assert isinstance(pipeline, Pipeline)
    pipeline.send_at_once(0.05)
    tracer.start("tool", "first")
    assert not pipeline._is_ending  # what comes now is queued, as ever
    tracer.start("tool", "second")
    assert tracer.stats.waiting >= 1
    tracer.close()


def test_closing_a_pipeline_returns_whether_everything_was_sent() -> None:
    stats = Stats()
    pipeline = Pipeline(EmitOutlet(InMemorySink(), stats), stats)
    pipeline.close()
    assert pipeline.flush(0.0)
    Tracer(pipeline).start("tool", "too late")
    assert not pipeline.flush(0.0)
    pipeline.close()


def test_under_load_the_sender_wakes_half_as_often(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = Stats()
    pipeline = Pipeline(EmitOutlet(InMemorySink(), stats), stats, window=0.01)
    gathered: list[tuple[float, int]] = []
    gather = pipeline._gather

    def watched(bell: Any, window: float) -> None:
        gather(bell, window)
        gathered.append((window, len(pipeline.queue)))

    monkeypatch.setattr(pipeline, "_gather", watched)
    tracer = Tracer(pipeline)

    def busy() -> bool:
        for _ in range(50):
            tracer.start("tool", "one of many")
        return any(window == 0.02 for window, _ in gathered)

    until(busy, "no window was longer")
    until(lambda: gathered[-1][0] == 0.01, "the windows stay long")
    for (_, came), (window, _) in itertools.pairwise(gathered[1:]):
        assert window == (0.02 if came >= 48 else 0.01)
    tracer.close()


def test_a_sink_that_flushes_from_within_does_not_deadlock() -> None:
    flushed: list[bool] = []

    class Impatient:
        def emit(self, envelope: dict[str, Any]) -> None:
            flushed.append(tracer.flush(60))

    tracer = open_tracer(sink=Impatient())
    tracer.start("tool", "t")
    assert tracer.flush(60)
    assert flushed == [False]
    tracer.close()


def test_an_outlet_that_breaks_is_counted_and_the_sender_goes_on() -> None:
    class Breaks(EmitOutlet):
        broken = True

        def await_room(self) -> None:
            if self.broken:
                raise ValueError("broken inside")

    stats = Stats()
    sink = InMemorySink()
    outlet = Breaks(sink, stats)
    tracer = Tracer(Pipeline(outlet, stats))
    tracer.start("tool", "waits")
    until(lambda: stats.failed, "nothing was counted")
    outlet.broken = False
    assert tracer.flush(60)
    assert names(sink.events) == ["waits"]
    tracer.close()


def test_a_forked_child_writes_to_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fork calls in the child, called here."""
    tracer = open_tracer(sink=tmp_path / "run.msgpack")
    pipeline = tracer.pipeline
    assert isinstance(pipeline, Pipeline)
    tracer.start("tool", "the parent's")
    assert tracer.flush(60)
    monkeypatch.setattr(registry, "_alive", WeakSet([pipeline]))
    parent_thread, bell = pipeline._thread, pipeline._bell
    until(lambda: pipeline.asleep, "the sender does not sleep")
    pipeline.asleep = False
    tracer.start("tool", "the parent's to send")
    registry._after_fork_in_child()
    bell.release()  # there is no such thread in a child
    assert parent_thread is not None
    parent_thread.join(60)
    assert tracer.stats.sent == tracer.stats.waiting == 0
    tracer.start("tool", "the child's")
    assert tracer.flush(60)
    tracer.close()
    assert names(read_trace(tmp_path / f"run-{os.getpid()}.msgpack")) == ["the child's"]
    assert names(read_trace(tmp_path / "run.msgpack")) == ["the parent's"]


def test_events_that_wait_at_a_fork_are_sent_by_the_parent() -> None:
    stats = Stats()
    with Viewer() as viewer:
        outlet = WebSocketOutlet(Endpoint(viewer.url), stats)
        tracer = Tracer(Pipeline(outlet, stats))
        outlet.deliver([EncodedEvent(b"\x80", b"\x80", None, 0)])
        assert tracer.stats.waiting == 1 and not outlet.settle(0.0)
        outlet.after_fork()
        assert tracer.stats.waiting == 0 and outlet.settle(0.0)
        tracer.start("tool", "the child's")
        assert tracer.flush(60)
        viewer.wait(lambda: names(viewer.events) == ["the child's"])
        tracer.close()


def large(tracer: Tracer, name: str) -> Span:
    """A span whose payload goes past every buffer of the file."""
    return tracer.start("tool", name, payload={"x": os.urandom(30_000).hex(), "y": os.urandom(30_000).hex()})


def test_after_a_write_error_recording_continues_in_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_RETRY_SECONDS", 0.0)
    tracer = open_tracer(sink=tmp_path / "run.msgpack")
    tracer.start("tool", "kept")
    assert tracer.flush(60)
    with file_size_limit(64 << 10):
        for number in range(10):
            large(tracer, f"large {number}")
        assert not tracer.flush(60)
        assert tracer.stats.state == "failed" and "run" in tracer.stats.problem
    tracer.start("tool", "last")
    assert tracer.flush(60)
    assert tracer.stats.state == "writing"
    tracer.close()
    events = [event for path in sorted(tmp_path.iterdir()) for event in read_trace(path)]
    assert {"kept", "last"} <= set(names(events))
    assert len(names(events)) + tracer.stats.failed == 12


def test_an_empty_file_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "_RETRY_SECONDS", 0.0)
    tracer = open_tracer(sink=tmp_path / "run.msgpack")
    with file_size_limit(1 << 10):
        large(tracer, "large")
        assert not tracer.flush(60)
        assert list(tmp_path.iterdir()) == []
    assert tracer.flush(60)
    tracer.close()
    assert names(read_trace(tmp_path / "run.msgpack")) == ["large"]


def test_an_end_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    tracer = open_tracer(sink=tmp_path / "run.msgpack")
    tracer.start("tool", "kept")
    assert tracer.flush(60)
    with file_size_limit((tmp_path / "run.msgpack").stat().st_size):
        tracer.close()
    assert "run.msgpack" in tracer.stats.problem
    assert names(read_trace(tmp_path / "run.msgpack")) == ["kept"]


def test_a_closed_file_sink_counts_events_as_dropped(tmp_path: Path) -> None:
    stats = Stats()
    outlet = file.FileOutlet(file.FileSink(tmp_path / "run.msgpack"), stats)
    outlet.close()
    outlet.deliver([EncodedEvent(b"\x80", b"\x80", None, 0)])
    assert stats.failed == 1 and "closed" in stats.problem
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_free_file_name_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_MOST_TRIES", 4)
    for ending in ("", "-2", "-3"):
        TraceWriter(tmp_path / f"run{ending}.msgpack", writer="test").close()
    tracer = open_tracer(sink=tmp_path / "run.msgpack")
    tracer.start("tool", "nowhere")
    assert not tracer.flush(60)
    assert "2 names beside it exist" in tracer.stats.problem
    tracer.close()


def test_the_events_of_a_memory_sink_can_be_cleared() -> None:
    sink = InMemorySink()
    sink.clear()
    tracer = open_tracer(sink=sink)
    tracer.start("tool", "first")
    sink.clear()
    tracer.start("tool", "second")
    assert names(sink.events) == ["second"]
    tracer.close()
