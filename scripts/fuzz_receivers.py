"""Sends mutated heads and bodies of real exporters to a collector, and watches that it lives and forgets.

    python scripts/fuzz_receivers.py [SECONDS] [SEED]

Two kinds of load, half of the time each: bytes over sockets, and bodies straight into the translators, which
is many times as many. Each second a well-formed request has to be answered; in the end nothing may have
failed within etaoi-tui, and memory may not have grown with the number of requests. Spans that a translator
gave up, and why, are listed: they cost only themselves, but each is a shape that nobody thought of.
"""

from __future__ import annotations

import logging
import random
import resource
import socket
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collector")]

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.translation import langsmith_requests as langsmith
from etaoi_collector.translation.event_writer import pack_frames
from etaoi_collector.translation.otel_model import InvalidPayload
from etaoi_collector.translation.otlp_json import logs_of, parse, spans_of
from etaoi_collector.translation.otlp_protobuf import decode_logs, decode_traces
from etaoi_collector.translation.translators import Translators
from etaoi_collector.wire.codec import decode_frame
from tests.receivers.ingest_captures import EXPECTED, Captured, captured

GROWTH = 300
"""MiB by which the peak of memory may grow after the first tenth of the time."""


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Change some bytes: flip, cut, repeat, insert, or swap pieces."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        if not changed:
            break
        at = chance.randrange(len(changed))
        match chance.randrange(6):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                del changed[at : at + chance.randint(1, 40)]
            case 2:
                changed[at:at] = changed[at : at + chance.randint(1, 200)]
            case 3:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
            case 4:
                changed[at] = chance.choice((0, 0xFF, 0x80, 0x7F, 0x0A, 0x22, 0x5B, 0x7B))
            case _:
                del changed[at:]
    return bytes(changed)


def translate(translators: Translators, request: Captured, body: bytes) -> None:
    """Take a body as the worker does; whatever it is, only `InvalidPayload` may come of it."""
    kind = request.headers.get("content-type", "")
    try:
        if request.path.endswith("/logs"):
            events = translators.otel.take_logs(logs_of(parse(body)) if "json" in kind else decode_logs(body))
        elif request.path.endswith("/traces"):
            events = translators.otel.take_spans(
                spans_of(parse(body)) if "json" in kind else decode_traces(body)
            )
        elif "multipart" in kind:
            events = translators.langsmith.take(langsmith.read_multipart(body, kind).runs)
        elif request.path.endswith("batch"):
            events = translators.langsmith.take(langsmith.read_batch(body).runs)
        else:
            events = translators.langsmith.take(langsmith.read_run(body).runs)
    except InvalidPayload:
        return
    for frame in pack_frames(events):
        decode_frame(frame)


def head_of(request: Captured) -> bytes:
    fields = {**request.headers, "host": "localhost", "content-length": str(len(request.body))}
    fields.pop("transfer-encoding", None)
    lines = [
        f"{request.method} {request.path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in fields.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def talk(where: tuple[str, int], data: bytes, chance: random.Random) -> None:
    """Send bytes, perhaps in pieces, and hang up, perhaps before the answer."""
    with socket.create_connection(where, timeout=5) as connection:
        try:
            if chance.random() < 0.2:
                half = len(data) // 2
                connection.sendall(data[:half])
                data = data[half:]
            connection.sendall(data)
            if chance.random() < 0.7:
                connection.settimeout(0.02)
                connection.recv(4096)
        except OSError:
            return


def healthy(where: tuple[str, int]) -> bool:
    with socket.create_connection(where, timeout=20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.recv(4096).startswith(b"HTTP/1.1 200")


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def repeat(seconds: float, one: Callable[[], None], each_second: Callable[[], None]) -> tuple[int, float]:
    """Do one thing again and again; returns how often, and by how many MiB memory's peak grew."""
    began = time.monotonic()
    count, settled, last_report = 0, 0.0, began
    while (now := time.monotonic()) - began < seconds:
        one()
        count += 1
        if not settled and now - began > seconds / 10:
            settled = peak()
        if now - last_report > 1:
            last_report = now
            each_second()
    return count, peak() - (settled or peak())


class GivenUp(logging.Handler):
    """Collects why spans could not be translated, by where it happened."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.why: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a note of a translator."""
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            frame = traceback.extract_tb(error.__traceback__)[-1]
            self.why[f"{Path(frame.filename).name}:{frame.lineno} {type(error).__name__}: {error}"[:120]] += 1


def main() -> int:
    """Returns 0 when everything held."""
    given_up = GivenUp()
    log = logging.getLogger("etaoi_collector.translation")
    log.addHandler(given_up)
    log.setLevel(logging.DEBUG)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    chance = random.Random(seed)
    requests = [
        request
        for name in EXPECTED
        for request in captured(name)
        if request.method != "GET" and request.body and "content-encoding" not in request.headers
    ]
    small = [request for request in requests if len(request.body) < 60_000]
    translators = Translators()

    def body() -> None:
        request = chance.choice(small)
        translate(translators, request, mutate(request.body, chance))

    count, grown = repeat(seconds / 2, body, lambda: None)
    print(f"{count:,} bodies translated, memory's peak grew by {grown:.0f} MiB")
    for why, times in given_up.why.most_common(20):
        print(f"  {times:,} spans given up: {why}")
    failed = grown > GROWTH
    with TemporaryDirectory() as folder:
        options = CollectorOptions(port=0, state=Path(folder), record=Record.NONE, watched=False)
        collector = Collector(options).bind()
        collector.start()
        url = urlsplit(collector.endpoint)
        where = (url.hostname or "", url.port or 0)

        def request() -> None:
            request = chance.choice(small)
            head = head_of(request)
            if chance.random() < 0.5:
                head = mutate(head, chance)
            talk(where, head + mutate(request.body, chance), chance)

        def check() -> None:
            if not healthy(where):
                raise RuntimeError("the collector does not answer")

        count, grown = repeat(seconds / 2, request, check)
        check()
        stats = collector.stats()
        print(
            f"{count:,} requests sent, memory's peak grew by {grown:.0f} MiB; {stats.events:,} events, "
            f"{stats.rejected:,} rejected, {stats.refused_frames:,} bodies refused, "
            f"{stats.turned_away:,} turned away"
        )
        failed |= grown > GROWTH
        for trouble in filter(None, (collector.failure, collector.trouble)):
            print(trouble)
            failed = True
        collector.stop(5)
        collector.close_recording()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
