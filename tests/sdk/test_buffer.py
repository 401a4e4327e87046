from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.wire.encode import DROPPED_KEY, EMPTY_MAP, encode_frame, encode_metadata
from etaoi_tui.sdk.limits import OPEN_BYTES
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.transport.losses import Losses
from etaoi_tui.sdk.transport.send_queue import EncodedEvent, Priority, SendQueue, SpanWire


def wire(
    name: str, rank: Priority = Priority.SPAN, *, persistent: bool = False, trace: str = "t"
) -> SpanWire:
    return SpanWire(name, trace, "llm", b"", rank, persistent)


def start(span: SpanWire, size: int = 1000) -> EncodedEvent:
    return EncodedEvent(
        _head(span), encode_metadata({"name": span.span_id}), _payload(size), span.rank, span, True
    )


def end(span: SpanWire, size: int = 1000) -> EncodedEvent:
    return EncodedEvent(_head(span), EMPTY_MAP, _payload(size), span.rank, span, is_end=True)


def text(span: SpanWire, size: int = 1000) -> EncodedEvent:
    return EncodedEvent(_head(span), EMPTY_MAP, _payload(size), Priority.TEXT, span)


def delta(span: SpanWire, size: int = 1000) -> EncodedEvent:
    return EncodedEvent(_head(span), EMPTY_MAP, _payload(size), Priority.DELTA, span)


def _head(span: SpanWire) -> bytes:
    return b"\x83" + msgspec.msgpack.encode("span") + msgspec.msgpack.encode(span.span_id)


def _payload(size: int) -> bytes:
    return msgspec.msgpack.encode({"p": "x" * size})


def take_all(outbox: SendQueue) -> list[EncodedEvent]:
    entries: list[EncodedEvent] = []
    while part := outbox.take_frame():
        entries += part
    return entries


def read(entries: list[EncodedEvent]) -> list[dict[str, object]]:
    (envelope,) = msgspec.msgpack.decode(encode_frame(entries))
    batch: list[dict[str, object]] = envelope["batch"]
    return batch


def test_streamed_text_goes_first_then_payloads_then_deltas_and_roots_stay() -> None:
    stats = Stats()
    outbox = SendQueue(stats, max_bytes=40_000)
    root, child = wire("root", Priority.ROOT), wire("child")
    outbox.add([start(root), start(child)])
    outbox.add([text(child) for _ in range(40)])
    assert stats.dropped_text > 0
    assert stats.dropped_payloads == stats.dropped_deltas == stats.dropped_spans == 0
    outbox.add([delta(child) for _ in range(60)])
    assert stats.dropped_text == 40
    assert stats.dropped_payloads > 0
    assert stats.dropped_spans == 0
    outbox.add([delta(child) for _ in range(100)])
    assert stats.dropped_deltas > 0
    assert stats.dropped_spans == 0
    remaining = take_all(outbox)
    assert remaining[0].span is root and remaining[1].span is child
    assert read(remaining)[0]["payload"] == {"p": "x" * 1000}
    assert "left out" in str(read(remaining)[1]["payload"])


def test_roots_and_agent_snapshots_outlive_everything_else() -> None:
    stats = Stats()
    outbox = SendQueue(stats, max_bytes=30_000)
    context, root = wire("context", Priority.CONTEXT, persistent=True), wire("root", Priority.ROOT)
    outbox.add([start(context, 2000), end(context, 0), start(root)])
    for number in range(500):
        child = wire(f"child {number}")
        outbox.add([start(child), end(child)])
    remaining = take_all(outbox)
    assert [entry.span.span_id for entry in remaining[:3]] == ["context", "context", "root"]
    assert len(read(remaining[:1])[0]["payload"]["p"]) == 2000  # type: ignore[index]
    assert stats.dropped_spans > 0


def test_a_start_and_its_end_go_together() -> None:
    outbox = SendQueue(Stats(), max_bytes=20_000)
    for number in range(200):
        child = wire(f"child {number}")
        outbox.add([start(child, 0), end(child, 0)])
    kinds: dict[str, set[bool]] = {}
    for entry in take_all(outbox):
        kinds.setdefault(entry.span.span_id, set()).add(entry.is_start)
    assert kinds and all(both == {True, False} for both in kinds.values())


def test_losses_are_reported_once_in_the_next_start_or_end() -> None:
    stats = Stats()
    outbox = SendQueue(stats, max_bytes=10_000)
    child = wire("child")
    outbox.add([text(child) for _ in range(100)])
    outbox.drop_before(Losses(text=3, deltas=2, spans=1, payloads=9, by_trace={"t": 6}))
    other, third = wire("other"), wire("third")
    outbox.add([start(other, 0), start(third, 0)])
    metadata = [event["metadata"] for event in read(take_all(outbox))]
    counts = [int(m[DROPPED_KEY]) for m in metadata if DROPPED_KEY in m]  # type: ignore[index,operator]
    assert counts == [stats.dropped]
    assert stats.dropped_payloads == 9


def test_dropped_events_are_reported_by_their_own_trace() -> None:
    queue = SendQueue(Stats(), max_bytes=10_000)
    late, other = wire("late", trace="lost some"), wire("other", trace="complete")
    queue.add([start(late, 0), start(other, 0)])
    queue.add([text(late) for _ in range(20)])
    queue.add([end(other, 0), end(late, 0)])
    dropped = sum(queue.unreported.values())
    assert dropped > 0
    dropped_by_span = {
        event["span"]: event["metadata"][DROPPED_KEY]  # type: ignore[index]
        for event in read(take_all(queue))
        if DROPPED_KEY in event["metadata"]  # type: ignore[operator]
    }
    assert dropped_by_span == {"late": str(dropped)}


def test_losses_of_traces_without_events_are_reported_by_others() -> None:
    queue = SendQueue(Stats())
    queue.drop_before(Losses(spans=5, by_trace={"gone": 3, "open": 2}))
    queue.add([start(wire("open", trace="open"), 0)])
    take_all(queue)
    queue.drop_before(Losses(spans=4, by_trace={"open": 4}))
    queue.add([start(wire("other", trace="other"), 0)])
    (event,) = read(take_all(queue))
    assert DROPPED_KEY not in event["metadata"]  # type: ignore[operator]
    assert queue.unreported == {"open": 4}


def test_frames_stay_below_a_mebibyte_and_256_events() -> None:
    outbox = SendQueue(Stats())
    span = wire("s")
    outbox.add([delta(span, 100_000) for _ in range(40)])
    outbox.add([delta(span, 1) for _ in range(1000)])
    while entries := outbox.take_frame():
        assert len(entries) <= 256
        assert len(encode_frame(entries)) <= 1024 * 1024


def test_an_event_larger_than_a_frame_goes_alone() -> None:
    outbox = SendQueue(Stats())
    span = wire("s")
    outbox.add([delta(span, 10), delta(span, 3_000_000), delta(span, 10)])
    assert [len(entries) for entries in iter(outbox.take_frame, [])] == [1, 1, 1]


def test_a_new_viewer_gets_open_spans_and_snapshots_that_were_sent_before() -> None:
    outbox = SendQueue(Stats())
    context, root, done, waiting = (
        wire("context", Priority.CONTEXT, persistent=True),
        wire("root", Priority.ROOT),
        wire("done"),
        wire("waiting"),
    )
    outbox.add([start(context), end(context), start(root), start(done), end(done)])
    take_all(outbox)
    outbox.add([start(waiting)])
    assert [entry.span.span_id for entry in outbox.preface()] == ["context", "context", "root"]
    outbox.add([end(root)])
    take_all(outbox)
    assert [entry.span.span_id for entry in outbox.preface()] == ["context", "context", "waiting"]


def test_spans_that_never_end_do_not_pile_up() -> None:
    outbox = SendQueue(Stats())
    for number in range(30_000):
        outbox.add([start(wire(str(number)), 1000)])
        outbox.take_frame()
    assert len(outbox.preface()) < 4 * 1024 * 1024 // 1000
    assert outbox.bytes == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(0, 9), st.integers(0, 3000)),
        st.tuples(st.just("end"), st.integers(0, 9), st.integers(0, 3000)),
        st.tuples(st.just("text"), st.integers(0, 9), st.integers(0, 3000)),
        st.tuples(st.just("delta"), st.integers(0, 9), st.integers(0, 3000)),
        st.tuples(st.just("take"), st.just(0), st.just(0)),
    ),
    max_size=120,
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.integers(2_000, 60_000))
def test_every_event_is_either_sent_once_or_counted(steps: list[tuple[str, int, int]], limit: int) -> None:
    stats = Stats()
    outbox = SendQueue(stats, max_bytes=limit)
    encoders = {"start": start, "end": end, "text": text, "delta": delta}
    spans = [
        wire(str(n), Priority.ROOT if n == 0 else Priority.CONTEXT if n == 1 else Priority.SPAN)
        for n in range(10)
    ]
    put: list[EncodedEvent] = []
    sent: list[EncodedEvent] = []
    for what, which, size in steps:
        if what == "take":
            sent += outbox.take_frame()
        else:
            entry = encoders[what](spans[which], size)
            put.append(entry)
            outbox.add([entry])
        assert 0 <= outbox.bytes <= limit
        assert len(outbox) >= 0
    sent += take_all(outbox)
    assert len(sent) + stats.dropped == len(put)
    assert len({id(entry) for entry in sent}) == len(sent)
    positions = [next(i for i, e in enumerate(put) if e is entry) for entry in sent]
    assert positions == sorted(positions)
    assert outbox.bytes == 0 and len(outbox) == 0
    reported = sum(
        int(event["metadata"][DROPPED_KEY])  # type: ignore[index]
        for event in (read(sent) if sent else [])
        if DROPPED_KEY in event["metadata"]  # type: ignore[operator]
    )
    assert reported + sum(outbox.unreported.values()) == stats.dropped


def test_payloads_have_a_bound_of_their_own_and_give_their_room_back() -> None:
    stats = Stats()
    outbox = SendQueue(stats, max_payloads=10_000)
    spans = [wire(str(number)) for number in range(30)]
    outbox.add([start(span) for span in spans])
    assert 20 <= stats.dropped_payloads <= 22
    assert outbox.bytes < 30 * 2_000
    entries = take_all(outbox)
    assert len(entries) == 30
    assert sum(len(entry.payload or b"") > 900 for entry in entries) == 30 - stats.dropped_payloads
    dropped_before = stats.dropped_payloads
    outbox.add([start(wire(f"later {number}")) for number in range(9)])
    assert stats.dropped_payloads == dropped_before


def test_an_id_that_is_used_again_makes_others_no_less_open() -> None:
    outbox = SendQueue(Stats())
    outbox.add([start(wire("stays"))])
    for _ in range(OPEN_BYTES // 2_000 + 10):
        first, second = wire("again"), wire("again")
        outbox.add([start(first), start(second), end(first), end(second)])
        take_all(outbox)
    assert [event["span"] for event in read(outbox.preface())] == ["stays"]


def test_the_end_of_one_span_leaves_the_other_of_its_id_open() -> None:
    outbox = SendQueue(Stats())
    first, second = wire("again"), wire("again")
    outbox.add([start(first), start(second), end(first)])
    take_all(outbox)
    assert [entry.span for entry in outbox.preface()] == [second]
