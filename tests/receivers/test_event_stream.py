"""What comes in as server-sent events, for curl and for the reference SDK's doctor."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import etaoi_tui
from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.ingest.doctor_samples import is_sample
from etaoi_tui.doctor.viewer import _sample_frame


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    with Collector(CollectorOptions(port=0, record=Record.NONE, state=tmp_path)) as running:
        yield running


@contextmanager
def stream(collector: Collector, session: str) -> Iterator[http.client.HTTPResponse]:
    port = int(collector.endpoint.rpartition(":")[2].partition("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"/sse/sessions/{session}", headers={"Last-Event-ID": "0"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert answer.readline() == b": etaoi-tui\n"
    try:
        yield answer
    finally:
        answer.close()
        connection.close()


def read_events(answer: http.client.HTTPResponse, count: int) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while len(events) < count:
        line = answer.readline()
        assert line
        if line.startswith(b"data: "):
            events.append(json.loads(line[6:]))
    return events


def record(collector: Collector, session: uuid.UUID) -> None:
    tracer = etaoi_tui.open_tracer(server_url=collector.endpoint, session_id=session)
    with etaoi_tui.use_span(tracer.start(name="look", kind="tool", payload={"input": "q\x1b"})):
        pass
    tracer.close(5)


def test_a_sessions_events_come_as_they_were_sent(collector: Collector) -> None:
    mine, other = uuid.uuid4(), uuid.uuid4()
    with stream(collector, str(mine).upper()) as answer, stream(collector, "all") as everything:
        record(collector, other)
        record(collector, mine)
        first = read_events(answer, 1)[0]
        assert (first["kind"], first["session_id"]) == ("span_start", str(mine))
        assert {event["session_id"] for event in read_events(everything, 2)} >= {str(other)}


def test_a_client_that_leaves_is_forgotten(collector: Collector) -> None:
    for _ in range(40):  # more than there may be at a time
        with stream(collector, "all"):
            pass
        time.sleep(0.01)


def test_what_is_a_sample() -> None:
    frame = _sample_frame(str(uuid.uuid4()))
    assert is_sample(frame)
    assert not is_sample(frame + b"\x00" * 5000)
    assert not is_sample(frame[:-5])
    assert not is_sample(frame.replace(b"etaoi-doctor", b"etaoi-dokter"))
    assert not is_sample(b"\x91\x80 etaoi-doctor")
    assert not is_sample(b"etaoi-doctor")
