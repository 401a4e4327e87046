"""One huge message costs at most two and a half times its size, from the socket to the reader."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent.parent
COUNT = 3000
TEXT = 100 << 10
"""Characters of each event's payload."""

SERVER = """
    import sys, time
    from pathlib import Path
    from etaoi_collector.collector import Collector, CollectorOptions
    from etaoi_collector.sources.live import LiveSource
    from etaoi_collector.sources.base import EventBatch

    def memory(key):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024

    collector = Collector(CollectorOptions(port=0, record=Path(sys.argv[1]))).bind()
    collector.start()
    assert collector.wait_ready(60)
    source = LiveSource(collector)
    before = memory("VmRSS")
    print(collector.endpoint, flush=True)
    wanted = int(sys.argv[2])
    events, place = 0, -1
    deadline = time.monotonic() + 200
    while events < wanted and time.monotonic() < deadline:
        for item in source.take(0.01):
            if isinstance(item, EventBatch):
                events += len(item.events)
                place = item.base_ref + item.first_ordinal
        time.sleep(0.01)
    one = len(source.read(place))
    print(events, one, memory("VmHWM") - before, flush=True)
    sys.stdin.readline()
    collector.stop()
"""

SENDER = """
    import asyncio, sys
    import websockets
    from etaoi_collector.wire.handshake import encode_hello
    from tests.collector.making import frame_of, start

    async def send(url, count, text):
        frame = frame_of(start(number, payload={"text": "x" * text}) for number in range(count))
        options = dict(max_size=None, compression=None, ping_interval=None, close_timeout=1, proxy=None)
        async with websockets.connect(url, **options) as connection:
            await connection.send(encode_hello("0"))
            await connection.recv()
            await connection.send(frame)
            print(len(frame), flush=True)
            await asyncio.to_thread(sys.stdin.readline)

    asyncio.run(send(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""
MIB = 1 << 20


def _run(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program in a process of its own, whose memory no other test has used."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, f"the process ended with {process.wait(60)}"
    return line


def _measured(path: Path) -> float:
    """Return the peak as a multiple of the frame."""
    with _run(SERVER, path, COUNT) as server:
        try:
            with _run(SENDER, _line(server), COUNT, TEXT) as sender:
                try:
                    size = int(_line(sender))
                    events, one, peak = map(int, _line(server).split())
                finally:
                    sender.kill()
        finally:
            server.kill()
    assert size > 290 * MIB
    assert events == COUNT and one > TEXT
    return peak / size


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_the_peak_of_a_huge_frame(tmp_path: Path) -> None:
    """The median of three: by how much the socket's buffer outgrows a frame depends on how it arrives."""
    peaks = [_measured(tmp_path / f"{number}.msgpack") for number in range(3)]
    assert median(peaks) <= 2.5, f"{peaks} times the frame"
