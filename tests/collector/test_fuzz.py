"""Whatever bytes arrive: nothing raises, and good events beside bad ones are found."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from etaoi_collector.wire import full_decode as whole
from etaoi_collector.wire import scan
from etaoi_collector.wire.codec import (
    decode_at_once,
    decode_events,
    decode_frame,
    decode_lossless,
    split_frame,
)
from etaoi_collector.wire.events import Reject, SpanStart
from etaoi_collector.wire.frame_scan import is_map, scan_frame
from etaoi_collector.wire.limits import MAX_SHOWN_DEPTH
from etaoi_collector.wire.scan import Budget, skip
from etaoi_collector.wire.tolerant_decode import decode_tolerant
from tests.collector.making import an_id, frame_of, pack, start

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=40)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=20)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(-9, 9), inner, max_size=4)
    ),
    max_leaves=12,
)
PACKED = VALUES.map(lambda value: bytes(msgpack.packb(value)))
BROKEN_FIELDS = st.dictionaries(st.sampled_from(sorted(start())), VALUES, min_size=1, max_size=3)


@given(st.binary(max_size=300))
def test_any_bytes_are_split_and_decoded(frame: bytes) -> None:
    parts = split_frame(frame)
    events = decode_events(parts)
    assert len(events) == len(parts) == len(decode_frame(frame))
    assert all(event.ordinal == index for index, event in enumerate(events) if isinstance(event, Reject))
    assert all(event.reason for event in events if isinstance(event, Reject))


@given(st.binary(max_size=200))
def test_any_bytes_are_readable(raw: bytes) -> None:
    assert_json_like(decode_lossless(raw))


@given(PACKED)
def test_any_value_is_readable(packed: bytes) -> None:
    assert_json_like(decode_lossless(packed))


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(-5, 5) | st.lists(st.booleans()))
)
def test_plain_values_come_back_unchanged(value: dict[str, Any]) -> None:
    assert decode_lossless(pack(value)) == value


@given(PACKED, st.binary(max_size=10))
def test_skipping_ends_where_the_value_does(packed: bytes, rest: bytes) -> None:
    assert skip(memoryview(packed + rest), 0, Budget()) == (len(packed), False)


@given(st.lists(PACKED, max_size=6))
def test_both_ways_to_split_agree(items: list[bytes]) -> None:
    frame = frame_of(items)
    assert [bytes(part) for part in split_frame(frame)] == items
    scanned = scan_frame(frame)
    assert len(scanned) == len(items)
    for part, item in zip(scanned, items, strict=True):
        if isinstance(part, Reject):
            assert not is_map(memoryview(item)) and part.reason == decode_events([Raw(item)])[0].reason  # type: ignore[union-attr]
        else:
            assert bytes(part) == item


def decoded_values(frame: bytes) -> list[Any]:
    return [part if isinstance(part, Reject) else bytes(part) for part in scan_frame(frame)]


@given(PACKED | st.binary(max_size=200), st.binary(max_size=3))
def test_nothing_else_is_read_where_msgpack_is_not_installed(value: bytes, rest: bytes) -> None:
    frame = frame_of([value, start()]) + rest
    fast = repr(decode_lossless(value)), decoded_values(frame)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "msgpack", None)
        patch.setattr(whole, "msgpack", None)
        assert (repr(decode_lossless(value)), decoded_values(frame)) == fast


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_good_events_survive_their_neighbours(good: list[bool], data: st.DataObject) -> None:
    items: list[Any] = []
    for number, is_good in enumerate(good):
        items.append(start(number) if is_good else data.draw(PACKED | st.just(b"\xc1")))
    events = decode_frame(frame_of(items))
    assert len(events) == len(good)
    for number, is_good in enumerate(good):
        event = events[number]
        if is_good:
            assert isinstance(event, SpanStart) and event.span_id == an_id(100 + number)
        else:
            assert isinstance(event, Reject) and event.ordinal == number


@given(BROKEN_FIELDS)
def test_an_event_with_odd_fields_is_repaired_or_explained(fields: dict[str, Any]) -> None:
    packed = pack({**start(), **fields})
    (event,) = decode_frame(frame_of([packed]))
    again = decode_tolerant(split_frame(frame_of([packed]))[0], 0)  # type: ignore[arg-type]
    assert isinstance(event, Reject) or event.event_id
    assert isinstance(event, Reject) == isinstance(again, Reject)


@settings(max_examples=60)
@given(st.data())
def test_one_flipped_byte_loses_little(data: st.DataObject) -> None:
    frame = bytearray(frame_of(start(number) for number in range(4)))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] = data.draw(st.integers(0, 255))
    decode_at_once(frame)
    for event in decode_frame(frame):
        assert isinstance(event, Reject) or event.event_id


def assert_json_like(value: Any) -> None:
    assert isinstance(value, dict)
    level: list[Any] = [value]
    for _ in range(MAX_SHOWN_DEPTH + 2):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                assert all(type(key) is str for key in item)
                below += item.values()
            elif isinstance(item, list):
                below += item
            else:
                assert item is None or type(item) in (str, int, float, bool), item
        level = below
    assert not level
