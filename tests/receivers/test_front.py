"""The port tells wires apart by their first bytes, and holds everybody to the same rules."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import zstandard

from etaoi_collector.collector import Collector
from etaoi_collector.receivers.inflate import CannotInflate, inflate
from etaoi_collector.store import Store
from tests.collector.serving import PATIENCE, client, run, serving, wait_for
from tests.receivers.ingest_captures import captured, wait_for_spans


def talk(collector: Collector, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send bytes a piece at a time, and return everything that comes until the other end closes."""
    where = urlsplit(collector.endpoint)
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        received = b""
        with contextlib.suppress(ConnectionError):  # it closed before all was sent or read
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            while data := connection.recv(65536):
                received += data
    return received


def head(request: str, **fields: str) -> bytes:
    lines = [f"{request} HTTP/1.1", f"Host: {fields.pop('Host', 'localhost')}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def post(path: str, body: bytes, content_type: str = "application/json", **fields: str) -> bytes:
    return head(f"POST {path}", Content_Type=content_type, Content_Length=str(len(body)), **fields) + body


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    return int(answer.split(b" ", 2)[1])


def test_a_request_may_come_byte_by_byte(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        asked = head("GET /healthz")
        assert status_of(talk(collector, *(asked[at : at + 1] for at in range(len(asked))))) == 200


def test_several_requests_may_come_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        first = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        answer = talk(collector, first + first + head("GET /info"))
        assert answer.count(b"HTTP/1.1 200") == 3 and b"zstd_compression_enabled" in answer


def test_a_websocket_and_requests_share_the_port(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):

        async def both() -> None:
            connection = await client(collector)
            await connection.close()

        run(both())
        assert status_of(talk(collector, head("GET /healthz"))) == 200
        wait_for(lambda: collector.stats().connections == 1)


@pytest.mark.parametrize("path", ["/healthz", "/v1/traces", "/info", "/ingest", "/v1/messages"])
def test_web_pages_and_foreign_hosts_are_refused_everywhere(tmp_path: Path, path: str) -> None:
    with serving(tmp_path) as (collector, _):
        for fields, status in (
            ({"Origin": "http://localhost:8787"}, 403),
            ({"Sec_Fetch_Site": "cross-site"}, 403),
            ({"Sec_Fetch_Site": "same-site"}, 403),
            ({"Host": "evil.example"}, 421),
        ):
            assert status_of(talk(collector, head(f"GET {path}", **fields))) == status
            form = post(path, b"x", "text/plain", **fields)
            assert status_of(talk(collector, form)) == status
        assert collector.stats().turned_away == 8


def test_node_is_no_web_page(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        asked = head("GET /info", Sec_Fetch_Mode="cors", Accept_Language="*")
        assert status_of(talk(collector, asked)) == 200


def test_the_token_is_wanted_for_everything_but_the_status(tmp_path: Path) -> None:
    with serving(tmp_path, token="secret") as (collector, _):
        assert status_of(talk(collector, head("GET /healthz"))) == 200
        for path in ("/v1/traces", "/runs/multipart", "/api/sessions/1/audio"):
            assert status_of(talk(collector, post(path, b"{}"))) == 401
            assert status_of(talk(collector, post(path, b"{}", X_Api_Key="wrong"))) == 401
        for fields in ({"Authorization": "Bearer secret"}, {"X_Api_Key": "secret"}):
            assert status_of(talk(collector, post("/v1/traces", b"{}", **fields))) == 200


WRONG_DOORS = {
    ("POST", "/v1/messages"): "not a model API",
    ("POST", "/v1/chat/completions"): "not a model API",
    ("POST", "/api/public/ingestion"): "Langfuse",
    ("GET", "/sessions"): "cannot be read",
    ("GET", "/"): "not served",
}


@pytest.mark.parametrize(("asked", "why"), WRONG_DOORS.items())
def test_a_wrong_door_says_so_and_is_shown(tmp_path: Path, asked: tuple[str, str], why: str) -> None:
    with serving(tmp_path) as (collector, source):
        answer = talk(collector, head(" ".join(asked)))
        answer_body = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert (
            status_of(answer) == 404
            and why in answer_body["error"]
            and "/v1/traces" in str(answer_body["served"])
        )
        assert collector.stats().turned_away == 1 and why in collector.stats().turned_away_why
        assert any(why in notice for notice in source.notices)


def test_the_wrong_method_says_which_are_right(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        answer = talk(collector, head("GET /v1/traces"))
        assert status_of(answer) == 405 and b"\r\nAllow: POST\r\n" in answer


def test_a_call_s_audio_is_taken_and_dropped(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, source):
        body = b"--b\r\n\r\nOggS" + bytes(300_000) + b"\r\n--b--"
        answer = talk(collector, post("/api/sessions/abc/audio", body, "multipart/form-data; boundary=b"))
        assert status_of(answer) == 200 and json.loads(answer.partition(b"\r\n\r\n")[2])["kept"] is False
        assert any("audio not kept" in notice for notice in source.notices)
        assert collector.recorder.path is None or b"OggS" not in collector.recorder.path.read_bytes()


def test_other_wires_are_turned_away(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        assert talk(collector, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") == b""
        wait_for(lambda: "TLS" in collector.stats().turned_away_why)
        assert status_of(talk(collector, b"hello there\r\n\r\n")) == 400
        assert status_of(talk(collector, b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000)) in (400, 431)
        assert status_of(talk(collector, head("GET /healthz"))) == 200


def test_a_body_beyond_the_bound_is_refused_by_its_head(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        asked = head("POST /v1/traces", Content_Length=str(1 << 40), Content_Type="application/json")
        assert status_of(talk(collector, asked)) == 413


def test_chunks_are_bounded_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etaoi_collector.receivers.http_connection.MAX_BODY", 100_000)
    with serving(tmp_path) as (collector, _):
        asked = head("POST /v1/traces", Transfer_Encoding="chunked", Content_Type="application/json")
        chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
        assert status_of(talk(collector, asked, chunk, chunk, pause=0.02)) == 413


def test_who_waits_for_a_go_on_gets_one(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        asked = head(
            "POST /v1/traces", Content_Length="2", Content_Type="application/json", Expect="100-continue"
        )
        answer = talk(collector, asked, b"{}", pause=0.05)
        assert answer.startswith(b"HTTP/1.1 100") and b"HTTP/1.1 200" in answer


@pytest.mark.parametrize("coding", ["gzip", "zstd", "deflate", "raw", "identity"])
@pytest.mark.parametrize("chunked", [False, True])
def test_every_compression_is_taken(tmp_path: Path, coding: str, chunked: bool) -> None:
    request = next(iter(captured("otlp-partial-success")))
    raw = zlib.compressobj(wbits=-15)
    bodies = {
        "gzip": gzip.compress(request.body),
        "zstd": zstandard.ZstdCompressor(write_content_size=False).compress(request.body),
        "deflate": zlib.compress(request.body),
        "raw": raw.compress(request.body) + raw.flush(),
        "identity": request.body,
    }
    fields = {"Content_Encoding": "deflate" if coding == "raw" else coding}
    body = bodies[coding]
    kind = request.headers["content-type"]
    if chunked:
        half = len(body) // 2
        sent = head("POST /x/v1/traces/", Transfer_Encoding="chunked", Content_Type=kind, **fields)
        for piece in (body[:half], body[half:]):
            sent += f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        sent += b"0\r\n\r\n"
    else:
        sent = post("/x/v1/traces/", body, kind, **fields)
    store = Store()
    with serving(tmp_path) as (collector, source):
        assert status_of(talk(collector, sent)) == 200
        wait_for_spans(store, source, 5)


BAD_BODIES: list[tuple[str, bytes, dict[str, Any], int]] = [
    ("application/x-protobuf", b"\x0a\xff\xff\xff\xff", {}, 400),
    ("application/x-protobuf", b"\x1f\x8b broken", {"Content_Encoding": "gzip"}, 400),
    ("application/x-protobuf", gzip.compress(bytes(40 << 20)), {"Content_Encoding": "gzip"}, 413),
    ("application/x-protobuf", b"", {"Content_Encoding": "br"}, 415),
    ("application/json", b"[1]", {}, 400),
    ("text/plain", b"{}", {}, 415),
]


@pytest.mark.parametrize(("kind", "body", "fields", "status"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_body_that_cannot_be_read_costs_itself(
    tmp_path: Path, kind: str, body: bytes, fields: dict[str, str], status: int
) -> None:
    with serving(tmp_path) as (collector, _):
        assert status_of(talk(collector, post("/v1/traces", body, kind, **fields))) == status
        assert status_of(talk(collector, head("GET /healthz"))) == 200


def test_inflation_is_bounded_by_ratio_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = bytes(64 << 20)
    for coding, body in (
        ("gzip", gzip.compress(bomb)),
        ("deflate", zlib.compress(bomb)),
        ("zstd", zstandard.ZstdCompressor().compress(bomb)),
    ):
        with pytest.raises(CannotInflate) as caught:
            inflate(body, coding)
        assert caught.value.status == 413
    with pytest.raises(CannotInflate):
        inflate(gzip.compress(gzip.compress(bomb)), "gzip, gzip")
    assert inflate(gzip.compress(gzip.compress(b"x")), "gzip, gzip") == b"x"
    assert inflate(gzip.compress(b"a") + gzip.compress(b"b"), "gzip") == b"ab"


def test_a_silent_connection_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etaoi_collector.receivers.front.FIRST_BYTES_WITHIN", 0.05)
    monkeypatch.setattr("etaoi_collector.receivers.http_connection.STALLED_AFTER", 0.05)
    with serving(tmp_path) as (collector, _):
        assert talk(collector) == b"" and talk(collector, b"GET /hea") == b""
        begun = head("POST /v1/traces", Content_Length="10", Content_Type="application/json")
        assert talk(collector, begun + b"{") == b""


def test_open_requests_do_not_hold_up_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etaoi_collector.receivers.front.FIRST_BYTES_WITHIN", 3600.0)
    monkeypatch.setattr("etaoi_collector.receivers.http_connection.STALLED_AFTER", 3600.0)
    with serving(tmp_path) as (collector, _):
        where = urlsplit(collector.endpoint)
        connections = []
        for begun in (b"", b"GET /hea", head("POST /v1/traces", Content_Length="9") + b"{"):
            connection = socket.create_connection((where.hostname, where.port))
            connection.sendall(begun)
            connections.append(connection)
        time.sleep(0.1)
        thread = collector._thread
        collector.stop(PATIENCE)
        assert thread is not None and not thread.is_alive()
        for connection in connections:
            connection.close()


def test_too_much_at_once_is_asked_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etaoi_collector.receivers.worker.TranslationWorker.submit", lambda *_, **__: False)
    with serving(tmp_path) as (collector, _):
        answer = talk(collector, post("/v1/traces", b"{}"))
        assert status_of(answer) == 503 and b"\r\nRetry-After: 1\r\n" in answer
