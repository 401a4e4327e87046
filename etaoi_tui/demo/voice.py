"""The second act: a short phone call, shaped like what the etaoi SDKs send for a LiveKit session.

Spans of model, speech and end of utterance last no time there; the real timing is in their ``voice_metrics``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from etaoi_tui.demo.clock import Story
from etaoi_tui.demo.stage import Stage
from etaoi_tui.sdk.ids import bridge_uuid
from etaoi_tui.sdk.tracer import Span

_LLM, _STT, _TTS, _VAD = "gpt-5-mini", "scribe-2", "sonora-1", "hush-vad"
_AGENT = "front-desk"
_COUNTED = ("taken", "given", "characters", "audio")

_INSTRUCTIONS = (
    "You are the front desk of a bookshop. Be brief: people listen, they do not read. "
    "Look orders up before you talk about them, and never guess a date."
)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the agent says in one go, and how long each part of it takes, in seconds."""

    text: str
    ttft: float
    ttfb: float
    audio: float
    taken: int
    given: int


@dataclass(slots=True)
class _Call:
    """The phone call: its session span, and what adds up over its turns."""

    stage: Stage
    session: Span
    usage: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0.0))
    turns: int = 0

    def turn(self, added: Sequence[Mapping[str, Any]] = ()) -> tuple[Span, str]:
        """Start a turn, in a trace of its own under the session's span."""
        self.turns += 1
        speech = f"speech_{self.stage.rng.getrandbits(48):012x}"
        payload: dict[str, Any] = {"agent_id": _AGENT, "agent_label": _AGENT}
        if added:
            payload["context_added"] = list(added)
        trace = bridge_uuid("demo", "turn", f"{self.session.span_id}:{speech}").int
        turn = self.stage.start(
            "voice_turn", f"turn {self.turns}", payload, parent=self.session, trace=trace, speech=speech
        )
        return turn, speech


_ASKS_TOOL = _Said("", ttft=0.31, ttfb=0.0, audio=0.0, taken=182, given=24)


def phone_call(stage: Stage) -> Story:
    """Play the whole call."""
    session = stage.start(
        "voice_session",
        "bookshop line",
        {"room_name": "bookshop line", "environment": "demo"},
        metadata={"room_name": "bookshop line", "environment": "demo"},
    )
    call = _Call(stage, session)
    stage.state("agent", "initializing")
    stage.note(session, _session_context())
    agent = stage.start("voice_agent", _AGENT, _agent_context(), parent=session)
    yield stage.about(0.2)
    yield from _greeting(call)
    yield from _order_question(call)
    yield from _interruption(call)
    stage.note(
        session,
        {
            "session_outcome": {
                "outcome": "success",
                "outcome_reason": "pick-up arranged",
                "tags": ["order", "changed-to-pickup"],
                "evaluations": [
                    {"name": "looked_up_first", "verdict": "pass", "reasoning": "find_order before any date"},
                    {"name": "brief", "verdict": "pass", "reasoning": "longest reply 5 s"},
                ],
            }
        },
    )
    stage.note(session, {"score": {"name": "csat", "source": "demo", "data_type": "numeric", "value": 5.0}})
    stage.end(agent, {"agent_id": _AGENT, "agent_label": _AGENT})
    stage.end(session, {"close_reason": "participant_disconnected"})


def _greeting(call: _Call) -> Story:
    turn, speech = call.turn()
    yield from _speak(
        call, turn, speech, _Said("Bookshop, good morning! How can I help?", 0.24, 0.11, 1.5, 96, 11)
    )
    call.stage.end(turn)


def _order_question(call: _Call) -> Story:
    stage = call.stage
    turn, speech = call.turn()
    yield from _listen(
        call,
        turn,
        speech,
        ("hi", "hi I ordered", "hi I ordered a book last", "Hi, I ordered a book last week. Where is it?"),
        seconds=1.7,
        delay=0.42,
    )
    stage.state("agent", "thinking")
    _model_metrics(call, turn, speech, _ASKS_TOOL, 0.46)
    yield stage.about(0.46)
    yield from _tool(
        call, turn, speech, "find_order", '{"phone": "5550123"}', "order 4711: in transit, Friday", 0.9
    )
    yield from _speak(
        call,
        turn,
        speech,
        _Said("Found it. Your order is on its way and arrives on Friday.", 0.28, 0.13, 1.8, 241, 17),
    )
    stage.end(turn)


def _interruption(call: _Call) -> Story:
    stage = call.stage
    turn, speech = call.turn(
        [
            {"kind": "function_call", "name": "find_order"},
            {"kind": "function_call_output", "name": "find_order"},
        ]
    )
    yield from _listen(
        call,
        turn,
        speech,
        ("can", "can I", "Can I pick it up somewhere instead?"),
        seconds=1.2,
        delay=0.55,
    )
    stage.state("agent", "thinking")
    full = _Said(
        "Of course. I can send it to the parcel shop next to the station, or you pick it up here with us,",
        0.33,
        0.12,
        1.4,
        288,
        31,
    )
    heard = "Of course. I can send it to the parcel shop next to the"
    yield from _speak(call, turn, speech, full, heard=heard)
    stage.note(
        turn,
        {
            "is_interruption": True,
            "probability": 0.94,
            "total_duration": 0.31,
            "prediction_duration": 0.04,
            "detection_delay": 0.22,
            "overlap_started_at": stage.clock.at - 0.31,
            "num_requests": 2,
            "interrupted_by_user": True,
        },
    )
    stage.state("agent", "interrupted")
    stage.end(turn)
    turn, speech = call.turn()
    yield from _listen(
        call, turn, speech, ("at your", "At your shop is fine, thanks!"), seconds=0.8, delay=0.36
    )
    stage.state("agent", "thinking")
    yield from _tool(call, turn, speech, "set_pickup", '{"order": 4711}', "ok, from Saturday 10:00", 0.4)
    yield from _speak(
        call, turn, speech, _Said("Done. It waits for you from Saturday at ten.", 0.26, 0.1, 1.4, 352, 14)
    )
    stage.end(turn)


def _listen(
    call: _Call, turn: Span, speech: str, heard: Sequence[str], *, seconds: float, delay: float
) -> Story:
    """The user speaks: interim transcripts overwrite each other, then the end of the utterance is decided."""
    stage = call.stage
    stage.state("agent", "listening")
    stage.state("user", "speaking")
    said = stage.start(
        "voice_input",
        "user speech",
        {"transcript": heard[0], "is_final": False, "language": "en"},
        parent=turn,
        speech=speech,
    )
    for words in heard[1:-1]:
        yield stage.about(seconds / len(heard))
        stage.note(said, {"transcript": words, "is_final": False, "language": "en"})
    yield stage.about(seconds / len(heard))
    stage.end(
        said, {"transcript": heard[-1], "is_final": True, "language": "en", "transcript_confidence": 0.97}
    )
    stage.state("user", "listening")
    last_spoke = stage.clock.at
    vad = stage.start("vad", "voice activity", {"inference_count": 53}, parent=turn, speech=speech)
    stage.end(
        vad,
        metrics=_metrics(stage, "vad", _VAD, idle_time=0.0, inference_count=53),
    )
    yield delay
    eou = stage.start(
        "eou", "end of utterance", {"end_of_utterance_delay": delay}, parent=turn, speech=speech
    )
    stage.end(
        eou,
        metrics=_metrics(
            stage,
            "eou",
            "turn-detector",
            end_of_utterance_delay=delay,
            transcription_delay=round(delay * 0.6, 3),
            on_user_turn_completed_delay=0.0004,
            last_speaking_time=last_spoke,
            speech_id=speech,
        ),
    )


def _speak(call: _Call, turn: Span, speech: str, said: _Said, heard: str | None = None) -> Story:
    """The agent speaks: the model's first token, the first byte of speech, words as they are heard.

    Args:
        call: The phone call.
        turn: The turn's span.
        speech: The turn's speech id.
        said: What is said and how long it takes.
        heard: Where the user interrupts: what had been heard by then.
    """
    stage = call.stage
    yield said.ttft
    yield said.ttfb
    stage.state("agent", "speaking")
    text = said.text if heard is None else heard
    words = [word + " " for word in text.split()]
    spoken = ""
    for word in words:
        spoken += word
        stage.note(turn, {"agent_transcript": spoken, "agent_transcript_delta": word})
        yield said.audio / len(words)
    stage.note(turn, {"agent_transcript": spoken, "agent_transcript_final": True})
    error = None if heard is None else "interrupted"
    latency = round(said.ttft + said.ttfb, 3)
    _model_metrics(call, turn, speech, said, said.ttft + 0.2, cancelled=heard is not None)
    _speech_metrics(call, turn, speech, said, cancelled=heard is not None)
    item = f"item_{stage.rng.getrandbits(48):012x}"
    message = {
        "model": _LLM,
        "text": spoken,
        "item_id": item,
        "llm_node_ttft": said.ttft,
        "e2e_latency": latency,
        "source": "chat_message_metrics",
    }
    reply = stage.start("llm", _LLM, message, parent=turn, speech=speech)
    stage.end(reply, message, error=error)
    output = {"text": spoken, "item_id": item, "tts_node_ttfb": said.ttfb, "playback_latency": 0.03}
    voice = stage.start("voice_output", "agent speech", output, parent=turn, speech=speech)
    stage.end(voice, output, error=error)
    if heard is None:
        stage.state("agent", "listening")
    _session_usage(call)


def _tool(
    call: _Call, turn: Span, speech: str, name: str, arguments: str, output: str, seconds: float
) -> Story:
    stage = call.stage
    told = {
        "name": name,
        "arguments": arguments,
        "call_id": f"call_{stage.rng.getrandbits(32):08x}",
        "parent_tool_call_id": None,
    }
    span = stage.start("tool", name, told, parent=turn, speech=speech)
    yield stage.about(seconds)
    stage.end(span, {**told, "output": output})


def _model_metrics(
    call: _Call, turn: Span, speech: str, said: _Said, duration: float, *, cancelled: bool = False
) -> None:
    stage = call.stage
    call.usage["taken"] += said.taken
    call.usage["given"] += said.given
    span = stage.start(
        "llm",
        _LLM,
        {"model": _LLM, "prompt_tokens": said.taken, "completion_tokens": said.given},
        parent=turn,
        speech=speech,
    )
    per_second = round(said.given / duration, 1)
    stage.end(
        span,
        {"tokens_per_second": per_second, "ttft": said.ttft},
        metrics=_metrics(
            stage,
            "llm",
            _LLM,
            duration=duration,
            ttft=said.ttft,
            cancelled=cancelled,
            completion_tokens=said.given,
            prompt_tokens=said.taken,
            prompt_cached_tokens=said.taken // 2,
            total_tokens=said.taken + said.given,
            tokens_per_second=per_second,
            speech_id=speech,
        ),
    )


def _speech_metrics(call: _Call, turn: Span, speech: str, said: _Said, *, cancelled: bool) -> None:
    stage = call.stage
    call.usage["characters"] += len(said.text)
    call.usage["audio"] += said.audio
    span = stage.start("voice_output", _TTS, {"label": _TTS}, parent=turn, speech=speech)
    stage.end(
        span,
        {"audio_duration": said.audio, "characters_count": len(said.text)},
        metrics=_metrics(
            stage,
            "tts",
            _TTS,
            ttfb=said.ttfb,
            duration=round(said.ttfb + 0.2, 3),
            audio_duration=said.audio,
            cancelled=cancelled,
            characters_count=len(said.text),
            streamed=True,
            speech_id=speech,
        ),
    )


def _metrics(stage: Stage, kind: str, model: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "label": model,
        "timestamp": stage.clock.at,
        **more,
        "metadata": {"model_name": model, "model_provider": "demo"},
    }


def _session_usage(call: _Call) -> None:
    used = call.usage
    call.stage.note(
        call.session,
        {
            "session_usage": {
                "model_usage": [
                    {
                        "type": "llm_usage",
                        "provider": "demo",
                        "model": _LLM,
                        "input_tokens": used["taken"],
                        "output_tokens": used["given"],
                    },
                    {
                        "type": "tts_usage",
                        "provider": "demo",
                        "model": _TTS,
                        "characters_count": used["characters"],
                        "audio_duration": used["audio"],
                    },
                ]
            },
            "created_at": call.stage.clock.at,
        },
    )


def _session_context() -> dict[str, Any]:
    return {
        "session_context": {
            "room_name": "bookshop line",
            "participants": [
                {"identity": "caller", "name": "Caller", "kind": "SIP", "metadata": "", "attributes": {}}
            ],
            "session_options": {
                "endpointing": {"min_delay": 0.3},
                "interruption": {"mode": "adaptive"},
                "max_tool_steps": 3,
            },
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
