"""The collector as a whole: binding, stopping, options, and both kinds of source."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from etaoi_collector.collector import BindError, Collector, CollectorOptions, OptionError, Record
from etaoi_collector.recording.directory import list_recordings
from etaoi_collector.recording.reader import TraceFileError, TraceReader
from etaoi_collector.recording.recording_files import RecordError
from etaoi_collector.source_items import Closed, Ended, Missing
from etaoi_collector.sources.base import Source
from etaoi_collector.sources.replay import ReplaySource
from tests.collector.making import events_in, frame_of, numbered_frame, refs_in, start, write_trace
from tests.collector.serving import client, run, serving, take_until, wait_for


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def bind_error(**options: Any) -> str:
    with pytest.raises(BindError) as caught:
        Collector(CollectorOptions(record=Record.NONE, **options)).bind()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_taken_port_is_named(busy_port: int) -> None:
    words = bind_error(port=busy_port)
    assert str(busy_port) in words and "another program" in words and "--port" in words


def test_a_port_used_by_another_etaoi_tui_is_reported(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        port = int(collector.endpoint.rsplit(":")[2].removesuffix("/ingest"))
        assert f"Port {port} is taken by another etaoi-tui" in bind_error(port=port)


def test_addresses_that_cannot_be_are_explained() -> None:
    assert "does not have the address" in bind_error(host="192.0.2.1", port=0)
    assert "Cannot listen on" in bind_error(host="no.such.host.invalid", port=0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "0.0.0.0", "port": 0}, "--token"),
        ({"port": 70_000}, "65535"),
        ({"max_frame": 10}, "largest frame"),
        ({"max_frame": 1 << 40}, "largest frame"),
        ({"token": " "}, "token is empty"),
        ({"keep_runs": 0}, "must be kept"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Collector(CollectorOptions(record=Record.NONE, **options)).bind()


def test_a_file_that_cannot_be_recorded_to_frees_the_port(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RecordError):
        Collector(CollectorOptions(port=port, record=tmp_path / "absent" / "a")).bind()
    Collector(CollectorOptions(port=port, record=Record.NONE)).bind().stop()


def test_the_endpoint_is_what_clients_connect_to(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        assert collector.endpoint.startswith("ws://127.0.0.1:") and collector.endpoint.endswith("/ingest")


def test_a_client_that_connects_before_the_thread_runs_is_served(tmp_path: Path) -> None:
    collector = Collector(CollectorOptions(port=0, record=Record.NONE)).bind()

    async def early() -> None:
        connecting = asyncio.create_task(client(collector))
        await asyncio.sleep(0)
        collector.start()
        await (await connecting).close()

    run(early())
    collector.stop(60)


def test_stopping_closes_clients_and_flushes(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, source):

        async def stay() -> list[int | None]:
            connections = [await client(collector) for _ in range(4)]
            for number, connection in enumerate(connections):
                await connection.send(numbered_frame(number, 1))
            await asyncio.to_thread(wait_for, lambda: collector.stats().frames == 4)
            await asyncio.to_thread(collector.stop)
            for connection in connections:
                with pytest.raises(ConnectionClosed):
                    await connection.recv()
            return [connection.close_code for connection in connections]

        assert run(stay()) == [1001] * 4
        assert not [thread for thread in threading.enumerate() if thread.name == "etaoi-collector"]
        collector.stop(60)
        items = take_until(source, lambda items: sum(isinstance(item, Closed) for item in items) == 4)
        assert len(events_in(items)) == 4 and source.notices == [] and source.live
        path = collector.recorder.path
        assert path is not None
        recorded = list(TraceReader(path).arrivals())
        assert len(events_in(recorded)) == 4 and sum(isinstance(item, Closed) for item in recorded) == 4


def test_a_client_that_does_not_answer_cannot_hold_up_the_end(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):

        async def hang() -> None:
            connection = await client(collector)
            connection.transport.pause_reading()
            await asyncio.to_thread(collector.stop, 5.0)
            connection.transport.abort()

        run(hang())
        assert not [thread for thread in threading.enumerate() if thread.name == "etaoi-collector"]


def test_nothing_is_left_behind_when_nobody_connected(tmp_path: Path) -> None:
    with serving(tmp_path):
        pass
    assert list_recordings(tmp_path / "recordings") == []


def test_an_unwatched_collector_counts_only(tmp_path: Path) -> None:
    with serving(tmp_path, watched=False) as (collector, source):

        async def send() -> None:
            connection = await client(collector)
            await connection.send(numbered_frame(0, 7))
            await connection.send(b"\x91\x05")
            await connection.close()

        run(send())
        wait_for(lambda: collector.stats().frames == 2)
        assert (collector.stats().events, collector.stats().rejected) == (8, 1)
        assert source.take(0.01) == []


def test_a_failing_task_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as (collector, source):
        flush = collector.recorder.flush
        failures = [RuntimeError("the flush broke")]

        def fail_once() -> None:
            if failures:
                raise failures.pop()
            flush()

        monkeypatch.setattr(collector.recorder, "flush", fail_once)
        wait_for(lambda: bool(collector.failure))
        assert source.notices == ["the collector stopped: the flush broke"]


def test_trouble_with_one_client_is_seen_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as (collector, source):
        append = collector.recorder.append
        failures = [RuntimeError("a defect")]

        def fail_once(received: float, connection: int, frame: bytes, **how: bool) -> int:
            if failures:
                raise failures.pop()
            return append(received, connection, frame, **how)

        monkeypatch.setattr(collector.recorder, "append", fail_once)

        async def talk() -> int:
            first, second = await client(collector), await client(collector)
            await first.send(numbered_frame(0, 1))
            with pytest.raises(ConnectionClosed):
                await first.recv()
            await second.send(numbered_frame(1, 1))
            await second.close()
            return first.close_code or 0

        assert run(talk()) == 1011
        take_until(source, lambda items: len(events_in(items)) == 1)
        assert source.notices == ["a connection failed within etaoi-tui: a defect"]
        assert collector.failure == ""


def test_collectors_are_used_in_order() -> None:
    collector = Collector(CollectorOptions(port=0, record=Record.NONE))
    with pytest.raises(RuntimeError):
        collector.start()
    with pytest.raises(RuntimeError):
        _ = collector.inbox
    with pytest.raises(RuntimeError):
        _ = collector.recorder
    collector.stop(60)


def test_replay_is_a_source_like_any_other(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "a", [numbered_frame(n * 50, 50) for n in range(100)])
    source: Source = ReplaySource(path)
    progress = source.status().progress
    assert source.status().name == path.name
    assert progress is not None and progress.share < 0.1 and not source.live
    items = source.take(0.0)
    assert len(items) == 1
    while new := source.take(0.002):
        assert len(events_in(new)) <= 2000
        items += new
    assert len(events_in(items)) == 5000 and isinstance(items[-1], Ended)
    assert source.status().progress is None and source.notices == []
    assert isinstance(source.read(refs_in(items)[4321]), bytes)
    source.close()
    assert isinstance(source.read(refs_in(items)[0]), Missing)
    with pytest.raises(TraceFileError):
        ReplaySource(tmp_path / "absent")


def test_events_that_clients_dropped_are_counted(tmp_path: Path) -> None:
    events = [
        start(1, metadata={"etaoi_tui.dropped": "7"}),
        start(2, metadata={"etaoi_tui.dropped": "many"}),
        start(3, kind="span_end", metadata={"etaoi_tui.dropped": "30"}),
        {"kind": "nonsense"},
        start(4, metadata={"etaoi_tui.dropped": "500"}),
    ]

    async def session(collector: Collector) -> None:
        async with await client(collector) as connection:
            await connection.send(frame_of(events[:3]))
            await connection.send(frame_of(events[3:]))

    with serving(tmp_path) as (collector, _):
        run(session(collector))
        wait_for(lambda: collector.stats().events == 5)
        assert (collector.stats().dropped_by_clients, collector.stats().rejected) == (537, 1)
