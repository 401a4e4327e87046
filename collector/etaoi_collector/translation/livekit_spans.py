"""What LiveKit's own spans tell of a call, in the words that our voice lanes read."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import keys as payload_keys
from etaoi_collector.conventions.telemetry import livekit
from etaoi_collector.translation.attributes import SortedAttributes
from etaoi_collector.translation.json_text import parse_json, to_text
from etaoi_collector.translation.otel_model import OtelSpan
from etaoi_collector.translation.translated import TranslatedSpan

_STATE_EVENTS = {"agent_state_changed": "agent", "user_state_changed": "user"}

_TURN_FIELDS = {
    "lk.e2e_latency": "e2e_latency",
    "lk.interrupted": "interrupted",
    "lk.interruption.source": "interruption_source",
    "lk.playout.position": "playout_position",
    "lk.generation_count": "generation_count",
}
_INPUT_FIELDS = {
    "lk.transcript_confidence": "transcript_confidence",
    "lk.transcription_delay": "transcription_delay",
    "lk.end_of_turn_delay": "end_of_turn_delay",
    "lk.end_of_utterance_delay": "end_of_turn_delay",
}


def refine(translated: TranslatedSpan, span: OtelSpan, sorted_attributes: SortedAttributes) -> None:
    """Add to a translated span of livekit-agents what only its own attributes tell."""
    attributes = span.attributes
    speech = attributes.get("lk.speech_id")
    if isinstance(speech, str):
        translated.speech_id = speech
    kind = translated.kind
    if kind == "voice_input":
        _move(sorted_attributes, _INPUT_FIELDS, translated.end)
        transcript = _first(sorted_attributes, livekit.TRANSCRIPT)
        if transcript is not None:
            translated.end.update(transcript=to_text(transcript), is_final=True)
    elif kind == "voice_turn":
        label = sorted_attributes.text("agent")
        if label:
            translated.start["agent_label"] = translated.start["agent_id"] = label
        _move(sorted_attributes, _TURN_FIELDS, translated.end)
        user_input = _first(sorted_attributes, livekit.USER_INPUT)
        if user_input is not None:
            translated.start["user_input"] = to_text(user_input)
        spoken = sorted_attributes.text("response_text")
        if spoken:
            translated.deltas.append(
                (
                    translated.end_ns or span.start_ns,
                    {"agent_transcript": spoken, "agent_transcript_final": True},
                )
            )
    elif kind == "voice_output":
        text = _first(sorted_attributes, livekit.SPOKEN_TEXT)
        if text is not None:
            translated.start[payload_keys.TEXT] = to_text(text)
        label = attributes.get("lk.tts.label")
        if isinstance(label, str):
            translated.start["label"] = label
        ttfb = _first(sorted_attributes, ("lk.response.ttfb",))
        if _is_number(ttfb):
            translated.end["tts_node_ttfb"] = ttfb
        translated.voice_metrics = _metrics(sorted_attributes, "lk.tts_metrics", "tts")
    elif kind == "llm":
        translated.voice_metrics = _metrics(sorted_attributes, "lk.llm_metrics", "llm")
    elif kind == "eou":
        wait = attributes.get("lk.eou.wait_duration")
        delay = wait if _is_number(wait) else attributes.get("lk.eou.endpointing_delay")
        if _is_number(delay):
            translated.start["end_of_utterance_delay"] = delay
    elif kind == "voice_agent":
        label = sorted_attributes.text("agent")
        if label:
            translated.start["agent_label"] = translated.start["agent_id"] = label
    elif kind == "voice_session":
        room = attributes.get("lk.room_name")
        if isinstance(room, str):
            translated.start["room_name"] = room
        for event in span.events:
            subject = _STATE_EVENTS.get(event.name)
            state = event.attributes.get("lk.new_state")
            if subject is not None and isinstance(state, str):
                translated.state_changes.append((event.time_ns, subject, state))


def _first(attributes: SortedAttributes, keys: tuple[str, ...]) -> Any:
    """Take the first of some attributes that the span has, and note that all are understood."""
    values = [attributes.others.pop(key) for key in keys if key in attributes.others]
    return values[0] if values else None


def _move(attributes: SortedAttributes, names: dict[str, str], into: dict[str, Any]) -> None:
    for key, name in names.items():
        if key in attributes.others:
            into.setdefault(name, attributes.others.pop(key))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _metrics(attributes: SortedAttributes, key: str, kind: str) -> dict[str, Any] | None:
    """Read the metrics that livekit-agents notes as JSON, with the type names of its Python objects."""
    value = parse_json(attributes.others.pop(key, None))
    if not isinstance(value, dict):
        return None
    metrics = {name: item for name, item in value.items() if item is not None}
    metrics["type"] = kind
    return metrics
