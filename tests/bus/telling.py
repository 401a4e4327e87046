"""Agents that stream numbered events, and what subscribers make of them."""

from __future__ import annotations

from collections.abc import Iterable

from etaoi_collector.collector import Collector
from etaoi_collector.subscriptions.bus_event import BusEvent
from tests.collector.making import numbered_frame
from tests.collector.serving import client, run, wait_for


def send(collector: Collector, frames: Iterable[bytes]) -> None:
    """Let an agent connect, send frames and leave, and wait until the collector took all of them."""
    sent = list(frames)
    earlier_stats = collector.stats()

    async def talk() -> None:
        connection = await client(collector)
        for frame in sent:
            await connection.send(frame)
        await connection.close()

    run(talk())
    wait_for(lambda: collector.stats().frames == earlier_stats.frames + len(sent))
    wait_for(lambda: collector.stats().clients == earlier_stats.clients)


def numbered(first: int, last: int, per_frame: int = 10) -> list[bytes]:
    """Frames of spans called ``tool N``, numbered without a gap."""
    return [numbered_frame(at, min(per_frame, last - at + 1)) for at in range(first, last + 1, per_frame)]


def number(event: BusEvent) -> int:
    """The number in a span's name."""
    return int((event.name or "-1").rpartition(" ")[2])


def numbers(events: Iterable[BusEvent]) -> list[int]:
    """The numbers of some events, in order."""
    return [number(event) for event in events]
