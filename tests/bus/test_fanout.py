"""Other viewers at the collector's own door: what is recorded first, then live, and nothing else."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from etaoi_collector.collector import Collector
from etaoi_collector.recording.chunks import Cursor
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.recording.recorder import Recorder, State
from etaoi_collector.wire.events import SpanStart
from etaoi_collector.wire.handshake import FANOUT, After, decode_answer, encode_hello
from etaoi_collector.wire.trace_records import PREFIX, TraceWriter, read_header, records_in
from tests.bus.telling import numbered, send
from tests.collector.making import events_in, frame_of, start
from tests.collector.serving import PATIENCE, client, connect, run, serving, wait_for


async def viewer(collector: Collector, after: After | None = None, **options: Any) -> ClientConnection:
    """Connect as another viewer and shake hands."""
    connection = await connect(collector, **({"max_size": None} | options))
    await connection.send(encode_hello("1", role=FANOUT, after=after))
    decode_answer(await connection.recv())
    return connection


async def read_until(connection: ClientConnection, size: int) -> list[bytes]:
    """Take messages until they have so many bytes in all."""
    messages: list[bytes] = []
    while sum(map(len, messages)) < size:
        message = await connection.recv()
        assert isinstance(message, bytes)
        messages.append(message)
    return messages


def files(collector: Collector) -> list[bytes]:
    """The recording's segments as they are now."""
    collector.recorder.flush()
    first = collector.recorder.path
    assert first is not None
    paths = sorted(
        first.parent.glob(f"{first.stem}*"),
        key=lambda path: int(path.suffixes[0][1:]) if len(path.suffixes) > 1 else 1,
    )
    return [path.read_bytes() for path in paths]


@pytest.mark.parametrize("segment_bytes", [20_000, 512 << 20])
def test_a_viewer_gets_the_recording_byte_for_byte(tmp_path: Path, segment_bytes: int) -> None:
    """One that was there from the start, one that comes in the middle and one that comes at the end."""

    async def watch(collector: Collector) -> list[bytes]:
        early = await viewer(collector)
        agent = await client(collector)
        late = None
        for at, frame in enumerate(numbered(1, 2_000)):
            await agent.send(frame)
            if at == 100:
                late = await viewer(collector)
        await agent.close()
        await asyncio.to_thread(wait_for, lambda: collector.stats().clients == 0)
        size = sum(map(len, files(collector)))
        assert late is not None
        streams = []
        for connection in (early, late, await viewer(collector)):
            messages = await read_until(connection, size)
            streams.append(b"".join(messages))
            for message in messages:  # a header stands alone, records are whole
                record_bytes = sum(PREFIX.size + len(body) for *_, body in records_in(message))
                assert record_bytes == len(message) or read_header(message) is not None
            await connection.close()
        return streams

    with serving(tmp_path, segment_bytes=segment_bytes) as (collector, _):
        streams = run(watch(collector))
        parts = files(collector)
        assert len(parts) > 10 if segment_bytes == 20_000 else len(parts) == 1
        assert streams == [b"".join(parts)] * 3
        stats = collector.stats()
        assert (stats.connections, stats.frames) == (1, 200)
        wait_for(lambda: collector.stats().viewers == 0)


def test_strung_together_the_messages_are_a_trace_file(tmp_path: Path) -> None:
    async def watch(collector: Collector) -> bytes:
        connection = await viewer(collector)
        return b"".join(await read_until(connection, len(files(collector)[0])))

    with serving(tmp_path) as (collector, _):
        send(collector, numbered(1, 50))
        copy = tmp_path / "copy.msgpack"
        copy.write_bytes(run(watch(collector)))
    events = events_in(TraceReader(copy).arrivals())
    assert [event.span_id for event in events if isinstance(event, SpanStart)] == [
        start(number)["span_id"] for number in range(1, 51)
    ]


def test_a_frame_larger_than_a_message_comes_whole(tmp_path: Path) -> None:
    async def watch(collector: Collector) -> bytes:
        connection = await viewer(collector)
        return b"".join(await read_until(connection, len(files(collector)[0])))

    with serving(tmp_path) as (collector, _):
        send(collector, [frame_of([start(1, payload={"input": "x" * 3_000_000})]), *numbered(2, 3)])
        assert run(watch(collector)) == files(collector)[0]


def test_a_second_connection_goes_on_where_the_first_one_was(tmp_path: Path) -> None:
    async def rest(collector: Collector, after: After, size: int) -> bytes:
        return b"".join(await read_until(await viewer(collector, after), size))

    with serving(tmp_path, segment_bytes=20_000) as (collector, _):
        send(collector, numbered(1, 300))
        parts = files(collector)
        recording = collector.recorder.recording
        head = read_header(parts[1])
        assert head is not None and head[0].recording == recording
        after = After(recording, 1, head[1])
        expected = parts[1][head[1] :] + b"".join(parts[2:])
        assert run(rest(collector, after, len(expected))) == expected
        joined = b"".join(parts)
        assert run(rest(collector, After("another", 1, head[1]), len(joined))) == joined


def test_the_token_is_asked_for(tmp_path: Path) -> None:
    async def close_code(collector: Collector, **options: Any) -> int | None:
        connection = None
        try:
            connection = await connect(collector, **options)
            await connection.send(encode_hello("1", role=FANOUT))
            await connection.recv()
            return None
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    with serving(tmp_path, token="open sesame") as (collector, _):
        assert run(close_code(collector)) == 4401
        assert run(close_code(collector, additional_headers={"Authorization": "Bearer no"})) == 4401
        good = {"Authorization": "Bearer open sesame"}
        assert run(close_code(collector, additional_headers=good)) is None


def test_a_viewer_that_talks_is_sent_away_and_not_recorded(tmp_path: Path) -> None:
    async def talk(collector: Collector) -> tuple[int, str]:
        connection = await viewer(collector)
        await connection.send(numbered(1, 1)[0])
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason

    with serving(tmp_path) as (collector, source):
        code, reason = run(talk(collector))
        assert code == 1008 and "only read" in reason
        assert collector.stats().frames == 0 and source.take(0.1) == []
        assert collector.recorder.path is None


def heavy(count: int) -> list[bytes]:
    """Frames that no socket buffer takes in together."""
    return [frame_of([start(number, payload={"input": "x" * 100_000})]) for number in range(1, count + 1)]


def test_a_viewer_that_stops_reading_holds_up_neither_agents_nor_other_viewers(tmp_path: Path) -> None:
    """Everything was taken in, and sent to others, while it was stuck: only then is its time over."""

    async def watch(collector: Collector) -> None:
        stuck = await viewer(collector)
        agent = await client(collector)
        for frame in heavy(300):
            await agent.send(frame)
        await agent.close()
        await asyncio.to_thread(wait_for, lambda: collector.stats().clients == 0)
        stats = collector.stats()
        assert (stats.events, stats.viewers, stats.viewers_dropped) == (300, 1, 0)
        size = len(files(collector)[0])
        assert size > 30_000_000
        other = await viewer(collector)
        assert sum(map(len, await read_until(other, size))) == size
        stats = collector.stats()
        assert (stats.viewers, stats.viewers_dropped) == (2, 0)
        assert stuck.state.name == "OPEN"

    with serving(tmp_path, viewer_patience=1_000.0) as (collector, _):
        run(watch(collector))
        collector.stop(timeout=PATIENCE)  # nor does it hold up the end
        assert collector.failure == ""


def test_a_viewer_that_stops_reading_is_sent_away_with_a_reason(tmp_path: Path) -> None:
    async def watch(collector: Collector) -> tuple[int, str]:
        stuck = await viewer(collector)
        agent = await client(collector)
        for frame in heavy(300):
            await agent.send(frame)
        await asyncio.to_thread(wait_for, lambda: collector.stats().viewers_dropped == 1)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await stuck.recv()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason

    with serving(tmp_path, viewer_patience=0.1) as (collector, _):
        code, reason = run(watch(collector))
        assert code == 4408 and "connect again" in reason
        wait_for(lambda: collector.stats().viewers == 0)
        assert "did not read on" in collector.stats().viewers_dropped_why


def test_what_only_memory_holds_is_streamed_and_what_nothing_holds_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full: the newest frames are in a ring, and older ones are gone."""
    frame = b"\x90" + b"x" * 999
    recorder = Recorder(path=tmp_path / "run.msgpack", ring_bytes=3_000)
    first = recorder.append(1.0, 1, frame)
    recorder.flush()

    def full(self: TraceWriter, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(TraceWriter, "_write", full)
    for at in range(2, 12):
        recorder.append(float(at), 1, frame)
    recorder.flush()
    for at in range(12, 22):
        recorder.append(float(at), 1, frame)
    assert recorder.state is State.STOPPED

    position, times, gaps = Cursor(), [], []
    while (chunk := recorder.read_chunk(position, 100_000)) is not None:
        times += [at for _, _, at, _, _ in records_in(chunk.data)]
        if chunk.gap:
            gaps.append(chunk.gap)
        position = chunk.end
    assert times == [1.0, 19.0, 20.0, 21.0]
    assert gaps == [17 * (PREFIX.size + len(frame))]
    assert position == recorder.end() and first > 0
    recorder.close()
