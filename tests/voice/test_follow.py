"""Following a call: in whatever order it arrives, and whatever is lost, it ends where a fresh look begins."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.store import Store
from etaoi_tui.feed import Feed
from etaoi_tui.view.voice.call_model import VoiceCall
from etaoi_tui.view.voice.model import Turn
from etaoi_tui.view.voice.stats import SERIES, Statistics
from etaoi_tui.view.voice.voice_kinds import is_call
from tests.app.world import FedSource
from tests.scribe import Event
from tests.voice.calls import Truth, events_of, folded, many

CALLS = {how: events_of(many(6, seed=3), how) for how in ("ours", "theirs")}


def snapshot(call: VoiceCall) -> list[tuple[object, ...]]:
    """What a reader sees of a call; times to the microsecond."""
    return [_snapshot(turn) for turn in call.turns()]


def _snapshot(turn: Turn) -> tuple[object, ...]:
    stages = [(s.kind, round(s.start, 6), s.end and round(s.end, 6), s.basis, s.name) for s in turn.stages]
    marks = [(m.kind, round(m.at, 6), m.text) for m in turn.marks]
    return (turn.status, turn.gap, turn.user_said, turn.agent_said, turn.typed, turn.parts, stages, marks)


def followed(frames: list[list[Event]], *, look: bool) -> VoiceCall | None:
    """Follow a call frame by frame, looking at all of it after each or only at the end."""
    source, store = FedSource(), Store()
    source.connect()
    feed = Feed(source, store)
    call: VoiceCall | None = None
    for frame in frames:
        source.send(frame)
        feed.work(10_000, 0.0)
        changes = store.drain_changes()
        if call is None:
            for session in store.sessions.values():
                if is_call(session):
                    call = VoiceCall(session, source)
        else:
            call.apply(changes)
        if call is not None and look:
            call.work(10.0)
            assert call.unfolded == 0
    store.finish()
    if call is not None:
        call.apply(store.drain_changes())
        fresh = VoiceCall(call.session, source)
        assert snapshot(call) == snapshot(fresh)
        assert [group.key for group in call.groups] == [group.key for group in fresh.groups]
        for name in SERIES:
            assert call.figures.statistics.of(name) == fresh.figures.statistics.of(name)
        assert set(call.outside) == set(fresh.outside) and call.errors == fresh.errors
        worst, other = call.figures.worst(), fresh.figures.worst()
        assert (worst and worst.key) == (other and other.key)
    return call


@settings(max_examples=40, deadline=None)
@given(
    how=st.sampled_from(sorted(CALLS)),
    dice=st.randoms(use_true_random=False),
    lost=st.floats(0.0, 0.6),
    shuffled=st.booleans(),
    look=st.booleans(),
)
def test_any_order_and_any_loss(how: str, dice: object, lost: float, shuffled: bool, look: bool) -> None:
    events = [event for event in CALLS[how] if dice.random() >= lost]  # type: ignore[attr-defined]
    if shuffled:
        dice.shuffle(events)  # type: ignore[attr-defined]
    frames = [events[at : at + 9] for at in range(0, len(events), 9)]
    followed(frames, look=look)


def test_the_order_of_events_does_not_change_the_call() -> None:
    for events in CALLS.values():
        backwards = followed([[event] for event in reversed(events)], look=True)
        assert backwards is not None
        assert snapshot(backwards) == snapshot(folded(events).call)


def test_only_what_changed_is_folded_again() -> None:
    events = events_of(many(300, seed=9))
    source, store = FedSource(), Store()
    source.connect()
    feed = Feed(source, store)
    source.send(events[:-40])
    feed.work(10_000, 0.0)
    (session,) = store.sessions.values()
    call = VoiceCall(session, source)
    store.drain_changes()
    call.work(60.0)
    turns_by_group = {group: group.turn for group in call.groups}
    source.send(events[-40:])
    feed.work(10_000, 0.0)
    call.apply(store.drain_changes())
    assert 0 < call.unfolded <= 5
    call.work(60.0)
    same = sum(group.turn is turn for group, turn in turns_by_group.items())
    assert same >= len(turns_by_group) - 5


def test_a_call_that_leaves_memory_leaves_the_lanes() -> None:
    source, store = FedSource(), Store(max_spans=200)
    source.connect()
    feed = Feed(source, store)
    events = events_of(many(60, seed=2))
    call: VoiceCall | None = None
    for at in range(0, len(events), 50):
        source.send(events[at : at + 50])
        feed.work(10_000, 0.0)
        changes = store.drain_changes()
        if call is None:
            (session,) = store.sessions.values()
            call = VoiceCall(session, source)
        else:
            call.apply(changes)
        call.work(10.0)
    assert call is not None and store.evicted_traces
    assert len(call) < 40
    assert call.figures.statistics.turns == len(call)


@given(st.lists(st.sampled_from(many(12, seed=8)), min_size=1, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_statistics_forget_removed_turns(truths: list[Truth], dice: object) -> None:
    turns = folded(events_of(truths)).turns
    statistics, expected = Statistics(), Statistics()
    for turn in turns:
        statistics.add(turn)
    removed = {n for n in range(len(turns)) if dice.random() < 0.5}  # type: ignore[attr-defined]
    for n, turn in enumerate(turns):
        if n in removed:
            statistics.remove(turn)
        else:
            expected.add(turn)
    assert statistics.turns == expected.turns and statistics.interruptions == expected.interruptions
    assert all(statistics.of(name) == expected.of(name) for name in SERIES)
