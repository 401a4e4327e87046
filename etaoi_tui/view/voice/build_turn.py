"""From the spans of a turn to the turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from etaoi_collector.store.model import Span, SpanFlag, Status, status_of_error
from etaoi_tui.view.search import Reader
from etaoi_tui.view.voice import payloads as told
from etaoi_tui.view.voice.agent_stages import AgentStages, agent_stages
from etaoi_tui.view.voice.gap_attribution import gap_parts
from etaoi_tui.view.voice.model import Kind, MarkKind, Stage, Turn, TurnMark
from etaoi_tui.view.voice.state_timeline import StateTimeline
from etaoi_tui.view.voice.turn_spans import TurnDeltas, TurnSpans
from etaoi_tui.view.voice.user_stages import user_stages

_WORDS_KEPT = 20_000
"""Characters of what was said; the detail of a speech span has all of it."""
_ONE_EVENT = 1.0
"""Seconds between two reports of one interruption."""


def build_turn(
    key: str,
    sources: list[Span],
    reader: Reader,
    deltas: TurnDeltas,
    ticks: StateTimeline,
    now: float | None,
    others: Callable[[float, float], Sequence[Stage]] = lambda since, until: (),
) -> Turn:
    """Fold a turn.

    Args:
        key: Its name in its call.
        sources: Its ``voice_turn`` spans, or what stands in for them.
        reader: Where events lie.
        deltas: What was read of the turns' deltas.
        ticks: The call's states.
        now: The present, by which a silence that lasts is taken apart; None leaves it untaken.
        others: Gives the stages of other turns that began between two moments, for a silence that one ended.
    """
    turn_spans = TurnSpans(sources, reader, deltas)
    status = _status(sources)
    start = min(source.started_at for source in sources)
    ended = [source.ended_at for source in sources]
    end: float | None = None
    if status is not Status.RUNNING:
        end = max((at for at in ended if at is not None), default=None)
        if end is None:
            end = max(_latest(source) for source in sources)
    user = user_stages(turn_spans, ticks)
    agent = agent_stages(turn_spans, user, ticks, start, end)
    marks = _marks(turn_spans, agent)
    lent: Sequence[Stage] = ()
    if agent.broken_by_another and user.stopped is not None and agent.heard_at is not None:
        lent = others(user.stopped.at, agent.heard_at.at)
    stages = sorted([*user.stages, *agent.stages], key=lambda stage: (stage.start, stage.end or 0.0))
    span_numbers = {span.number for stage in stages for span in stage.spans}
    return Turn(
        key=key,
        sources=tuple(sources),
        status=status,
        start=min([start, *(stage.start for stage in stages)]),
        end=None if end is None else max([end, *(stage.end for stage in stages if stage.end is not None)]),
        user_said=user.text[:_WORDS_KEPT],
        agent_said=agent.text[:_WORDS_KEPT],
        typed=user.typed,
        stages=tuple(stages),
        user_stopped=user.stopped,
        agent_heard=agent.heard_at if user.stopped is not None or agent.heard_at else None,
        parts=gap_parts(user, agent, lent=lent, now=now if status is Status.RUNNING else None),
        marks=tuple(marks),
        end_of_turn=user.end_of_turn,
        agent=next((t.payload.agent_label for t in turn_spans.turns if t.payload.agent_label), ""),
        confidence=user.confidence,
        language=user.language,
        e2e_latency=_e2e(turn_spans, agent),
        characters=agent.characters,
        audio=agent.audio,
        tokens_in=agent.tokens_in,
        tokens_out=agent.tokens_out,
        models=tuple(agent.models),
        final=user.final,
        left_out=turn_spans.left_out,
        also=tuple(span for span in turn_spans.spans if span.number not in span_numbers),
        errors=tuple(mark.text for mark in marks if mark.kind is MarkKind.ERROR),
    )


def _e2e(turn_spans: TurnSpans, agent: AgentStages) -> float | None:
    for turn in turn_spans.turns:
        latency = told.seconds(turn.payload.e2e_latency)
        if latency is not None:
            return latency
    return agent.e2e_latency


def _status(sources: list[Span]) -> Status:
    statuses = [source.status for source in sources]
    for status in (Status.RUNNING, Status.ERROR):
        if status in statuses:
            return status
    return statuses[0]


def _latest(span: Span) -> float:
    """The last moment that is known of a turn that never ended."""
    latest = span.started_at
    for child in span.children or ():
        latest = max(latest, child.started_at, child.ended_at or 0.0)
    return latest


def _marks(turn_spans: TurnSpans, agent: AgentStages) -> list[TurnMark]:
    marks = [TurnMark(MarkKind.FALSE_INTERRUPTION, at, "the agent went on") for at in agent.resumed]
    silent = max((s.end for s in agent.stages if s.kind is Kind.SPEECH and s.end is not None), default=None)
    for turn, deltas in zip(turn_spans.turns, turn_spans.deltas, strict=True):
        for at, payload in sorted(deltas.events, key=lambda event: event[0]):
            if payload.false_interruption:
                text = "the agent went on" if payload.resumed else ""
                marks.append(TurnMark(MarkKind.FALSE_INTERRUPTION, at, text))
            if payload.is_interruption is not None:
                kind = MarkKind.INTERRUPTED if payload.is_interruption else MarkKind.OVERLAP
                began = told.near(payload.overlap_started_at, at)
                marks.append(
                    TurnMark(
                        kind,
                        at if began is None else began,
                        "",
                        told.share(payload.probability),
                        told.seconds(payload.detection_delay),
                    )
                )
            error = payload.error_event
            if error is not None:
                marks.append(TurnMark(MarkKind.ERROR, at, error_text(error)))
        if turn.span.error == "interrupted" and turn.end is not None:
            stopped = told.near(turn.payload.agent_stopped_at, turn.start) or silent
            _interrupted(marks, turn.end if stopped is None else stopped, turn.payload.interrupted_by or "")
    for one in turn_spans.outputs:
        if one.span.error == "interrupted" and one.end is not None:
            stopped = told.near(one.payload.played_until, one.start) or silent
            _interrupted(marks, one.end if stopped is None else stopped, "")
    for one in [*turn_spans.models, *turn_spans.tools, *turn_spans.outputs, *turn_spans.inputs]:
        if one.span.kind == "tool" and one.payload.handoff is not None:
            to = one.payload.handoff.to_agent_id or "another agent"
            marks.append(TurnMark(MarkKind.HANDOFF, one.end or one.start, f"to {to}"[:400]))
        if one.span.flags & SpanFlag.ENDED and status_of_error(one.span.error) is Status.ERROR:
            at = one.end if one.end is not None else one.start
            text = f"{one.span.name or one.span.kind}: {one.span.error}"
            marks.append(TurnMark(MarkKind.ERROR, at, text[:400]))
    marks.sort(key=lambda mark: (mark.at, mark.kind, mark.text))
    return marks


def error_text(error: told.ErrorEvent) -> str:
    """Return what a component's failure says."""
    text = ": ".join(one for one in (error.stage, error.message or error.type) if one)
    recovers = " (it tries again)" if error.recoverable else ""
    return f"{text[:360] or 'error'}{recovers}"


def _interrupted(marks: list[TurnMark], at: float, by: str) -> None:
    """Add an interruption unless the detector has told of it already."""
    interruptions = [mark for mark in marks if mark.kind is MarkKind.INTERRUPTED]
    if not any(abs(mark.at - at) < _ONE_EVENT or mark.probability is not None for mark in interruptions):
        marks.append(TurnMark(MarkKind.INTERRUPTED, at, by.replace("_", " ")[:100]))
