"""Foreign tracers' requests are translated in small steps, between which a person goes first."""

from __future__ import annotations

import asyncio

import pytest

from etaoi_collector.receivers import worker
from etaoi_collector.receivers.otlp_http import spans_in_protobuf
from etaoi_collector.receivers.worker import TranslationWorker
from etaoi_collector.right_of_way import RightOfWay
from etaoi_collector.translation.langsmith_requests import read_batch
from etaoi_collector.translation.otlp_protobuf import decode_traces
from etaoi_collector.translation.translators import Translators
from tests.receivers.ingest_captures import captured


def _largest_body() -> bytes:
    requests = captured("otlp-openinference-langchain")
    return max((request.body for request in requests if request.path.endswith("traces")), key=len)


def test_spans_are_decoded_translated_and_written_one_at_a_time() -> None:
    body = _largest_body()
    spans = len(decode_traces(body))
    steps: list[None] = []
    translators = Translators(lambda: steps.append(None))
    events = [event for some in spans_in_protobuf(translators, body) for event in some]
    assert len(events) == 2 * spans > 10
    assert len(steps) == 3 * spans


def test_runs_of_langsmith_are_translated_and_written_one_at_a_time() -> None:
    bodies = [request.body for request in captured("langsmith-batch-json") if request.method == "POST"]
    runs = max((read_batch(body).runs for body in bodies), key=len)
    steps: list[None] = []
    assert Translators(lambda: steps.append(None)).langsmith.take(runs)
    assert len(steps) == 2 * len(runs) > 2


async def test_the_thread_that_translates_asks_for_the_right_of_way(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    way = RightOfWay(sleep=naps.append)
    monkeypatch.setattr(worker, "RIGHT_OF_WAY", way)
    body = _largest_body()
    frames: list[bytes] = []
    thread = TranslationWorker(asyncio.get_running_loop(), pytest.fail, lambda size: None)
    way.claim(60)
    way._claimed_until += 60  # longer than this test takes on any machine
    assert thread.submit(
        lambda translators: spans_in_protobuf(translators, body), frames.append, lambda *_: None, len(body)
    )
    await thread.drain(60)
    thread.close()
    assert frames and naps
