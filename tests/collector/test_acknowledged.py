"""What a pong acknowledges is in the recording's file, however the collector ends."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import websockets

from etaoi_collector.collector import Collector, CollectorOptions
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.wire.events import SpanStart
from etaoi_collector.wire.handshake import WRITTEN, encode_hello
from tests.collector.making import an_id, events_in, frame_of, start
from tests.headless.running import running

PATIENCE = 60.0


def spans_in(path: Path) -> list[str]:
    """The spans that started, as anybody reads them from the file."""
    reader = TraceReader(path)
    span_ids = [event.span_id for event in events_in(reader.arrivals()) if isinstance(event, SpanStart)]
    reader.close()
    return span_ids


async def acknowledged(url: str, frames: list[bytes], ping: bytes) -> None:
    """Send frames, and wait for the answer to a ping behind them."""
    async with websockets.connect(
        url, proxy=None, compression=None, ping_interval=None, open_timeout=PATIENCE, close_timeout=1
    ) as connection:
        await connection.send(encode_hello("0"))
        await connection.recv()
        for frame in frames:
            await connection.send(frame)
        await asyncio.wait_for(await connection.ping(ping), PATIENCE)


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_all_that_was_acknowledged_outlives_a_kill(tmp_path: Path, size: int) -> None:
    """A frame of 20 MB is decoded and written in pieces; the pong comes behind the last of them."""
    path = tmp_path / "a.msgpack"
    for number in range(3):
        spans = [start(at, payload={"text": "x" * size}) for at in range(20)]
        frames = [frame_of(spans), frame_of([start(1_000)])]
        with running(tmp_path / "state", "record", "-o", path, "--port", "0") as process:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            asyncio.run(acknowledged(url, frames, WRITTEN + b"%d" % number))
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
        assert spans_in(path) == [an_id(100 + at) for at in (*range(20), 1_000)]


def test_a_flush_of_the_sdk_is_true_when_the_file_has_it(tmp_path: Path) -> None:
    program = (
        "import sys, etaoi_tui\n"
        "tracer = etaoi_tui.open_tracer(server_url=sys.argv[1])\n"
        "for number in range(200): tracer.end(tracer.start('tool', f'step {number}'))\n"
        "print(tracer.flush(60), flush=True)\n"
        "sys.stdin.read()\n"
    )
    path = tmp_path / "a.msgpack"

    with running(tmp_path / "state", "record", "-o", path, "--port", "0") as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with subprocess.Popen(
            [sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as agent:
            assert agent.stdout is not None
            answer = agent.stdout.readline()
            process.send_signal(signal.SIGKILL)
            agent.kill()
        process.wait(PATIENCE)
    assert answer == "True\n"
    assert len(spans_in(path)) == 200


def test_other_pings_are_answered_at_once_and_none_waits_for_a_file_that_cannot_be_written(
    tmp_path: Path,
) -> None:
    collector = Collector(CollectorOptions(port=0, record=tmp_path / "a", watched=False)).bind()
    collector.start()
    try:
        assert collector.wait_ready(PATIENCE)
        asyncio.run(acknowledged(collector.endpoint, [b"\x90"], b"1234"))
        asyncio.run(acknowledged(collector.endpoint, [], b""))
        asyncio.run(acknowledged(collector.endpoint, [b"no frame", b"\x90"], WRITTEN))
    finally:
        collector.stop()


def test_a_large_frame_is_not_acknowledged_while_it_is_being_written(tmp_path: Path) -> None:
    recorder = Recorder(path=tmp_path / "a")
    assert recorder.flush()
    recorder.append(1.0, 1, b"\x90")
    assert (tmp_path / "a").stat().st_size < recorder.bytes_written
    assert recorder.flush()
    assert (tmp_path / "a").stat().st_size == recorder.bytes_written
    recorder.append(1.0, 1, bytes(9 << 20), in_pieces=True)
    assert not recorder.flush()
    while recorder.write_some():
        assert not recorder.flush()
    assert recorder.flush()
    recorder.close()
