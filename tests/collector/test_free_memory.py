"""What large messages took is given back to the system, when they have been handled."""

from __future__ import annotations

import asyncio
import queue
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import websockets

from etaoi_collector import free_memory
from etaoi_collector.free_memory import FreeMemory, give_back
from etaoi_collector.wire.handshake import encode_hello
from tests.collector.making import frame_of, start
from tests.collector.measured_process import started
from tests.collector.serving import PATIENCE, run

MIB = 1 << 20
STAYS = 40 * MIB
"""What may stay of hundreds of MiB: code that was loaded, and what small objects left behind."""
CLIENTS = 6

SERVER = """
    import sys
    from pathlib import Path
    from etaoi_collector.collector import Collector, CollectorOptions
    from tests.collector.measured_process import memory

    collector = Collector(CollectorOptions(port=0, record=Path(sys.argv[1]), watched=False)).bind()
    collector.start()
    assert collector.wait_ready(60)
    print(collector.endpoint, flush=True)
    for _ in sys.stdin:
        print(collector.stats().clients, memory("RssAnon"), flush=True)
    collector.stop()
"""

KEEPING = """
    import threading
    from pathlib import Path
    from etaoi_collector.free_memory import give_back
    from tests.collector.measured_process import memory

    def work():
        held = [b"x" * 100_000 for _ in range(1_000)]
        del held[1::2], held[1::2], held[1::2], held[1::2]  # holes: what lies behind them is still used
        kept = memory("RssAnon")
        assert give_back()
        print(kept - before, memory("RssAnon") - before)

    before = memory("RssAnon")
    thread = threading.Thread(target=work)  # each thread has a heap of its own
    thread.start()
    thread.join()
"""

ENDS_OF_HEAPS = """
    import asyncio
    import threading
    from etaoi_collector.free_memory import FreeMemory
    from tests.collector.measured_process import memory

    def work():
        before = memory("RssAnon")
        bytes(30 << 20)  # has glibc take such blocks from the heap, and keep twice as much at its end
        held = [b"x" * 900_000 for _ in range(50)]
        used = memory("RssAnon")
        held.clear()
        print(used - before, memory("RssAnon") - before)

    FreeMemory(asyncio.new_event_loop(), waiting=int)
    thread = threading.Thread(target=work)  # each thread has a heap of its own
    thread.start()
    thread.join()
"""

pytestmark = pytest.mark.skipif(
    not give_back() or not Path("/proc/self/status").exists(), reason="needs glibc, and memory from /proc"
)


@contextmanager
def running(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run a program that does not end by itself."""
    with started(program, *arguments) as process:
        try:
            yield process
        finally:
            process.kill()


def status_line(process: subprocess.Popen[str]) -> str:
    """Ask a server how it is."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


async def send(url: str, frames: list[bytes]) -> None:
    """Send messages as a client of its own."""
    async with websockets.connect(
        url, max_size=None, compression=None, ping_interval=None, close_timeout=PATIENCE, proxy=None
    ) as connection:
        await connection.send(encode_hello("0"))
        await connection.recv()
        for frame in frames:
            await connection.send(frame)


async def _send_together(url: str, frames: list[bytes]) -> None:
    await asyncio.gather(*(send(url, frames) for _ in range(CLIENTS)))


def test_memory_held_by_the_c_library_is_released() -> None:
    with running(KEEPING) as process:
        assert process.stdout is not None
        at_peak, stays = map(float, process.stdout.readline().split())
    assert at_peak > 60 * MIB
    assert stays < at_peak / 2


def test_the_c_library_keeps_little_at_the_ends_of_its_heaps() -> None:
    with running(ENDS_OF_HEAPS) as process:
        assert process.stdout is not None
        used, stays = map(float, process.stdout.readline().split())
    assert used > 40 * MIB
    assert stays < used / 4


def test_large_messages_leave_no_memory_behind(tmp_path: Path) -> None:
    """Of several clients at a time: messages of each are put where those of others leave holes."""
    frames = [
        frame_of(start(number, payload={"text": "x" * (size * MIB // 4)}) for number in range(4))
        for size in (1, 2, 3)
    ]
    with running(SERVER, tmp_path / "a.msgpack") as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        run(send(url, frames[:1]))  # loads what messages need
        memory_before = int(status_line(server).split()[1])
        run(_send_together(url, frames * 4))
        deadline = time.monotonic() + PATIENCE
        while True:
            clients, now = map(int, status_line(server).split())
            if (not clients and now - memory_before < STAYS) or time.monotonic() > deadline:
                break
            time.sleep(0.05)
    assert clients == 0
    assert now - memory_before < STAYS


@pytest.fixture
def memory_releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[queue.Queue[bool]]:
    """Gets an item each time that memory is given back."""
    times: queue.Queue[bool] = queue.Queue()

    def note() -> bool:
        times.put(True)
        return True

    monkeypatch.setattr(free_memory, "give_back", note)
    yield times


async def test_memory_is_released_after_the_last_of_many_and_never_after_the_end(
    memory_releases: queue.Queue[bool],
) -> None:
    memory = FreeMemory(asyncio.get_running_loop(), waiting=int, after=0.01)
    memory.handled(free_memory.LARGE - 1)
    assert memory._waiting is None
    for _ in range(100):
        memory.handled(free_memory.LARGE)
    await asyncio.to_thread(memory_releases.get, timeout=PATIENCE)
    memory.handled(free_memory.LARGE)
    memory.close()
    await asyncio.sleep(0.05)
    assert memory_releases.empty()


async def test_memory_is_released_again_when_a_slow_reader_has_drained_the_queue(
    memory_releases: queue.Queue[bool],
) -> None:
    waiting = iter([300, 20, 0])
    memory = FreeMemory(asyncio.get_running_loop(), waiting=lambda: next(waiting), after=0.01)
    memory.handled(free_memory.LARGE)
    for _ in range(3):
        await asyncio.to_thread(memory_releases.get, timeout=PATIENCE)
    assert memory._waiting is None and memory_releases.empty()
    memory.close()
