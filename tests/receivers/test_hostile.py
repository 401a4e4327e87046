"""Bodies that exporters never send: whatever they hold costs itself, with a count, and nothing beside it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from etaoi_collector.store import Store
from etaoi_collector.translation.otlp_protobuf import decode_traces
from etaoi_collector.translation.translators import Translators
from scripts.fuzz_receivers import mutate, translate
from tests.collector.serving import serving, wait_for
from tests.receivers.ingest_captures import EXPECTED, Captured, captured, send, wait_for_spans


@pytest.mark.parametrize("seed", range(3))
def test_mutated_bodies(seed: int) -> None:
    chance = random.Random(seed)
    requests = [
        request
        for name in EXPECTED
        for request in captured(name)
        if request.body and len(request.body) < 20_000 and "content-encoding" not in request.headers
    ]
    translators = Translators()
    for _ in range(1_500):
        request = chance.choice(requests)
        translate(translators, request, mutate(request.body, chance))


JSON, PROTOBUF = "application/json", "application/x-protobuf"
MULTIPART = "multipart/form-data; boundary=b"


def posted(path: str, content_type: str, body: bytes) -> Captured:
    return Captured("POST", path, {"content-type": content_type}, body, 200)


def _span(attributes: list[object], **fields: object) -> dict[str, object]:
    return {
        "traceId": "a" * 32,
        "spanId": "b" * 16,
        "name": "x",
        "startTimeUnixNano": "1",
        "endTimeUnixNano": "2",
        "attributes": attributes,
        **fields,
    }


def _value(value: object) -> dict[str, object]:
    return {"stringValue": value if isinstance(value, str) else json.dumps(value)}


ODD = {
    "messages of odd types": _span(
        [
            {"key": "gen_ai.operation.name", "value": _value("chat")},
            {"key": "gen_ai.input.messages", "value": _value([{"role": ["x"], "parts": [{"type": [1]}, 3]}])},
        ]
    ),
    "an index that would fill memory": _span(
        [{"key": "llm.input_messages.999999999.message.role", "value": _value("user")}]
    ),
    "a name of escape sequences": _span([], name="\x1b]0;x\x07\u202e"),
    "times before time": _span([], startTimeUnixNano="-5", endTimeUnixNano="99999999999999999999999999"),
    "a ring": _span([], parentSpanId="b" * 16),
    "deep": _span([{"key": "gen_ai.prompt", "value": _value("[" * 5_000 + "]" * 5_000)}]),
}


@pytest.mark.parametrize("span", ODD.values(), ids=ODD)
def test_odd_spans_cost_themselves_at_most(span: dict[str, object], tmp_path: Path) -> None:
    good = next(iter(captured("otlp-vercel-ai-json")))
    request = json.loads(good.body)
    request["resourceSpans"][0]["scopeSpans"][0]["spans"].insert(3, span)
    store = Store()
    with serving(tmp_path) as (collector, source):
        assert send(collector, iter([posted("/v1/traces", JSON, json.dumps(request).encode())])) == [200]
        wait_for_spans(store, source, EXPECTED["otlp-vercel-ai-json"]["spans"])
        assert collector.trouble == "" and collector.failure == ""
        assert sum(map(len, (trace.spans for trace in store.traces.values()))) >= 12


def test_a_span_whose_bytes_break_off_is_counted(tmp_path: Path) -> None:
    body = next(iter(captured("otlp-partial-success"))).body
    spans = decode_traces(body)
    at = body.find(bytes.fromhex(getattr(spans[1], "span_id")))  # noqa: B009 - mypy: it may be a refusal
    broken = bytearray(body)
    broken[at - 1] = 0x7F  # the length of its id
    store = Store()
    with serving(tmp_path) as (collector, source):
        request = posted("/v1/traces", PROTOBUF, bytes(broken))
        assert send(collector, iter([request])) == [200]
        wait_for_spans(store, source, len(spans) - 1)
        wait_for(lambda: collector.stats().rejected == 1)
        assert store.rejects and "break off" in store.rejects[0].reason


def test_a_body_that_turns_out_unreadable_is_counted(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        bad = [
            posted("/runs/multipart", MULTIPART, b"--b\r\nno head--b--"),
            posted("/runs/batch", JSON, b'{"too long to be looked through first": "' + bytes(1 << 20)),
            posted("/v1/traces", PROTOBUF, b"\x0a\x02\x0a\xff"),
        ]
        assert send(collector, iter(bad)) == [202, 202, 200]
        wait_for(lambda: collector.stats().refused_frames == 3)
        worse = [
            posted("/runs/multipart", MULTIPART, b"--x"),
            posted("/runs/batch", JSON, b"[1"),
            posted("/v1/traces", JSON, b"{broken"),
        ]
        assert send(collector, iter(worse)) == [400, 400, 400]
        assert collector.stats().refused_frames == 6


@pytest.mark.parametrize(
    "odd",
    [rb'"half of a character: \ud83d"', b'"no UTF-8: \xff"', b"NaN", b"9" * 5_000],
    ids=["surrogate", "bytes", "NaN", "digits"],
)
@pytest.mark.parametrize("kind", ["otlp", "langsmith"])
def test_what_encoders_write_beside_json_costs_no_other_span(kind: str, odd: bytes, tmp_path: Path) -> None:
    run = "c4f1a1de-0000-4000-8000-00000000000"
    if kind == "otlp":
        spans = [
            _span([{"key": "a", "value": {"stringValue": "MARK"}}], spanId=f"{n}" * 16) for n in range(3)
        ]
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
        request = posted("/v1/traces", JSON, body.replace(b'"MARK"', odd, 2))
    else:
        fields = {"run_type": "chain", "name": "x", "inputs": {"a": "MARK"}, "outputs": {}}
        times = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:01Z"}
        runs = [{"id": f"{run}{n}", "trace_id": f"{run}{n}", **fields, **times} for n in range(3)]
        body = json.dumps({"post": runs}).encode()
        request = posted("/runs/batch", JSON, body.replace(b'"MARK"', odd, 2))
    store = Store()
    with serving(tmp_path) as (collector, source):
        assert send(collector, iter([request])) in ([200], [202])
        wait_for_spans(store, source, 3)
    assert not store.rejects
