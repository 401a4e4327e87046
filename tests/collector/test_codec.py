"""The codec: real frames, every single thing that can be wrong with an event, and ordinals that hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgpack
import msgspec
import pytest

from etaoi_collector.wire import limits
from etaoi_collector.wire.codec import decode_at_once, decode_events, decode_frame, split_frame
from etaoi_collector.wire.events import Event, Reject, SpanDelta, SpanEnd, SpanStart, StateTick
from etaoi_collector.wire.frame_scan import scan_frame
from etaoi_collector.wire.tolerant_decode import decode_tolerant
from tests.collector.making import CAPTURES, an_id, frame_of, pack, start


def captured_frames() -> list[bytes]:
    frames = []
    for path in sorted(CAPTURES.glob("*.msgpack")):
        with path.open("rb") as file:
            frames += [frame for _, frame in msgpack.Unpacker(file) if frame[0] >> 4 != 8]
    return frames


def plain(value: Event | Reject) -> dict[str, Any]:
    """Fields with raws as bytes, so that events compare by content."""
    fields = {name: getattr(value, name) for name in value.__struct_fields__}
    return {name: bytes(v) if isinstance(v, msgspec.Raw) else v for name, v in fields.items()}


def test_captured_frames_decode_without_rejects_on_every_path() -> None:
    frames = captured_frames()
    assert len(frames) > 50
    for frame in frames:
        parts = split_frame(frame)
        assert [bytes(part) for part in parts] == [bytes(part) for part in scan_frame(frame)]
        fast = decode_at_once(frame)
        assert fast is not None
        sliced = decode_events(parts, 0, 3) + decode_events(parts, 3)
        repaired = [decode_tolerant(part, ordinal) for ordinal, part in enumerate(parts)]
        assert not any(isinstance(event, Reject) for event in fast)
        assert [plain(e) for e in fast] == [plain(e) for e in sliced] == [plain(e) for e in repaired]


def test_raws_share_the_frames_memory() -> None:
    frame = frame_of([start(payload={"text": "x" * 1000})])
    (event,) = decode_frame(frame)
    assert isinstance(event, SpanStart)
    assert memoryview(event.payload).obj is not None
    assert bytes(event.payload) in frame


def test_several_events_in_an_envelope_count_on() -> None:
    envelopes = [{"schema_version": "0.5.1", "batch": [start(1), start(2)]}, {"batch": [start(3)]}]
    events = decode_frame(pack(envelopes))
    assert [event.span_id for event in events] == [an_id(101), an_id(102), an_id(103)]  # type: ignore[union-attr]


REJECTS = {
    "unknown event kind 'span_pause'": {"kind": "span_pause"},
    "the field kind is missing": {"kind": ...},
    "the field event_id is missing": {"event_id": ...},
    "the field span_id is missing": {"span_id": ...},
    "the field trace_id is nil": {"trace_id": None},
    "the field session_id is not a UUID: 'abc'": {"session_id": "abc"},
    "the field node_kind is a number, not text": {"node_kind": 5},
    "the field timestamp is not a time: 'yesterday'": {"timestamp": "yesterday"},
    "the field timestamp is not a time: True": {"timestamp": True},
    "the field metadata is a list, not a map": {"metadata": []},
}


@pytest.mark.parametrize(("reason", "change"), REJECTS.items())
def test_a_bad_event_costs_only_itself_and_has_a_reason(reason: str, change: dict[str, Any]) -> None:
    events = decode_frame(frame_of([start(1), start(2, **change), start(3)]))
    assert [type(event) for event in events] == [SpanStart, Reject, SpanStart]
    assert events[1] == Reject(1, reason)


def test_reasons_are_short_and_printable() -> None:
    (event,) = decode_frame(frame_of([start(session_id="\x1b[2J" * 1000)]))
    assert isinstance(event, Reject)
    assert len(event.reason) < 120 and event.reason.isprintable()


@pytest.mark.parametrize("packed", [b"\x01", b"\xc0", b"\x93\x01\x02\x03", b"\xa3abc", b"\xc4\x01a", b"\xc3"])
def test_an_item_that_is_no_map_is_a_reject(packed: bytes) -> None:
    events = decode_frame(frame_of([start(1), packed, start(3)]))
    assert [type(event) for event in events] == [SpanStart, Reject, SpanStart]


REPAIRS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"span_id": an_id(5).replace("-", "")}, {"span_id": an_id(5)}),
    ({"span_id": "{" + an_id(5).upper() + "}"}, {"span_id": an_id(5)}),
    ({"span_id": "urn:uuid:" + an_id(5)}, {"span_id": an_id(5)}),
    ({"parent_span_id": an_id(5).replace("-", "")}, {"parent_span_id": an_id(5)}),
    ({"timestamp": "2026-01-02T03:04:05"}, {"timestamp": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}),
    ({"timestamp": 1767323045.5}, {"timestamp": datetime(2026, 1, 2, 3, 4, 5, 500_000, tzinfo=UTC)}),
    ({"event_id": "no UUID, thirty-six characters long.", "user_id": 17}, {"user_id": "17"}),
    ({"user_id": 17}, {"user_id": "17"}),
    ({"node_kind": "k" * 100}, {"node_kind": "k" * 63 + "…"}),
    ({"payload": ...}, {"payload": b"\xc0"}),
]


@pytest.mark.parametrize(("change", "expected"), REPAIRS)
def test_harmless_errors_are_repaired(change: dict[str, Any], expected: dict[str, Any]) -> None:
    (event,) = decode_frame(frame_of([start(**change)]))
    assert isinstance(event, SpanStart), event
    fields = plain(event)
    assert {name: fields[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"name": 12}, "12"),
        ({"name": "ok", "n": 7, "nested": {"a": [1]}}, "ok"),
        ({"name": b"\xff\xfe"}, "<bytes ff fe>"),
        (None, None),
        (..., None),
    ],
)
def test_metadata_of_other_types_is_converted_to_text(metadata: Any, name: str | None) -> None:
    (event,) = decode_frame(frame_of([start(metadata=metadata)]))
    assert isinstance(event, SpanStart), event
    assert event.metadata.name == name


def test_a_lone_surrogate_costs_one_character() -> None:
    packed = pack(start(metadata={"name": "aXXXb"})).replace(b"aXXXb", b"a\xed\xa0\x80b")
    (event,) = decode_frame(frame_of([packed]))
    assert isinstance(event, SpanStart), event
    assert event.metadata.name is not None
    assert (event.metadata.name[0], event.metadata.name[-1]) == ("a", "b") and "�" in event.metadata.name


def test_every_kind_can_be_repaired() -> None:
    undashed = an_id(1).replace("-", "")
    common = {key: start()[key] for key in ("event_id", "trace_id", "span_id", "node_kind", "timestamp")}
    delta = {"kind": "span_delta", **common, "session_id": undashed, "payload": {"text": "a"}, "metadata": {}}
    end = {
        "kind": "span_end",
        **common,
        "session_id": undashed,
        "metadata": {},
        "payload": {},
        "error": ["x"],
    }
    end["voice_metrics"] = {"ttft": 0.5}
    tick = {"kind": "state_tick", "event_id": an_id(7), "session_id": undashed, "metadata": {}}
    tick |= {"timestamp": "2026-01-02T03:04:05Z", "subject": "agent", "state": "speaking"}
    events = decode_frame(frame_of([delta, end, tick]))
    assert [type(event) for event in events] == [SpanDelta, SpanEnd, StateTick]
    assert {event.session_id for event in events if not isinstance(event, Reject)} == {an_id(1)}
    ended = events[1]
    assert isinstance(ended, SpanEnd)
    assert ended.error == "['x']" and msgpack.unpackb(bytes(ended.voice_metrics)) == {"ttft": 0.5}


@pytest.mark.parametrize("levels", [600, 1000, 5000, 100_000])
def test_a_value_nested_without_end_costs_its_event_only(levels: int) -> None:
    deep = pack(start(2, payload={"x": "HERE"})).replace(pack("HERE"), b"\x91" * levels + b"\xc0")
    events = decode_frame(frame_of([start(1), deep, start(3)]))
    assert [type(event) for event in (events[0], events[2])] == [SpanStart, SpanStart]
    assert len(events) == 3
    if levels >= 1000:
        assert events[1] == Reject(1, "it is nested more than 512 levels deep")


def test_a_truncated_frame_keeps_its_earlier_events() -> None:
    whole = frame_of([start(1), start(2), start(3)])
    for length in range(len(whole)):
        events = decode_frame(whole[:length])
        good = [event for event in events if isinstance(event, SpanStart)]
        assert isinstance(events[-1], Reject)
        assert len(events) == len(good) + 1
        assert [event.span_id for event in good] == [an_id(101 + n) for n in range(len(good))]
    assert "breaks off after" in events[-1].reason
    assert len(good) == 2


def test_an_unknown_byte_costs_the_event_it_is_in() -> None:
    bad = pack(start(2, user_id="u")).replace(pack("u"), b"\xc1")
    events = decode_frame(frame_of([start(1), bad, start(3)]))
    assert [type(event) for event in events] == [SpanStart, Reject, SpanStart]
    assert "0xc1" in events[1].reason  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "the frame breaks off after 0 bytes"),
        (b"\x80", "the frame is a map, not a list of envelopes"),
        (b"hello", "the frame is a number, not a list of envelopes"),
        (b"\x91\x05", "envelope 0 is a number, not a map"),
        (b"\x91\x81\xa5batch\x05", "the batch of envelope 0 is a number, not a list"),
        (b"\x91\x81\xa1x\x05", "envelope 0 has no batch"),
        (b"\x90\x00\x00", "2 bytes follow after the frame's own end"),
        (b"\xdd\xff\xff\xff\xff", "the frame breaks off after 5 bytes"),
    ],
)
def test_bytes_that_are_no_frame_are_one_reject(frame: bytes, reason: str) -> None:
    (event,) = decode_frame(frame)
    assert isinstance(event, Reject)
    assert event.ordinal == 0 and event.reason.startswith(reason)


def test_an_empty_frame_holds_nothing() -> None:
    assert split_frame(b"\x90") == [] and decode_frame(b"\x90") == []


def test_a_broken_envelope_leaves_the_others() -> None:
    good = {"schema_version": "0.5.1", "batch": [start(1)]}
    events = decode_frame(pack([good, 7, {"batch": {}}, {"schema_version": 5, 5: 6, "batch": [start(2)]}]))
    assert [type(event) for event in events] == [SpanStart, Reject, Reject, SpanStart]
    assert [event.ordinal for event in events if isinstance(event, Reject)] == [1, 2]


def test_large_frames_are_split_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_of(start(number) for number in range(50))
    small = [bytes(part) for part in split_frame(frame)]
    monkeypatch.setattr("etaoi_collector.wire.codec.SMALL_FRAME", 0)
    assert [bytes(part) for part in split_frame(frame)] == small


def test_events_beyond_the_bound_of_a_frame_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etaoi_collector.wire.frame_scan.MAX_EVENTS_PER_FRAME", 10)
    parts = scan_frame(frame_of(start(number) for number in range(50)))
    assert len(parts) == 10
    assert isinstance(parts[-1], Reject) and "only the first" in parts[-1].reason


def test_bounds_fit_each_other() -> None:
    from etaoi_collector.wire.event_ref import ORDINAL_BITS

    assert limits.MAX_EVENTS_PER_FRAME < 1 << ORDINAL_BITS
    assert limits.MAX_FRAME <= limits.LARGEST_FRAME
