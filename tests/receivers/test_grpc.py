"""OTLP over gRPC, spoken by a client of our own: what a real one cannot be made to do."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path
from urllib.parse import urlsplit

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, TrailersReceived

from etaoi_collector.collector import Collector
from etaoi_collector.store import Store
from tests.collector.serving import serving, wait_for
from tests.receivers.ingest_captures import EXPECTED, captured, summary, wait_for_spans

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

SETTINGS_OF_A_STREAM = bytes((0, 0, 0, 4, 0, 0, 0, 0, 1))
"""A frame that HTTP/2 does not allow."""


def framed(message: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def export(
    collector: Collector, bodies: list[bytes], path: str = TRACES, **fields: str
) -> list[tuple[str, bytes]]:
    """Send requests over one connection; returns status and body of each answer."""
    where = urlsplit(collector.endpoint)
    http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    answers: list[tuple[str, bytes]] = []
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        http.initiate_connection()
        for body in bodies:
            stream = http.get_next_available_stream_id()
            head = {
                ":method": "POST",
                ":scheme": "http",
                ":authority": "localhost",
                ":path": path,
                "content-type": "application/grpc",
                "te": "trailers",
                "user-agent": "grpc-test",
                **{name.replace("_", "-"): value for name, value in fields.items()},
            }
            if "authority" in fields:
                head[":authority"] = head.pop("authority")
            http.send_headers(stream, list(head.items()))
            status, received, done = "", b"", False
            rest = memoryview(body)
            while not done:
                while len(rest) and (room := http.local_flow_control_window(stream)) > 0:
                    size = min(room, http.max_outbound_frame_size, len(rest))
                    http.send_data(stream, bytes(rest[:size]), end_stream=size == len(rest))
                    rest = rest[size:]
                connection.sendall(http.data_to_send())
                data = connection.recv(65536)
                assert data, "the connection was closed"
                for event in http.receive_data(data):
                    if isinstance(event, ResponseReceived | TrailersReceived):
                        status = dict(event.headers or ()).get("grpc-status", status)
                    elif isinstance(event, DataReceived):
                        received += event.data or b""
                    elif isinstance(event, StreamEnded):
                        done = True
                connection.sendall(http.data_to_send())
            answers.append((status, received))
    return answers


def test_a_capture_of_grpc_becomes_what_it_should(tmp_path: Path) -> None:
    name = "otlp-grpc-openinference-langchain"
    bodies = [request.body for request in captured(name)]
    store = Store()
    with serving(tmp_path) as (collector, source):
        assert export(collector, [framed(body) for body in bodies]) == [("0", bytes(5))] * len(bodies)
        wait_for_spans(store, source, EXPECTED[name]["spans"])
        assert sorted(summary(store)["tree"]) == sorted(EXPECTED[name]["tree"])


def test_gzip_and_messages_of_many_megabytes(tmp_path: Path) -> None:
    body = b"".join(request.body for request in captured("otlp-openinference-langchain"))
    store = Store()
    with serving(tmp_path) as (collector, source):
        packed = framed(gzip.compress(body), 1)
        assert export(collector, [packed], grpc_encoding="gzip") == [("0", bytes(5))]
        large = framed(body * (10_000_000 // len(body)))
        assert len(large) > 9_000_000 and export(collector, [large]) == [("0", bytes(5))]
        wait_for_spans(store, source, EXPECTED["otlp-openinference-langchain"]["spans"])
    assert summary(store)["spans"] == EXPECTED["otlp-openinference-langchain"]["spans"]


def test_what_is_not_served_or_not_allowed(tmp_path: Path) -> None:
    with serving(tmp_path, token="secret") as (collector, _):
        assert export(collector, [framed(b"")], "/x.Y/Z")[0][0] == "12"
        assert export(collector, [framed(b"")])[0][0] == "16"
        assert export(collector, [framed(b"")], authorization="Bearer secret")[0][0] == "0"
        assert export(collector, [framed(b"")], METRICS, x_api_key="secret")[0][0] == "0"
        assert export(collector, [framed(b"\xff\xff")], x_api_key="secret")[0][0] == "3"
        assert export(collector, [b"\x00\x00\x00\x00\x09abc"], x_api_key="secret")[0][0] == "3"
        assert export(collector, [framed(b"")], authority="evil.example")[0][0] == "7"
        assert export(collector, [framed(b"")], origin="http://localhost")[0][0] == "7"
        assert collector.stats().turned_away == 4


def test_a_broken_connection_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        where = urlsplit(collector.endpoint)
        with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS_OF_A_STREAM)
            while connection.recv(4096):
                pass
        assert export(collector, [framed(b"")])[0][0] == "0"
        wait_for(lambda: collector.stats().connections == 1)
