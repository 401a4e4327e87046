"""OpenTelemetry's protocol over HTTP: traces, logs that belong to spans, metrics (taken and dropped).

Any prefix will do, as Langfuse's and LangSmith's clients put one before the paths. Answers follow the OTLP
specification, "OTLP/HTTP Response", and what clients do with them: never 500, which some take as the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from etaoi_collector.receivers.door import Endpoint, HttpAnswer, HttpRequest, endpoint, json_answer
from etaoi_collector.receivers.translating import TranslatingReceiver, check_json

if TYPE_CHECKING:
    from etaoi_collector.translation.translators import Translators

PROTOBUF = "application/x-protobuf"
_JSON = "application/json"


class OtlpHttp(TranslatingReceiver):
    """Takes what exporters send, in protobuf and in JSON."""

    name = "OpenTelemetry"
    endpoints: ClassVar[tuple[Endpoint, ...]] = (endpoint("POST", r"/v1/(?P<signal>traces|logs|metrics)/?$"),)

    def respond(self, request: HttpRequest) -> HttpAnswer:
        """Take a request, and answer in the encoding that it has."""
        is_json = request.media_type == _JSON
        if not is_json and request.media_type not in (PROTOBUF, "application/protobuf", ""):
            return json_answer(415, {"error": f"send {PROTOBUF} or {_JSON}"})
        accepted = (
            HttpAnswer(200, b'{"partialSuccess":{}}', _JSON) if is_json else HttpAnswer(200, b"", PROTOBUF)
        )
        signal = request.groups["signal"]
        if signal == "metrics":
            return accepted  # a refusal would make every client log errors
        if signal == "logs":
            translate = logs_in_json if is_json else logs_in_protobuf
        else:
            translate = spans_in_json if is_json else spans_in_protobuf
        return self.queue(request, translate, accepted, check_json if is_json else check_protobuf)


def check_protobuf(body: bytes) -> None:
    """Look at the outer shape of a body; raises ValueError if it is no message, or breaks off."""
    from etaoi_collector.translation.otlp_protobuf import check_shape

    check_shape(body)


def spans_in_protobuf(translators: Translators, body: bytes) -> Iterator[list[bytes]]:
    """Translate the spans of a protobuf body."""
    from etaoi_collector.translation.otlp_protobuf import iterate_traces

    yield translators.otel.take_spans(iterate_traces(body))


def spans_in_json(translators: Translators, body: bytes) -> Iterator[list[bytes]]:
    """Translate the spans of a JSON body."""
    from etaoi_collector.translation.otlp_json import parse, spans_of

    yield translators.otel.take_spans(spans_of(parse(body)))


def logs_in_protobuf(translators: Translators, body: bytes) -> Iterator[list[bytes]]:
    """Translate the log records of a protobuf body."""
    from etaoi_collector.translation.otlp_protobuf import decode_logs

    yield translators.otel.take_logs(decode_logs(body))


def logs_in_json(translators: Translators, body: bytes) -> Iterator[list[bytes]]:
    """Translate the log records of a JSON body."""
    from etaoi_collector.translation.otlp_json import logs_of, parse

    yield translators.otel.take_logs(logs_of(parse(body)))


RECEIVER = OtlpHttp
