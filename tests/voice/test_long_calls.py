"""Long calls: rows are found without counting them all, and nothing is drawn that has not changed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.store import Store
from etaoi_tui.feed import Feed
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.voice.call_model import VoiceCall
from etaoi_tui.view.voice.labels import MARKS
from etaoi_tui.view.voice.lane import GLYPHS, Lane, cells, segments
from etaoi_tui.view.voice.lane_pieces import lane_pieces
from etaoi_tui.view.voice.model import Kind, MarkKind
from etaoi_tui.view.voice.rows import LaneRows
from etaoi_tui.view.voice.turn_group import Group
from etaoi_tui.view.voice.voice_kinds import is_call
from tests.app.world import FedSource, world
from tests.voice.calls import Truth, events_of, folded, many
from tests.voice.test_screen import lanes_text, press, show

CALL = folded(events_of(many(9))).call
TURNS = list(CALL.turns())


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=25))
def test_rows_are_those_of_a_plain_list(steps: list[tuple[int, bool]]) -> None:
    rows = LaneRows(CALL)
    opened: set[int] = set()
    for index, is_open in steps:
        rows.set_open(CALL.groups[index], is_open)
        (opened.add if is_open else opened.discard)(index)
    plain: list[tuple[Group, int]] = []
    for index, group in enumerate(CALL.groups):
        plain.append((group, -1))
        if index in opened:
            plain += [(group, line) for line in range(len(rows.lines(group)))]
    assert len(rows) == len(plain)
    assert [rows.at(row) for row in range(len(rows))] == plain
    assert [rows.row(*one) for one in plain] == list(range(len(plain)))


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 40), st.randoms(use_true_random=False))
def test_the_course_of_a_call_in_any_order_is_that_of_its_turns(turns: int, dice: object) -> None:
    events = events_of(many(turns))
    groups: dict[str, list[object]] = {}
    for event in events:
        groups.setdefault(str(event.get("trace_id")), []).append(event)
    order = list(groups.values())
    dice.shuffle(order)  # type: ignore[attr-defined]
    source, store = FedSource(), Store()
    source.connect()
    feed = Feed(source, store)
    call: VoiceCall | None = None
    for frame in order:
        source.send(frame)  # type: ignore[arg-type]
        feed.work(10_000, 0.0)
        changes = store.drain_changes()
        if call is None:
            call = next((VoiceCall(s, source) for s in store.sessions.values() if is_call(s)), None)
        else:
            call.apply(changes)
        if call is not None:
            call.work(10.0)
            assert call.course.columns(1_000) == [call.turn(group).gap for group in call.groups]
    assert call is not None
    ended = [turn.end - turn.start for turn in call.turns() if turn.end is not None]
    assert call.figures.longest == max(ended)
    assert call.began == min(trace.started_at for trace in call.session.traces)
    slowest = [call.turn(group).gap for group in call.figures.slowest(3)]
    assert slowest == sorted((turn.gap for turn in call.turns() if turn.gap is not None), reverse=True)[:3]


def test_a_released_turn_is_removed_everywhere() -> None:
    source, store = FedSource(), Store()
    source.connect()
    source.send(events_of(many(6)))
    Feed(source, store).work(10_000, 0.0)
    (session,) = [one for one in store.sessions.values() if is_call(one)]
    call = VoiceCall(session, source)
    call.work(10.0)
    store.drain_changes()
    removed_turn = call.turn(call.groups[2])
    trace = removed_turn.sources[0].trace
    trace.spans = []
    changes = store.drain_changes()
    changes.restructured[trace] = None
    changes.traces[trace] = None
    call.apply(changes)
    assert len(call) == 5 and removed_turn.key not in {group.key for group in call.groups}
    assert len(call.course) == 5 and None not in call.course.columns(10)


def test_marks_are_drawn_in_the_lane() -> None:
    (turn,) = folded(events_of([Truth(interrupted=True)])).turns
    assert turn.end is not None
    lane = Lane(turn.start, turn.end - turn.start + 0.5, 100)
    pieces = lane_pieces(cells(segments(turn, 0.0), lane), turn, lane, 0.0)
    drawn = "".join(text for text, _ in pieces)
    assert len(drawn) == 100
    (mark,) = turn.marks
    assert mark.kind is MarkKind.INTERRUPTED
    assert drawn.index(MARKS[mark.kind]) == int((mark.at - lane.start) / lane.seconds * 100)
    assert GLYPHS[Kind.SPEECH] in drawn
    earlier_lane = Lane(mark.at + 0.001, 5.0, 100)
    pieces = lane_pieces([Kind.IDLE] * 100, turn, earlier_lane, 0.0)
    assert MARKS[mark.kind] not in "".join(text for text, _ in pieces)


def test_the_list_shows_the_newest_transcript() -> None:
    truths = [Truth(user_text="first", agent_text="one"), Truth(user_text="second", agent_text="two")]
    call = folded(events_of(truths))
    root = next(root for trace in call.store.traces.values() for root in trace.roots if root.name == "line")
    summaries = Summaries(call.source)
    assert summaries.of_trace(root.trace) == "▸ two"
    events = events_of(
        [Truth(user_text="first", agent_text="one"), Truth(user_text="second", agent_text="two")]
    )
    eou_index = max(n for n, one in enumerate(events) if one.get("node_kind") == "eou")
    early = folded(events[:eou_index], over=False)
    root = next(root for trace in early.store.traces.values() for root in trace.roots if root.name == "line")
    assert Summaries(early.source).of_trace(root.trace) == "◂ second"


async def test_a_silent_call_draws_its_first_line_only_when_that_says_something_new() -> None:
    events = events_of([Truth(), Truth()], "theirs")
    ends = [n for n, one in enumerate(events) if one.get("node_kind") == "voice_session"]
    async with world() as (viewer, pilot):
        await show(viewer, pilot, events[: ends[-1]])
        lanes = viewer.app.main.lanes
        lanes.call.work(10.0)  # type: ignore[union-attr]
        await viewer.tick(pilot)
        first_line = lanes_text(viewer)[0]
        drawn = []
        refresh = lanes.refresh
        lanes.refresh = lambda *args, **more: (drawn.append(args), refresh(*args, **more))[1]  # type: ignore[method-assign, func-returns-value]
        await viewer.tick(pilot)
        assert not drawn
        viewer.time += 2.0
        await viewer.tick(pilot)
        assert len(drawn) == 1 and lanes_text(viewer)[0] != first_line


async def test_nothing_is_new_below_once_the_end_is_on_the_screen() -> None:
    events = events_of(many(80))
    async with world(size=(120, 30)) as (viewer, pilot):
        await show(viewer, pilot, events[:600])
        await press(viewer, pilot, "g")
        await show(viewer, pilot, events[600:])
        lanes = viewer.app.main.lanes
        lanes.call.work(10.0)  # type: ignore[union-attr]
        await viewer.tick(pilot)
        assert " new" in lanes_text(viewer)[-1]
        await press(viewer, pilot, "G")
        assert " new" not in lanes_text(viewer)[-1]
