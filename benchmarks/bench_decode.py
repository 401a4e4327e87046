"""Frames to the store, without a screen: decode and fold on one core, and the loading of files beside it."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterator

import msgpack

from benchmarks.report import Done, Row
from etaoi_collector.store import Store
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.event_ref import pack_event_ref
from tests import generate

QUICK = True
EVENTS = 100_000
PER_FRAME = 16


def _timed(work: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds, and how many events the work has seen."""
    gc.collect()
    began = time.process_time()
    events = work()
    return time.process_time() - began, events


def _fold(frames: list[bytes], events: int) -> int:
    """Return how many events are in the store."""
    store = Store()
    for number, frame in enumerate(frames):
        store.apply(decode_frame(frame), pack_event_ref(0, number), 0)
        store.drain_changes()
    if store.rejected or store.events != events:
        raise RuntimeError(f"{store.events} of {events} events in the store, {store.rejected} rejected")
    return store.events


def _frames(events: int) -> list[bytes]:
    return list(generate.frames(itertools.islice(generate.traffic(), events), PER_FRAME))


def folded_per_second(events: int) -> float:
    """Events a second of CPU time through decode and store in a plain loop."""
    frames = _frames(events)
    seconds, _ = _timed(lambda: _fold(frames, events))
    return events / seconds


def measure() -> Iterator[Row]:
    """Events a second of CPU time; msgpack's own decoder, which checks nothing, is the peer."""
    frames = _frames(EVENTS)

    def decode() -> int:
        return sum(len(decode_frame(frame)) for frame in frames)

    def unpack() -> int:
        return sum(
            len(envelope["batch"])
            for frame in frames
            for envelope in msgpack.unpackb(frame, strict_map_key=False)
        )

    unpacked, events = _timed(unpack)
    if events != EVENTS:
        raise RuntimeError(f"msgpack saw {events} of {EVENTS} events")
    decoded, events = _timed(decode)
    peer = "msgpack.unpackb", EVENTS / unpacked
    done = Done(events, "events decoded", EVENTS)
    yield Row("decode, typed and checked", EVENTS / decoded, "events/s", "", *peer, done=done)
    folded, events = _timed(lambda: _fold(frames, EVENTS))
    done = Done(events, "events in the store", EVENTS)
    yield Row("decode + store", EVENTS / folded, "events/s", ">= 100,000", *peer, done=done)
