"""Compares our reader of OTLP with the official library: on captures, and on mutations that both can read.

Usage: protobuf_parity.py COUNT
"""

from __future__ import annotations

import math
import random
import sys
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from etaoi_collector.translation.otel_model import InvalidPayload
from etaoi_collector.translation.otlp_protobuf import decode_traces
from scripts.fuzz_receivers import mutate
from tests.receivers.ingest_captures import EXPECTED, captured


def value(message: Any) -> Any:
    which = message.WhichOneof("value")
    if which == "array_value":
        return [value(item) for item in message.array_value.values]
    if which == "kvlist_value":
        return {item.key: value(item.value) for item in message.kvlist_value.values}
    return None if which is None else getattr(message, which)


def attributes(key_values: Any) -> dict[str, Any]:
    return {item.key: value(item.value) for item in key_values}


def theirs(body: bytes) -> list[Any]:
    return [
        (
            span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name, span.kind,
            span.start_time_unix_nano, span.end_time_unix_nano, attributes(span.attributes),
            [(event.name, event.time_unix_nano, attributes(event.attributes)) for event in span.events],
            span.status.code, span.status.message, scope.scope.name, attributes(resource.resource.attributes),
        )
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]  # fmt: skip


def ours(body: bytes) -> list[Any]:
    spans: list[Any] = []
    for span in decode_traces(body):
        if isinstance(span, InvalidPayload):
            raise span
        events = [(event.name, event.time_ns, event.attributes) for event in span.events]
        spans.append(
            (
                span.trace_id, span.span_id, span.parent_id, span.name, span.kind, span.start_ns, span.end_ns,
                span.attributes, events, span.status_code, span.status_message, span.scope, span.resource,
            )
        )  # fmt: skip
    return spans


def same(one: Any, other: Any) -> bool:
    """Compare, NaN with NaN as equal."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def main() -> int:
    """Returns 0; what is read in another way fails an assertion, or shows in the counts."""
    bodies = [
        request.body
        for name in EXPECTED
        for request in captured(name)
        if request.path.endswith("/v1/traces")
        and "json" not in request.headers.get("content-type", "")
        and "content-encoding" not in request.headers
    ]
    spans = 0
    for body in bodies:
        assert same(theirs(body), ours(body)), "a capture is read in another way"
        spans += len(ours(body))
    chance = random.Random(1)
    both = refused = 0
    small = [body for body in bodies if len(body) < 8_000]
    for _ in range(int(sys.argv[1])):
        body = mutate(chance.choice(small), chance)
        try:
            expected = theirs(body)
        except (DecodeError, RecursionError):
            refused += 1
            try:
                ours(body)
            except InvalidPayload:
                pass
            continue
        try:
            our_spans = ours(body)
        except InvalidPayload:
            continue  # stricter than the library, such as about a wire type that a field does not have
        both += same(expected, our_spans)
    summary = f"{len(bodies)} bodies with {spans} spans alike; of {sys.argv[1]} mutations {both} alike, "
    sys.stdout.write(f"{summary}{refused} refused\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
