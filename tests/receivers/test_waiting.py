"""What foreign tracers tell in parts waits for the rest, within a bound of bytes and not only of number."""

from __future__ import annotations

import tracemalloc
import uuid
from collections.abc import Callable, Iterable

import pytest

from etaoi_collector.conventions.telemetry import livekit
from etaoi_collector.translation import langsmith_stream, livekit_calls, otel_stream
from etaoi_collector.translation.genai_events import DETAILS
from etaoi_collector.translation.held_bytes import held_bytes
from etaoi_collector.translation.livekit_calls import LiveKitCalls
from etaoi_collector.translation.otel_model import OtelEvent, OtelLog, OtelSpan
from etaoi_collector.translation.translated import TranslatedSpan
from etaoi_collector.translation.translators import Translators

MIB = 1 << 20
MOST = 2 * MIB
SPAN_LIMIT = 300
SIZE = 100_000
"""Thirty million bytes in all."""
STAYS = 10 * MIB
"""What may stay of them: the bound, what is on its way, and what is remembered of each beside its content."""


@pytest.fixture(autouse=True)
def _small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (langsmith_stream, livekit_calls, otel_stream):
        monkeypatch.setattr(module, "MOST_HELD", MOST)


def content(number: int) -> str:
    return f"{number} ".ljust(SIZE, "x")


def hex_id(number: int, digits: int) -> str:
    return f"{number + 1:0{digits}x}"


def span_of(number: int, name: str, **fields: object) -> OtelSpan:
    ids = hex_id(0, 32), hex_id(number, 16), hex_id(10_000 + number, 16)
    span = OtelSpan(*ids, name, 1, 1, 2, {"text": content(number)}, [], 0, "", livekit.SCOPE, {})
    for field, value in fields.items():
        setattr(span, field, value)
    return span


def log_of(number: int, span: int) -> OtelLog:
    details = {"gen_ai.input.messages": content(number)}
    return OtelLog(hex_id(0, 32), hex_id(span, 16), DETAILS, 1, None, details, "s", {})


def halves(translators: Translators, numbers: Iterable[int]) -> None:
    for number in numbers:
        translators.otel.take_spans([span_of(number, "llm_request_run")])


def halves_of_one(translators: Translators, numbers: Iterable[int]) -> None:
    for number in numbers:
        translators.otel.take_spans([span_of(number, "llm_request_run", parent_id=hex_id(7, 16))])


def silent_calls(translators: Translators, numbers: Iterable[int]) -> None:
    for number in numbers:
        call = span_of(
            number, "chat", scope="s", attributes={"gen_ai.operation.name": "chat", "x": content(number)}
        )
        translators.otel.take_spans([call])


def logs(translators: Translators, numbers: Iterable[int]) -> None:
    for number in numbers:
        translators.otel.take_logs([log_of(number, number)])


def logs_of_one(translators: Translators, numbers: Iterable[int]) -> None:
    for number in numbers:
        translators.otel.take_logs([log_of(number, 7)])


def run_of(number: int, **fields: object) -> dict[str, object]:
    run_id = str(uuid.UUID(int=number + 1))
    return {"id": run_id, "trace_id": run_id, "dotted_order": f"20260101T000000000000Z{run_id}", **fields}


def early_ends(translators: Translators, numbers: Iterable[int]) -> None:
    for number in numbers:
        ended = {"outputs": {"text": content(number)}, "end_time": "2026-01-01T00:00:02"}
        translators.langsmith.take([(False, {"id": str(uuid.UUID(int=number + 1)), **ended})])


def open_runs(translators: Translators, numbers: Iterable[int]) -> None:
    for number in numbers:
        fields = {"name": "a", "run_type": "chain", "start_time": "2026-01-01T00:00:01"}
        metadata = {"metadata": {"text": content(number)}}
        translators.langsmith.take([(True, run_of(number, **fields, extra=metadata))])


def calls(translators: Translators, numbers: Iterable[int]) -> None:
    livekit_calls = translators.otel._calls
    assert isinstance(livekit_calls, LiveKitCalls)
    for number in numbers:
        trace = str(uuid.UUID(int=number))
        user_speech = TranslatedSpan(
            trace, trace, None, "voice_input", "", 1, 2, end={"transcript": content(number)}
        )
        agent_speech = TranslatedSpan(
            trace, trace, trace, "voice_output", "", 1, 2, end={"text": content(number)}
        )
        livekit_calls.joined(user_speech)
        livekit_calls.complete(agent_speech)


@pytest.mark.parametrize(
    "tell",
    [halves, halves_of_one, silent_calls, logs, logs_of_one, early_ends, open_runs, calls],
    ids=lambda tell: tell.__name__,
)
def test_what_waits_is_bounded_by_its_bytes(tell: Callable[[Translators, Iterable[int]], None]) -> None:
    translators = Translators()
    tell(translators, range(1))  # loads what it needs
    tracemalloc.start()
    try:
        size_before, _ = tracemalloc.get_traced_memory()
        tell(translators, range(1, SPAN_LIMIT))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - size_before < STAYS


def test_what_waits_and_is_small_still_waits() -> None:
    translators = Translators()
    inner = span_of(1, "llm_request_run", parent_id=hex_id(2, 16), attributes={"gen_ai.request.model": "m-1"})
    assert translators.otel.take_spans([inner]) == []
    outer = span_of(2, "llm_node", attributes={})
    events = b"".join(translators.otel.take_spans([outer]))
    assert b"m-1" in events


def test_held_bytes_counts_what_is_inside() -> None:
    text = "x" * 1_000
    event = OtelEvent(text, 1, {"a": text})
    span = span_of(1, text, events=[event], attributes={"a": [text, {"b": text.encode()}, (1, None, 2.5)]})
    assert 5_000 < held_bytes(span) < 7_000
    assert 2_000 < held_bytes(OtelLog("t", "s", text, 1, {"b": text}, {}, "", {})) < 3_000
    assert 1_000 < held_bytes(TranslatedSpan("t", "s", None, "llm", "", 1, start={"a": text})) < 2_000
    assert held_bytes(3) < 100
