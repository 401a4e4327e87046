"""Our SDK and our collector, together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.source_items import EventBatch
from etaoi_collector.store import Store
from etaoi_collector.store.model import Status
from etaoi_collector.wire.events import Reject
from etaoi_tui.sdk.config import open_tracer


class Watching:
    """A collector whose inbox is folded into a store, as the viewer does it."""

    def __init__(self, port: int = 0) -> None:
        self.collector = Collector(CollectorOptions(port=port, record=Record.NONE))
        self.collector.bind()
        self.collector.start()
        self.store = Store()
        self.rejects: list[str] = []
        self.events = 0

    @property
    def port(self) -> int:
        return int(self.collector.endpoint.rsplit(":", 1)[1].split("/")[0])

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, f"{self.events} events, rejects {self.rejects[:3]}"
            for arrival in self.collector.inbox.take(0.05, 10_000):
                if isinstance(arrival, EventBatch):
                    self.events += len(arrival.events)
                    self.rejects += [e.reason for e in arrival.events if isinstance(e, Reject)]
                    self.store.apply(arrival.events, arrival.base_ref, arrival.connection)
            time.sleep(0.005)

    def spans(self) -> dict[str, Status]:
        return {
            span.name: span.status
            for trace in self.store.traces.values()
            for span in trace.spans
            if not span.placeholder
        }

    def stop(self) -> None:
        self.collector.stop(60)


def test_a_run_is_a_tree_with_streamed_text() -> None:
    watching = Watching()
    tracer = open_tracer(server_url=watching.collector.endpoint, session_id="s")
    root = tracer.start("sub_agent", "root")
    llm = tracer.start("llm", "model", parent=root)
    tracer.text(llm, "so far")
    watching.until(lambda: watching.events >= 3)
    assert watching.spans() == {"root": Status.RUNNING, "model": Status.RUNNING}
    tails = [s.tail for t in watching.store.traces.values() for s in t.spans if s.name == "model"]
    assert tails == ["so far"]
    tracer.end(llm, {"usage": {"input_tokens": 5, "output_tokens": 7}}, error=TimeoutError("slow"))
    tracer.end(root)
    watching.until(lambda: watching.events >= 5)
    assert watching.spans() == {"root": Status.OK, "model": Status.ERROR}
    assert watching.rejects == []
    tracer.close()
    watching.stop()


def test_a_collector_that_comes_back_has_all_open_spans() -> None:
    first = Watching()
    port = first.port
    tracer = open_tracer(server_url=first.collector.endpoint)
    tracer.end(tracer.start("agent_context", "context"))
    root = tracer.start("sub_agent", "root")
    first.until(lambda: first.events >= 3)
    assert tracer.flush(60)
    first.stop()
    tracer.end(tracer.start("tool", "meanwhile", parent=root))
    second = Watching(port)
    second.until(lambda: len(second.spans()) >= 3)
    assert second.spans() == {"context": Status.OK, "root": Status.RUNNING, "meanwhile": Status.OK}
    tracer.end(root)
    second.until(lambda: second.spans()["root"] is Status.OK)
    tracer.close()
    second.stop()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_frozen_collector_that_goes_on_has_lost_nothing() -> None:
    program = """
        import sys, time
        from etaoi_collector.collector import Collector, CollectorOptions, Record
        collector = Collector(CollectorOptions(port=0, record=Record.NONE))
        collector.bind()
        collector.start()
        print(collector.endpoint, flush=True)
        ids = set()
        while len(ids) < int(sys.argv[1]):
            for arrival in collector.inbox.take(0.05, 10_000):
                ids.update(event.event_id for event in getattr(arrival, "events", ()))
            time.sleep(0.005)
        print(len(ids), flush=True)
        collector.stop(60)
    """
    count = 4_001
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(count)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    tracer = open_tracer(server_url=process.stdout.readline().strip())
    root = tracer.start("sub_agent", "root")
    assert tracer.flush(60)
    process.send_signal(signal.SIGSTOP)
    for number in range(2_000):
        tracer.end(tracer.start("tool", str(number), parent=root, payload={"x": "y" * 2_000}))
    assert not tracer.flush(0.2)
    process.send_signal(signal.SIGCONT)
    assert process.stdout.readline() == f"{count}\n"
    assert tracer.stats.dropped == 0
    process.wait(60)
    tracer.close()
