"""Another viewer as a source: the same store as the viewer's own, whatever happens to the connection."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.sync.server import ServerConnection, serve

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.recording.recorder import State
from etaoi_collector.sources.base import Source
from etaoi_collector.sources.remote import RemoteError, RemoteSource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_collector.wire.handshake import encode_welcome
from etaoi_collector.wire.trace_records import TraceHeader, encode_body, encode_record
from etaoi_tui.feed import Feed
from tests import generate
from tests.bus.telling import numbered, send
from tests.collector.making import an_id
from tests.collector.serving import PATIENCE, client, run, serving, wait_for


@contextmanager
def following(url: str, **options: Any) -> Iterator[RemoteSource]:
    """Follow a viewer for the length of a block."""
    source = RemoteSource(url, **options)
    source.open()
    try:
        yield source
    finally:
        source.close()


def fold(source: Source, enough: Callable[[Store], bool]) -> Store:
    """Fold what a source has until there is enough of it."""
    feed = Feed(source, Store())

    def look() -> bool:
        feed.work(10.0, 0.0)
        return enough(feed.store)

    wait_for(look)
    return feed.store


def rows(store: Store, source: Source) -> list[tuple[Any, ...]]:
    """What is shown of all spans, payloads included."""

    def row(span: Span) -> tuple[Any, ...]:
        payload = source.read(span.start_ref)
        assert isinstance(payload, bytes)
        parent = None if span.parent is None else span.parent.span_id
        return span.span_id, parent, span.kind, span.name, span.status, span.usage, span.error, payload

    return [row(span) for trace in store.traces.values() for span in trace.spans]


@pytest.mark.parametrize("segment_bytes", [50_000, 512 << 20])
def test_a_second_viewer_shows_what_the_first_one_shows(tmp_path: Path, segment_bytes: int) -> None:
    """Half of it before it came, half of it after; trees, rows and payloads are the same."""
    scribe = generate.Scribe(3)
    frames = []
    for number in range(6):
        generate.agent_trace(scribe, f"agent-{number}", failing=number == 4, sub_agents=1, pieces=3)
        frames.append(list(generate.frames(scribe.take(), 20)))
    with serving(tmp_path, segment_bytes=segment_bytes) as (collector, own):
        send(collector, [frame for some in frames[:3] for frame in some])
        with following(collector.endpoint) as source:
            send(collector, [frame for some in frames[3:] for frame in some])
            total = collector.stats().events

            def ready(store: Store) -> bool:
                all_closed = all(one.closed_at is not None for one in store.connections.values())
                return store.events == total and len(store.connections) == 2 and all_closed

            first, second = fold(own, ready), fold(source, ready)
            assert rows(second, source) == rows(first, own) and len(rows(first, own)) > 100
            for number, connection in second.connections.items():
                original = first.connections[number]
                assert (connection.peer, connection.client) == (original.peer, original.client)
                assert (connection.opened_at, connection.closed_at) == (
                    original.opened_at,
                    original.closed_at,
                )
            assert source.notices == [] and source.status().clients == 0 and source.live


def test_a_broken_connection_is_made_again_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with serving(tmp_path, segment_bytes=20_000) as (collector, _), following(collector.endpoint) as source:
        for first in range(1, 400, 100):
            send(collector, numbered(first, first + 99))
            wait_for(lambda first=first: source.stats().events == first + 99)  # type: ignore[misc]
            link = source._connection  # what a network would break
            assert link is not None
            link.socket.shutdown(socket.SHUT_RDWR)
            wait_for(lambda link=link: source._connection is not link and not source.viewer_gone)  # type: ignore[misc]
        send(collector, numbered(401, 500))
        store = fold(source, lambda store: store.events >= 500)
        assert (store.events, store.repeats, store.span_count) == (500, 0, 500)
        assert len(store.connections) == 5 and source.notices == []


def test_a_viewer_that_is_started_anew_is_followed_from_its_beginning(tmp_path: Path) -> None:
    """Agents of the old one are gone; those of the new one do not get their numbers."""
    with serving(tmp_path / "one") as (collector, _):
        port = int(collector.endpoint.rsplit(":")[2].removesuffix("/ingest"))
        source = RemoteSource(collector.endpoint)
        source.open()

        async def leave_open() -> None:
            agent = await client(collector)
            await agent.send(numbered(1, 10)[0])
            await (await agent.ping())

        run(leave_open())
        wait_for(lambda: source.stats().events == 10)
    wait_for(lambda: source.viewer_gone)
    assert "is gone" in source.notices[0] and "trying again" in source.notices[0]
    with serving(tmp_path / "two", port=port) as (collector, _):
        send(collector, numbered(11, 20))
        store = fold(source, lambda store: store.events == 20)
        assert sorted(store.connections) == [1, 2]
        assert store.connections[1].closed_at is not None
        assert store.find_span(an_id(101)) is not None and store.find_span(an_id(120)) is not None
        assert source.notices == []
        source.close()


def test_the_token_opens_the_door(tmp_path: Path) -> None:
    with serving(tmp_path, token="open sesame") as (collector, _):
        send_with = {"Authorization": "Bearer open sesame"}
        for token in (None, "guessed"):
            with pytest.raises(RemoteError, match="Wrong or missing token"):
                RemoteSource(collector.endpoint, token=token).open()
        with following(collector.endpoint, token="open sesame") as source:

            async def talk() -> None:
                agent = await client(collector, additional_headers=send_with)
                await agent.send(numbered(1, 3)[0])
                await agent.close()

            run(talk())
            wait_for(lambda: source.stats().events == 3)


def unreachable(url: str) -> str:
    source = RemoteSource(url)
    with pytest.raises(RemoteError) as caught:
        source.open()
    source.close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_who_cannot_be_followed_is_told_in_a_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "Nothing listens on" in unreachable(f"ws://127.0.0.1:{port}/ingest")
    assert "no address of a viewer" in unreachable("http://127.0.0.1/")
    with HTTPServer(("127.0.0.1", 0), _Page) as web:
        threading.Thread(target=web.handle_request, daemon=True).start()
        assert "HTTP 404" in unreachable(f"ws://127.0.0.1:{web.server_port}/ingest")


@pytest.mark.parametrize("message", ["words", b"", b"\x90", b"\xc1" * 40, b"\x94\x02" + b"\0" * 50])
def test_a_server_that_sends_something_else_is_left(message: str | bytes) -> None:
    """Text, nothing, bare frames, torn records."""

    def talk(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(encode_welcome("0.5.1", "x"))
        connection.send(message)
        connection.recv()

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        with following(f"ws://127.0.0.1:{port}/ingest") as source:
            wait_for(lambda: bool(source.failure))
            assert "something else than a recording" in source.notices[0]
        server.shutdown()


def test_closing_leaves_no_thread_behind() -> None:
    collector = Collector(CollectorOptions(port=0, record=Record.NONE)).bind()
    collector.start()
    assert collector.wait_ready(PATIENCE)
    with following(collector.endpoint) as source:
        wait_for(lambda: collector.stats().viewers == 1)
        assert source.status().recording.written == 0
    wait_for(lambda: collector.stats().viewers == 0)
    assert not [thread for thread in threading.enumerate() if thread.name == "etaoi-remote"]
    collector.stop(60)
    collector.close_recording()


def test_a_viewer_whose_disk_is_full_is_followed_all_the_same(tmp_path: Path) -> None:
    """Frames that it only has in memory are streamed as well."""

    def full(data: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space")

    with serving(tmp_path) as (collector, _), following(collector.endpoint) as source:
        send(collector, numbered(1, 50))
        wait_for(lambda: source.stats().events == 50)
        files = collector.recorder._files
        files.segments[files.number].writer._write = full  # type: ignore[method-assign, assignment]
        files.go_on = lambda end: full(b"")  # type: ignore[method-assign]
        send(collector, numbered(51, 100))
        wait_for(lambda: collector.recorder.state is State.STOPPED)
        store = fold(source, lambda store: store.events == 100)
        assert store.span_count == 100 and source.failure == ""
        with following(collector.endpoint) as late:
            assert fold(late, lambda store: store.events == 100).span_count == 100


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.builds(
                encode_record,
                st.integers(1, 6),
                st.floats(),
                st.integers(0, 3),
                st.one_of(
                    st.binary(max_size=60), st.builds(encode_body, st.dictionaries(st.text(), st.text()))
                ),
            ),
            st.just(encode_body(TraceHeader(recording="a"))),
            st.just(encode_body(TraceHeader(recording="b", segment=7))),
        ),
        max_size=8,
    )
)
def test_no_bytes_make_it_stumble(messages: list[bytes]) -> None:
    source = RemoteSource("ws://127.0.0.1:1/ingest")
    for message in messages:
        source._take(message)
    feed = Feed(source, Store())
    feed.work(1_000.0, 0.0)
    assert feed.store.events == source.stats().events
    source.close()
