"""One huge message costs at most two and a half times its size, from the socket to the reader."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import websockets

from etaoi_collector.wire.handshake import encode_hello
from tests.collector.making import frame_of, start

SERVER = """
    import sys, time
    from pathlib import Path
    from etaoi_collector.host import Collector, CollectorOptions
    from etaoi_collector.live import LiveSource
    from etaoi_collector.source import Events

    def memory(key):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024

    collector = Collector(CollectorOptions(port=0, record=Path(sys.argv[1]))).bind()
    collector.start()
    assert collector.wait_ready(20)
    source = LiveSource(collector)
    before = memory("VmRSS")
    print(collector.endpoint, flush=True)
    events, place = 0, -1
    deadline = time.monotonic() + 100
    while events < int(sys.argv[2]) and time.monotonic() < deadline:
        for item in source.take(0.01):
            if isinstance(item, Events):
                events += len(item.events)
                place = item.base_place + item.first_ordinal
        time.sleep(0.01)
    one = len(source.read(place))
    print(events, one, memory("VmHWM") - before, memory("RssAnon"), flush=True)
    collector.stop()
"""
MIB = 1 << 20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_the_peak_of_a_huge_frame(tmp_path: Path) -> None:
    count, text = 3000, "x" * (100 << 10)
    frame = frame_of(start(number, payload={"text": text}) for number in range(count))
    assert len(frame) > 290 * MIB
    server = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVER), str(tmp_path / "a.msgpack"), str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        output = server.stdout
        endpoint = output.readline().strip()

        async def send() -> str:
            async with websockets.connect(
                endpoint, max_size=None, compression=None, ping_interval=None, proxy=None
            ) as connection:
                await connection.send(encode_hello("0"))
                await connection.recv()
                await connection.send(frame)
                return await asyncio.to_thread(output.readline)

        told = asyncio.run(asyncio.wait_for(send(), 100))
    finally:
        server.kill()
        server.communicate()
    events, one, peak, left = map(int, told.split())
    assert events == count and one > len(text)
    assert peak <= 2.5 * len(frame), f"{peak / len(frame):.2f} times the frame"
    assert left < 100 * MIB, f"{left} bytes are left"
