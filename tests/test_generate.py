"""The generators are true to the protocol and give the same bytes for the same seed."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import msgpack
from hypothesis import given

from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.trace_records import FRAME, PREFIX, read_header, read_prefix
from tests import generate
from tests.generate import Event, Scribe
from tests.strategies import Arrival, delivered


def _closed(events: list[Event]) -> None:
    """Every span starts once, before all else of it, and ends once."""
    started: set[str] = set()
    ended: set[str] = set()
    for event in events:
        if event["kind"] == "span_start":
            assert event["span_id"] not in started
            assert event["parent_span_id"] is None or event["parent_span_id"] in started
            started.add(event["span_id"])
        elif event["kind"] == "span_end":
            assert event["span_id"] in started - ended
            ended.add(event["span_id"])
        elif event["kind"] == "span_delta":
            assert event["span_id"] in started - ended
    assert started == ended


def test_traces_are_complete_and_ordered() -> None:
    """What the generators write is a history that could have happened."""
    scribe = Scribe(1)
    generate.agent_trace(scribe, pieces=4, sub_agents=2, failing=True)
    generate.voice_call(scribe)
    generate.wide_trace(scribe, 50)
    generate.deep_trace(scribe, 2000)
    generate.ugly_trace(scribe, huge=1000)
    events = scribe.take()
    _closed(events)
    stamps = [event["timestamp"] for event in events]
    assert len(set(stamps)) == len(stamps)
    assert len({event["event_id"] for event in events}) == len(events)
    assert {len(event["event_id"]) for event in events} == {36}


def test_same_seed_same_bytes() -> None:
    """Frames are reproducible, and another seed gives others."""

    def some(seed: int) -> list[bytes]:
        return list(generate.frames(itertools.islice(generate.traffic(seed), 400)))

    assert some(3) == some(3)
    assert some(3) != some(4)


def test_frames_hold_every_event_once() -> None:
    """Packing loses nothing, whatever the sizes."""
    events = list(itertools.islice(generate.traffic(), 100))
    for per_frame, per_envelope in ((1, 1), (16, 1), (16, 5), (1000, 1000)):
        unpacked: list[Event] = []
        for frame in generate.frames(events, per_frame, per_envelope=per_envelope):
            unpacked += [event for envelope in msgpack.unpackb(frame) for event in envelope["batch"]]
        assert unpacked == events


def test_events_are_taken_by_the_codec() -> None:
    """Nothing that the generators write is refused, ugly as it may be."""
    scribe = Scribe(2)
    generate.agent_trace(scribe, pieces=4, sub_agents=1, failing=True)
    generate.voice_call(scribe)
    generate.ugly_trace(scribe, huge=5000)
    for frame in generate.frames(scribe.take()):
        assert not [event for event in decode_frame(frame) if isinstance(event, Reject)]


def test_written_trace_holds_what_was_asked_for(tmp_path: Path) -> None:
    """The file has a header and as many events and spans as told."""
    path = tmp_path / "run.msgpack"
    spans = generate.write_trace(path, 1000, last="the-end")
    data = path.read_bytes()
    head = read_header(data)
    assert head is not None
    position = head[1]
    unpacked: list[Event] = []
    while position < len(data):
        prefix = read_prefix(data, position)
        assert prefix is not None
        kind, _, _, length = prefix
        position += PREFIX.size
        if kind == FRAME:
            for envelope in msgpack.unpackb(data[position : position + length]):
                unpacked += envelope["batch"]
        position += length
    assert len(unpacked) == 1002
    assert len([event for event in unpacked if event["kind"] == "span_start"]) == spans
    assert unpacked[-1]["metadata"]["name"] == "the-end"


def test_networks_do_what_they_say() -> None:
    """Shuffling keeps, repeating adds, thinning splits."""
    events = list(itertools.islice(generate.traffic(), 200))

    def ids(of: list[Event]) -> Counter[str]:
        return Counter(event["event_id"] for event in of)

    assert ids(generate.shuffled(events, 1)) == ids(events)
    again = ids(generate.repeated(events, 1))
    assert set(again) == set(ids(events)) and max(again.values()) == 2
    arrived, lost = generate.thinned(events, 1)
    assert lost and ids(arrived) + ids(lost) == ids(events)


@given(delivered(lose=True))
def test_arrivals_come_from_the_history(case: tuple[list[Event], Arrival]) -> None:
    """Nothing arrives that was not sent; what is not lost arrives."""
    history, arrival = case
    lost = {event["event_id"] for event in arrival.lost}
    arrived = {event["event_id"] for event in arrival.events}
    assert arrived.isdisjoint(lost)
    assert arrived | lost == {event["event_id"] for event in history}
    stamps = [event["timestamp"] for event in history]
    assert len(set(stamps)) == len(stamps)
