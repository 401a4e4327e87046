"""livekit-agents' metrics in the shapes of the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

_WIRE_TYPES = {
    "llm_metrics": "llm",
    "stt_metrics": "stt",
    "tts_metrics": "tts",
    "vad_metrics": "vad",
    "eou_metrics": "eou",
    "eot_inference_metrics": "eot_inference",
    "decision_metrics": "decision",
    "realtime_model_metrics": "realtime_model",
    "interruption_metrics": "interruption",
    "avatar_metrics": "avatar",
}


def wire_type(metrics: Any) -> str:
    """Return a metrics object's type as the wire names it: livekit's own without ``_metrics``."""
    name = getattr(metrics, "type", None)
    return _WIRE_TYPES.get(name, name.removesuffix("_metrics")) if isinstance(name, str) else "unknown"


def wire_map(metrics: Any) -> dict[str, Any]:
    """Return all that a metrics object tells. A pydantic model of livekit's own: no foreign code runs."""
    fields: dict[str, Any] = metrics.model_dump()
    fields["type"] = wire_type(metrics)
    fields.setdefault("label", None)
    return fields


def voice_metrics(metrics: Any) -> Callable[[], dict[str, Any]]:
    """Return a payload that is made of a metrics object when the sender gets to it."""
    return lambda: wire_map(metrics)


def metrics_delta(metrics: Any) -> Callable[[], dict[str, Any]]:
    """Return a delta's payload that tells metrics of which no span of its own is made."""
    return lambda: {"voice_metrics": wire_map(metrics)}


def seconds(value: Any) -> float | None:
    """Return a duration in seconds; livekit says -1, or nothing, where there is none."""
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def began(metrics: Any) -> float:
    """Return when a request began, in seconds since the epoch: its time stamp is that of its end."""
    return float(metrics.timestamp - metrics.duration)


def speech_requests(requests: Sequence[Any]) -> dict[str, Any]:
    """Return what the text-to-speech requests of one reply tell together.

    ``tts_requests`` keeps each one's own times; seconds, and seconds since the epoch.
    """
    if not requests:
        return {}
    return {
        "label": requests[0].label,
        "audio_duration": sum(one.audio_duration for one in requests),
        "characters_count": sum(one.characters_count for one in requests),
        "tts_requests": [
            {
                "request_id": one.request_id,
                "started_at": began(one),
                "ttfb": seconds(one.ttfb),
                "duration": one.duration,
                "audio_duration": one.audio_duration,
                "characters_count": one.characters_count,
                "cancelled": one.cancelled,
            }
            for one in requests
        ],
    }


def model_usage(metrics: Any) -> dict[str, Any]:
    """Return a model call's tokens, named as on LangChain's spans."""
    usage: dict[str, Any] = {
        "input_tokens": metrics.prompt_tokens,
        "output_tokens": metrics.completion_tokens,
        "total_tokens": metrics.total_tokens,
        "input_token_details": {
            "cache_read": metrics.prompt_cached_tokens,
            "cache_creation": getattr(metrics, "cache_creation_tokens", 0),
        },
        "output_token_details": {"reasoning": getattr(metrics, "reasoning_tokens", 0)},
    }
    return usage


def realtime_payload(metrics: Any) -> dict[str, Any]:
    """Return what a realtime model's response tells, with its tokens split by modality."""
    input_details, output_details = metrics.input_token_details, metrics.output_token_details
    return {
        "model": model_name(metrics),
        "source": "realtime_metric_only",
        "request_id": metrics.request_id,
        "duration": metrics.duration,
        "ttft": seconds(metrics.ttft),
        "input_tokens": metrics.input_tokens,
        "output_tokens": metrics.output_tokens,
        "total_tokens": metrics.total_tokens,
        "tokens_per_second": metrics.tokens_per_second,
        "input_audio_tokens": input_details.audio_tokens,
        "input_text_tokens": input_details.text_tokens,
        "input_image_tokens": input_details.image_tokens,
        "input_cached_tokens": input_details.cached_tokens,
        "output_audio_tokens": output_details.audio_tokens,
        "output_text_tokens": output_details.text_tokens,
        "cancelled": metrics.cancelled,
    }


def model_name(metrics: Any, otherwise: str | None = None) -> str:
    """Return the model that metrics are about, or else another name, or the class that asked it."""
    name = getattr(getattr(metrics, "metadata", None), "model_name", None)
    if not name or name == "unknown":
        name = otherwise or getattr(metrics, "label", None) or "model"
    return str(name)
