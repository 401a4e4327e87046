"""What foreign tracers cost: spans a second on one core, and the WebSocket behind the front.

Translation is measured without sockets, over the bodies of real exporters; the WebSocket with the front and
without it, in the same process and in turns.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.otlp_driver import Body
from benchmarks.report import Done, Row
from etaoi_collector.free_memory import FreeMemory
from etaoi_collector.receivers.clients import Clients
from etaoi_collector.receivers.door import ReceiverContext
from etaoi_collector.receivers.etaoi_ws import EtaoiWebSocket
from etaoi_collector.receivers.front import Front
from etaoi_collector.receivers.gate import Gate
from etaoi_collector.receivers.worker import TranslationWorker
from etaoi_collector.translation.event_writer import pack_frames
from etaoi_collector.translation.langsmith_requests import read_batch
from etaoi_collector.translation.otlp_protobuf import decode_traces
from etaoi_collector.translation.translators import Translators
from tests.receivers.ingest_captures import captured

QUICK = True
ROUNDS = 3
COPIES = 10
"""How often each request of an exporter is translated, each time under ids of its own."""
MESSAGES = 20_000
MESSAGE_SIZES = {"1 kB": 1_000, "20 kB": 20_000}
"""Bytes of a message with one event, and of one with sixteen, as the SDK sends them under load."""


def measure() -> Iterator[Row]:
    """Translation and the front."""
    names = random.Random(7)
    recorded = [
        Body(request.body)
        for name in ("otlp-openinference-langchain", "otlp-pydantic-ai-v2", "otlp-partial-success")
        for request in captured(name)
        if request.path.endswith("traces") and request.status == 200
    ]
    bodies = [body.copy(names) for _ in range(COPIES) for body in recorded]
    spans = sum(len(decode_traces(body)) for body in bodies)
    decoded, _ = _best(lambda: sum(len(decode_traces(body)) for body in bodies))

    def translate() -> int:
        translators = Translators()
        return sum(_packed(translators.otel.take_spans(decode_traces(body))) for body in bodies)

    whole, events = _best(translate)
    rate, floor = spans / whole, spans / decoded
    done = Done(events, "events in frames", spans)
    yield Row("OTLP to frames, one core", rate, "spans/s", ">= 14,000", "decoding", floor, done=done)
    batches = [request.body for request in captured("langsmith-batch-json") if request.method == "POST"]
    operations = sum(len(read_batch(body).runs) for body in batches)

    def join() -> int:
        translators = Translators()
        return sum(_packed(translators.langsmith.take(read_batch(body).runs)) for body in batches)

    whole, events = _best(join)
    done = Done(events, "events in frames", operations // 2)
    yield Row("LangSmith to frames, one core", operations / whole, "operations/s", done=done)
    done = Done(MESSAGES, "messages taken in by each server")
    for name, size in MESSAGE_SIZES.items():
        behind, alone = (MESSAGES / seconds for seconds in asyncio.run(_websockets(size)))
        yield Row(f"WebSocket behind the front, {name}", behind, "messages/s", "", "alone", alone, done=done)


def _packed(events: Sequence[bytes]) -> int:
    """Pack events; returns how many are in frames."""
    frames = pack_frames(events)
    return len(events) if frames else 0


def _best(work: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds of the best of `ROUNDS` after one that warms up, and what the work counted."""
    best = float("inf")
    work()
    for _ in range(ROUNDS):
        began = time.process_time()
        events = work()
        best = min(best, time.process_time() - began)
    return best, events


class _Recorder:
    """Has written everything at any time."""

    def flush(self) -> bool:
        """Say that nothing waits to be written."""
        return True


class _Ingest:
    """What the front asks of a collector, which here takes nothing in."""

    def __init__(self) -> None:
        self.recorder = _Recorder()


class _Swallow:
    """Counts messages and forgets them."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, connection: ServerConnection) -> None:
        async for _ in connection:
            self.calls += 1


async def _websockets(size: int) -> tuple[float, float]:
    """CPU seconds for `MESSAGES` messages behind the front, and for a server without one; best of several.

    Args:
        size: Bytes of a message.
    """
    loop = asyncio.get_running_loop()
    ingest: object = _Ingest()
    context = ReceiverContext(
        ingest,  # type: ignore[arg-type]
        Gate(token=None, check_host=True),
        Clients(ingest),  # type: ignore[arg-type]
        TranslationWorker(loop, lambda _: None, lambda _: None),
        FreeMemory(loop, waiting=int),
        "0",
        30.0,
    )
    front = Front(context, max_frame=1 << 30, loopback=True, receivers=[EtaoiWebSocket])
    behind, alone = _Swallow(), _Swallow()
    front.websocket.handle = behind  # type: ignore[method-assign]
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    await front.listen(bound)
    message = b"\x90" * size
    times: dict[int, list[float]] = {0: [], 1: []}
    async with serve(alone, "127.0.0.1", 0, compression=None) as plain:
        ports = bound.getsockname()[1], plain.sockets[0].getsockname()[1]
        for _ in range(ROUNDS):
            for which, port in enumerate(ports):
                url = f"ws://127.0.0.1:{port}/ingest"
                async with connect(url, compression=None, proxy=None) as connection:
                    began = time.process_time()
                    for _ in range(MESSAGES):
                        await connection.send(message)
                    await (await connection.ping())
                    times[which].append(time.process_time() - began)
    await front.close()
    if not behind.calls == alone.calls == ROUNDS * MESSAGES:
        raise RuntimeError(f"{behind.calls} and {alone.calls} messages of {ROUNDS * MESSAGES} were taken in")
    return min(times[0]), min(times[1])
