"""Sends mutated requests to every endpoint, in this process, and looks that no neighbour is lost.

    python scripts/fuzz_doors.py [COUNT] [SEED]

The heads and bodies of real exporters, changed at random, go through what the collector runs: the front's
HTTP/1.1 and HTTP/2 connections, the gate, the routes, all receivers, the translators, the recorder and the
decoding of frames. Only the sockets are missing, and the worker's thread: its jobs are done at once.

After every mutated request an intact one has to bring all its events; and of bodies in which one span of
three was damaged the other two have to arrive. Memory is looked at ten times.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collector")]

from h2.config import H2Configuration
from h2.connection import H2Connection

from etaoi_collector.free_memory import FreeMemory
from etaoi_collector.ingest.pipeline import Ingest
from etaoi_collector.receivers.clients import Clients
from etaoi_collector.receivers.door import ReceiverContext
from etaoi_collector.receivers.front import Front
from etaoi_collector.receivers.gate import Gate
from etaoi_collector.receivers.http_connection import HttpConnection
from etaoi_collector.receivers.otlp_grpc import SERVICES, OtlpGrpc
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.translation.event_writer import pack_frames
from etaoi_collector.translation.ids import span_uuid
from etaoi_collector.translation.otel_model import InvalidPayload
from etaoi_collector.translation.translators import Translators
from scripts.fuzz_receivers import head_of, mutate
from tests.receivers.ingest_captures import EXPECTED, Captured, captured

LARGEST = 12_000
"""Bytes of the largest body that is used: many small ones find more than few large ones."""
GROWTH = 60
"""MiB by which memory may grow from the second look to the last."""
TRACE = "0af7651916cd43dd8448eb211c80319c"
PEERS = 50


class Wire:
    """The transport of a connection that has no socket."""

    def __init__(self) -> None:
        self.written = b""
        self.closing = False

    def write(self, data: bytes) -> None:
        """Keep the beginning of an answer."""
        if len(self.written) < 64:
            self.written += data

    def close(self) -> None:
        """Close."""
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closing

    def get_write_buffer_size(self) -> int:
        """Everything was read."""
        return 0

    def get_extra_info(self, name: str) -> Any:
        """Nothing is known."""


class Worker:
    """Does each job at once, as the real one's thread does."""

    def __init__(self, ingest: Ingest) -> None:
        self._translators = Translators()
        self._ingest = ingest

    def submit(self, job: Any, deliver: Callable[[bytes], None], reject: Any, size: int) -> bool:
        """Do a job."""
        try:
            for events in job(self._translators):
                for frame in pack_frames(events):
                    deliver(frame)
        except InvalidPayload as error:
            reject(size, str(error))
        return True


class Doors:
    """A collector's doors, without sockets."""

    def __init__(self, folder: Path) -> None:
        self.recorder = Recorder(directory=folder, segment_bytes=8 << 20, keep_bytes=32 << 20)
        self.ingest = Ingest(self.recorder, None, time.time)
        self.arrived: set[bytes] = set()
        self.ingest.frame_watchers.append(self._look)
        context = ReceiverContext(
            self.ingest,
            Gate(token=None, check_host=True),
            Clients(self.ingest),
            Worker(self.ingest),  # type: ignore[arg-type]
            FreeMemory(asyncio.get_running_loop(), waiting=int),
            "0",
            30.0,
        )
        self.front = Front(context, max_frame=16 << 20, loopback=True)
        self.grpc = next(receiver for receiver in self.front.receivers if isinstance(receiver, OtlpGrpc))
        self.expected: tuple[bytes, ...] = ()

    def _look(self, frame: bytes) -> None:
        self.arrived.update(mark for mark in self.expected if mark in frame)

    def http(self, data: bytes, peer: str) -> Wire:
        """Let a client of HTTP/1.1 say something and go."""
        return self._talk(HttpConnection(self.front.routes, self.front.budget, peer), data)

    def http2(self, data: bytes, peer: str) -> Wire:
        """Let a client of gRPC say something and go."""
        return self._talk(self.grpc.take_over(peer), data)

    def _talk(self, connection: asyncio.Protocol, data: bytes) -> Wire:
        wire = Wire()
        connection.connection_made(wire)  # type: ignore[arg-type]
        connection.data_received(data)
        connection.connection_lost(None)
        return wire

    def missing(self, expected: tuple[bytes, ...], say: Callable[[], object]) -> list[bytes]:
        """Return what of these did not arrive while something was sent."""
        self.expected, self.arrived = expected, set()
        say()
        return [mark for mark in expected if mark not in self.arrived]


def grpc_request(path: str, message: bytes, chance: random.Random) -> bytes:
    """Return the bytes of a client that sends one message."""
    http = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    http.initiate_connection()
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":authority": "localhost",
        ":path": path,
        "content-type": "application/grpc",
        "te": "trailers",
    }
    http.send_headers(1, list(fields.items()))
    body = bytes([chance.random() < 0.05]) + len(message).to_bytes(4, "big") + message
    while body:
        http.send_data(1, body[:16_384], end_stream=len(body) <= 16_384)
        body = body[16_384:]
    return http.data_to_send()


def field(number: int, data: bytes) -> bytes:
    """Encode a field of protobuf that has a length."""
    size, length = len(data), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


def span_of(span_id: str) -> bytes:
    """Encode a span."""
    attribute = field(1, b"gen_ai.operation.name") + field(2, field(1, b"chat"))
    return (
        field(1, bytes.fromhex(TRACE))
        + field(2, bytes.fromhex(span_id))
        + field(5, b"chat m")
        + b"\x39\x00\x10\xa5\xd4\xe8\x00\x00\x00\x41\x00\x20\xa5\xd4\xe8\x00\x00\x00"
        + field(9, attribute)
    )


def request_of(*spans: bytes) -> bytes:
    """Encode a request with these spans."""
    return field(1, field(2, b"".join(field(2, span) for span in spans)))


def post(path: str, body: bytes, kind: str) -> bytes:
    """Return the bytes of an intact request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    )
    return f"{head}\r\n".encode() + body


def marks(*ids: str) -> tuple[bytes, ...]:
    """Return how events name these spans."""
    return tuple(span_uuid(TRACE, span_id).encode() for span_id in ids)


def neighbours(chance: random.Random) -> tuple[tuple[bytes, ...], bytes]:
    """Return a body with a damaged span between two others, and what has to arrive of it."""
    first, other, last = (f"{chance.getrandbits(64):016x}" for _ in range(3))
    if chance.random() < 0.5:
        damaged = bytearray(span_of(other))
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        body = request_of(span_of(first), bytes(damaged), span_of(last))
        return marks(first, last), post("/v1/traces", body, "application/x-protobuf")
    spans = [json_span(first), damaged_json(json_span(other), chance), json_span(last)]
    request = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    return marks(first, last), post("/v1/traces", json.dumps(request).encode(), "application/json")


def json_span(span_id: str) -> dict[str, Any]:
    """Return a span as OTLP's JSON has it."""
    attribute = {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}
    return {
        "traceId": TRACE, "spanId": span_id, "name": "chat m", "attributes": [attribute], "events": [],
        "startTimeUnixNano": "1000000000000", "endTimeUnixNano": "1000000004096", "status": {"code": 1},
    }  # fmt: skip


def damaged_json(span: dict[str, Any], chance: random.Random) -> Any:
    """Put something of a wrong type somewhere."""
    odd = chance.choice((None, [], {}, -1, 1 << 70, True, "x" * 50, [[1]], {"a": [None]}, 1.5, "\ud800"))
    if chance.random() < 0.1:
        return odd
    span[chance.choice(list(span))] = odd
    if chance.random() < 0.3 and isinstance(span["attributes"], list):
        span["attributes"] = [*span["attributes"], {"key": odd}, {"key": "a", "value": odd}, odd]
    return span


def resident() -> float:
    """MiB of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


def small_requests() -> list[Captured]:
    """Return requests of all exporters with small bodies."""
    return [
        request
        for name in EXPECTED
        for request in captured(name)
        if len(request.body) < LARGEST and "content-encoding" not in request.headers
    ]


PATHS = ("/ingest", "/runs/x/feedback", "/feedback", "/v1/info", "/info", "/v1/metrics", "/sse/sessions/all")


def mutated_requests(requests: list[Captured], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield mutated requests for ever: ``http`` or ``http2``, and bytes."""
    while True:
        request = chance.choice(requests)
        if chance.random() < 0.1:
            request = request._replace(path=chance.choice(PATHS))
        body = request.body if chance.random() < 0.2 else mutate(request.body, chance)
        if chance.random() < 0.1:
            data = grpc_request(chance.choice(list(SERVICES)), body, chance)
            yield "http2", mutate(data, chance) if chance.random() < 0.5 else data
            continue
        head = head_of(request._replace(body=body))
        yield "http", (mutate(head, chance) if chance.random() < 0.5 else head) + body


async def main() -> int:
    """Returns 0 when everything held."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    endings: Counter[str] = Counter()
    looks: list[float] = []
    lost = 0
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        doors = Doors(Path(folder))
        for number, (wire, data) in enumerate(mutated_requests(small_requests(), chance)):
            if number == count:
                break
            peer = f"127.0.0.1:{4000 + number % PEERS}"
            answer = (doors.http if wire == "http" else doors.http2)(data, peer)
            endings[answer.written[9:12].decode("latin-1") if wire == "http" else "HTTP/2"] += 1
            if number % 2:
                own = f"{chance.getrandbits(64):016x}"
                intact = post("/v1/traces", request_of(span_of(own)), "application/x-protobuf")
                expected = marks(own)
            else:
                expected, intact = neighbours(chance)
            missing = doors.missing(expected, lambda intact=intact, peer=peer: doors.http(intact, peer))  # type: ignore[misc]
            if missing:
                lost += 1
                print(f"after {number:,} (seed {sys.argv[2:] or 1}): {len(missing)} spans lost of {intact!r}")
                if lost > 5:
                    break
            if number % 100 == 0:
                doors.recorder.flush()
                await asyncio.sleep(0)
            if number % max(1, count // 10) == max(1, count // 10) - 1:
                gc.collect()
                looks.append(resident())
                print(f"{number + 1:,} in {time.monotonic() - began:.0f} s, {looks[-1]:.0f} MiB", flush=True)
        stats = doors.ingest.stats()
        doors.recorder.close()
    print(
        f"{sum(endings.values()):,} mutated requests and as many intact ones: {lost} lost spans; "
        f"answers {dict(endings.most_common(12))}; {stats.events:,} events, {stats.rejected:,} rejected, "
        f"{stats.refused_frames:,} bodies refused, {stats.turned_away:,} turned away; {doors.ingest.trouble}"
    )
    grown = looks[-1] - looks[1] if len(looks) > 1 else 0.0
    return int(lost > 0 or grown > GROWTH or bool(doors.ingest.trouble))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
