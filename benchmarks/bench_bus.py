"""Ingest with programs that subscribe in process, and with other viewers that follow over the wire.

The collector and its subscribers have one core, agents and other viewers another one. Beside each figure is
that of the same run with nobody listening.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.bench_rows import write_stream
from benchmarks.report import Done, Row
from benchmarks.viewer import Client
from etaoi_collector.wire.handshake import FANOUT, encode_hello
from tests import generate

EVENTS = 200_000
PER_FRAME = 16


@contextmanager
def _viewer(url: str, *, reads: bool) -> Iterator[None]:
    """Another viewer: one that takes everything, or one that stopped reading."""
    with connect(url, compression=None, proxy=None, max_size=None, close_timeout=0.1) as connection:
        connection.send(encode_hello("1", role=FANOUT))
        connection.recv()

        def read() -> None:
            try:
                while True:
                    connection.recv()
            except ConnectionClosed:
                return

        reading = threading.Thread(target=read, daemon=True)
        if reads:
            reading.start()
        try:
            yield
        finally:
            connection.close_socket()


def _rate(
    source: Path, subscribers: int, what: str, viewers: int = 0, *, reads: bool = True
) -> tuple[float, Done]:
    """Events that a collector takes in a second, and what was seen of them.

    Raises:
        RuntimeError: some did not arrive, or a subscriber missed some.
    """
    driver = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bus_driver", str(EVENTS), str(subscribers), what],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdout is not None
    with driver, ExitStack() as stack:
        url = json.loads(driver.stdout.readline())["url"]
        for _ in range(viewers):
            stack.enter_context(_viewer(url, reads=reads))
        arguments = ("--from", str(source), "--per-frame", str(PER_FRAME), "--hold")
        client = stack.enter_context(Client(url, *arguments))
        client.go()
        client.sent()
        report: dict[str, Any] = json.loads(driver.stdout.readline())
    if report["events"] < EVENTS or any(report["missed"]):
        raise RuntimeError(f"events were lost: {report}")
    deliveries = report["delivered"] if what == "hears" else []
    if any(delivered < EVENTS for delivered in deliveries):
        raise RuntimeError(f"subscribers heard {deliveries} of {EVENTS} events")
    done = Done(report["events"] + sum(deliveries), "events taken and heard", EVENTS * (1 + len(deliveries)))
    return EVENTS / report["seconds"], done


def measure() -> Iterator[Row]:
    """Each case in turn with nobody listening."""
    cases: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("ingest, nobody subscribed", (0, "hears"), {}),
        ("1 subscriber that hears everything", (1, "hears"), {}),
        ("4 subscribers that hear everything", (4, "hears"), {}),
        ("4 subscribers to model calls only", (4, "filters"), {}),
        ("4 subscribers that never look", (4, "sleeps"), {}),
        ("1 other viewer that follows", (0, "hears", 1), {}),
        ("4 other viewers that stopped reading", (0, "hears", 4), {"reads": False}),
    ]
    with TemporaryDirectory() as folder:
        source = Path(folder) / "traffic"
        events = itertools.islice(generate.traffic(), EVENTS)
        write_stream(source, generate.frames(events, PER_FRAME))
        nobody: float | None = None
        for name, arguments, options in cases:
            rate, done = _rate(source, *arguments, **options)
            yield Row(name, rate, "events/s", "", "nobody", nobody, done=done)
            nobody = nobody or rate
