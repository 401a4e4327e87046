"""Frames to the store, without a screen: decode and fold on one core, and the loading of files beside it."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterator
from statistics import median

import msgpack

from benchmarks.report import Row
from etaoi_collector.store import Store
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.event_ref import pack_event_ref
from tests import generate

EVENTS = 100_000
PER_FRAME = 16
ROUNDS = 3


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def _fold(frames: list[bytes], events: int) -> None:
    store = Store()
    for number, frame in enumerate(frames):
        store.apply(decode_frame(frame), pack_event_ref(0, number), 0)
        store.drain_changes()
    if store.rejected or store.events != events:
        raise RuntimeError(f"{store.events} of {events} events in the store, {store.rejected} rejected")


def _frames(events: int) -> list[bytes]:
    return list(generate.frames(itertools.islice(generate.traffic(), events), PER_FRAME))


def folded_per_second(events: int) -> float:
    """Events a second of CPU time through decode and store in a plain loop."""
    frames = _frames(events)
    return events / _seconds(lambda: _fold(frames, events))


def measure() -> Iterator[Row]:
    """Events a second of CPU time; msgpack's own decoder, which checks nothing, is the peer."""
    frames = _frames(EVENTS)

    def decode() -> None:
        for frame in frames:
            decode_frame(frame)

    def unpack() -> None:
        for frame in frames:
            msgpack.unpackb(frame, strict_map_key=False)

    times: dict[str, list[float]] = {"unpack": [], "decode": [], "fold": []}
    for _ in range(ROUNDS):
        times["unpack"].append(_seconds(unpack))
        times["decode"].append(_seconds(decode))
        times["fold"].append(_seconds(lambda: _fold(frames, EVENTS)))
    rate = {name: EVENTS / median(taken) for name, taken in times.items()}
    yield Row("decode, typed and checked", rate["decode"], "events/s", "", "msgpack.unpackb", rate["unpack"])
    yield Row("decode + store", rate["fold"], "events/s", ">= 100,000", "msgpack.unpackb", rate["unpack"])
