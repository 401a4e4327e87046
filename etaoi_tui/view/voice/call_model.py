"""A call, followed as it happens: which turns it has, each folded when somebody looks or when there is time.

A turn is folded again only when something of it changed, so a tick costs what arrived and what is on the
screen, however long the call is. Statistics cover the turns that have been folded; `VoiceCall.work` folds the
rest in slices.
"""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from operator import attrgetter

from etaoi_collector.store.model import Changes, Session, Span, Status, Trace
from etaoi_tui.view.search import Reader
from etaoi_tui.view.voice.build_turn import build_turn
from etaoi_tui.view.voice.gap_trend import GapTrend
from etaoi_tui.view.voice.linked_runs import LinkedRuns
from etaoi_tui.view.voice.model import Kind, Stage, Turn
from etaoi_tui.view.voice.session_errors import SessionErrors
from etaoi_tui.view.voice.state_timeline import StateChange, StateTimeline
from etaoi_tui.view.voice.turn_figures import TurnFigures
from etaoi_tui.view.voice.turn_group import Group
from etaoi_tui.view.voice.turn_keys import BELOW_CALL, SPEECH, TurnKeys, leader_of
from etaoi_tui.view.voice.turn_spans import TurnDeltas
from etaoi_tui.view.voice.voice_kinds import VOICE_KINDS

_NEIGHBOURS = 3
"""Turns after one in which its tools, or the agent that takes over, may speak for it."""


class VoiceCall:
    """The turns of one session.

    Args:
        session: The session.
        reader: Where events lie.
        runs: Knows which runs of other agents belong to its turns.
    """

    def __init__(self, session: Session, reader: Reader, runs: LinkedRuns | None = None) -> None:
        self.session = session
        self.figures = TurnFigures()
        """Over the turns that have been folded."""
        self.version = 0
        """Grows whenever any turn changed."""
        self._reader = reader
        self._runs = runs
        self._deltas = TurnDeltas(reader)
        self._session_errors = SessionErrors(self._deltas)
        self._ticks = StateTimeline(session)
        self._ticks.catch_up()
        self._groups: dict[str, Group] = {}
        self._group_of: dict[Span, Group] = {}
        self._ordered: list[Group] = []
        self._course = GapTrend()
        self._course_stale = False
        self._outside: dict[Span, None] = {}
        self._keys = TurnKeys(reader)
        self._unfolded: dict[Group, None] = {}
        self._leaders_in: dict[Trace, dict[Span, None]] = {}
        self._clients_gone = session.is_gone
        self.began = min((trace.started_at for trace in session.traces), default=session.first_seen)
        """Its first moment, in seconds since the epoch."""
        for trace in session.traces:
            self._take_all(trace)

    # what there is

    def __len__(self) -> int:
        return len(self._ordered)

    @property
    def groups(self) -> list[Group]:
        """The turns as they stand, in order; use `turn` to see one."""
        return self._ordered

    @property
    def unfolded(self) -> int:
        """Turns that nobody has looked at since they changed."""
        return len(self._unfolded)

    def turn(self, group: Group, now: float | None = None) -> Turn:
        """Return a turn as it is now.

        Args:
            group: Which.
            now: The present: what runs is brought up to it.
        """
        turn = group.turn
        if turn is not None and not group.dirty:
            if now is None or not turn.running or group.folded_at == now:
                return turn
        return self._fold(group, now)

    def turns(self) -> Iterator[Turn]:
        """Yield every turn, in order."""
        for group in self._ordered:
            yield self.turn(group)

    def index(self, group: Group) -> int:
        """Return a turn's place in the call."""
        return bisect_left(self._ordered, group.order, key=_order)

    def group_of(self, span: Span) -> Group | None:
        """Return the turn that a span belongs to."""
        return self._group_of.get(leader_of(span))

    def group_of_speech(self, speech: str) -> Group | None:
        """Return the turn of a speech."""
        return self._groups.get(SPEECH + speech)

    @property
    def course(self) -> GapTrend:
        """The heard gap of every turn that has been folded, in order; None where there is none."""
        if self._course_stale:
            self._course_stale = False
            self._course.reset([None if group.turn is None else group.turn.gap for group in self._ordered])
        return self._course

    @property
    def outside(self) -> list[Span]:
        """Spans of stages that belong to no turn."""
        return [span for span in self._outside if self._group_of.get(leader_of(span)) is None]

    @property
    def errors(self) -> list[tuple[float, str]]:
        """When something failed of which no turn tells, and what."""
        return [error for error in self._session_errors.all() if not self.figures.tells_of(error)]

    # what arrives

    def apply(self, changes: Changes) -> bool:
        """Take in a tick's changes; return True when a turn came, went or changed."""
        version = self.version
        session = self.session
        for trace in changes.traces:
            if trace.session is session and trace.started_at < self.began:
                self.began = trace.started_at
        for trace in changes.restructured:
            if trace.session is session:
                self._restructured(trace)
        for span in changes.added:
            if span.trace.session is session:
                self._take(span)
        for span in changes.changed:
            if span.trace.session is session:
                self._take(span)
        if session in changes.sessions:
            self._hear(self._ticks.catch_up())
            if session.is_gone is not self._clients_gone:
                self._clients_gone = session.is_gone
                for group in self._ordered:
                    self._touch(group)
        return self.version != version

    def found_runs(self, speeches: Iterable[str]) -> None:
        """Take in that runs were found for these speeches."""
        for speech in speeches:
            group = self.group_of_speech(speech)
            if group is not None:
                self._touch(group)

    def work(self, budget: float, now: float | None = None) -> bool:
        """Fold turns that changed, the newest first, for at most about ``budget`` seconds.

        Returns:
            Whether any was folded.
        """
        stop = time.perf_counter() + budget
        did = bool(self._unfolded)
        while self._unfolded:
            self._fold(next(reversed(self._unfolded)), now)
            if time.perf_counter() >= stop:
                break
        return did

    # inner steps

    def _fold(self, group: Group, now: float | None) -> Turn:
        leaders = sorted(group.leaders, key=lambda span: (span.started_at, span.number))
        turn = build_turn(
            group.key,
            leaders,
            self._reader,
            self._deltas,
            self._ticks,
            now,
            lambda since, until: self._voices(group, since, until),
        )
        if self._runs is not None and group.key.startswith(SPEECH):
            turn.runs = tuple(self._runs.of(group.key.removeprefix(SPEECH)))
        group.turn, group.folded_at = turn, now or 0.0
        group.version += 1
        group.dirty = False
        self._unfolded.pop(group, None)
        if not self._course_stale:
            self._course.put(self.index(group), turn.gap)
        self.figures.add(group, turn)
        return turn

    def _voices(self, group: Group, since: float, until: float) -> list[Stage]:
        """Return what the voice needed in turns next to this one, in which somebody spoke for it."""
        index = self.index(group)
        stages: list[Stage] = []
        for other in self._ordered[index + 1 : index + 1 + _NEIGHBOURS]:
            if since <= other.order[0] < until:
                turn = build_turn(other.key, other.leaders, self._reader, self._deltas, self._ticks, None)
                stages += [stage for stage in turn.stages if stage.kind is Kind.TTS]
        return stages

    def _take_all(self, trace: Trace) -> None:
        for span in trace.spans:
            self._take(span)

    def _take(self, span: Span) -> None:
        """Take in a span, and those around it whose place it changes."""
        waiting = [span]
        while waiting:
            waiting.extend(self._take_one(waiting.pop()))

    def _take_one(self, span: Span) -> list[Span]:
        """Take in one span.

        Returns:
            Spans that belong elsewhere now and must be taken again.
        """
        if span.kind == "voice_session":
            self.version += self._session_errors.take(span)
        leader = leader_of(span)
        key = self._keys.of(leader)
        group = self._group_of.get(leader)
        if key is None:
            if group is not None:
                self._part(leader, group)
            if span.kind in VOICE_KINDS or span.kind in ("llm", "tool"):
                self._outside[span] = None
            return list(leader.children or ()) if group is not None else []
        self._outside.pop(span, None)
        if group is not None and group.key != key:
            self._part(leader, group)
            group = None
        if group is None:
            group = self._join(leader, key)
        self._touch(group)
        self._insert_group(group, leader)
        if span.kind == "voice_output" and (index := self.index(group)):
            self._touch(self._ordered[index - 1])  # whose silence it may have ended
        parent = span.parent
        if span.kind in BELOW_CALL and parent is not None and parent in self._group_of:
            if self._keys.of(leader_of(parent)) != self._group_of[parent].key:
                return [parent]
        return []

    def _join(self, leader: Span, key: str) -> Group:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(key, order=(leader.started_at, leader.number))
            self._insert(group)
        group.leaders.append(leader)
        self._group_of[leader] = group
        self._leaders_in.setdefault(leader.trace, {})[leader] = None
        return group

    def _insert(self, group: Group) -> None:
        """Put a turn in its place; but for one at the end, the places behind it are others now."""
        insort(self._ordered, group, key=_order)
        self._course_stale |= self._ordered[-1] is not group

    def _part(self, leader: Span, group: Group) -> None:
        """A span belongs to this turn no more."""
        del self._group_of[leader]
        del self._leaders_in[leader.trace][leader]
        group.leaders.remove(leader)
        self._touch(group)
        if group.leaders:
            group.earliest = None
            self._insert_group(group, group.leaders[0])
            return
        del self._groups[group.key]
        del self._ordered[self.index(group)]
        self._course_stale = True
        self._unfolded.pop(group, None)
        self.figures.remove(group)

    def _touch(self, group: Group) -> None:
        group.dirty = True
        self._unfolded[group] = None
        self.version += 1

    def _insert_group(self, group: Group, leader: Span) -> None:
        """Keep the turns in order of their start; this leader is new, or began at another time."""
        earliest = group.earliest
        if earliest is None or (leader is earliest and leader.started_at > group.order[0]):
            earliest = min(group.leaders, key=_start)
            number = min(one.number for one in group.leaders)
        else:
            if leader.started_at < group.order[0]:
                earliest = leader
            number = min(group.order[1], leader.number)
        group.earliest = earliest
        started = earliest.started_at
        if (started, number) != group.order:
            last = self._ordered[-1] is group
            del self._ordered[self.index(group)]
            group.order = started, number
            self._insert(group)
            self._course_stale |= not last

    def _hear(self, ticks: Iterable[StateChange]) -> None:
        """States changed: the turns around them look different."""
        for at, _, _ in ticks:
            index = bisect_left(self._ordered, (at, -1), key=_order)
            for group in self._ordered[max(index - 2, 0) : index + 1]:
                self._touch(group)

    def _restructured(self, trace: Trace) -> None:
        """Spans of a trace moved, or the trace was let go."""
        spans = set(trace.spans)
        for leader in list(self._leaders_in.get(trace, ())):
            group = self._group_of[leader]
            if leader not in spans or leader_of(leader) is not leader:
                self._part(leader, group)
                self._deltas.forget(leader)
                self._keys.forget(leader)
        for span in [one for one in self._outside if one.trace is trace and one not in spans]:
            del self._outside[span]
        if not self._leaders_in.get(trace, True):
            del self._leaders_in[trace]
        self._take_all(trace)


_order = attrgetter("order")
_start = attrgetter("started_at")


def overall(call: VoiceCall) -> Status:
    """Return the state of a call: running while its session runs."""
    for trace in call.session.traces[:8]:
        for root in trace.roots[:4]:
            if root.kind == "voice_session":
                return root.status
    return Status.RUNNING if any(trace.running for trace in call.session.traces) else Status.OK
