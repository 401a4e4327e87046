"""What runs now: open spans by run, the agents that they work for, and what each of these does.

Kept from the changes of each tick, so that it costs what changed and not what was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice

import msgspec

from etaoi_collector.projections.trace_names import title
from etaoi_collector.store.model import Changes, Span, SpanFlag, Status, Trace
from etaoi_tui.view.depth_first import climb, root_of
from etaoi_tui.view.glyphs import span_glyph

SLOTS = 9
"""Agents that have a number, and a key."""

_STARTED, _ENDED = int(SpanFlag.STARTED), int(SpanFlag.ENDED)
_UNSEEN = int(SpanFlag.INTERNAL) | int(SpanFlag.PROBE) | int(SpanFlag.EVENT)
_AGENTS = ("sub_agent", "voice_agent")
_FRAMES = ("sub_agent", "voice_agent", "voice_session", "voice_turn", "agent_context")
"""Kinds that are open around work, and are none themselves."""

_ROOTS_LOOKED_AT = 64
"""Running runs that are looked at for agents that have no number yet."""

_SPANS_LOOKED_AT = 256
"""Open spans of one run that are looked at, and newest spans that are looked through for the last answer."""


class Work(msgspec.Struct, frozen=True):
    """What one agent does now.

    Attributes:
        agent: The agent's span, or the first span of a run without one.
        span: The innermost span that is open: the model call that streams, else what has run longest.
    """

    agent: Span
    span: Span

    @property
    def idle(self) -> bool:
        """Whether nothing in the agent is open: it is between two steps."""
        return self.span is self.agent

    @property
    def streams(self) -> bool:
        """Whether a model's words come in."""
        return streams(self.span)


class Activity:
    """Open spans, by the run in whose tree they stand."""

    def __init__(self) -> None:
        self._open: dict[Trace, dict[Span, None]] = {}
        self._run_of: dict[Span, Trace] = {}
        self._paused: dict[Trace, None] = {}
        self._works: dict[Trace, list[Work]] = {}
        """What was worked out of runs in which nothing began or ended since."""
        self._slots: list[Span | Trace | None] = [None] * SLOTS

    @property
    def running(self) -> int:
        """How many runs have something open."""
        return len(self._open)

    def apply(self, changes: Changes) -> None:
        """Take in what a tick changed."""
        roots: dict[Span, Span] = {}
        for span in chain(changes.added, changes.changed):
            self._look(span, roots)
        if any(trace.hung or not trace.spans for trace in changes.restructured):
            # Only where traces hang below each other can a span come to stand in another run.
            for trace in changes.restructured:
                for span in list(self._open.get(trace, ())):
                    self._look(span, roots)
        for session in changes.sessions:
            if session.is_gone:
                for span in [one for one in self._run_of if one.trace.session is session]:
                    self._drop(span)
        for trace in changes.traces:
            if not trace.spans:
                for span in list(self._open.get(trace, ())):
                    self._drop(span)
                self._paused.pop(trace, None)
                continue
            if trace.running and trace not in self._open and trace.roots and not trace.session.is_gone:
                for span in trace.spans[-_SPANS_LOOKED_AT:]:  # its clients came back
                    self._look(span, roots)
            if trace.waiting and trace.status is Status.PAUSED:
                self._paused[trace] = None
            else:
                self._paused.pop(trace, None)

    def work_of(self, trace: Trace) -> list[Work]:
        """Return what the agents of a run do now, one entry an agent."""
        spans = self._open.get(trace)
        if spans is None:
            return []
        works = self._works.get(trace)
        if works is None:
            works = self._works[trace] = _works(spans)
        return works

    def focus(self, trace: Trace, current: Span | None = None) -> Span | None:
        """Return the span of a run that somebody who follows it wants to see; None if nothing is open.

        That is the model call that streams, else what has been open longest, but the current one while it
        is as good.
        """
        works = [work for work in self.work_of(trace) if not work.idle]
        streaming = [work.span for work in works if work.streams]
        if streaming:
            return current if current in streaming else max(streaming, key=_started)
        return min((work.span for work in works), key=_started, default=None)

    def slots(self) -> list[Work | Trace | None]:
        """Return what each numbered agent does; a run stands for one that waits for a person.

        An agent keeps its number while it runs; those that end make room for others.
        """
        works: list[Work | Trace | None] = [None] * SLOTS
        holders: set[Span | Trace] = set()
        for at, holder in enumerate(self._slots):
            work = None if holder is None else self._still(holder)
            works[at] = work
            if work is None:
                self._slots[at] = None
            elif holder is not None:
                holders.add(holder)
        free = [at for at, work in enumerate(works) if work is None]
        for holder, work in self._candidates(holders) if free else ():
            at = free.pop(0)
            self._slots[at], works[at] = holder, work
            if not free:
                break
        return works

    def _candidates(self, excluded: set[Span | Trace]) -> Iterable[tuple[Span | Trace, Work | Trace]]:
        for trace in list(self._paused)[:SLOTS]:
            if trace not in excluded:
                yield trace, trace
        for trace in list(self._open)[:_ROOTS_LOOKED_AT]:
            if trace not in self._paused:
                for work in self.work_of(trace):
                    if work.agent not in excluded:
                        yield work.agent, work

    def _still(self, holder: Span | Trace) -> Work | Trace | None:
        """Return what the holder of a number does, or None when it does nothing any more."""
        if isinstance(holder, Trace):
            return holder if holder in self._paused else None
        trace = root_of(holder).trace
        if trace in self._paused or trace not in self._open:
            return None
        return next((work for work in self.work_of(trace) if work.agent is holder), None)

    def _look(self, span: Span, roots: dict[Span, Span]) -> None:
        marks = span.flags
        is_open = marks & _STARTED and not marks & (_ENDED | _UNSEEN) and not span.trace.session.is_gone
        if not is_open or _is_told_to_be_over(span.trace):
            if span in self._run_of:
                self._drop(span)
            return
        trace = climb(span, _never, roots).trace
        previous_run = self._run_of.get(span)
        if previous_run is not trace:
            if previous_run is not None:
                self._drop(span)
            self._run_of[span] = trace
            self._open.setdefault(trace, {})[span] = None
        self._works.pop(trace, None)

    def _drop(self, span: Span) -> None:
        trace = self._run_of.pop(span, None)
        if trace is None:
            return
        self._works.pop(trace, None)
        spans = self._open[trace]
        del spans[span]
        if not spans:
            del self._open[trace]


def _is_told_to_be_over(trace: Trace) -> bool:
    """Whether a list tells that nothing runs in a run of which not all was read."""
    unread = trace.unread
    return unread is not None and unread.status != Status.RUNNING


def streams(span: Span) -> bool:
    """Whether a model call is open and its words come in."""
    return span.kind == "llm" and bool(span.tail) and not span.flags & _ENDED


def newest_answer(trace: Trace) -> Span | None:
    """Return the model call or tool call of a run that ended last; None if there is none among the newest."""
    ended = [
        span
        for span in trace.spans[-_SPANS_LOOKED_AT:]
        if span.kind in ("llm", "tool") and span.ended_at is not None and not span.flags & _UNSEEN
    ]
    return max(ended, key=_ended, default=None)


def agent_name(work: Work) -> str:
    """Return what the agent is called that does something."""
    agent = work.agent
    return agent.name if agent.kind in _AGENTS and agent.name else title(root_of(agent).trace)


def doing(work: Work) -> str:
    """Say in two words what an agent does: the glyph and the name of what is open."""
    return "" if work.idle else f"{span_glyph(work.span)} {work.span.name or work.span.kind}"


def _works(spans: dict[Span, None]) -> list[Work]:
    recent_spans = list(islice(reversed(spans), _SPANS_LOOKED_AT))[::-1]
    around: set[Span] = set()
    for span in recent_spans:
        above = span.parent
        while above is not None and above not in around:
            around.add(above)
            above = above.parent
    best: dict[Span, tuple[tuple[bool, bool, float], Span]] = {}
    agents: dict[Span, Span] = {}
    best_so_far: dict[Span, Span] = {}
    for span in recent_spans:
        if span in around:
            continue
        parent = span.parent
        agent = span
        if parent is not None and span.kind not in _AGENTS:
            if parent not in agents:  # many siblings are open at once
                agents[parent] = climb(parent, _is_agent, best_so_far)  # the nearest, or the top of its tree
            agent = agents[parent]
        rank = _rank(span)
        if agent not in best or rank > best[agent][0]:
            best[agent] = rank, span
    return [Work(agent, agent if span.kind in _FRAMES else span) for agent, (_, span) in best.items()]


def _rank(span: Span) -> tuple[bool, bool, float]:
    return span.kind not in _FRAMES, streams(span), -span.started_at


def _is_agent(span: Span) -> bool:
    return span.kind in _AGENTS


def _never(span: Span) -> bool:
    return False


def _started(span: Span) -> tuple[float, int]:
    return span.started_at, span.number


def _ended(span: Span) -> tuple[float, int]:
    return span.ended_at or 0.0, span.number
