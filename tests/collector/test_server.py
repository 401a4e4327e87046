"""The server through real sockets: who gets in, who does not, and what becomes of frames."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgpack
import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from etaoi_collector.collector import Collector
from etaoi_collector.receivers.gate import host_name, is_loopback_name
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import Closed, EventBatch, FrameRefused, Opened
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.handshake import encode_hello
from tests.collector.making import an_id, events_in, frame_of, numbered_frame, refs_in, start
from tests.collector.serving import client, connect, run, serving, take_until, wait_for


def http(collector: Collector, path: str, **headers: str) -> tuple[int, str, str]:
    url = collector.endpoint.replace("ws:", "http:").replace("/ingest", path)
    request = urllib.request.Request(url, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_frames_arrive_are_recorded_and_can_be_read(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, source):

        async def send() -> Any:
            connection = await connect(collector)
            await connection.send(encode_hello("0.5.1", schema_version="0.4.2"))
            welcome = await connection.recv()
            await connection.send(numbered_frame(0, 3))
            await connection.send(frame_of([start(3), start(4, kind="x"), start(5)]))
            await connection.close(1000, "bye")
            return msgpack.unpackb(welcome)

        welcome = run(send())
        assert set(welcome) == {"kind", "schema_version", "server_version"}
        assert welcome["schema_version"] == "0.4.2"
        items = take_until(source, lambda items: any(isinstance(item, Closed) for item in items))
        assert [type(item) for item in items] == [Opened, EventBatch, EventBatch, Closed]
        opened, closed = items[0], items[-1]
        assert isinstance(opened, Opened) and opened.connection.peer.startswith("127.0.0.1:")
        assert "websockets" in opened.connection.client and "schema 0.4.2" in opened.connection.client
        assert isinstance(closed, Closed) and (closed.connection, closed.code, closed.reason) == (
            1,
            1000,
            "bye",
        )
        assert [type(event) is Reject for event in events_in(items)] == [False] * 4 + [True, False]
        raws = [source.read(ref) for ref in refs_in(items)]
        assert [msgpack.unpackb(raw)["span_id"] for raw in raws] == [an_id(100 + n) for n in range(6)]  # type: ignore[arg-type]
        stats = collector.stats()
        assert (stats.frames, stats.events, stats.rejected, stats.clients, stats.connections) == (
            2,
            6,
            1,
            0,
            1,
        )
        path = collector.recorder.path
    assert path is not None and len(events_in(TraceReader(path).arrivals())) == 6


def test_healthz_lists_the_clients(tmp_path: Path) -> None:
    with serving(tmp_path, token="secret") as (collector, _):
        status, content_type, body = http(collector, "/healthz")
        assert (status, content_type) == (200, "application/json")
        answer = json.loads(body)
        assert (answer["status"], answer["app"]) == ("ok", "etaoi-tui") and answer["version"]
        # Who does not know the token learns no more than this.
        assert set(answer) == {"status", "app", "version", "schema_version", "token"}
        assert answer["token"] is True


def test_other_paths_name_the_right_one(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        for path in ("/", "/sse/sessions/x", "/ingest2", "/%00"):
            status, _, body = http(collector, path)
            assert status == 404 and body.count("\n") == 1 and "/ingest" in body
        assert http(collector, "/ingest")[0] == 426


@pytest.mark.parametrize("path", ["/ingest/", "/ingest?session=1"])
def test_other_spellings_of_the_path_are_accepted(tmp_path: Path, path: str) -> None:
    with serving(tmp_path) as (collector, _):

        async def shake() -> Any:
            url = collector.endpoint.replace("/ingest", path)
            async with websockets.connect(url, proxy=None) as connection:
                await connection.send(encode_hello("0"))
                return await connection.recv()

        assert msgpack.unpackb(run(shake()))["kind"] == "welcome"


def refusal(collector: Collector, **options: Any) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as caught:
        run(connect(collector, **options))
    return caught.value


def test_web_pages_may_not_connect(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        for origin in ("http://example.org", "null", "http://localhost:8787"):
            response = refusal(collector, origin=origin).response
            assert response.status_code == 403 and b"Web pages" in (response.body or b"")
        assert collector.stats().turned_away == 3


def test_the_host_must_be_this_machine(tmp_path: Path) -> None:
    with serving(tmp_path, allow_hosts=("Dev.Box",)) as (collector, _):

        def status(host: str) -> int:
            return http(collector, "/ingest", Host=host)[0]

        for host in (
            "localhost",
            "localhost:1",
            "127.0.0.1:8787",
            "127.9.9.9",
            "[::1]:80",
            "dev.box:9",
            "LOCALHOST.",
        ):
            assert status(host) == 426, host
        for host in ("evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", "localhost.evil", ""):
            assert status(host) == 421, host


def test_host_headers_are_parsed() -> None:
    assert host_name("[::1]:8787") == "::1" and host_name(" Example.ORG.:80 ") == "example.org"
    assert is_loopback_name("::1") and is_loopback_name("127.1.2.3") and not is_loopback_name("0.0.0.0")


GOOD_TOKENS = [
    {"X-Etaoi-Public-Key": "pk", "X-Etaoi-Secret-Key": "secret"},
    {"X-Etaoi-Project-Token": "secret"},
    {"Authorization": "Bearer secret"},
    {"authorization": "bearer  secret"},
    {"Authorization": "secret"},
    {"Authorization": "Basic cGs6c2VjcmV0"},
    {"X-Api-Key": "secret"},
]
BAD_TOKENS = [
    {},
    {"X-Etaoi-Secret-Key": "secret"},
    {"X-Etaoi-Public-Key": "secret"},
    {"X-Etaoi-Project-Token": "Secret"},
    {"Authorization": "Basic secret"},
    {"X-Etaoi-Project-Token": "sécret"},
    {"X-Etaoi-Project-Token": ""},
]


@pytest.mark.parametrize("headers", GOOD_TOKENS)
def test_the_token_is_accepted_in_every_form(tmp_path: Path, headers: dict[str, str]) -> None:
    with serving(tmp_path, token="secret") as (collector, _):

        async def shake() -> None:
            await (await client(collector, additional_headers=headers)).close()

        run(shake())
        assert collector.stats().connections == 1


def test_a_wrong_or_missing_token_is_closed_with_4401(tmp_path: Path) -> None:
    with serving(tmp_path, token="secret") as (collector, source):

        async def shake(headers: dict[str, str]) -> tuple[int, str]:
            connection = await connect(collector, additional_headers=headers)
            with pytest.raises(ConnectionClosed):
                await connection.send(encode_hello("0"))
                await connection.recv()
            return connection.close_code or 0, connection.close_reason or ""

        for headers in BAD_TOKENS:
            code, reason = run(shake(headers))
            assert code == 4401 and "token" in reason
        assert collector.stats().connections == 0 and collector.stats().turned_away == len(BAD_TOKENS)
        assert source.take(0.01) == []


def first_words(collector: Collector, message: bytes | str) -> tuple[Any, int, str]:
    """Say something else than a hello; return the answer, the close code and its reason."""

    async def talk() -> tuple[Any, int, str]:
        connection = await connect(collector)
        await connection.send(message)
        answer = None
        with pytest.raises(ConnectionClosed):
            answer = await connection.recv()
            await connection.recv()
        return answer, connection.close_code or 0, connection.close_reason or ""

    return run(talk())  # type: ignore[no-any-return]


def test_clients_of_another_version_are_told_what_to_upgrade(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        answer, code, reason = first_words(collector, encode_hello("0", schema_version="0.9.0"))
        assert code == 4400 and "upgrade etaoi-tui" in reason
        assert msgpack.unpackb(answer)["kind"] == "mismatch"
        assert first_words(collector, "hi")[1] == 1003
        assert first_words(collector, b"\x90")[1] == 1003
        assert first_words(collector, encode_hello("0", role="boss"))[1] == 1008
        wait_for(lambda: collector.stats().turned_away == 4)
        assert collector.stats().connections == 0


def test_a_silent_connection_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etaoi_collector.receivers.etaoi_ws.HELLO_WITHIN", 0.05)
    with serving(tmp_path) as (collector, _):

        async def wait() -> str:
            connection = await connect(collector)
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            return connection.close_reason or ""

        assert "No hello" in run(wait())


def test_a_frame_beyond_the_bound_is_counted_and_shown(tmp_path: Path) -> None:
    with serving(tmp_path, max_frame=2000) as (collector, source):

        async def send() -> int:
            connection = await client(collector)
            await connection.send(bytes(5000))
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            return connection.close_code or 0

        assert run(send()) == 1009
        items = take_until(source, lambda items: any(isinstance(item, Closed) for item in items))
        assert [type(item) for item in items] == [Opened, FrameRefused, Closed]
        refused = items[1]
        assert isinstance(refused, FrameRefused) and "--max-frame" in refused.reason
        assert refused.size in (5000, 0)
        assert collector.stats().refused_frames == 1


def test_a_text_frame_is_refused_and_the_connection_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, source):

        async def send() -> None:
            connection = await client(collector)
            await connection.send("text")
            await connection.send(numbered_frame(0, 1))
            await connection.close()

        run(send())
        items = take_until(source, lambda items: any(isinstance(item, Closed) for item in items))
        assert [type(item) for item in items] == [Opened, FrameRefused, EventBatch, Closed]


def test_compression_is_declined_on_loopback_only(tmp_path: Path) -> None:
    async def send(collector: Collector, headers: dict[str, str]) -> list[Any]:
        connection = await client(collector, compression="deflate", additional_headers=headers)
        await connection.send(frame_of(start(n, payload={"t": "x" * 5000}) for n in range(20)))
        await connection.close()
        return list(connection.protocol.extensions)

    with serving(tmp_path) as (collector, source):
        assert run(send(collector, {})) == []
        take_until(source, lambda items: len(events_in(items)) == 20)
    with serving(tmp_path, host="0.0.0.0", token="t") as (collector, source):
        collector._url = collector.endpoint.replace("0.0.0.0", "127.0.0.1")
        assert len(run(send(collector, {"X-Etaoi-Project-Token": "t"}))) == 1
        take_until(source, lambda items: len(events_in(items)) == 20)


def test_inflating_is_bounded(tmp_path: Path) -> None:
    with serving(tmp_path, host="0.0.0.0", token="t", max_frame=100_000) as (collector, source):
        collector._url = collector.endpoint.replace("0.0.0.0", "127.0.0.1")

        async def send() -> int:
            connection = await client(
                collector, compression="deflate", additional_headers={"X-Etaoi-Project-Token": "t"}
            )
            await connection.send(bytes(50_000_000))
            with pytest.raises(ConnectionClosed):
                await connection.recv()
            return connection.close_code or 0

        assert run(send()) == 1009
        take_until(source, lambda items: any(isinstance(item, FrameRefused) for item in items))


def test_many_clients_at_once(tmp_path: Path) -> None:
    import asyncio

    with serving(tmp_path) as (collector, source):

        async def one(number: int) -> None:
            connection = await client(collector)
            for at in range(20):
                await connection.send(numbered_frame(number * 100 + at * 5, 5))
            await connection.close()

        async def all_of_them() -> None:
            await asyncio.gather(*(one(number) for number in range(30)))

        run(all_of_them())
        items = take_until(source, lambda items: sum(isinstance(item, Closed) for item in items) == 30)
        assert len(events_in(items)) == 3000
        assert len({event.span_id for event in events_in(items)}) == 3000  # type: ignore[union-attr]
        by_client: dict[int, list[str]] = {}
        for item in items:
            if isinstance(item, EventBatch):
                by_client.setdefault(item.connection, []).extend(e.span_id for e in item.events)  # type: ignore[union-attr]
        assert all(ids == sorted(ids) and len(ids) == 100 for ids in by_client.values())
