"""A running collector and clients for the tests that go through real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.source_items import SourceItem
from etaoi_collector.sources.live import LiveSource
from etaoi_collector.wire.handshake import encode_hello

PATIENCE = 60.0
"""Seconds after which a test gives up waiting; a process takes ten to start where eight want a core."""


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[tuple[Collector, LiveSource]]:
    """Run a collector on a free port with its state below ``folder``."""
    options = {"port": 0, "state": folder, "record": Record.AUTO} | options
    collector = Collector(CollectorOptions(**options)).bind()
    collector.start()
    assert collector.wait_ready(PATIENCE)
    try:
        yield collector, LiveSource(collector)
    finally:
        collector.stop(PATIENCE)
        collector.close_recording()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds that another thread brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def take_until(source: LiveSource, enough: Callable[[list[SourceItem]], bool]) -> list[SourceItem]:
    """Take items until there are enough."""
    items: list[SourceItem] = []

    def look() -> bool:
        items.extend(source.take(0.01))
        return enough(items)

    wait_for(look)
    return items


def run(work: Awaitable[Any]) -> Any:
    """Run a client to its end."""
    return asyncio.run(asyncio.wait_for(work, PATIENCE))  # type: ignore[arg-type]


async def connect(collector: Collector, **options: Any) -> ClientConnection:
    """Connect without shaking hands."""
    options = {"compression": None, "proxy": None} | options
    return await websockets.connect(collector.endpoint, **options)


async def client(collector: Collector, **options: Any) -> ClientConnection:
    """Connect and shake hands."""
    connection = await connect(collector, **options)
    await connection.send(encode_hello("0.5.1"))
    await connection.recv()
    return connection
