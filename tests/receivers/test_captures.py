"""What real exporters sent becomes the tree, the kinds, the tokens and the errors that it should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.pricing import book
from etaoi_collector.pricing.book import OwnPrice, PriceBook
from etaoi_collector.pricing.total import Total
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import EventBatch
from etaoi_collector.store import Store
from etaoi_collector.wire.events import Reject
from tests.collector.serving import serving
from tests.receivers.ingest_captures import EXPECTED, captured, send, summary, wait_for_spans

_REFUSED_ON_PURPOSE = range(400, 600)


TWO_TRACERS = "langsmith-hybrid-mode"
"""Each of its runs comes by LangSmith's protocol and by OpenTelemetry's, in a trace each."""

DOLLARS = (2.0, 8.0)
"""Price of a million tokens of input, from a cache or not, and of output: the same for every model here."""


@pytest.fixture
def one_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """A price for the models of all captures, and for no other."""
    models = {model for expected in EXPECTED.values() for model in expected["models"]}
    input_price, output_price = DOLLARS
    prices = PriceBook(
        own={one: OwnPrice(input=input_price, output=output_price, cache_read=input_price) for one in models}
    )
    prices._failed = "left out"
    monkeypatch.setattr(book, "_book", [prices])


def come_to(store: Store, expected: dict[str, Any], *, copies: int = 1) -> None:
    """Check sums over everything, by session and by root with all agents below, against a capture's own.

    Args:
        store: What came.
        expected: What the capture says.
        copies: How often every call was reported: it was paid once.
    """
    totals, by_session, by_root = Totals(), Total(), Total()
    for session in store.sessions.values():
        by_session.add(totals.of_session(session))
    for root in (root for trace in store.traces.values() for root in trace.roots):
        spent = totals.of_span(root)
        if spent is not None:
            by_root.add(spent.together)
    input_tokens, output_tokens = (
        expected["llm_input_tokens"] // copies,
        expected["llm_output_tokens"] // copies,
    )
    for total in (by_session, by_root):
        assert (total.input_tokens, total.output_tokens) == (input_tokens, output_tokens)
        if not total.unpriced and total.priced:
            cost = (input_tokens * DOLLARS[0] + output_tokens * DOLLARS[1]) / 1e6
            assert total.cost_usd == pytest.approx(cost, abs=1e-9)
    assert by_root.priced == by_session.priced


@pytest.mark.usefixtures("one_price")
@pytest.mark.parametrize("name", EXPECTED)
def test_a_capture_becomes_what_it_should(name: str, tmp_path: Path) -> None:
    expected = EXPECTED[name]
    requests = [request for request in captured(name) if request.status not in _REFUSED_ON_PURPOSE]
    store = Store()
    with serving(tmp_path) as (collector, source):
        assert all(200 <= status < 300 for status in send(collector, iter(requests)))
        wait_for_spans(store, source, expected["spans"])
        result = summary(store)
        for key in ("by_kind", "llm_input_tokens", "llm_output_tokens", "errors", "roots", "models"):
            assert result[key] == expected[key], key
        # Spans that began at the same moment may stand in either order.
        assert sorted(result["tree"]) == sorted(expected["tree"])
        come_to(store, expected, copies=2 if name == TWO_TRACERS else 1)
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
    assert summary(again) == result


def test_requests_that_are_sent_again_change_nothing(tmp_path: Path) -> None:
    requests = [*captured("otlp-pydantic-ai-v2"), *captured("langsmith-zstd-sizelimit1")]
    expected = EXPECTED["otlp-pydantic-ai-v2"]["spans"] + EXPECTED["langsmith-zstd-sizelimit1"]["spans"]
    store = Store()
    with serving(tmp_path) as (collector, source):
        send(collector, iter(requests))
        wait_for_spans(store, source, expected)
        summary_before = summary(store)
        send(collector, iter(requests))
        send(collector, captured("otlp-partial-success"))
        wait_for_spans(store, source, expected + EXPECTED["otlp-partial-success"]["spans"])
        after = summary(store)
        assert after["spans"] == summary_before["spans"] + EXPECTED["otlp-partial-success"]["spans"]
        assert after["llm_input_tokens"] == summary_before["llm_input_tokens"] + 13


def test_no_key_gets_into_the_recording(tmp_path: Path) -> None:
    store = Store()
    with serving(tmp_path) as (collector, source):
        send(collector, captured("langsmith-zstd-sizelimit1"))
        wait_for_spans(store, source, EXPECTED["langsmith-zstd-sizelimit1"]["spans"])
        path = collector.recorder.path
    assert path is not None
    recorded = path.read_bytes()
    assert b"lsv2_fake" not in recorded and b"LANGSMITH_ENDPOINT" not in recorded
