"""Recorded requests of real exporters, with what they should come to (``tests/captures/ingest``)."""

from __future__ import annotations

import base64
import http.client
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import zstandard

from etaoi_collector.collector import Collector
from etaoi_collector.source_items import EventBatch
from etaoi_collector.sources.live import LiveSource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from tests.collector.serving import wait_for

FOLDER = Path(__file__).parent.parent / "captures" / "ingest"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "EXPECTED.json").read_text())


class Captured(NamedTuple):
    """One request as a real client sent it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    """What the recording server answered; it forced some failures."""


def captured(name: str) -> Iterator[Captured]:
    """Iterate over the requests of a capture."""
    with (FOLDER / f"{name}.jsonl.zst").open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8")
        for line in lines:
            capture = json.loads(line)
            if "method" not in capture:  # the layout of the newest captures
                body = (
                    json.dumps(capture["json"]).encode()
                    if "json" in capture
                    else base64.b64decode(capture["b64"])
                )
                yield Captured("POST", capture["path"], {"content-type": capture["ct"]}, body, 200)
                continue
            headers = {key.lower(): value for key, value in capture["headers"]}
            if not headers.get("content-type") and capture.get("http") == "2":
                headers["content-type"] = "application/x-protobuf"  # gRPC, without its frame
            yield Captured(
                capture["method"],
                capture["path"],
                headers,
                base64.b64decode(capture["body_b64"] or ""),
                capture["status"],
            )


_SENT = ("content-type", "content-encoding", "user-agent", "x-api-key", "authorization")


def send(collector: Collector, requests: Iterator[Captured]) -> list[int]:
    """Send requests over one connection, in order; returns the statuses."""
    where = urlsplit(collector.endpoint)
    connection = http.client.HTTPConnection(where.hostname or "", where.port or 0, timeout=60)
    statuses = []
    try:
        for request in requests:
            headers = {key: value for key, value in request.headers.items() if key in _SENT}
            connection.request(request.method, request.path, request.body or None, headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
    finally:
        connection.close()
    return statuses


def fold(store: Store, source: LiveSource) -> None:
    """Take what has arrived into a store."""
    for item in source.take(0.05):
        if isinstance(item, EventBatch):
            store.apply(item.events, item.base_ref + item.first_ordinal, item.connection)


def summary(store: Store) -> dict[str, Any]:
    """Say what a store holds, in the words of ``EXPECTED.json``."""
    spans = [span for trace in store.traces.values() for span in trace.spans if not span.placeholder]
    calls = [span for span in spans if span.kind == "llm"]
    lines: list[str] = []
    roots = sorted(
        (root for trace in store.traces.values() for root in trace.roots), key=lambda root: root.started_at
    )

    def walk(span: Span, depth: int) -> None:
        lines.append(f"{'  ' * depth}{span.kind}:{span.name}{' !' if span.error is not None else ''}")
        for child in span.children or ():
            walk(child, depth + 1)

    for root in roots:
        walk(root, 0)
    return {
        "spans": len(spans),
        "by_kind": dict(sorted(Counter(span.kind for span in spans).items())),
        "llm_input_tokens": sum(span.usage.input_tokens or 0 for span in calls if span.usage),
        "llm_output_tokens": sum(span.usage.output_tokens or 0 for span in calls if span.usage),
        "errors": sum(span.error is not None for span in spans),
        "roots": len(roots),
        "models": sorted({span.model for span in calls if span.model}),
        "tree": lines,
    }


def wait_for_spans(store: Store, source: LiveSource, count: int) -> None:
    """Wait until a store holds so many spans that have ended."""

    def enough() -> bool:
        fold(store, source)
        ended = sum(span.ended_at is not None for t in store.traces.values() for span in t.spans)
        return ended >= count

    wait_for(enough)
