"""A client that sends generated events at a rate, in a process of its own, and writes down what it sent.

    python -m tests.load URL --rate 5000 --seconds 10 --log sent.jsonl

Each line of the log is ``[seconds since the epoch, [event ids]]``, written after the message was given to the
socket. With ``--wait`` it connects, prints a line, and sends when it reads one; with ``--hold`` it stays
connected until its input ends. The last line on stdout says what was sent.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgpack
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests import generate
from tests.generate import Event, Scribe

Packed = tuple[bytes, list[str]]
"""A message and the ids of its events."""


def packed(events: Iterable[Event], per_frame: int) -> Iterator[Packed]:
    """Pack events into messages."""
    source = iter(events)
    while batch := list(itertools.islice(source, per_frame)):
        yield generate.frame(batch), [event["event_id"] for event in batch]


def from_file(path: Path) -> Iterator[Packed]:
    """Messages of a ``[time, frame]`` stream; their ids are not looked at."""
    with path.open("rb") as file:
        for _, frame in msgpack.Unpacker(file, max_buffer_size=2**31 - 1):
            yield frame, []


def closing_trace(name: str) -> list[Event]:
    """A short finished trace of the given name: who sees it has seen everything before it."""
    scribe = Scribe(name)
    scribe.clock.at = time.time_ns() // 1000
    span = scribe.start("sub_agent", name, metadata={"lc_chain_kind": "sub_agent", "lc_agent_name": name})
    scribe.end(span, {"outputs": "{}"})
    return scribe.take()


def _say(record: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Parse the command line and send."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=0, help="events a second; 0 is as fast as it goes")
    parser.add_argument("--events", type=int, default=1 << 62)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--per-frame", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pieces", type=int, default=0, help="streamed pieces a model call")
    parser.add_argument("--prepare", action="store_true", help="pack everything before connecting")
    parser.add_argument("--from", dest="source", type=Path, help="send the messages of this file instead")
    parser.add_argument("--log", type=Path)
    parser.add_argument("--mark", help="name of a last, short trace")
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--hold", action="store_true")
    options = parser.parse_args()

    if options.source:
        messages = from_file(options.source)
    else:
        traffic = generate.traffic(options.seed, pieces=options.pieces)
        messages = packed(itertools.islice(traffic, options.events), options.per_frame)
    if options.prepare:
        messages = iter(list(messages))
    log = options.log.open("w", buffering=1) if options.log else None

    with connect(options.url, compression=None, ping_interval=None, max_size=None, close_timeout=1) as socket:
        socket.send(generate.hello())
        socket.recv(timeout=60)
        _say({"event": "connected"})
        if options.wait:
            sys.stdin.readline()
        began = time.perf_counter()
        sent = 0
        size = 0
        broken = ""
        try:
            for data, ids in messages:
                if options.rate:
                    ahead = sent / options.rate - (time.perf_counter() - began)
                    if ahead > 0.002:
                        time.sleep(ahead)
                if time.perf_counter() - began > options.seconds:
                    break
                socket.send(data)
                sent += len(ids) or options.per_frame
                size += len(data)
                if log:
                    log.write(json.dumps([time.time(), ids]) + "\n")
            if options.mark:
                socket.send(generate.frame(closing_trace(options.mark)))
        except (ConnectionClosed, OSError) as error:
            broken = str(error) or type(error).__name__
        seconds = time.perf_counter() - began
        _say({"event": "sent", "events": sent, "bytes": size, "seconds": seconds, "broken": broken})
        if options.hold:
            sys.stdin.read()


if __name__ == "__main__":
    main()
