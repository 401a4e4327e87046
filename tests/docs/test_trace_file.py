"""``docs/trace-file.md`` is enough to read a recording: a reader written from it sees what ours sees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import Closed, EventBatch, FrameRefused, Opened
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.trace_records import TraceWriter
from tests import generate
from tests.docs import trace_reader

LINES = 60


def test_the_reader_is_short_and_on_its_own() -> None:
    source = Path(trace_reader.__file__).read_text()
    assert len(source.splitlines()) <= LINES
    assert "etaoi_" not in source


def test_it_sees_every_event_that_our_reader_sees(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    generate.write_trace(path, 2_000, seed=3, last="the last one")

    ours = [
        (batch.connection, event.event_id)
        for batch in TraceReader(path).arrivals()
        if isinstance(batch, EventBatch)
        for event in batch.events
        if not isinstance(event, Reject)
    ]
    theirs = [(connection, event["event_id"]) for connection, event in trace_reader.read_events(path)]
    assert theirs == ours
    assert len(theirs) > 2_000


def test_it_sees_connections_and_leaves_out_a_torn_record(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    writer = TraceWriter(path, writer="test", created=1.5)
    writer.opened(2.0, 1, peer="127.0.0.1:1", client="etaoi 0.3", hello=b"\x80")
    writer.append_frame(3.0, 1, b"\x90")
    writer.refused(4.0, 1, size=10, reason="too large")
    writer.closed(5.0, 1, code=1000, reason="")
    writer.close()
    whole = path.read_bytes()
    header, offset = trace_reader.read_header(whole)
    assert (header["created"], header["segment"]) == (1.5, 0)

    for torn in (0, 1, 30):
        records = list(trace_reader.read_records(whole[: len(whole) - torn], offset))
        kinds = [record.kind for record in records]
        expected = [trace_reader.OPENED, trace_reader.FRAME, trace_reader.REFUSED, trace_reader.CLOSED]
        assert kinds == expected[: 4 if torn == 0 else 3]
        assert [record.at for record in records] == [2.0, 3.0, 4.0, 5.0][: len(kinds)]
    items = [type(item) for item in TraceReader(path).arrivals()]
    assert items[:2] == [Opened, EventBatch] and FrameRefused in items and Closed in items


def test_it_refuses_files_from_the_future(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    TraceWriter(path, writer="test").close()
    data = re.sub(rb"\xa31\.\d", b"\xa39.0", path.read_bytes(), count=1)
    with pytest.raises(ValueError):
        trace_reader.read_header(data)
