"""Events are decoded once, a bounded number of them is kept, and what cannot be read says why."""

from __future__ import annotations

import msgpack

from etaoi_collector.projections import payload_reader as payloads
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.source_items import Missing


class Counting:
    def __init__(self, size: int = 1) -> None:
        self.reads: list[int] = []
        self.size = size

    def read(self, ref: int) -> bytes | Missing:
        self.reads.append(ref)
        if ref == 13:
            return Missing("it was not recorded")
        return bytes(msgpack.packb({"place": ref, "payload": "x" * self.size}))


def test_an_event_is_read_once() -> None:
    source = Counting()
    recorded_payloads = RecordedPayloads(source)
    assert recorded_payloads.event(5) is recorded_payloads.event(5)
    assert source.reads == [5]


def test_the_least_recently_read_event_is_evicted() -> None:
    source = Counting()
    recorded_payloads = RecordedPayloads(source, keep=2)
    for ref in (1, 2, 1, 3, 1, 2):
        recorded_payloads.event(ref)
    assert source.reads == [1, 2, 3, 2]


def test_large_events_are_evicted() -> None:
    source = Counting(payloads.BYTES_KEPT // 3)
    recorded_payloads = RecordedPayloads(source)
    for ref in (1, 2, 3, 3, 1):
        recorded_payloads.event(ref)
    assert source.reads == [1, 2, 3, 1]


def test_a_missing_event_has_a_reason_and_is_read_again() -> None:
    source = Counting()
    recorded_payloads = RecordedPayloads(source)
    for _ in range(2):
        event = recorded_payloads.event(13)
        assert isinstance(event, Missing) and event.reason == "it was not recorded"
    assert source.reads == [13, 13]
    nowhere = recorded_payloads.event(-1)
    assert isinstance(nowhere, Missing) and len(source.reads) == 2


def test_bytes_that_are_no_event_are_still_shown() -> None:
    class Broken:
        def read(self, ref: int) -> bytes | Missing:
            return b"\xc1\xff\x00"

    event = RecordedPayloads(Broken()).event(1)
    assert isinstance(event, dict)
