"""Reads what voice events tell, and skips the rest without building it.

Both producers' shapes are read alike; a field of another type than expected counts as not told. Numbers come
from outside: `seconds` and `near` say which of them can be times at all.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from etaoi_tui.view.search import Reader

_Shape = TypeVar("_Shape", bound=msgspec.Struct)

_LONGEST = 86_400.0
"""Seconds; nothing in a call takes longer than a day."""


class SpeechRequest(msgspec.Struct, gc=False):
    """One text-to-speech request of a reply."""

    started_at: float | None = None
    ttfb: float | None = None
    duration: float | None = None


class Handoff(msgspec.Struct, gc=False):
    """Which agent took over from which."""

    from_agent_id: str | None = None
    to_agent_id: str | None = None


class ErrorEvent(msgspec.Struct, gc=False):
    """A failure of a component."""

    stage: str | None = None
    type: str | None = None
    message: str | None = None
    recoverable: bool | None = None


class ModelName(msgspec.Struct, gc=False):
    """A metric's own metadata."""

    model_name: str | None = None


class Metrics(msgspec.Struct, gc=False):
    """Metrics of livekit-agents: a request's end, its durations and its delays."""

    type: str | None = None
    timestamp: float | None = None
    duration: float | None = None
    ttft: float | None = None
    ttfb: float | None = None
    audio_duration: float | None = None
    characters_count: float | None = None
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    end_of_utterance_delay: float | None = None
    transcription_delay: float | None = None
    on_user_turn_completed_delay: float | None = None
    last_speaking_time: float | None = None
    probability: float | None = None
    end_of_turn_probability: float | None = None
    unlikely_threshold: float | None = None
    eou_probability: float | None = None
    eou_threshold: float | None = None
    cancelled: bool | None = None
    metadata: ModelName | None = None


class Payload(msgspec.Struct, gc=False):
    """What starts, deltas and ends of voice spans may tell."""

    # what the user said
    transcript: str | None = None
    is_final: bool | None = None
    language: str | None = None
    item_id: str | None = None
    modality: str | None = None
    orphaned: bool | None = None
    transcript_confidence: float | None = None
    transcription_delay: float | None = None
    end_of_turn_delay: float | None = None
    started_speaking_at: float | None = None
    stopped_speaking_at: float | None = None
    over_agent: bool | None = None
    noticed_late: bool | None = None
    # the end of the turn
    end_of_utterance_delay: float | None = None
    on_user_turn_completed_delay: float | None = None
    probability: float | None = None
    end_of_turn_probability: float | None = None
    unlikely_threshold: float | None = None
    eou_probability: float | None = None
    eou_threshold: float | None = None
    # the model
    model: str | None = None
    text: str | None = None
    ttft: float | None = None
    llm_node_ttft: float | None = None
    e2e_latency: float | None = None
    source: str | None = None
    thrown_away: bool | None = None
    # tools
    name: str | None = None
    handoff: Handoff | None = None
    # the voice
    label: str | None = None
    tts_node_ttfb: float | None = None
    playback_latency: float | None = None
    playing_at: float | None = None
    played_until: float | None = None
    paused_at: float | None = None
    resumed_at: float | None = None
    tts_requests: list[SpeechRequest] | None = None
    audio_duration: float | None = None
    characters_count: float | None = None
    # the turn
    agent_label: str | None = None
    agent_transcript: str | None = None
    false_interruption: bool | None = None
    resumed: bool | None = None
    is_interruption: bool | None = None
    interrupted: bool | None = None
    interrupted_by: str | None = None
    detection_delay: float | None = None
    overlap_started_at: float | None = None
    user_stopped_at: float | None = None
    agent_started_at: float | None = None
    agent_stopped_at: float | None = None
    error_event: ErrorEvent | None = None
    voice_metrics: Metrics | None = None
    # the session
    room_name: str | None = None
    close_reason: str | None = None


_NIL = Raw(b"\xc0")


class _Event(msgspec.Struct, gc=False):
    payload: Raw
    timestamp: datetime | None = None
    speech_id: str | None = None
    voice_metrics: Raw = _NIL


class VoiceFields(msgspec.Struct, gc=False):
    """One event."""

    payload: Payload
    at: float | None = None
    speech_id: str | None = None
    metrics: Metrics | None = None


NOTHING = VoiceFields(Payload())

_fields = msgspec.msgpack.Decoder(dict[str, Raw]).decode
_decoders: dict[type[msgspec.Struct], Any] = {
    shape: msgspec.msgpack.Decoder(shape).decode for shape in (_Event, Payload, Metrics)
}


def read(reader: Reader, ref: int) -> VoiceFields:
    """Read an event; what cannot be had or read tells nothing."""
    if ref < 0:
        return NOTHING
    raw = reader.read(ref)
    if not isinstance(raw, bytes | bytearray | memoryview):
        return NOTHING
    event = _take(raw, _Event)
    if event is None:
        return NOTHING
    payload = _take(event.payload, Payload) or Payload()
    metrics = _take(event.voice_metrics, Metrics) if len(event.voice_metrics) > 1 else None
    return VoiceFields(
        payload,
        event.timestamp.timestamp() if event.timestamp is not None else None,
        event.speech_id,
        metrics or payload.voice_metrics,
    )


def merged(first: Payload, second: Payload) -> Payload:
    """Return two payloads as one; what the second tells holds."""
    pairs = zip(msgspec.structs.astuple(first), msgspec.structs.astuple(second), strict=True)
    return Payload(*[before if after is None else after for before, after in pairs])


def seconds(value: float | None) -> float | None:
    """Return a duration, or None for what can be none: livekit says -1, or nothing, where there is none."""
    return value if value is not None and 0.0 <= value < _LONGEST else None


def near(at: float | None, other: float) -> float | None:
    """Return a time if it lies within a day of another, else None."""
    return at if at is not None and abs(at - other) < _LONGEST else None


def count(value: float | None) -> int | None:
    """Return a whole number, or None for what can be none."""
    return int(value) if value is not None and 0.0 <= value < 1e15 else None


def share(value: float | None) -> float | None:
    """Return a probability, or None for what can be none."""
    return value if value is not None and 0.0 <= value <= 1.0 else None


def _take(raw: bytes | bytearray | memoryview | Raw, shape: type[_Shape]) -> _Shape | None:
    try:
        return _decoders[shape](raw)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        fields = _fields(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    fitting: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        value = fields.get(field.encode_name)
        if value is None:
            continue
        try:
            fitting[field.name] = msgspec.msgpack.decode(value, type=field.type)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    try:
        return shape(**fitting)
    except TypeError:
        return None
