"""Voice calls as the reference SDK reports them: one trace for the session, one for each turn."""

from __future__ import annotations

from typing import Any

from tests.scribe import Open, Scribe


def voice_call(scribe: Scribe, *, turns: int = 3) -> Open:
    """A LiveKit session in pipeline mode: a trace for the session and one for each turn."""
    clock = scribe.clock
    session = scribe.start(
        "voice_session",
        None,
        None,
        {"room_name": "room-1", "environment": "staging"},
        metadata={"room_name": "room-1", "environment": "staging"},
    )
    agent = scribe.start(
        "voice_agent",
        None,
        session,
        {
            "agent_id": "front",
            "agent_label": "front",
            "voice_agent_context": {
                "mode": "pipeline",
                "instructions": {"preview": scribe.prose(100), "len": 164, "hash": "f1ec80f6"},
                "tools": ["lookup_user", "transfer"],
            },
        },
    )
    for _ in range(turns):
        _voice_turn(scribe, session)
    scribe.delta(
        session,
        {
            "session_usage": {"model_usage": [{"type": "llm_usage", "input_tokens": 70}]},
            "created_at": clock.seconds,
        },
    )
    scribe.end(agent, {"agent_id": "front", "agent_label": "front"})
    scribe.end(session, {"close_reason": "user_initiated"})
    return session


def _metrics(scribe: Scribe, kind: str, speech: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "label": f"fake.{kind.upper()}",
        "timestamp": scribe.clock.seconds,
        "speech_id": speech,
        "metadata": {"model_name": f"fake-{kind}", "model_provider": "fakeai"},
        **fields,
    }


def _voice_turn(scribe: Scribe, session: Open) -> None:
    clock = scribe.clock
    speech = f"speech_{scribe.new_id()[:12]}"
    trace = scribe.new_id()
    scribe.tick("user", "speaking")
    clock.advance(900_000)
    scribe.tick("user", "listening")
    turn = scribe.start(
        "voice_turn",
        None,
        session,
        {"agent_id": "front", "agent_label": "front"},
        trace_id=trace,
        speech_id=speech,
    )

    def measured(
        kind: str, start: dict[str, Any], end: dict[str, Any], metrics: dict[str, Any] | None
    ) -> None:
        span = scribe.start(kind, None, turn, start, speech_id=speech)
        scribe.end(span, end, voice_metrics=metrics)

    transcription = {"transcript": scribe.prose(60), "is_final": True, "language": "en"}
    measured("voice_input", transcription, transcription, None)
    measured(
        "eou",
        {"end_of_utterance_delay": 0.3},
        {},
        _metrics(scribe, "eou", speech, end_of_utterance_delay=0.3, transcription_delay=0.25),
    )
    scribe.tick("agent", "thinking")
    clock.advance(300_000)
    measured(
        "llm",
        {"model": "fake.LLM", "prompt_tokens": 70, "completion_tokens": 12},
        {"tokens_per_second": 143.1, "ttft": 0.08},
        _metrics(
            scribe,
            "llm",
            speech,
            duration=0.3,
            ttft=0.08,
            completion_tokens=12,
            prompt_tokens=70,
            total_tokens=82,
            tokens_per_second=143.1,
            cancelled=False,
        ),
    )
    scribe.tick("agent", "speaking")
    agent_text = ""
    for word in scribe.prose(50).split():
        clock.advance(120_000)
        agent_text += word + " "
        scribe.delta(turn, {"agent_transcript": agent_text, "agent_transcript_delta": word + " "})
    measured(
        "voice_output",
        {"label": "fake.TTS"},
        {"audio_duration": 1.8, "characters_count": len(agent_text)},
        _metrics(
            scribe,
            "tts",
            speech,
            ttfb=0.03,
            duration=0.1,
            audio_duration=1.8,
            characters_count=len(agent_text),
        ),
    )
    scribe.delta(turn, {"agent_transcript": agent_text, "agent_transcript_final": True})
    scribe.end(turn)
    scribe.tick("agent", "listening")
