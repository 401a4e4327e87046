"""The agent's half of a turn: requests to the model, tools, the voice, and when it was heard."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

from etaoi_collector.store.model import Span
from etaoi_tui.view.voice import payloads as told
from etaoi_tui.view.voice.model import Basis, Kind, Moment, Stage
from etaoi_tui.view.voice.state_timeline import StateTimeline
from etaoi_tui.view.voice.turn_spans import TurnSpan, TurnSpans
from etaoi_tui.view.voice.user_stages import UserStages

_Number = TypeVar("_Number", int, float)

_MEASURED, _DERIVED = Basis.MEASURED, Basis.DERIVED
_SAME_TTFT = 0.02
"""Seconds by which two reports of one request's first token may differ."""
_SLACK = 0.05
"""Seconds by which states and spans of one moment may differ."""
_QUEUED = 5.0
"""Seconds after its first sound, or after its turn, in which a speech may still wait to be heard."""
_EDGE = 0.005
"""Seconds around a turn in which its speech may begin; what is further away is another turn's."""


@dataclass(slots=True)
class AgentStages:
    """What the agent did in a turn."""

    stages: list[Stage] = field(default_factory=list)
    heard_at: Moment | None = None
    text: str = ""
    e2e_latency: float | None = None
    playback_latency: float | None = None
    characters: int | None = None
    audio: float | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    models: dict[str, None] = field(default_factory=dict)
    hears: bool = False
    """The model hears and speaks by itself."""
    resumed: list[float] = field(default_factory=list)
    """When it went on after a false interruption, as far as only its states tell."""
    broken_by_another: bool = False
    """What ended the silence belongs to another turn."""


def agent_stages(
    turn_spans: TurnSpans, user: UserStages, ticks: StateTimeline, start: float, end: float | None
) -> AgentStages:
    """Fold the agent's half of a turn.

    Args:
        turn_spans: The turn's spans.
        user: The user's half.
        ticks: The call's states.
        start: The turn's first moment.
        end: Its last; None while it runs.
    """
    half = AgentStages(hears=turn_spans.hears)
    _requests(half, turn_spans)
    _tools(half, turn_spans.tools)
    _voice(half, turn_spans)
    _words(half, turn_spans, running=end is None)
    _speech(half, turn_spans, user, ticks, start, end)
    return half


# the model


def _requests(half: AgentStages, turn_spans: TurnSpans) -> None:
    """Find the model calls. A reference SDK reports each twice: its metrics, and the message it became."""
    calls: list[Stage] = []
    messages: list[TurnSpan] = []
    for one in turn_spans.models:
        payload, metrics = one.payload, one.metrics or told.Metrics()
        name = (metrics.metadata.model_name if metrics.metadata else None) or one.span.model or payload.model
        error = one.span.error
        half.e2e_latency = _better(told.seconds(payload.e2e_latency), half.e2e_latency)
        first = told.seconds(metrics.ttft)
        if first is None:
            first = told.seconds(payload.ttft)
        aside = bool(payload.thrown_away)
        took = told.seconds(metrics.duration)
        requested_at = one.start
        if not one.is_mark:
            start, end, basis = one.start, one.end, _MEASURED
            at = told.near(metrics.timestamp, one.start)
            if at is not None and took is not None and metrics.type != "realtime_model":
                # The request may have left later than the agent's code was asked for it.
                requested_at = max(start, at - took)
        elif took is not None:
            at = told.near(metrics.timestamp, one.start)
            at = one.start if at is None else at
            # A request's time stamp is that of its end; of a realtime model's response, of its beginning.
            start = requested_at = at if metrics.type == "realtime_model" else at - took
            end, basis = start + took, _DERIVED
        else:
            messages.append(one)
            continue
        _count(half, one)
        if name:
            half.models[name] = None
        calls.append(
            Stage(
                Kind.LLM,
                start,
                end,
                basis,
                (one.span,),
                name or "",
                None if first is None else requested_at + first,
                error,
                aside,
            )
        )
    for message in messages:
        _join_message(half, calls, message, turn_spans)
    calls.sort(key=lambda call: call.start)
    half.stages += calls


def _join_message(half: AgentStages, calls: list[Stage], message: TurnSpan, turn_spans: TurnSpans) -> None:
    """Add a message to the request that it came from, or make one of what it tells."""
    first = told.seconds(message.payload.llm_node_ttft)
    free = [call for call in calls if len(call.spans) == 1]
    name = message.payload.model
    close = [
        call
        for call in free
        if first is not None and call.first is not None and abs(call.first - call.start - first) < _SAME_TTFT
    ]
    nearest = max(close or free, key=lambda call: call.start, default=None)
    if nearest is not None:
        calls[calls.index(nearest)] = replace(
            nearest,
            spans=(*nearest.spans, message.span),
            error=nearest.error or message.span.error,
            name=nearest.name or name or "",
        )
        return
    word = min((d.first_word_at for d in turn_spans.deltas if d.first_word_at is not None), default=None)
    if name:
        half.models.setdefault(name)
    if first is None or word is None or word - first >= message.start:
        return
    calls.append(
        Stage(
            Kind.LLM,
            word - first,
            max(message.start, word),
            _DERIVED,
            (message.span,),
            name or "",
            word,
            message.span.error,
        )
    )


def _count(half: AgentStages, one: TurnSpan) -> None:
    usage = one.span.usage
    metrics = one.metrics or told.Metrics()
    tokens_in = usage.input_tokens if usage is not None else None
    tokens_out = usage.output_tokens if usage is not None else None
    if tokens_in is None:
        tokens_in = told.count(_better(metrics.prompt_tokens, metrics.input_tokens))
    if tokens_out is None:
        tokens_out = told.count(_better(metrics.completion_tokens, metrics.output_tokens))
    half.tokens_in = _sum(half.tokens_in, tokens_in)
    half.tokens_out = _sum(half.tokens_out, tokens_out)


def _tools(half: AgentStages, tools: list[TurnSpan]) -> None:
    for one in tools:
        name = one.span.name or one.payload.name or ""
        half.stages.append(
            Stage(Kind.TOOL, one.start, one.end, _MEASURED, (one.span,), name, error=one.span.error)
        )


# the voice


def _voice(half: AgentStages, turn_spans: TurnSpans) -> None:
    """Find the text-to-speech requests."""
    messages = [one for one in turn_spans.outputs if one.is_mark and one.metrics is None]
    for one in turn_spans.outputs:
        payload, metrics = one.payload, one.metrics or told.Metrics()
        half.e2e_latency = _better(told.seconds(payload.e2e_latency), half.e2e_latency)
        half.playback_latency = _better(half.playback_latency, told.seconds(payload.playback_latency))
        if one in messages:
            continue
        name = (metrics.metadata.model_name if metrics.metadata else None) or payload.model or ""
        half.characters = _sum(
            half.characters, told.count(_better(metrics.characters_count, payload.characters_count))
        )
        half.audio = _sum(half.audio, told.seconds(_better(payload.audio_duration, metrics.audio_duration)))
        if name:
            half.models.setdefault(name)
        spans = (one.span, *(message.span for message in messages))
        half.stages += _speech_requests(one, name, spans, guess=not half.hears)


def _speech_requests(one: TurnSpan, name: str, spans: tuple[Span, ...], *, guess: bool) -> list[Stage]:
    """Return the requests of a stretch of speech; a guess is what lies between its words and its sound."""
    payload, metrics = one.payload, one.metrics or told.Metrics()
    error = one.span.error
    stages: list[Stage] = []
    for request in payload.tts_requests or ():
        began = told.near(request.started_at, one.start)
        took = told.seconds(request.duration)
        if began is not None and took is not None:
            first = told.seconds(request.ttfb)
            stages.append(_tts(began, took, first, _MEASURED, spans, name, error))
    if stages:
        return stages
    took = told.seconds(metrics.duration)
    first = told.seconds(metrics.ttfb)
    first = told.seconds(payload.tts_node_ttfb) if first is None else first
    if one.is_mark:
        if took is None:
            return []
        at = told.near(metrics.timestamp, one.start)
        return [_tts((one.start if at is None else at) - took, took, first, _DERIVED, spans, name, error)]
    if took is not None:
        return [_tts(one.start, took, first, _MEASURED, spans, name, error)]
    if not guess or payload.modality == "text":
        return []
    playing = told.near(payload.playing_at, one.start)
    if playing is not None and playing > one.start:
        return [_tts(one.start, playing - one.start, playing - one.start, _DERIVED, spans, name, error)]
    if one.end is None and playing is None:
        return [Stage(Kind.TTS, one.start, None, _DERIVED, (one.span,), name)]
    return []


def _tts(
    start: float,
    took: float,
    first: float | None,
    basis: Basis,
    spans: tuple[Span, ...],
    name: str,
    error: str | None,
) -> Stage:
    end = start + max(took, first or 0.0)
    return Stage(
        Kind.TTS,
        start,
        end,
        basis,
        spans,
        name,
        None if first is None else start + first,
        None if error == "interrupted" else error,
    )


# what was heard


def _words(half: AgentStages, turn_spans: TurnSpans, *, running: bool) -> None:
    """Take what the agent said: the messages that went into the conversation, or its words so far."""
    items: dict[str, str] = {}
    for one in [*turn_spans.outputs, *turn_spans.models]:
        text = one.payload.text
        if text and text.strip() and (one.span.kind == "voice_output" or one.payload.item_id is not None):
            items.setdefault(one.payload.item_id or one.span.span_id, text.strip())
    spoken = max(
        ((deltas.said_at, deltas.transcript) for deltas in turn_spans.deltas if deltas.transcript),
        default=(0.0, ""),
    )[1].strip()
    finished = " ".join(dict.fromkeys(items.values()))
    half.text = spoken if running and len(spoken) > len(finished) else finished or spoken


def _speech(
    half: AgentStages,
    turn_spans: TurnSpans,
    user: UserStages,
    ticks: StateTimeline,
    start: float,
    end: float | None,
) -> None:
    """Find when the agent was heard, from the best that is told."""
    played = _played(turn_spans)
    since = user.stopped.at if user.stopped is not None else start
    if not played and not _said_by_another(half, turn_spans):
        played = _from_ticks(half, turn_spans, ticks, max(start, since), end)
        # Words come before their sound: while the agent's states are told, they say when it is heard.
        early = end is None and ticks.tells_of("agent")
        played = played or _derived_speech(half, turn_spans, user, by_words=not early)
    half.stages += played
    audible = [stage for stage in played if stage.start >= since - _SLACK]
    if audible:
        first = min(audible, key=lambda stage: stage.start)
        half.heard_at = Moment(first.start, first.basis)
    if user.stopped is not None:
        _broken_by_another(half, ticks, since, end)


def _from_ticks(
    half: AgentStages, turn_spans: TurnSpans, ticks: StateTimeline, since: float, end: float | None
) -> list[Stage]:
    """Take the agent's states, as far as they are about this turn: its speech begins with its own sound.

    A reference SDK ends a turn with its last request to the voice, when the speech may be yet to come.
    """
    sounds = [stage.first for stage in half.stages if stage.kind is Kind.TTS and stage.first is not None]
    since = max([since - _EDGE, *(at - _SLACK for at in sounds[:1])])
    spoken = ticks.spoken("agent", since, end + _EDGE if end is not None else float("inf"))
    if not spoken and sounds and end is not None:
        spoken = ticks.spoken("agent", since, max(sounds) + _QUEUED)[:1]
    if spoken and end is not None:
        spoken[-1] = spoken[-1][0], _until(half, ticks, *spoken[-1])
    return [
        _speech_stage(half, turn_spans, ticks, began, end if stopped is None else stopped)
        for began, stopped in spoken
    ]


def _until(half: AgentStages, ticks: StateTimeline, began: float, stopped: float | None) -> float | None:
    """Return the end of a speech that may have been silenced for nothing, and went on after its turn."""
    for again, end in ticks.spoken("agent", began + _EDGE, float("inf")):
        if not ticks.began(again, "resumed"):
            break
        half.resumed.append(again)
        stopped = end
    return stopped


def _speech_stage(
    half: AgentStages, turn_spans: TurnSpans, ticks: StateTimeline, since: float, until: float | None
) -> Stage:
    """Return one stretch of speech; its end by better sources where the states do not tell it.

    livekit-agents calls an agent that speaks and works thinking, and 1.2 may even call it listening.
    """
    spans = tuple(one.span for one in turn_spans.outputs) or tuple(turn.span for turn in turn_spans.turns[:1])
    if until is None:
        return Stage(Kind.SPEECH, since, None, _MEASURED, spans)
    better = until
    if until - since < _EDGE:
        better = max(
            [until, *(one.start for one in turn_spans.outputs if one.is_mark and one.metrics is None)]
        )
    elif half.audio is not None and ticks.began(until, "thinking"):
        better = max(until, since + half.audio)
    return Stage(Kind.SPEECH, since, better, _MEASURED if better == until else _DERIVED, spans)


def _said_by_another(half: AgentStages, turn_spans: TurnSpans) -> bool:
    """Whether the only words filed under a turn are none of its model's: of the agent that takes over."""
    if any(stage.kind is Kind.TTS for stage in half.stages):
        return False
    messages = [one for one in turn_spans.models if one.metrics is None and one.payload.item_id is not None]
    has_requests = any(one.metrics is not None for one in turn_spans.models)
    return has_requests and bool(messages) and all(one.payload.llm_node_ttft is None for one in messages)


def _broken_by_another(half: AgentStages, ticks: StateTimeline, since: float, end: float | None) -> None:
    """A tool, or the agent that takes over, may speak in a turn of its own: that breaks the silence too."""
    if half.heard_at is not None:
        sooner = ticks.spoken("agent", since, half.heard_at.at - _SLACK)
    elif any(stage.kind in (Kind.LLM, Kind.TOOL) and not stage.aside for stage in half.stages):
        until = end + _QUEUED if end is not None else float("inf")
        sooner = ticks.spoken("agent", since, until)
        if sooner and ticks.spoken("user", since, sooner[0][0]):
            return  # the user did not wait for it
    else:
        return
    if sooner:
        half.heard_at = Moment(sooner[0][0], _MEASURED)
        half.broken_by_another = True


def _played(turn_spans: TurnSpans) -> list[Stage]:
    stages = []
    for one in turn_spans.outputs:
        began = told.near(one.payload.playing_at, one.start)
        if began is None:
            continue
        until = told.near(one.payload.played_until, one.start)
        end = one.end if until is None else until
        stages.append(
            Stage(
                Kind.SPEECH,
                began,
                None if end is None else max(end, began),
                _MEASURED,
                (one.span,),
                error=one.span.error,
            )
        )
    if not stages:
        for turn in turn_spans.turns:
            began = told.near(turn.payload.agent_started_at, turn.start)
            until = told.near(turn.payload.agent_stopped_at, turn.start)
            if began is not None:
                end = turn.end if until is None else max(until, began)
                stages.append(Stage(Kind.SPEECH, began, end, _MEASURED, (turn.span,)))
    return stages


def _derived_speech(
    half: AgentStages, turn_spans: TurnSpans, user: UserStages, *, by_words: bool
) -> list[Stage]:
    """No event says when the agent was heard: take it from latencies, first audio or first words."""
    spans = tuple(one.span for one in turn_spans.outputs) or tuple(turn.span for turn in turn_spans.turns[:1])
    began: float | None = None
    audio = [stage.first for stage in half.stages if stage.kind is Kind.TTS and stage.first is not None]
    words = [deltas.first_word_at for deltas in turn_spans.deltas if deltas.first_word_at is not None]
    if user.stopped is not None and half.e2e_latency is not None:
        began = user.stopped.at + half.e2e_latency
    elif audio:
        began = min(audio) + (half.playback_latency or 0.0)
    elif words and by_words:
        began = min(words)
    if began is None or not spans:
        return []
    if half.audio is not None:
        end: float | None = began + half.audio
    else:
        end = max([began, *(deltas.said_at for deltas in turn_spans.deltas if deltas.transcript)])
    return [Stage(Kind.SPEECH, began, end, _DERIVED, spans)]


def _better(first: float | None, second: float | None) -> float | None:
    return first if first is not None else second


def _sum(first: _Number | None, second: _Number | None) -> _Number | None:
    if first is None or second is None:
        return first if second is None else second
    return first + second
