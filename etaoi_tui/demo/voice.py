"""The second act: a short phone call, shaped like what the SDK sends for a LiveKit session.

Every stage of a turn is a span as long as the stage took: speech, the wait for its end, the model, the voice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.demo.clock import Story
from etaoi_tui.demo.span_writer import SpanWriter
from etaoi_tui.sdk.ids import bridge_uuid
from etaoi_tui.sdk.tracer import Span

_LLM, _STT, _TTS, _VAD = "gpt-5-mini", "scribe-2", "sonora-1", "hush-vad"
_AGENT = "front-desk"
_ROOM = "bookshop line"
_COUNTED = ("taken", "given", "characters", "audio")

_INSTRUCTIONS = (
    "You are the front desk of a bookshop. Be brief: people listen, they do not read. "
    "Look orders up before you talk about them, and never guess a date."
)


@dataclass(frozen=True, slots=True)
class _Reply:
    """What the agent says in one go, and how long each part of it takes, in seconds."""

    text: str
    ttft: float
    ttfb: float
    audio: float
    input_tokens: int
    output_tokens: int
    heard_text: str | None = None
    """Where the user interrupts: what had been heard by then."""


@dataclass(slots=True)
class _Call:
    """The phone call: its spans, and what adds up over its turns."""

    stage: SpanWriter
    session: Span
    agent: Span
    used: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0.0))

    def open_turn(self) -> _Turn:
        """Start a turn, in a trace of its own under the agent's span."""
        speech = f"speech_{self.stage.rng.getrandbits(48):012x}"
        trace = bridge_uuid("demo", "turn", f"{self.session.span_id}:{speech}").int
        names = {"agent_id": _AGENT, "agent_label": _AGENT}
        span = self.stage.start("voice_turn", "turn", names, parent=self.agent, trace=trace, speech=speech)
        return _Turn(self, span, speech)


@dataclass(slots=True)
class _Turn:
    """One exchange."""

    call: _Call
    span: Span
    speech: str

    @property
    def stage(self) -> SpanWriter:
        """Where it plays."""
        return self.call.stage

    def part(self, kind: str, name: str, payload: Mapping[str, Any]) -> Span:
        """Start a span of this turn."""
        return self.stage.start(kind, name, payload, parent=self.span, speech=self.speech)

    def listen(self, transcripts: Sequence[str], seconds: float, delay: float) -> Story:
        """The user speaks: transcripts overwrite each other, until the end of the utterance is decided."""
        stage = self.stage
        stage.state("agent", "listening")
        stage.state("user", "speaking")
        activity = self.part("vad", "speech", {})
        input_span = self.part("voice_input", "user", {"transcript": "", "is_final": False, "language": "en"})
        for words in transcripts[:-1]:
            yield stage.about(seconds / len(transcripts))
            stage.note(input_span, {"transcript": words, "is_final": False, "language": "en"})
        yield stage.about(seconds / len(transcripts))
        stopped = stage.clock.at
        stage.state("user", "listening")
        stage.end(activity, {"inference_count": 53}, metrics=_metrics(stage, "vad", _VAD, idle_time=0.0))
        waiting = self.part("eou", "end of turn", {"end_of_utterance_delay": delay})
        transcription = round(delay * 0.6, 3)
        yield transcription
        final = {
            "transcript": transcripts[-1],
            "is_final": True,
            "language": "en",
            "transcript_confidence": 0.97,
            "transcription_delay": transcription,
            "end_of_turn_delay": delay,
        }
        audio = round(stopped - stage.clock.at + seconds + transcription, 3)
        stage.end(
            input_span, final, metrics=_metrics(stage, "stt", _STT, audio_duration=audio, streamed=True)
        )
        yield delay - transcription
        stage.end(
            waiting,
            metrics=_metrics(
                stage,
                "eou",
                "turn-detector",
                end_of_utterance_delay=delay,
                transcription_delay=transcription,
                on_user_turn_completed_delay=0.0004,
                last_speaking_time=stopped,
                speech_id=self.speech,
            ),
        )
        stage.state("agent", "thinking")

    def ask(
        self, reply: _Reply, seconds: float, tool: str, arguments: str, output: str, takes: float
    ) -> Story:
        """The model asks for a tool, and gets its answer."""
        yield from self._model(reply, seconds, calls=[{"name": tool, "arguments": arguments}])
        payload = {
            "name": tool,
            "arguments": arguments,
            "call_id": f"call_{self.stage.rng.getrandbits(32):08x}",
        }
        span = self.part("tool", tool, payload)
        yield self.stage.about(takes)
        self.stage.end(span, {**payload, "output": output})

    def answer(self, reply: _Reply) -> Story:
        """The model writes while the voice speaks; then the turn is over."""
        yield [self._model(reply, seconds=reply.ttft + 0.5), self._speak(reply)]
        payload: dict[str, Any] = {"ttft": reply.ttft, "ttfb": reply.ttfb}
        self.stage.end(self.span, payload)
        self._tell_usage()

    def _model(self, reply: _Reply, seconds: float, calls: Sequence[Mapping[str, Any]] = ()) -> Story:
        stage = self.stage
        self.call.used["taken"] += reply.input_tokens
        self.call.used["given"] += reply.output_tokens
        span = self.part("llm", _LLM, {"model": _LLM})
        yield reply.ttft
        if reply.text:
            yield from stage.stream(span, reply.text, seconds - reply.ttft)
        else:
            yield seconds - reply.ttft
        per_second = round(reply.output_tokens / seconds, 1)
        stage.end(
            span,
            {
                "model": _LLM,
                "text": reply.text,
                "response": {"role": "ai", "text": reply.text, keys.TOOL_CALLS: list(calls)},
                "usage": {
                    "input_tokens": reply.input_tokens,
                    "output_tokens": reply.output_tokens,
                    "total_tokens": reply.input_tokens + reply.output_tokens,
                    "input_token_details": {"cache_read": reply.input_tokens // 2, "cache_creation": 0},
                    "output_token_details": {"reasoning": 0},
                },
                "ttft": reply.ttft,
                "tokens_per_second": per_second,
            },
            metrics=_metrics(
                stage,
                "llm",
                _LLM,
                duration=seconds,
                ttft=reply.ttft,
                cancelled=False,
                completion_tokens=reply.output_tokens,
                prompt_tokens=reply.input_tokens,
                prompt_cached_tokens=reply.input_tokens // 2,
                total_tokens=reply.input_tokens + reply.output_tokens,
                tokens_per_second=per_second,
                speech_id=self.speech,
            ),
        )

    def _speak(self, reply: _Reply) -> Story:
        stage = self.stage
        yield reply.ttft + 0.08
        span = self.part("voice_output", "agent", {"label": _TTS, "model": _TTS})
        yield reply.ttfb
        stage.state("agent", "speaking")
        words = [word + " " for word in (reply.heard_text or reply.text).split()]
        spoken = ""
        for word in words:
            spoken += word
            stage.note(self.span, {"agent_transcript": spoken, "agent_transcript_delta": word})
            yield reply.audio / len(words)
        stage.note(self.span, {"agent_transcript": spoken, "agent_transcript_final": True})
        interrupted = reply.heard_text is not None
        if interrupted:
            stage.note(self.span, _interruption(stage))
        self.call.used["characters"] += len(reply.text)
        self.call.used["audio"] += reply.audio
        stage.end(
            span,
            {
                "text": spoken.rstrip(),
                "audio_duration": reply.audio,
                "characters_count": len(reply.text),
                "tts_node_ttfb": reply.ttfb,
                "playback_latency": 0.03,
            },
            error="interrupted" if interrupted else None,
            metrics=_metrics(
                stage,
                "tts",
                _TTS,
                ttfb=reply.ttfb,
                duration=round(reply.ttfb + 0.2, 3),
                audio_duration=reply.audio,
                cancelled=interrupted,
                characters_count=len(reply.text),
                streamed=True,
                speech_id=self.speech,
            ),
        )
        stage.state("agent", "interrupted" if interrupted else "listening")

    def _tell_usage(self) -> None:
        used = self.call.used
        model = {"input_tokens": round(used["taken"]), "output_tokens": round(used["given"])}
        voice = {"characters_count": round(used["characters"]), "audio_duration": round(used["audio"], 3)}
        model_usage = [
            {"type": "llm_usage", "provider": "demo", "model": _LLM, **model},
            {"type": "tts_usage", "provider": "demo", "model": _TTS, **voice},
        ]
        self.stage.note(
            self.call.session,
            {"session_usage": {"model_usage": model_usage}, "created_at": self.stage.clock.at},
        )


def phone_call(stage: SpanWriter) -> Story:
    """Play the whole call."""
    where = {"room_name": _ROOM, "environment": "demo"}
    session = stage.start("voice_session", _ROOM, where, metadata=where)
    stage.state("agent", "initializing")
    stage.note(session, _session_context())
    agent = stage.start("voice_agent", _AGENT, _agent_context(), parent=session)
    call = _Call(stage, session, agent)
    yield stage.about(0.2)
    turn = call.open_turn()
    yield from turn.answer(_Reply("Bookshop, good morning! How can I help?", 0.24, 0.11, 1.5, 96, 11))
    yield stage.about(0.4)
    yield from _where_is_it(call.open_turn())
    yield stage.about(0.3)
    yield from _can_i_pick_it_up(call.open_turn())
    yield from _at_your_shop(call.open_turn())
    stage.note(session, {"score": {"name": "csat", "source": "demo", "data_type": "numeric", "value": 5.0}})
    stage.note(session, _outcome())
    stage.end(agent, {"agent_id": _AGENT, "agent_label": _AGENT})
    stage.end(session, {"close_reason": "participant_disconnected"})


def _where_is_it(turn: _Turn) -> Story:
    words = ("hi", "hi I ordered", "hi I ordered a book last", "Hi, I ordered a book last week. Where is it?")
    yield from turn.listen(words, seconds=1.7, delay=0.42)
    request = _Reply("", ttft=0.31, ttfb=0.0, audio=0.0, input_tokens=182, output_tokens=24)
    yield from turn.ask(request, 0.46, "find_order", '{"phone": "5550123"}', "4711: in transit, Friday", 0.9)
    yield from turn.answer(
        _Reply("Found it. Your order is on its way and arrives on Friday.", 0.28, 0.13, 1.8, 241, 17)
    )


def _can_i_pick_it_up(turn: _Turn) -> Story:
    yield from turn.listen(("can", "can I", "Can I pick it up somewhere instead?"), seconds=1.2, delay=0.55)
    text = "Of course. I can send it to the parcel shop next to the station, or you pick it up here with us."
    heard_text = "Of course. I can send it to the parcel shop next to the"
    yield from turn.answer(_Reply(text, 0.33, 0.12, 1.4, 288, 31, heard_text))


def _at_your_shop(turn: _Turn) -> Story:
    yield from turn.listen(("at your", "At your shop is fine, thanks!"), seconds=0.8, delay=0.36)
    request = _Reply("", ttft=0.22, ttfb=0.0, audio=0.0, input_tokens=331, output_tokens=19)
    yield from turn.ask(request, 0.3, "set_pickup", '{"order": 4711}', "ok, from Saturday 10:00", 0.4)
    yield from turn.answer(_Reply("Done. It waits for you from Saturday at ten.", 0.26, 0.1, 1.4, 352, 14))


def _metrics(stage: SpanWriter, kind: str, model: str, **more: Any) -> dict[str, Any]:
    metadata = {keys.MODEL_NAME: model, "model_provider": "demo"}
    return {"type": kind, "label": model, "timestamp": stage.clock.at, **more, "metadata": metadata}


def _interruption(stage: SpanWriter) -> dict[str, Any]:
    return {
        "is_interruption": True,
        "probability": 0.94,
        "total_duration": 0.31,
        "prediction_duration": 0.04,
        "detection_delay": 0.22,
        "overlap_started_at": stage.clock.at - 0.31,
        "num_requests": 2,
        "interrupted_by_user": True,
    }


def _outcome() -> dict[str, Any]:
    return {
        "session_outcome": {
            "outcome": "success",
            "outcome_reason": "pick-up arranged",
            "tags": ["order", "changed-to-pickup"],
            "evaluations": [
                {"name": "looked_up_first", "verdict": "pass", "reasoning": "find_order before any date"},
                {"name": "brief", "verdict": "pass", "reasoning": "no reply longer than two seconds"},
            ],
        }
    }


def _session_context() -> dict[str, Any]:
    options = {
        "endpointing": {"min_delay": 0.3},
        "interruption": {"mode": "adaptive"},
        "max_tool_steps": 3,
    }
    return {
        "session_context": {
            "room_name": _ROOM,
            "participants": [{"identity": "caller", "name": "Caller", "kind": "SIP", "attributes": {}}],
            "session_options": options,
            "environment": "demo",
        }
    }


def _agent_context() -> dict[str, Any]:
    return {
        "agent_id": _AGENT,
        "agent_label": _AGENT,
        "voice_agent_context": {
            "mode": "pipeline",
            "instructions": {
                "preview": _INSTRUCTIONS[:80],
                "len": len(_INSTRUCTIONS),
                "hash": "5f2c90d1",
                "full": _INSTRUCTIONS,
            },
            "llm": {"model": _LLM, "provider": "demo"},
            "stt": {"model": _STT, "provider": "demo"},
            "tts": {"model": _TTS, "provider": "demo"},
            "vad": {"model": _VAD, "provider": "demo"},
            "tools": ["find_order", "set_pickup"],
        },
    }
