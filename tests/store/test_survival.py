"""What real and hostile clients do: every case ends in a visible, explained state, none ends the viewer."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.model import Connection, Mark, Span, Status, Trace
from etaoi_collector.store import LOST_AFTER, Store, folding, liveness, repeats
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.events import Event, Reject

from .histories import EPOCH, event, ident, opened, told_tree

CAPTURES = Path(__file__).parent.parent / "captures"
START = EPOCH.timestamp()


def folded(*events: Event, **options: Any) -> Store:
    store = Store(**options)
    opened(store)
    for number, told in enumerate(events):
        store.apply([told], number, 1)
    return store


def captured(name: str) -> Store:
    """Fold a recording of the real SDK, one connection for each Hello, all of them gone at its end."""
    store = Store()
    connections = 0
    at = 0.0
    with (CAPTURES / f"{name}.msgpack").open("rb") as file:
        for place, (at, frame) in enumerate(msgpack.Unpacker(file, max_buffer_size=0)):
            told = msgpack.unpackb(frame) if isinstance(frame, bytes) else frame
            if isinstance(told, dict):
                connections += 1
                opened(store, connections, at)
            else:
                store.apply(decode_frame(frame), place, connections)
    for number in store.connections:
        store.connection_closed(number, at)
    return store


def span_of(store: Store, name: str) -> Span:
    span = store.find_span(ident("span", name))
    assert span is not None
    return span


def trace_of(store: Store, name: str = "t") -> Trace:
    return store.traces[ident("trace", name)]


def members(store: Store) -> list[Span]:
    return [span for trace in store.traces.values() for span in trace.members]


def names(spans: list[Span] | None) -> list[str]:
    return [span.name for span in spans or []]


def check(store: Store) -> None:
    """Hold a store against what must be true of it after any history."""
    spans = members(store)
    everything = set(spans)
    assert len(everything) == len(spans) == store.span_count
    reached: Counter[Span] = Counter()
    stack = [root for trace in store.traces.values() for root in trace.roots]
    assert all(root.parent is None for root in stack)
    while stack:
        span = stack.pop()
        reached[span] += 1
        assert reached[span] == 1, "no span stands in the tree twice"
        assert span.children != [], "None stands for no children"
        for child in span.children or ():
            assert child.parent is span
            stack.append(child)
    assert set(reached) == everything, "every span can be reached from a root, and nothing else"
    ids: Counter[str] = Counter(span.span_id for span in spans)
    for trace in store.traces.values():
        assert trace.ghosts == sum(span.ghost for span in trace.members)
        assert trace.running == sum(span.marks & 3 == Mark.STARTED for span in trace.members)
        assert trace.errors == sum(
            span.marks & Mark.ENDED > 0 and span.status is Status.ERROR for span in trace.members
        )
        assert trace.input_tokens == sum(s.usage.input_tokens or 0 for s in trace.members if s.usage)
        assert trace in trace.session.traces
        numbers = [span.number for span in trace.members]
        assert numbers == sorted(numbers)
        assert len({span.span_id for span in trace.members}) == len(trace.members), "once in each trace"
        for siblings in [trace.roots, *(span.children or [] for span in trace.members)]:
            order = [(span.started_at, span.number) for span in siblings]
            assert order == sorted(order)
    for span in spans:
        below = any(
            child.marks & Mark.ERROR_BELOW or (child.error is not None and child.status is Status.ERROR)
            for child in span.children or ()
        )
        assert bool(span.marks & Mark.ERROR_BELOW) == below
        assert ids[span.span_id] == 1 or span.marks & Mark.ID_CLASH
    for session in store.sessions.values():
        assert all(store.traces.get(trace.trace_id) is trace for trace in session.traces)


# what recordings show


def test_parents_in_another_trace() -> None:
    store = captured("s09a_livekit_text")
    strangers = [
        span for span in members(store) if span.parent is not None and span.parent.trace is not span.trace
    ]
    assert {span.kind for span in strangers} >= {"voice_turn"}
    for span in strangers:
        assert span.parent is not None
        assert span in (span.parent.children or ())
        assert span not in span.trace.roots
    check(store)


def test_children_starting_after_their_parent_ended() -> None:
    store = folded(
        event("span_start", "turn", 0),
        event("span_end", "turn", 1),
        event("span_start", "late", 2, parent="turn"),
    )
    assert names(span_of(store, "turn").children) == ["late"]
    assert span_of(store, "turn").status is Status.OK
    assert span_of(store, "late").status is trace_of(store).status is Status.RUNNING
    check(store)


def test_deltas_after_the_end() -> None:
    store = folded(
        event("span_start", "a", 0),
        event("span_end", "a", 1),
        event("span_delta", "a", 2, payload={"text": "late"}),
    )
    span = span_of(store, "a")
    assert span.marks & Mark.LATE
    assert span.status is Status.OK
    assert span.deltas == [2]
    assert span.tail == "", "what has ended streams no more"
    assert trace_of(store).ended_at == START + 2


def test_one_speech_id_with_two_voice_turns() -> None:
    told = {"node_kind": "voice_turn", "speech_id": "speech_1", "metadata": {"name": None}}
    store = folded(
        event("span_start", "a", 0, trace="a", **told), event("span_start", "b", 1, trace="b", **told)
    )
    assert [span.kind for span in members(store)] == ["voice_turn", "voice_turn"]
    assert len(store.traces) == 2


def test_several_llm_spans_for_one_model_call() -> None:
    usage = {"usage": {"input_tokens": 10, "output_tokens": 2}}
    told = {"node_kind": "llm"}
    store = folded(
        event("span_start", "outer", 0, **told),
        event("span_start", "inner", 0, parent="outer", **told),
        event("span_end", "inner", 1, parent="outer", payload=usage, **told),
        event("span_end", "outer", 1, **told),
    )
    assert trace_of(store).model_calls == 2
    assert trace_of(store).input_tokens == 10
    assert span_of(store, "outer").usage is None
    check(store)


def test_roots_whose_start_was_dropped() -> None:
    store = folded(
        event("span_start", "child", 1, parent="root", node_kind="tool"),
        event("span_end", "child", 2, parent="root", node_kind="tool"),
    )
    root = span_of(store, "root")
    assert root.ghost
    assert root.status is trace_of(store).status is Status.INCOMPLETE
    assert names(root.children) == ["child"]
    assert trace_of(store).spans == 1
    store.apply([event("span_end", "root", 3)], 5, 1)
    assert not root.ghost
    assert root.status is Status.INCOMPLETE
    assert trace_of(store).spans == 2
    check(store)


@pytest.mark.parametrize("error", [None, "ValueError('x')", "CancelledError()", "GraphInterrupt()"])
def test_ends_before_starts(error: str | None) -> None:
    told = {"node_kind": "llm", "parent": "root"}
    ended = event("span_end", "a", 2, error=error, payload={"input_tokens": 7, "output_tokens": 1}, **told)
    started = event("span_start", "a", 1, payload={"input_tokens": 3}, **told)
    root = event("span_start", "root", 0)
    straight = folded(root, started, ended)
    for history in itertools.permutations([root, started, ended]):
        store = folded(*history)
        check(store)
        assert told_tree(store) == told_tree(straight)
        assert trace_of(store).running == 1


def test_usage_of_an_end_is_kept_when_the_start_comes_later() -> None:
    told = {"node_kind": "llm", "metadata": {"name": None}}
    started = event("span_start", "a", 1, payload={"input_tokens": 3}, **told)
    ended = event("span_end", "a", 2, payload={"input_tokens": 7, "output_tokens": 1}, **told)
    for history in ([started, ended], [ended, started]):
        store = folded(*history)
        usage = span_of(store, "a").usage
        assert usage is not None
        assert usage.input_tokens == trace_of(store).input_tokens == 7


def test_spans_that_never_end_after_a_kill() -> None:
    store = captured("s10a_sigkill")
    opens = [span for span in members(store) if span.status is Status.RUNNING]
    assert len(opens) == 3
    closed_at = max(c.closed_at or 0.0 for c in store.connections.values())
    store.tick(closed_at + LOST_AFTER - 0.1)
    assert all(span.status is Status.RUNNING for span in opens)
    store.tick(closed_at + LOST_AFTER)
    assert all(span.status is Status.LOST for span in opens)
    assert all(span.duration(1e12) == span.trace.ended_at - span.started_at for span in opens)


def test_synthesized_ends() -> None:
    store = folded(
        event("span_start", "a", 0),
        event("span_end", "a", 1, error="span_end_synthesized_on_detach"),
        event("span_start", "b", 0),
        event("span_end", "b", 1, error="synthesized_on_turn_close"),
    )
    assert span_of(store, "a").status is Status.LOST
    assert span_of(store, "b").status is Status.OK
    assert trace_of(store).errors == 0


def test_a_shared_default_trace_with_orphans_of_unrelated_runs() -> None:
    store = folded(
        event("span_start", "a", 0, parent="gone 1", trace="default"),
        event("span_start", "b", 1, parent="gone 2", trace="default"),
        event("span_start", "c", 2, trace="default", session="other"),
    )
    assert [root.ghost for root in trace_of(store, "default").roots] == [True, True, False]
    assert len(store.sessions) == 2
    check(store)


def test_handoff_deltas_without_a_speech_id() -> None:
    store = folded(
        event("span_start", "a", 0, node_kind="tool"),
        event("span_delta", "a", 1, node_kind="tool", speech_id=None, payload={"handoff": {"to": "b"}}),
    )
    assert span_of(store, "a").deltas == [1]
    assert span_of(store, "a").tail == ""


def test_hostile_names_and_metadata_keys() -> None:
    ugly = "\x1b[31m\x00\x9b\u202eevil\ud7ff" * 200
    store = folded(event("span_start", ugly, 0, metadata={"name": ugly, ugly: ugly, "lc_hook": None}))
    span = members(store)[0]
    assert span.name == ugly[:256], "kept as it came, cut; made safe where it is drawn"


def frame_of(told: dict[str, Any], payload: bytes) -> bytes:
    """Pack an event around the bytes of a payload, whatever they are."""
    marker = b"\xa6marker"
    plain = msgpack.packb([{"schema_version": "0.5.1", "batch": [told | {"payload": "marker"}]}])
    return bytes(plain.replace(marker, payload))


def told(kind: str, node_kind: str, at: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "event_id": ident(kind, node_kind),
        "session_id": ident("s"),
        "trace_id": ident("trace", "t"),
        "span_id": ident("span", node_kind),
        "node_kind": node_kind,
        "timestamp": f"2026-01-02T03:04:0{at}Z",
        "metadata": {},
    }


_TEXT_OF = b"\x84\xa4text\xa3\xff\xfe\xfd\xaainput_size\x01\xa5usage\xa1\xff\xa5model\xa2\xc3\x28"
_DEEP = b"\x82\xa4deep" + b"\x91" * 400 + b"\xc0" + b"\xa4text\xa2ok"


@pytest.mark.parametrize("payload", [_TEXT_OF, _DEEP, b"\x93\x01\x02\x03", b"\xc0", b"\x81\xc0\xc0"])
@pytest.mark.parametrize("node_kind", ["llm", "voice_input", "tool"])
def test_payloads_that_are_broken_or_deep(payload: bytes, node_kind: str) -> None:
    store = Store()
    opened(store)
    for at, kind in enumerate(("span_start", "span_delta", "span_end")):
        store.apply(decode_frame(frame_of(told(kind, node_kind, at), payload)), at, 1)
    assert store.rejected == 0
    assert members(store)[0].status is Status.OK


def test_depth_that_fits_the_decoder_but_not_the_reader() -> None:
    """The screen's thread stands deeper in its stack than the collector's: what fits there may not here."""
    events = [
        decode_frame(frame_of(told(kind, "llm", at), b"\x81\xa4deep" + b"\x91" * 500 + b"\xc0"))
        for at, kind in enumerate(("span_start", "span_delta", "span_end"))
    ]
    assert not any(isinstance(item, Reject) for items in events for item in items)

    def deeper(levels: int) -> Store:
        if levels:
            return deeper(levels - 1)
        return folded(*(item for items in events for item in items))  # type: ignore[arg-type]

    assert members(deeper(450))[0].status is Status.OK


def test_json_cut_in_the_middle() -> None:
    cut = '{"messages": [{"type": "human", "content": "wh'
    store = folded(
        event("span_start", "a", 0, node_kind="llm", payload={"inputs": cut}),
        event("span_end", "a", 1, node_kind="llm", payload={"usage": cut, "model": "m", "ttft_ms": cut}),
    )
    assert span_of(store, "a").model == "m"
    assert span_of(store, "a").usage is None


def test_frames_of_ten_thousand_envelopes() -> None:
    batch = []
    for number in range(10_000):
        one = told("span_start", "tool", 1)
        batch.append({"schema_version": "0.5.1", "batch": [one | {"span_id": ident(number), "payload": {}}]})
    store = Store()
    opened(store)
    store.apply(decode_frame(msgpack.packb(batch)), 0, 1)
    assert store.span_count == store.events == 10_000
    assert members(store)[-1].start_place == 9_999


# connections


def test_two_connections_for_one_process() -> None:
    store = Store()
    opened(store, 1)
    opened(store, 2)
    store.apply([event("span_start", "a", 0)], 0, 1)
    store.apply([event("span_start", "b", 1, parent="a")], 1, 2)
    store.connection_closed(1, 100.0)
    store.tick(1_000.0)
    assert span_of(store, "a").status is Status.RUNNING
    store.connection_closed(2, 1_000.0)
    store.tick(1_010.0)
    assert span_of(store, "a").status is span_of(store, "b").status is Status.LOST


def test_lost_is_undone_by_a_later_event() -> None:
    store = folded(event("span_start", "a", 0))
    store.connection_closed(1, 100.0)
    store.tick(110.0)
    assert span_of(store, "a").status is Status.LOST
    store.drain_changes()
    opened(store, 2, 111.0)
    store.apply([event("span_delta", "a", 12)], 1, 2)
    assert span_of(store, "a").status is Status.RUNNING
    assert trace_of(store) in store.drain_changes().traces
    store.connection_closed(2, 120.0)
    store.tick(130.0)
    assert span_of(store, "a").status is Status.LOST


def test_a_session_tells_when_the_last_that_carried_it_left() -> None:
    store = folded(event("span_start", "a", 0))
    session = trace_of(store).session
    opened(store, 2)
    store.apply([event("span_start", "b", 1)], 1, 2)
    store.connection_closed(1, 100.0)
    assert session.left_at is None
    store.connection_closed(2, 200.0)
    assert session.left_at == 200.0
    store.apply([event("span_delta", "a", 2)], 2, 2)
    assert session.left_at == 200.0, "what was on its way tells of nobody new"
    opened(store, 3)
    store.apply([event("span_delta", "a", 3)], 3, 3)
    assert session.left_at is None


def test_an_event_that_was_on_its_way_when_its_connection_closed() -> None:
    store = folded(event("span_start", "a", 0))
    store.connection_closed(1, 100.0)
    store.apply([event("span_start", "b", 1, session="late")], 1, 1)
    store.tick(110.0)
    assert span_of(store, "b").status is Status.LOST


def test_reconnecting_for_ever_keeps_a_bounded_number_of_connections() -> None:
    store = Store()
    for number in range(1, liveness.CONNECTIONS_KEPT + 200):
        store.connection_opened(Connection(number, "127.0.0.1:1", float(number)))
        store.apply([event("span_delta", "a", number)], number, number)
        store.connection_closed(number, float(number))
    assert len(store.connections) == liveness.CONNECTIONS_KEPT
    assert not members(store)[0].trace.session.connections


def test_sessions_without_anything_to_show_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "SESSIONS_KEPT", 40)
    store = Store()
    opened(store)
    store.apply([event("span_start", "a", 0, session="real")], 0, 1)
    for number in range(1_000):
        store.apply([event("state_tick", f"t{number}", 1, session=number, subject="user", state="x")], 1, 1)
    assert len(store.sessions) <= 41
    assert ident("session", "real") in store.sessions
    assert len({session.number for session in store.sessions.values()}) == len(store.sessions)


def test_a_session_keeps_its_states_however_many_subjects_a_client_invents() -> None:
    store = folded(event("state_tick", "x", 0, subject="agent", state="idle"))
    for number in range(200):
        store.apply([event("state_tick", f"{number}", 1, subject=f"s{number}", state="x" * 4_000)], 1, 1)
    store.apply([event("state_tick", "y", 2, subject="agent", state="speaking")], 2, 1)
    session = next(iter(store.sessions.values()))
    assert session.states["agent"] == "speaking"
    assert len(session.states) == folding.STATES_KEPT
    assert max(len(state) for _, _, state in session.ticks) <= 256


# contradictions


def test_clocks_backwards() -> None:
    for history in (
        [event("span_start", "a", 5), event("span_end", "a", 2)],
        [event("span_end", "a", 2), event("span_start", "a", 5)],
    ):
        span = span_of(folded(*history), "a")
        assert span.marks & Mark.CLOCK_BACKWARDS
        assert span.duration(0.0) == 0.0
        assert span.status is Status.OK


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_rings_of_parents_in_any_order(length: int) -> None:
    ring = [event("span_start", f"r{n}", n, parent=f"r{(n + 1) % length}") for n in range(length)]
    outside = [event("span_start", "leaf", 9, parent="r0")]
    first = None
    for history in itertools.permutations(ring + outside):
        store = folded(*history)
        check(store)
        cut = [span.span_id for span in members(store) if span.marks & Mark.PARENT_CYCLE]
        assert cut == [min(told.span_id for told in ring)]  # type: ignore[union-attr]
        first = first or told_tree(store)
        assert told_tree(store) == first


def test_ids_that_clash_between_clients() -> None:
    history = [
        event("span_start", "x", 0, trace="a", session="a"),
        event("span_start", "below a", 1, parent="x", trace="a", session="a"),
        event("span_start", "x", 0.5, trace="b", session="b"),
        event("span_start", "below b", 2, parent="x", trace="b", session="b"),
        event("span_end", "below b", 3, parent="x", trace="b", session="b", error="ValueError()"),
    ]
    for order in itertools.permutations(history):
        store = folded(*order)
        check(store)
        for trace in "ab":
            root = trace_of(store, trace).roots[0]
            assert root.marks & Mark.ID_CLASH
            assert names(root.children) == [f"below {trace}"]
            assert bool(root.marks & Mark.ERROR_BELOW) == (trace == "b")


def test_repeated_starts_ends_and_deltas() -> None:
    history = [
        event("span_start", "a", 0),
        event("span_delta", "a", 1, payload={"text": "x"}),
        event("span_end", "a", 2),
    ]
    store = folded(*history, *history)
    span = span_of(store, "a")
    assert store.repeats == 3
    assert not span.marks & Mark.CONFLICT
    assert span.deltas == [1]
    assert (span.start_place, span.end_place) == (0, 2)


def test_deltas_are_recognised_within_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "REPEAT_WINDOW", 10)
    store = Store()
    opened(store)
    for number in range(100):
        told = event("span_delta", "a", number)
        store.apply([told], number, 1)
        if number >= 9:
            store.apply([event("span_delta", "a", number - 9)], number, 1)
    assert store.repeats == 91


def test_the_window_of_repeats_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "REPEAT_WINDOW", 10)
    window = repeats.Repeats()
    for number in range(100):
        assert not window.seen(f"event {number}")
        assert all(window.seen(f"event {older}") for older in range(max(0, number - 9), number + 1))
        assert len(window) <= 20


def test_a_second_start_or_end_that_says_something_else() -> None:
    store = folded(event("span_start", "a", 0), event("span_end", "a", 1), event("span_start", "a", 0.5))
    assert span_of(store, "a").marks & Mark.CONFLICT
    assert span_of(store, "a").started_at == START
    store = folded(
        event("span_start", "a", 0), event("span_end", "a", 1), event("span_end", "a", 1, error="E")
    )
    assert span_of(store, "a").marks & Mark.CONFLICT
    assert span_of(store, "a").status is Status.OK


# retention


def run(name: str, at: float, *, end: bool = True, size: int = 4) -> list[Event]:
    """A trace of its own."""
    told: list[Event] = [event("span_start", name, at, trace=name)]
    for number in range(size - 1):
        child = {"parent": name, "trace": name}
        told.append(event("span_start", f"{name}/{number}", at + 1, **child))
        told.append(event("span_end", f"{name}/{number}", at + 2, **child))
    if end:
        told.append(event("span_end", name, at + 3, trace=name))
    return told


def test_the_oldest_finished_traces_leave() -> None:
    store = folded(*(told for number in range(20) for told in run(f"r{number}", number)), max_spans=40)
    check(store)
    assert store.span_count <= 40
    assert store.evicted_spans + store.span_count == 80
    assert store.evicted_traces + len(store.traces) == 20
    assert ident("trace", "r19") in store.traces
    assert ident("trace", "r0") not in store.traces
    assert store.find_span(ident("span", "r0")) is None


def test_running_traces_stay_until_twice_the_bound() -> None:
    store = folded(*(told for n in range(40) for told in run(f"r{n}", n, end=n != 0)), max_spans=40)
    assert ident("trace", "r0") in store.traces, "it runs"
    check(store)
    store = folded(*(told for n in range(200) for told in run(f"r{n}", n, end=False)), max_spans=40)
    check(store)
    assert store.span_count <= 90, "a client that never ends anything cannot fill the memory"


def test_the_newest_trace_stays_whole_however_large() -> None:
    store = folded(*run("big", 0, size=500), max_spans=40)
    assert store.span_count == 500


def test_what_left_is_not_kept_alive_by_changes_that_nobody_asks_for() -> None:
    store = folded(*(told for number in range(200) for told in run(f"r{number}", number)), max_spans=40)
    changes = store.drain_changes()
    assert len(changes.added) <= 40
    assert all(store.traces.get(span.trace.trace_id) is span.trace for span in changes.changed)


def test_children_in_other_traces_stay_when_their_parents_leave() -> None:
    inner = {"parent": "old", "trace": "young"}
    store = folded(
        *run("old", 0),
        event("span_start", "inner", 5, **inner),
        *(told for number in range(12) for told in run(f"r{number}", number)),
        max_spans=40,
    )
    check(store)
    assert ident("trace", "old") not in store.traces
    assert names(trace_of(store, "young").roots) == ["inner"]


def test_of_two_spans_with_one_id_the_other_is_still_found() -> None:
    store = folded(
        event("span_start", "x", 0, trace="a"),
        event("span_end", "x", 1, trace="a"),
        event("span_start", "x", 0, trace="b"),
        *(told for number in range(12) for told in run(f"r{number}", number)),
        max_spans=40,
    )
    assert ident("trace", "a") not in store.traces
    store.apply([event("span_end", "x", 9, trace="b")], 9, 1)
    check(store)
    assert trace_of(store, "b").roots[0].status is Status.OK


# anything

_NAMES = st.sampled_from("abcdef")
_ERRORS = st.sampled_from([None, None, "ValueError()", "CancelledError()", "GraphInterrupt()"])


@st.composite
def _anything(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(["span_start", "span_start", "span_delta", "span_end", "state_tick"]))
    at = draw(st.integers(0, 8))
    if kind == "state_tick":
        return event(kind, "s", at, session=draw(st.sampled_from("st")), subject="user", state="x")
    fields: dict[str, Any] = {
        "trace": draw(st.sampled_from("tu")),
        "session": draw(st.sampled_from("st")),
        "parent": draw(st.none() | _NAMES),
        "node_kind": draw(st.sampled_from(["llm", "tool", "agent_context"])),
        "payload": draw(st.sampled_from([{}, {"input_tokens": 3}, {"text": "x"}])),
    }
    if kind == "span_end":
        fields["error"] = draw(_ERRORS)
    return event(kind, draw(_NAMES), at, **fields)


@given(st.lists(_anything(), max_size=40), st.sampled_from([5, 10, 1_000]))
@settings(max_examples=250, deadline=None)
def test_any_history_leaves_a_consistent_store(history: list[Event], most: int) -> None:
    store = Store(max_spans=most)
    opened(store)
    for number, told in enumerate(history):
        store.apply([told], number, 1)
        check(store)
    store.finish()
    assert not any(span.status is Status.RUNNING for span in members(store))


@pytest.mark.parametrize("shape", ["reversed", "ghosts", "strangers", "ends first", "bottom up"])
def test_forty_thousand_spans_in_the_worst_order(shape: str) -> None:
    """Work that grows with the square of their number would not come back from here."""
    most = 40_000
    parents: list[Event] = []
    if shape == "reversed":
        history = [event("span_start", f"c{n}", n, parent="root") for n in range(most, 0, -1)]
    elif shape == "ends first":
        history = [event("span_end", f"c{n}", n + 1, parent="r") for n in range(most // 2)]
        parents = [event("span_start", f"c{n}", n, parent="r") for n in range(most // 2)]
    elif shape == "bottom up":
        history = [event("span_start", f"c{n}", n, parent=f"c{n - 1}") for n in range(most, 0, -1)]
    else:
        history = [event("span_start", f"c{n}", n, parent=f"p{n}") for n in range(most // 2)]
        trace = "other" if shape == "strangers" else "t"
        parents = [event("span_start", f"p{n}", n, trace=trace) for n in range(most // 2)]
    store = Store()
    opened(store)
    store.apply(history + parents, 0, 1)
    check(store)
    store.release()


def test_a_store_that_is_done_with_gives_its_memory_back() -> None:
    history = [told for number in range(200) for told in run(f"r{number}", number)]

    def left_after(rounds: int) -> int:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(rounds):
            folded(*history).release()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    try:
        left_after(1)
        assert left_after(5) < 100_000, "4,000 spans would be more than a megabyte"
    finally:
        tracemalloc.stop()


def test_an_error_that_left_memory_marks_nobody() -> None:
    store = Store(max_spans=5)
    opened(store)
    failed = event("span_end", "child", 1, trace="old", parent="parent", error="ValueError('no')")
    stays = [event("span_start", "parent", 0, trace="new")]
    stays += [event("span_start", f"n{n}", 2 + n, trace="new", parent="parent") for n in range(6)]
    store.apply([failed, *stays], 0, 1)
    parent = store.find_span(stays[0].span_id)  # type: ignore[union-attr]
    assert store.evicted_traces == 1
    assert parent is not None
    assert not parent.marks & Mark.ERROR_BELOW
