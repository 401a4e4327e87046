"""OpenTelemetry's own ports are taken where they are free, and left where they are not."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

from etaoi_collector.store import Store
from tests.collector.serving import serving
from tests.receivers.ingest_captures import EXPECTED, captured, wait_for_spans


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def test_a_free_port_serves_and_a_taken_one_is_left_alone(tmp_path: Path) -> None:
    name = "otlp-vercel-ai-json"
    store = Store()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        busy, free = held.getsockname()[1], free_port()
        with serving(tmp_path, otlp_ports=(busy, free)) as (collector, source):
            assert any(f"Port {busy} is taken" in notice for notice in source.notices)
            connection = http.client.HTTPConnection("127.0.0.1", free, timeout=60)
            for request in captured(name):
                headers = {"Content-Type": request.headers["content-type"]}
                connection.request(request.method, request.path, request.body, headers)
                answer = connection.getresponse()
                assert (answer.status, answer.read()) == (200, b'{"partialSuccess":{}}')
            connection.close()
            wait_for_spans(store, source, EXPECTED[name]["spans"])
            assert collector.endpoint.rpartition(":")[2] != f"{free}/ingest"
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", free))  # it is free again
