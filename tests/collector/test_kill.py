"""A collector that is killed leaves a recording that opens."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

import websockets

from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import Ended
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.handshake import encode_hello
from tests.collector.making import an_id, events_in, numbered_frame
from tests.collector.serving import PATIENCE, wait_for

SERVER = """
    import sys, time
    from pathlib import Path
    from etaoi_collector.collector import Collector, CollectorOptions

    collector = Collector(CollectorOptions(port=0, record=Path(sys.argv[1]), watched=False)).bind()
    collector.start()
    print(collector.endpoint, flush=True)
    time.sleep(100)
"""


def test_flushed_events_survive_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "a.msgpack"
    server = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVER), str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        endpoint = server.stdout.readline().strip()

        async def send_and_kill() -> None:
            async with websockets.connect(endpoint, compression=None, proxy=None) as connection:
                await connection.send(encode_hello("0"))
                await connection.recv()
                for number in range(200):
                    await connection.send(numbered_frame(number, 1))
                await asyncio.to_thread(wait_for, lambda: _has_events(path, 200))
                for number in range(200, 400):
                    await connection.send(numbered_frame(number, 1))
                server.kill()

        asyncio.run(asyncio.wait_for(send_and_kill(), PATIENCE))
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()
    reader = TraceReader(path)
    arrivals = list(reader.arrivals())
    events = events_in(arrivals)
    assert not reader.growing and isinstance(arrivals[-1], Ended)
    assert not [event for event in events if isinstance(event, Reject)]
    ids = [event.span_id for event in events if not isinstance(event, Reject)]  # type: ignore[union-attr]
    assert len(ids) >= 200 and ids == [an_id(100 + number) for number in range(len(ids))]


def _has_events(path: Path, count: int) -> bool:
    """Look at a recording that is being written, as a second viewer would."""
    if not path.exists() or not path.stat().st_size:
        return False
    reader = TraceReader(path)
    try:
        return len(events_in(reader.arrivals())) >= count
    finally:
        reader.close()
