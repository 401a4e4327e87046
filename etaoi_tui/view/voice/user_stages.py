"""The user's half of a turn: speech, transcript, and the wait for its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from etaoi_tui.view.voice import payloads as told
from etaoi_tui.view.voice.model import Basis, EndOfTurn, Kind, Moment, Stage, both
from etaoi_tui.view.voice.state_timeline import StateTimeline
from etaoi_tui.view.voice.turn_spans import TurnSpan, TurnSpans

_MEASURED, _DERIVED = Basis.MEASURED, Basis.DERIVED
_NOT_TOLD = EndOfTurn()
_LEAST = 0.001
"""Seconds: a delay that is shorter is none."""


@dataclass(slots=True)
class UserStages:
    """What the user did in a turn."""

    stages: list[Stage] = field(default_factory=list)
    started: Moment | None = None
    stopped: Moment | None = None
    decided: Moment | None = None
    """When the turn detector took the speech for complete."""
    callback_until: Moment | None = None
    final_at: Moment | None = None
    """When the transcript was final."""
    end_of_turn: EndOfTurn = _NOT_TOLD
    text: str = ""
    typed: bool = False
    final: bool = True
    confidence: float | None = None
    language: str = ""


def user_stages(turn_spans: TurnSpans, ticks: StateTimeline) -> UserStages:
    """Fold the user's half of a turn."""
    half = UserStages()
    _transcript(half, turn_spans.inputs)
    _decision(half, turn_spans)
    _speech(half, turn_spans, ticks)
    _recognition(half, turn_spans.inputs)
    if half.stopped is None:
        _typed(half, turn_spans)
    return half


def _transcript(half: UserStages, inputs: list[TurnSpan]) -> None:
    """Take the words: those that went into the conversation, or else the recogniser's own."""
    items: dict[str, str] = {}
    heard_texts: list[str] = []
    unfinished = ""
    for one in inputs:
        payload = one.payload
        half.language = payload.language or half.language
        confidence = told.share(payload.transcript_confidence)
        half.confidence = confidence if confidence is not None else half.confidence
        text = (payload.transcript or payload.text or "").strip()
        if not text:
            continue
        if payload.item_id is not None:
            items[payload.item_id] = text
        elif payload.is_final is False:
            unfinished = text
        elif text not in heard_texts:
            heard_texts.append(text)
    texts = list(dict.fromkeys(items.values())) or heard_texts
    half.final = bool(texts) or not unfinished
    if unfinished and not any(unfinished in text for text in texts):
        texts = [*texts, unfinished]
    half.text = " ".join(texts)


def _decision(half: UserStages, turn_spans: TurnSpans) -> None:
    """Take the turn detector's word; of several, the last."""
    for wait in turn_spans.waits:
        payload, metrics = wait.payload, wait.metrics or told.Metrics()
        delay = told.seconds(_first(metrics.end_of_utterance_delay, payload.end_of_utterance_delay))
        callback = told.seconds(
            _first(metrics.on_user_turn_completed_delay, payload.on_user_turn_completed_delay)
        )
        if wait.is_mark:
            at = told.near(metrics.timestamp, wait.start)
            decided = Moment((wait.start if at is None else at) - (callback or 0.0), _DERIVED)
        elif wait.end is None:
            half.stages.append(Stage(Kind.EOU, wait.start, None, _MEASURED, (wait.span,)))
            half.stopped = Moment(wait.start, _MEASURED)
            continue
        else:
            decided = Moment(wait.end, _MEASURED)
        half.decided = decided
        half.end_of_turn = EndOfTurn(
            delay,
            told.seconds(_first(metrics.transcription_delay, payload.transcription_delay)),
            callback,
            told.share(
                _first(
                    metrics.end_of_turn_probability,
                    metrics.eou_probability,
                    metrics.probability,
                    payload.end_of_turn_probability,
                    payload.eou_probability,
                    payload.probability,
                )
            ),
            told.share(
                _first(
                    metrics.unlikely_threshold,
                    metrics.eou_threshold,
                    payload.unlikely_threshold,
                    payload.eou_threshold,
                )
            ),
        )
        began = decided.at - (delay or 0.0) if wait.is_mark else wait.start
        # livekit tells a delay of 0.0 when it never noticed the end of the speech.
        if decided.at - began > _LEAST:
            half.stages.append(Stage(Kind.EOU, began, decided.at, decided.basis, (wait.span,)))
            half.stopped = Moment(began, decided.basis)
        if callback is not None and callback > _LEAST:
            half.callback_until = Moment(decided.at + callback, _DERIVED)
            half.stages.append(
                Stage(Kind.CALLBACK, decided.at, decided.at + callback, _DERIVED, (wait.span,))
            )
        else:
            half.callback_until = decided


def _speech(half: UserStages, turn_spans: TurnSpans, ticks: StateTimeline) -> None:
    """Find when the user spoke: voice activity, what the transcript says of it, or the states of the user."""
    reported = _reported_stop(turn_spans)
    if reported is not None:
        half.stopped = reported
    spoken: list[Stage] = []
    aside: list[Stage] = []
    for one in turn_spans.activity:
        if one.is_mark:
            continue
        basis = _DERIVED if one.payload.noticed_late else _MEASURED
        stage = Stage(Kind.USER, one.start, one.end, basis, (one.span,), aside=bool(one.payload.over_agent))
        (aside if stage.aside else spoken).append(stage)
    if not spoken:
        spoken = _from_ticks(half, turn_spans, ticks)
    if not spoken:
        spoken = _from_transcript(half, turn_spans.inputs)
    if spoken:
        half.started = Moment(spoken[0].start, spoken[0].basis)
        last = spoken[-1]
        if half.stopped is None and last.end is not None:
            half.stopped = Moment(last.end, last.basis)
    half.stages += spoken + aside


def _reported_stop(turn_spans: TurnSpans) -> Moment | None:
    for one in reversed(turn_spans.inputs):
        at = told.near(one.payload.stopped_speaking_at, one.start)
        if at is not None:
            return Moment(at, _MEASURED)
    for turn in turn_spans.turns:
        at = told.near(turn.payload.user_stopped_at, turn.start)
        if at is not None:
            return Moment(at, _MEASURED)
    return None


def _from_ticks(half: UserStages, turn_spans: TurnSpans, ticks: StateTimeline) -> list[Stage]:
    """The user's states tell when speech began; that it ended is noticed late, so better sources win.

    A model that hears by itself decides without telling, and notices at once.
    """
    stopped = half.stopped
    if not turn_spans.inputs:
        return []
    if half.decided is not None:
        decided = half.decided.at
    elif turn_spans.hears:
        decided = turn_spans.inputs[0].start
    else:
        return []
    spans = tuple(one.span for one in turn_spans.inputs[:1])
    stages = []
    for began, ended in ticks.speech_before(decided):
        end = decided if ended is None else min(ended, decided)
        if stopped is not None:
            end = min(end, stopped.at)
        if end > began:
            stages.append(Stage(Kind.USER, began, end, _DERIVED, spans))
    if stages and stopped is not None and stages[-1].end != stopped.at:
        last = stages[-1]
        stages[-1] = Stage(Kind.USER, last.start, max(stopped.at, last.start), _DERIVED, spans)
    return stages


def _from_transcript(half: UserStages, inputs: list[TurnSpan]) -> list[Stage]:
    """Speech began no later than its first transcript."""
    for one in inputs:
        began = told.near(one.payload.started_speaking_at, one.start)
        basis = _DERIVED if began is None else _MEASURED
        if began is None and one.is_mark:
            continue
        began = one.start if began is None else began
        if half.stopped is not None:
            if half.stopped.at > began:
                return [
                    Stage(Kind.USER, began, half.stopped.at, both(basis, half.stopped.basis), (one.span,))
                ]
        elif one.end is None:
            return [Stage(Kind.USER, began, None, basis, (one.span,))]
    return []


def _recognition(half: UserStages, inputs: list[TurnSpan]) -> None:
    """Find when the transcript was made. One stage: reports of the same words are one thing."""
    delay = half.end_of_turn.transcription_delay
    for one in inputs:
        told_delay = told.seconds(one.payload.transcription_delay)
        delay = told_delay if told_delay is not None else delay
    # What is reported after the speech has ended is a report, however long it takes.
    ended_at = half.stopped.at if half.stopped is not None and delay is not None else float("inf")
    real = [one for one in inputs if not one.is_mark and one.start < ended_at]
    spans = tuple(one.span for one in [*real, *(one for one in inputs if one not in real)])
    began: float | None = min((one.start for one in real), default=None)
    ended: Moment | None = None
    if real and all(one.end is not None for one in real):
        ended = Moment(max(one.end for one in real if one.end is not None), _MEASURED)
    elif real:
        half.stages.append(Stage(Kind.STT, real[0].start, None, _MEASURED, spans))
        return
    if half.stopped is not None and delay is not None and delay > _LEAST:
        at = half.stopped.at + delay
        if ended is None or ended.at < half.stopped.at:
            ended = Moment(at, _DERIVED)
    if ended is None:
        return
    half.final_at = ended
    if began is None:
        began = half.started.at if half.started is not None else half.stopped.at if half.stopped else None
    if began is not None and ended.at > began:
        half.stages.append(Stage(Kind.STT, began, ended.at, ended.basis, spans))


def _typed(half: UserStages, turn_spans: TurnSpans) -> None:
    """A message that nobody spoke: its moment stands for the end of the speech."""
    if turn_spans.activity and any(not one.is_mark for one in turn_spans.activity):
        return
    if any(one.payload.is_final is not None and one.payload.modality is None for one in turn_spans.inputs):
        return  # a recogniser heard it
    for one in turn_spans.inputs:
        payload = one.payload
        written = payload.modality == "text" or (
            payload.item_id is not None
            and payload.is_final is None
            and told.seconds(payload.transcription_delay) is None
        )
        if written:
            half.typed = True
            half.stopped = Moment(one.start, _DERIVED)
            return


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
