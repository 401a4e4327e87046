"""What real exporters sent becomes the tree, the kinds, the tokens and the errors that it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import EventBatch
from etaoi_collector.store import Store
from etaoi_collector.wire.events import Reject
from tests.collector.serving import serving
from tests.receivers.ingest_captures import EXPECTED, captured, send, summary, wait_for_spans

_REFUSED_ON_PURPOSE = range(400, 600)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_capture_becomes_what_it_should(name: str, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    requests = [request for request in captured(name) if request.status not in _REFUSED_ON_PURPOSE]
    store = Store()
    with serving(tmp_path) as (collector, source):
        assert all(200 <= status < 300 for status in send(collector, iter(requests)))
        wait_for_spans(store, source, expected["spans"])
        found = summary(store)
        for key in ("by_kind", "llm_input_tokens", "llm_output_tokens", "errors", "roots", "models"):
            assert found[key] == expected[key], key
        # Spans that began at the same moment may stand in either order.
        assert sorted(found["tree"]) == sorted(expected["tree"])
        assert not store.rejects and collector.stats().rejected == 0
        path = collector.recorder.path
    if path is None:
        assert expected["spans"] == 0  # nothing came, so nothing was recorded
        return
    again = Store()
    for item in TraceReader(path).arrivals():
        if isinstance(item, EventBatch):
            assert not any(isinstance(event, Reject) for event in item.events)
            again.apply(item.events, item.base_ref + item.first_ordinal, item.connection)
    assert summary(again) == found


def test_requests_that_are_sent_again_change_nothing(tmp_path: Path) -> None:
    requests = [*captured("otlp-pydantic-ai-v2"), *captured("langsmith-zstd-sizelimit1")]
    expected = EXPECTED["otlp-pydantic-ai-v2"]["spans"] + EXPECTED["langsmith-zstd-sizelimit1"]["spans"]
    store = Store()
    with serving(tmp_path) as (collector, source):
        send(collector, iter(requests))
        wait_for_spans(store, source, expected)
        before = summary(store)
        send(collector, iter(requests))
        send(collector, captured("otlp-partial-success"))
        wait_for_spans(store, source, expected + EXPECTED["otlp-partial-success"]["spans"])
        after = summary(store)
        assert after["spans"] == before["spans"] + EXPECTED["otlp-partial-success"]["spans"]
        assert after["llm_input_tokens"] == before["llm_input_tokens"] + 13


def test_no_key_gets_into_the_recording(tmp_path: Path) -> None:
    store = Store()
    with serving(tmp_path) as (collector, source):
        send(collector, captured("langsmith-zstd-sizelimit1"))
        wait_for_spans(store, source, EXPECTED["langsmith-zstd-sizelimit1"]["spans"])
        path = collector.recorder.path
    assert path is not None
    recorded = path.read_bytes()
    assert b"lsv2_fake" not in recorded and b"LANGSMITH_ENDPOINT" not in recorded
