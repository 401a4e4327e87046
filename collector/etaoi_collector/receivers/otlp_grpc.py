"""OpenTelemetry's protocol over gRPC, which exporters in Python and Go use unless they are told otherwise.

Three unary methods over HTTP/2 need no gRPC library: a message is a flag, a length and its bytes, and an
answer an empty message with its status in the trailers (gRPC's PROTOCOL-HTTP2.md). An extra, because it needs
``h2``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.util import find_spec
from typing import ClassVar

from etaoi_collector.receivers.door import Headers, HttpAnswer, HttpRequest
from etaoi_collector.receivers.http2.status import EXHAUSTED, INVALID, OK, UNAVAILABLE, UNIMPLEMENTED
from etaoi_collector.receivers.otlp_http import check_protobuf, logs_in_protobuf, spans_in_protobuf
from etaoi_collector.receivers.translating import TranslatingReceiver

if find_spec("h2") is None:
    raise ModuleNotFoundError("gRPC needs etaoi-tui[grpc]", name="h2")

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What every HTTP/2 client says first (RFC 9113, section 3.4)."""

SERVICES = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": spans_in_protobuf,
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": logs_in_protobuf,
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": None,
}
"""Methods that are served, and what translates their message; metrics are taken and dropped."""

_STATUS = {200: OK, 400: INVALID, 413: EXHAUSTED, 415: UNIMPLEMENTED, 503: UNAVAILABLE}
_ACCEPTED = HttpAnswer(200)


class OtlpGrpc(TranslatingReceiver):
    """Takes what exporters send over gRPC."""

    name = "OpenTelemetry"
    services: ClassVar[Mapping[str, object]] = SERVICES
    """Methods that it serves; None for those whose messages are dropped."""

    def recognises(self, first: bytes) -> bool | None:
        """Tell whether a connection speaks HTTP/2."""
        if not PREFACE.startswith(first[: len(PREFACE)]):
            return False
        return True if len(first) >= len(PREFACE) else None

    def take_over(self, peer: str) -> asyncio.Protocol:
        """Serve a connection."""
        from etaoi_collector.receivers.http2.connection import GrpcConnection  # takes a while

        return GrpcConnection(self, peer)

    def take(self, path: str, headers: Headers, message: bytes, compressed: bool, peer: str) -> int:
        """Take the message of a request; returns a gRPC status."""
        translate = SERVICES[path]
        if translate is None:
            return OK
        fields = [(b"user-agent", headers.get("user-agent").encode("latin-1", "replace"))]
        if compressed:
            fields.append((b"content-encoding", headers.get("grpc-encoding").encode("latin-1", "replace")))
        request = HttpRequest("POST", path, Headers(fields), message, peer)
        return _STATUS.get(self.queue(request, translate, _ACCEPTED, check_protobuf).status, INVALID)


RECEIVER = OtlpGrpc
