"""The user's half of a turn: speech, transcript, and the wait that ends it."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from etaoi_tui.sdk.livekit import private_api as inside
from etaoi_tui.sdk.livekit.call import Call
from etaoi_tui.sdk.livekit.metrics import metrics_delta, voice_metrics, wire_map
from etaoi_tui.sdk.livekit.turns import Prediction, Turn, UserPart

_LATE = 0.02
"""Seconds. livekit-agents says when speech ended, always in the past; a younger time stamp is merely the
event's own."""
_APART = 0.6
"""Seconds after a noise over the agent's speech, without a word understood, until the next is another."""
_PREDICTIONS = 16
"""The turn detector's answers that are told of one turn: the newest."""
_PATIENCE = 2.0
"""Seconds beyond the longest end-of-turn wait after which a speech without an answer is over."""


class UserTurn:
    """Follows what the user says until the agent's turn."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.part: UserPart | None = None
        self._vad: list[Any] = []
        self._stt: list[Any] = []

    # Speech

    def state_changed(self, event: Any) -> None:
        """Take note that the user speaks, listens or went away."""
        at = event.created_at
        self._call.tracer.tick("user", event.new_state, at=at)
        if event.new_state == "speaking":
            self._speech_began(at, late=time.time() - at < _LATE)
        elif event.old_state == "speaking":
            self._speech_ended(at, late=time.time() - at < _LATE)

    def _speech_began(self, at: float, *, late: bool) -> None:
        part = self.part
        if part is not None and not part.speaking:
            self._end_vad(part)
            if self._is_over(part, at):
                self.drop(part)
                part = None
        if part is None:
            part = self.part = UserPart(at, start_is_late=late)
            if self._agent_is_busy():
                part.over = self._call.speaking_turn()
            else:
                self.open(part)
        part.speaking = True
        part.stopped_at = None
        part.touched_at = at
        if part.turn is None:
            part.speech_intervals.append((at, None))
        else:
            self._start_vad(part, at)

    def _speech_ended(self, at: float, *, late: bool) -> None:
        part = self.part
        if part is None or not part.speaking:
            return
        part.speaking = False
        part.stopped_at = part.touched_at = at
        part.stop_is_late = late
        if part.turn is None:
            part.speech_intervals[-1] = (part.speech_intervals[-1][0], at)
        elif not late:
            self._end_vad(part)

    def _agent_is_busy(self) -> bool:
        return getattr(self._call.session, "agent_state", None) == "speaking" and bool(self._call.turns)

    def _is_over(self, part: UserPart, now: float) -> bool:
        """Whether livekit-agents has given a speech up: its end of turn should have come long ago."""
        if part.turn is None:
            return now - part.touched_at > _APART
        handle = part.turn.handle if part.turn is not None else None
        if handle is not None:
            return inside.was_scheduled(handle)
        options = getattr(self._call.session, "options", None)
        endpointing = getattr(options, "endpointing", None) or {}
        longest = endpointing.get("max_delay") or getattr(options, "max_endpointing_delay", None) or 6.0
        return bool(now - part.touched_at > longest + _PATIENCE)

    def open(self, part: UserPart) -> Turn:
        """Make sure that a speech has a turn: it is more than a noise."""
        if part.turn is not None:
            return part.turn
        turn = part.turn = self._call.open_turn(at=part.started_at, user=part)
        part.span = self._call.tracer.start(
            "voice_input",
            "user speech",
            parent=turn.span,
            payload={"transcript": part.transcript, "is_final": False},
            at=part.started_at,
        )
        speech_intervals, part.speech_intervals = part.speech_intervals, []
        for n, (began, ended) in enumerate(speech_intervals, 1):
            self._start_vad(part, began)
            if ended is not None and (n < len(speech_intervals) or not part.stop_is_late):
                self._end_vad(part, ended)
        return turn

    # Voice activity

    def _start_vad(self, part: UserPart, at: float) -> None:
        if not self._call.options.include_vad or part.turn is None:
            return
        self._end_vad(part, at)
        late = {"noticed_late": True} if part.start_is_late else None
        part.vad = self._call.tracer.start(
            "vad", "voice activity", parent=part.turn.span, payload=late, at=at
        )

    def _end_vad(self, part: UserPart, at: float | None = None) -> None:
        if part.vad is None:
            return
        reports, self._vad = self._vad, []
        self._call.tracer.end(
            part.vad,
            lambda: {"inference_count": sum(one.inference_count for one in reports)} if reports else {},
            voice_metrics=(lambda: wire_map(reports[-1])) if reports else None,
            at=at or part.stopped_at,
        )
        part.vad = None

    def vad_metrics(self, metrics: Any) -> None:
        """Keep what the detector says about itself for the stretch of speech that it belongs to."""
        self._vad.append(metrics)
        del self._vad[:-256]

    # Transcript

    def transcribed(self, event: Any) -> None:
        """Take an interim or final transcript."""
        text = event.transcript
        if not text:
            return
        self._call.worked("stt")
        at = event.created_at
        part = self.part
        if part is None:
            part = self.part = UserPart(at)
        turn = self.open(part)
        part.touched_at = at
        language = getattr(event, "language", None)
        if language is not None:
            part.language = str(language)
        if event.is_final:
            part.finals.append(text)
            part.interim = ""
            part.final_at = at
        else:
            part.interim = text
        payload: dict[str, Any] = {"transcript": part.transcript, "is_final": bool(event.is_final)}
        if part.language:
            payload["language"] = part.language
        speaker = getattr(event, "speaker_id", None)
        if speaker is not None:
            payload["speaker_id"] = speaker
        if part.span is not None:
            self._call.tracer.delta(part.span, payload, at=at)
        else:
            self._call.tell(turn, payload, at=at)

    def stt_metrics(self, metrics: Any) -> None:
        """Take a recogniser's metrics: they end the transcript's span, or tell of themselves."""
        part = self.part
        if part is not None and part.span is not None:
            self._stt.append(metrics)
            self._call.tracer.delta(part.span, metrics_delta(metrics))
        else:
            self._call.tell(None, metrics_delta(metrics))

    def timed_out(self, event: Any) -> None:
        """Take note of speech that never got a transcript."""
        payload = {
            "transcription_timeout": {
                "speech_duration": event.speech_duration,
                "vad_speech_started_at": event.vad_speech_started_at,
            }
        }
        part = self.part
        self._call.tell(part.turn if part is not None else None, payload, at=event.created_at)
        if part is not None and not part.speaking and not part.transcript:
            self.drop(part)

    # The end of the turn

    def is_recent_speech(self, text: str) -> bool:
        """Whether a text is what this call's user has said since the last turn."""
        return self.part is not None and text.strip() == " ".join(self.part.finals).strip()

    def predicted(self, prediction: Prediction) -> None:
        """Take the turn detector's answer whether the user has finished."""
        if self.part is not None:
            self.part.predictions.append(prediction)

    def end_of_turn(self, metrics: Any) -> None:
        """Take the turn detector's decision: the speech is complete and answered."""
        turn = self._call.turn_of(metrics.speech_id)
        part = turn.user if turn is not None else self.part
        if part is None:
            part = self.part
        if part is None:
            self._call.tell(turn, metrics_delta(metrics))
            return
        part.end_of_turn = metrics
        if part.stop_is_late or part.stopped_at is None:
            delays = metrics.end_of_utterance_delay + metrics.on_user_turn_completed_delay
            if metrics.end_of_utterance_delay > 0:
                part.stopped_at, part.stop_is_late = metrics.timestamp - delays, False
        if part.settled and part.turn is not None:
            self._tell_wait(part.turn, metrics, part.stopped_at)

    def message_added(self, item: Any, turn: Turn | None) -> None:
        """Take the user's message as it went into the conversation."""
        part = turn.user if turn is not None else self.part
        if part is None and turn is not None:
            self._typed(item, turn)
            return
        if part is None:
            return
        self.open(part)
        self.settle(part, item)
        if part.turn is not None and part.turn.handle is None:
            self._call.tracer.end(part.turn.span, {"answered": False})
            part.turn.closed = True

    def _typed(self, item: Any, turn: Turn) -> None:
        text = item.text_content
        payload = {"transcript": text, "is_final": True, "item_id": item.id, "modality": "text"}
        tracer = self._call.tracer
        span = tracer.start(
            "voice_input", "user speech", parent=turn.span, payload=payload, at=item.created_at
        )
        tracer.end(span, payload, at=item.created_at)
        turn.user = UserPart(item.created_at, turn=turn)

    def settle(self, part: UserPart, item: Any = None) -> None:
        """End the user's half: voice activity, transcript and the wait for the end of the turn."""
        if self.part is part:
            self.part = None
        payload: dict[str, Any] = {"transcript": part.transcript, "is_final": bool(part.finals)}
        if part.language:
            payload["language"] = part.language
        report: dict[str, Any] = {}
        if item is not None:
            report = getattr(item, "metrics", None) or {}
            payload.update(transcript=item.text_content or part.transcript, is_final=True, item_id=item.id)
            confidence = getattr(item, "transcript_confidence", None)
            if confidence is not None:
                payload["transcript_confidence"] = confidence
        else:
            payload["orphaned"] = part.end_of_turn is None
        stopped = report.get("stopped_speaking_at") or part.stopped_at
        eou = part.end_of_turn
        payload["transcription_delay"] = report.get(
            "transcription_delay", getattr(eou, "transcription_delay", None)
        )
        payload["end_of_turn_delay"] = report.get(
            "end_of_turn_delay", getattr(eou, "end_of_utterance_delay", None)
        )
        for name in ("started_speaking_at", "stopped_speaking_at"):
            if name in report:
                payload[name] = report[name]
        tracer = self._call.tracer
        part.settled, part.speaking, part.stopped_at = True, False, stopped
        self._end_vad(part, stopped)
        if part.span is not None:
            stt, self._stt = self._stt, []
            ends = part.final_at or stopped or part.touched_at
            tracer.end(part.span, payload, voice_metrics=voice_metrics(stt[-1]) if stt else None, at=ends)
        if part.turn is not None:
            part.turn.summary.update({k: v for k, v in report.items() if k == "on_user_turn_completed_delay"})
            if stopped is not None:
                part.turn.summary["user_stopped_at"] = stopped
            if eou is not None:
                self._tell_wait(part.turn, eou, stopped)

    def _tell_wait(self, turn: Turn, eou: Any, stopped: float | None) -> None:
        """Tell the time from the end of the speech to the decision that the turn is over, as a span."""
        delay = eou.end_of_utterance_delay
        ends = eou.timestamp - eou.on_user_turn_completed_delay
        if stopped is not None and delay > 0:
            ends = stopped + delay
        tracer = self._call.tracer
        payload = {
            "end_of_utterance_delay": delay,
            "transcription_delay": eou.transcription_delay,
            "on_user_turn_completed_delay": eou.on_user_turn_completed_delay,
        }
        if turn.user is not None and turn.user.predictions:
            payload.update(_prediction_fields(turn.user.predictions))
        span = tracer.start("eou", "end of utterance", parent=turn.span, payload=payload, at=ends - delay)
        tracer.end(span, voice_metrics=voice_metrics(eou), at=ends)

    def drop(self, part: UserPart) -> None:
        """Let go of a speech that nobody answered; a noise over the agent's voice stays in its turn."""
        if self.part is part:
            self.part = None
        if part.turn is not None:
            self.settle(part)
            if part.turn.handle is None and not part.turn.closed:
                part.turn.closed = True
                self._call.tracer.end(part.turn.span, {"answered": False}, at=part.touched_at)
            return
        if part.over is None or not self._call.options.include_vad:
            return
        payload = {"over_agent": True, **({"noticed_late": True} if part.start_is_late else {})}
        for began, ended in part.speech_intervals:
            span = self._call.tracer.start(
                "vad", "voice activity", parent=part.over.span, payload=payload, at=began
            )
            self._call.tracer.end(span, at=ended or part.stopped_at)


def _prediction_fields(predictions: list[Prediction]) -> dict[str, Any]:
    """Return what the end of a turn tells of its detector: the last answer, by which it ended, and all."""
    last = predictions[-1]
    fields: dict[str, Any] = {
        "end_of_turn_probability": last.probability,
        "unlikely_threshold": last.threshold,
        "predictions": [msgspec.structs.asdict(one) for one in predictions[-_PREDICTIONS:]],
    }
    if last.model is not None:
        fields["detector"] = last.model
    return fields
