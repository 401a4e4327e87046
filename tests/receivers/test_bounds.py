"""What receivers do at their bounds: too many, too large, too late, and clients that leave in between."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import struct
import threading
import tracemalloc
import uuid
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
import pytest
import zstandard
from h2.config import H2Configuration
from h2.connection import H2Connection
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from etaoi_collector.collector import Collector
from etaoi_collector.receivers import event_stream, front, http_connection
from etaoi_collector.receivers.agent_connection import AgentConnection
from etaoi_collector.receivers.event_stream import SessionStream
from etaoi_collector.receivers.http2 import connection as http2
from etaoi_collector.receivers.inflate import CannotInflate, inflate
from etaoi_collector.receivers.large_messages import LARGE
from etaoi_collector.receivers.worker import UNREAD, TranslationWorker
from etaoi_collector.wire.handshake import WRITTEN
from tests.collector.serving import run, serving, wait_for
from tests.receivers.test_front import head, post, status_of, talk
from tests.receivers.test_grpc import TRACES, export, framed

RUN, TRACE = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def open_socket(collector: Collector) -> socket.socket:
    where = urlsplit(collector.endpoint)
    return socket.create_connection((where.hostname, where.port), timeout=60)


def reset(connection: socket.socket) -> None:
    """Break a connection off, as a program does that is killed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# WebSocket


def test_a_ping_for_the_file_waits_until_messages_are_taken_and_written() -> None:
    can_write = False
    asked: list[int] = []

    def flush() -> bool:
        asked.append(1)
        return can_write

    async def handle(connection: ServerConnection) -> None:
        served.append(cast(AgentConnection, connection))
        async for _ in connection:
            await go_on.wait()
            served[0].frame_processed()

    async def both() -> None:
        nonlocal can_write
        make_connection = lambda *args, **options: AgentConnection(flush, *args, **options)  # noqa: E731
        async with (
            serve(handle, "127.0.0.1", 0, create_connection=make_connection, ping_interval=None) as server,
            connect(
                f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", proxy=None, ping_interval=None
            ) as client,
        ):
            await client.send(b"a frame")
            first = await client.ping(WRITTEN + b"1")
            await until(lambda: bool(served and served[0]._pending_pings))
            assert not asked  # the message is not taken yet
            go_on.set()
            await until(lambda: len(asked) > 2)
            second = await client.ping(WRITTEN + b"2")
            await until(lambda: len(served[0]._pending_pings) == 2)
            assert not first.done() and not second.done()
            can_write = True
            await asyncio.wait_for(second, 60)
            assert first.done()

    async def until(condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110  # the server's side has no event to wait for
            await asyncio.sleep(0.001)

    served: list[AgentConnection] = []
    go_on = asyncio.Event()
    run(both())


def test_a_large_message_is_not_kept_until_the_next_one_comes() -> None:
    size = 8 * LARGE

    async def handle(connection: ServerConnection) -> None:
        assert len(await connection.recv()) == size
        taken.set()
        await connection.wait_closed()

    async def send() -> int:
        make_connection = lambda *args, **options: AgentConnection(lambda: True, *args, **options)  # noqa: E731
        async with (
            serve(handle, "127.0.0.1", 0, create_connection=make_connection, max_size=None) as server,
            connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", proxy=None) as client,
        ):
            before, _ = tracemalloc.get_traced_memory()
            await client.send(bytes(size))
            await taken.wait()
            return tracemalloc.get_traced_memory()[0] - before

    taken = asyncio.Event()
    tracemalloc.start()
    try:
        stays = asyncio.run(send())
    finally:
        tracemalloc.stop()
    assert stays < size // 4


def test_too_many_connections_that_say_nothing_are_closed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "MAX_UNDECIDED", 2)
    with serving(tmp_path) as (collector, _):
        silent = [open_socket(collector) for _ in range(2)]
        wait_for(lambda: len(front_of(collector).undecided) == 2)
        assert talk(collector) == b""
        for connection in silent:
            connection.close()
        wait_for(lambda: not front_of(collector).undecided)
        assert status_of(talk(collector, head("GET /healthz"))) == 200


def front_of(collector: Collector) -> front.Front:
    collector_front: front.Front = collector._front  # type: ignore[attr-defined]
    return collector_front


def test_grpc_without_its_library_is_told_what_to_do(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        its_front = front_of(collector)
        its_front.receivers = [one for one in its_front.receivers if type(one).__name__ != "OtlpGrpc"]
        assert talk(collector, b"PRI", b" * HTTP/2.0\r\n\r\nSM\r\n\r\n", pause=0.01) == b""
        wait_for(lambda: "etaoi-tui[grpc]" in collector.stats().turned_away_why)


# HTTP


def test_a_client_may_close_after_its_request_or_in_the_middle_of_one(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        connection = open_socket(collector)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while data := connection.recv(4096):
            received += data
        connection.close()
        assert status_of(received) == 200
        its_front = front_of(collector)
        for begun in (b"GET /hea", head("POST /v1/traces", Content_Length="10") + b"{"):
            connection = open_socket(collector)
            connection.sendall(begun)
            wait_for(lambda: bool(its_front.undecided or its_front.routes.connections))
            reset(connection)
            wait_for(lambda: not (its_front.undecided or its_front.routes.connections))
        assert its_front.budget.used == 0


def test_bodies_that_come_at_the_same_time_are_bounded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as (collector, _):
        budget = front_of(collector).budget
        monkeypatch.setattr(type(budget), "most", 1_000, raising=False)
        budget.most = 1_000
        begun = head("POST /v1/traces", Content_Length="2000", Content_Type="application/json")
        first = open_socket(collector)
        first.sendall(begun + bytes(600))
        wait_for(lambda: budget.used == 600)
        answer = talk(collector, begun + bytes(600))
        assert status_of(answer) == 503 and b"\r\nRetry-After: 1\r\n" in answer
        reset(first)
        wait_for(lambda: budget.used == 0)


def test_bytes_after_a_refusal_or_a_stream_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as (collector, _):
        asked = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"
        answer = talk(collector, asked, b"12345" + head("GET /healthz"), pause=0.01)
        assert answer.count(b"HTTP/1.1 ") == 1 and status_of(answer) == 404
        with open_socket(collector) as stream:
            stream.sendall(b"GET /sse/sessions/all HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = b""
            while b": etaoi-tui" not in received:
                received += stream.recv(4096)
            stream.sendall(head("GET /healthz"))
            monkeypatch.setattr(http_connection, "MAX_UNREAD", -1)  # it reads too slowly from now on
            frame = msgspec.msgpack.encode([{"batch": [{"kind": "tick", "session_id": "s"}]}])
            (receiver,) = (one for one in front_of(collector).receivers if one.name == "stream")
            tell: Callable[[bytes], None] = receiver._tell  # type: ignore[attr-defined]
            collector._loop.call_soon_threadsafe(tell, frame)  # type: ignore[attr-defined,union-attr]
            # Bytes that were not read before the end make it a reset for the client, otherwise it is an end.
            with contextlib.suppress(ConnectionResetError):
                while data := stream.recv(4096):
                    received += data
        assert received.count(b"HTTP/1.1 ") == 1 and b"tick" not in received
        wait_for(lambda: not receiver._streams)  # type: ignore[attr-defined]


def test_a_damaged_or_endless_body_is_refused_by_whoever_inflates_it(tmp_path: Path) -> None:
    for coding, damaged in (
        ("gzip", gzip.compress(b"x" * 1_000)[:-8]),
        ("deflate", zlib.compress(b"x" * 1_000)[:-8]),
        ("zstd", b"\x28\xb5\x2f\xfd"),
        ("zstd", b"x" + zstandard.ZstdCompressor().compress(b"x" * 1_000)),
    ):
        with pytest.raises(CannotInflate, match="damaged"):
            inflate(damaged, coding)
    with serving(tmp_path) as (collector, _):
        # Too large to be inflated where requests are answered: it is counted later.
        large = gzip.compress(uuid.uuid4().bytes * 40_000, 0)[:-20]
        assert len(large) > 256 << 10
        sent = post("/v1/traces", large, "application/x-protobuf", Content_Encoding="gzip")
        assert status_of(talk(collector, sent)) == 200
        wait_for(lambda: collector.stats().refused_frames == 1)


def test_a_body_may_not_inflate_beyond_its_bound_whatever_the_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etaoi_collector.receivers.inflate.MAX_INFLATED", 100_000)
    body = gzip.compress(b"".join(uuid.uuid4().bytes for _ in range(10_000)))
    with pytest.raises(CannotInflate, match="more than 0 MiB") as caught:
        inflate(body, "gzip")
    assert caught.value.status == 413


# LangSmith and OTLP


def run_of(number: int) -> dict[str, Any]:
    return {
        "id": str(uuid.UUID(int=number)),
        "trace_id": TRACE,
        "dotted_order": f"20260101T000000000000Z{TRACE}",
        "name": "root",
        "run_type": "chain",
        "start_time": "2026-01-01T00:00:00.000000Z",
        "inputs": {"q": 1},
    }


@pytest.mark.parametrize(
    ("feedback_fields", "score"),
    [
        ({"score": 0.5, "comment": "so so"}, {"value": 0.5, "data_type": "numeric", "comment": "so so"}),
        ({"score": True}, {"value": 1.0, "data_type": "boolean"}),
        ({"value": "good"}, {"string_value": "good", "data_type": "categorical"}),
        ({}, {}),
    ],
)
def test_feedback_that_is_sent_by_itself_is_a_score_of_its_run(
    feedback_fields: dict[str, Any], score: dict[str, Any], tmp_path: Path
) -> None:
    feedback = {"run_id": TRACE, "trace_id": TRACE, "key": "taste", **feedback_fields}
    with serving(tmp_path) as (collector, _):
        assert status_of(talk(collector, post("/runs", json.dumps(run_of(2)).encode()))) == 202
        assert status_of(talk(collector, post("/feedback", json.dumps(feedback).encode()))) == 202
        assert status_of(talk(collector, post("/feedback", b"[1]"))) == 400
        wait_for(lambda: collector.stats().events_by_kind == {"span_start": 1, "span_delta": 1})
    (path,) = tmp_path.rglob("*.msgpack")
    recording = path.read_bytes()
    for name, value in {"name": "taste", "source": "langsmith", **score}.items():
        assert msgspec.msgpack.encode(name) + msgspec.msgpack.encode(value) in recording


def test_log_records_in_json_are_taken(tmp_path: Path) -> None:
    record = {
        "timeUnixNano": "1700000000000000000",
        "eventName": "gen_ai.evaluation.result",
        "body": {"stringValue": "hello"},
        "traceId": "a" * 32,
        "spanId": "b" * 16,
    }
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    with serving(tmp_path) as (collector, _):
        assert status_of(talk(collector, post("/v1/logs", body))) == 200
        assert status_of(talk(collector, post("/v1/logs", b'{"resourceLogs": 1'))) == 400
        wait_for(lambda: collector.stats().refused_frames == 1)


def test_a_translation_that_ends_after_the_loop_harms_nobody() -> None:
    loop = asyncio.new_event_loop()
    worker = TranslationWorker(loop, lambda _: None, lambda _: None)
    loop.close()
    assert worker.submit(lambda _: iter([[b"\x80"]]), lambda _: None, lambda *_: None, 1)
    thread = worker._thread
    assert thread is not None
    thread.join(60)
    assert not thread.is_alive()


def test_requests_that_were_not_translated_before_the_end_are_refused() -> None:
    """They were answered: that they are lost is told, each with its size, and nothing of them comes later."""
    may_go_on = threading.Event()
    delivered: list[bytes] = []
    refused: list[tuple[int, str]] = []

    def stuck(_: object) -> Iterator[list[bytes]]:
        yield [b"\x80"]
        may_go_on.wait(60)
        yield [b"\x80"]

    async def stop() -> None:
        handled: list[int] = []
        worker = TranslationWorker(asyncio.get_running_loop(), lambda _: None, handled.append)
        has_begun = asyncio.Event()

        def deliver(frame: bytes) -> None:
            delivered.append(frame)
            has_begun.set()

        for size in (7, 11):
            assert worker.submit(stuck, deliver, lambda *lost: refused.append(lost), size)
        await has_begun.wait()
        await worker.drain(0.0)
        assert refused == [(7, UNREAD), (11, UNREAD)]
        assert not worker.submit(stuck, delivered.append, lambda *lost: refused.append(lost), 1)
        may_go_on.set()
        worker.close()
        thread = worker._thread
        assert thread is not None
        await asyncio.to_thread(thread.join, 60)
        await asyncio.sleep(0)

    run(stop())
    assert len(delivered) == 1
    assert len(refused) == 2


def test_the_end_waits_for_what_is_translated_in_time() -> None:
    refused: list[object] = []
    delivered: list[bytes] = []

    async def stop() -> None:
        worker = TranslationWorker(asyncio.get_running_loop(), lambda _: None, lambda _: None)
        for _ in range(3):
            worker.submit(lambda _: iter([[b"\x80"]]), delivered.append, lambda *_: refused.append(_), 1)
        await worker.drain(60)
        worker.close()

    run(stop())
    assert (len(delivered), refused) == (3, [])


# gRPC


def test_too_many_and_too_large_requests_of_grpc_are_turned_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as (collector, _):
        monkeypatch.setattr(http2, "MAX_MESSAGE", 1_000)
        assert export(collector, [framed(bytes(2_000))])[0][0] == "8"
        monkeypatch.setattr(http2, "MAX_STREAMS", 0)
        assert export(collector, [framed(b"")])[0][0] == "8"
        monkeypatch.undo()
        assert export(collector, [framed(b""), framed(b"")]) == [("0", bytes(5))] * 2


def test_a_request_of_grpc_that_is_given_up_costs_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _), open_socket(collector) as connection:
        http = H2Connection(H2Configuration(client_side=True))
        http.initiate_connection()
        fields = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", TRACES)]
        http.send_headers(1, [*fields, ("content-type", "application/grpc")])
        http.send_data(1, framed(bytes(10))[:8])
        http.reset_stream(1)
        http.send_headers(3, [*fields, ("content-type", "application/grpc")])
        http.send_data(3, framed(b""), end_stream=True)
        http.close_connection()
        connection.sendall(http.data_to_send())
        received = b""
        while data := connection.recv(4096):
            received += data
        assert b"grpc-status" in received or received  # it was answered, and the connection closed
        wait_for(lambda: collector.stats().connections == 1)
        assert export(collector, [framed(b"")]) == [("0", bytes(5))]


# server-sent events


def test_no_more_streams_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MOST", 0)
    with serving(tmp_path) as (collector, _):
        answer = talk(collector, head("GET /sse/sessions/all"))
        assert status_of(answer) == 503 and b"\r\nRetry-After: 1\r\n" in answer


def test_a_stream_tells_what_can_be_told_of_any_frame() -> None:
    sent: list[bytes] = []
    departed: list[SessionStream] = []

    def send(data: bytes) -> bool:
        sent.append(data)
        return True

    async def tell() -> None:
        stream = SessionStream("s", departed.append)
        stream.tell(b"before it was opened: s")
        stream.opened(send)
        encode = msgspec.msgpack.encode
        stream.tell(b"\xc1 no MessagePack: s")
        stream.tell(encode(["s", {"batch": "s"}, {"batch": [1, "s"]}]))
        stream.tell(encode([{"batch": [{"kind": "x", "session_id": "other than s"}]}]))
        stream.tell(encode([{"batch": [{"kind": "k!\n", "session_id": "s", "payload": {b"\xff": 1}}]}]))
        stream.tell(encode([{"batch": [{"kind": "k", "session_id": "s", "payload": b"\x00"}]}]))
        stream.closed()
        stream.tell(encode([{"batch": [{"kind": "late", "session_id": "s"}]}]))

    run(tell())
    assert sent[0] == b": etaoi-tui\n\n" and len(departed) == 1
    assert [piece.splitlines()[0] for piece in sent[1:]] == [b"event: k", b"event: k"]
    first, second = (json.loads(piece.splitlines()[1][6:]) for piece in sent[1:])
    assert first == {"kind": "k", "session_id": "s"}  # it cannot be said in JSON
    assert second["payload"] == repr(b"\x00")
