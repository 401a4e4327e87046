"""Lines of OTLP in JSON, as the OpenTelemetry collector's file exporter writes them."""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.readers.door import ForeignReader
from etaoi_collector.translation.otel_model import InvalidPayload
from etaoi_collector.translation.otlp_json import logs_of, parse, spans_of
from etaoi_collector.translation.translators import Translators

_REQUESTS = frozenset(
    {
        "resourceSpans",
        "resourceLogs",
        "resourceMetrics",
        "resource_spans",
        "resource_logs",
        "resource_metrics",
    }
)
"""What a request has one of, in the spellings of JSON and of protobuf's text."""


class OtlpJsonLines(ForeignReader):
    """One request of an exporter a line: traces, logs, metrics."""

    name = "OTLP/JSON lines"

    def sniff(self, start: bytes) -> bool:
        """Tell whether the first line begins as a request does."""
        first = start.lstrip()[:200]
        return first.startswith(b"{") and any(f'"{name}"'.encode() in first for name in _REQUESTS)

    def translation(self) -> _Requests:
        """Begin to translate a file."""
        return _Requests()


class _Requests:
    def __init__(self) -> None:
        self._translators = Translators()

    def take(self, pieces: Sequence[bytes]) -> list[bytes]:
        """Return the events of some requests."""
        events: list[bytes] = []
        for piece in pieces:
            request = parse(piece)
            if not _REQUESTS & request.keys():
                raise InvalidPayload("a line that is no request of an OpenTelemetry exporter")
            events += self._translators.otel.take_logs(logs_of(request))
            events += self._translators.otel.take_spans(spans_of(request))
        return events


READER = OtlpJsonLines
