"""Reads the few payload fields that rows need, and skips the rest without building it.

A payload of another shape than expected tells nothing here; the detail shows it as it is.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from etaoi_collector.store.model import Usage

_Shape = TypeVar("_Shape", bound=msgspec.Struct)

_FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes of another shape; broken UTF-8 and great depth are none of its own errors."""


class _TokenDetails(msgspec.Struct, gc=False):
    cache_read: int | None = None
    cache_creation: int | None = None
    reasoning: int | None = None


class _LangChainUsage(msgspec.Struct, gc=False):
    """``UsageMetadata`` of langchain-core, plus the two flat keys that the etaoi SDK adds."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_token_details: _TokenDetails | None = None
    output_token_details: _TokenDetails | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


def _usage_of(told: _LangChainUsage) -> Usage:
    before, after = told.input_token_details, told.output_token_details
    cache_read = told.cache_read_input_tokens
    if cache_read is None and before is not None:
        cache_read = before.cache_read
    cache_creation = told.cache_creation_input_tokens
    if cache_creation is None and before is not None:
        cache_creation = before.cache_creation
    return Usage(
        told.input_tokens,
        told.output_tokens,
        told.total_tokens,
        cache_read,
        cache_creation,
        after.reasoning if after is not None else None,
    )


class LlmEnd(msgspec.Struct, gc=False):
    """What the end of a model call tells a row."""

    usage_map: _LangChainUsage | None = msgspec.field(name="usage", default=None)
    model: str | None = None
    model_name: str | None = None
    ttft_ms: float | None = None
    ttft: float | None = None
    llm_node_ttft: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None

    @property
    def ttft_seconds(self) -> float | None:
        """Time to first token in seconds: LangChain calls tell milliseconds, voice metrics seconds."""
        if self.ttft_ms is not None:
            return self.ttft_ms / 1000
        return self.ttft if self.ttft is not None else self.llm_node_ttft

    def usage(self) -> Usage | None:
        """Token counts, or None when the call tells none."""
        told = self.usage_map
        if told is None:
            if self.input_tokens is None and self.output_tokens is None:
                return None
            return Usage(self.input_tokens, self.output_tokens, self.total_tokens)
        return _usage_of(told)


class VoiceStart(msgspec.Struct, gc=False):
    """What the start of a voice span tells a row; also `model` and usage of a voice model call."""

    name: str | None = None
    agent_label: str | None = None
    transcript: str | None = None
    text: str | None = None
    label: str | None = None
    model: str | None = None
    room_name: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None

    def usage(self) -> Usage | None:
        """Token counts, or None when the span tells none."""
        taken = self.prompt_tokens if self.prompt_tokens is not None else self.input_tokens
        given = self.completion_tokens if self.completion_tokens is not None else self.output_tokens
        if taken is None and given is None:
            return None
        return Usage(taken, given, self.total_tokens)


class DeltaText(msgspec.Struct, gc=False):
    """Streamed text in a delta: a piece, or a voice transcript so far; or what a span took, told apart."""

    text: str | None = None
    channel: str | None = None
    agent_transcript: str | None = None
    transcript: str | None = None
    usage_map: _LangChainUsage | None = msgspec.field(name="usage", default=None)
    model: str | None = None
    event: str | None = None

    def usage(self) -> Usage | None:
        """What the span took, where its end could not say so; None in a note of something that happened."""
        return None if self.usage_map is None or self.event is not None else _usage_of(self.usage_map)


class _MetricsModel(msgspec.Struct, gc=False):
    model_name: str | None = None


class VoiceMetrics(msgspec.Struct, gc=False):
    """The part of livekit's metrics that a row shows; times in seconds."""

    ttft: float | None = None
    ttfb: float | None = None
    metadata: _MetricsModel | None = None

    @property
    def model_name(self) -> str | None:
        """The model's name, where the metrics tell it."""
        return self.metadata.model_name if self.metadata is not None else None

    @property
    def first_seconds(self) -> float | None:
        """Seconds to the first token or the first byte of audio."""
        return self.ttft if self.ttft is not None else self.ttfb


_NO_LLM_END = LlmEnd()
_NO_START = VoiceStart()
_NO_TEXT = DeltaText()
_NO_METRICS = VoiceMetrics()

_llm_end = msgspec.msgpack.Decoder(LlmEnd, strict=False).decode
_voice_start = msgspec.msgpack.Decoder(VoiceStart).decode
_delta = msgspec.msgpack.Decoder(DeltaText).decode
_metrics = msgspec.msgpack.Decoder(VoiceMetrics | None).decode


def read_llm_end(payload: Raw) -> LlmEnd:
    """Read usage, model and time to first token from a model call's end."""
    try:
        return _llm_end(payload)
    except _FAILURES:
        return _lenient(payload, LlmEnd, _NO_LLM_END)


def read_start(payload: Raw) -> VoiceStart:
    """Read what names a span without a name in its metadata."""
    try:
        return _voice_start(payload)
    except _FAILURES:
        return _lenient(payload, VoiceStart, _NO_START)


def read_delta(payload: Raw) -> DeltaText:
    """Read a delta's text."""
    try:
        return _delta(payload)
    except _FAILURES:
        return _lenient(payload, DeltaText, _NO_TEXT)


def read_voice_metrics(metrics: Raw) -> VoiceMetrics:
    """Read the voice metrics of a span's end; nil tells nothing."""
    try:
        return _metrics(metrics) or _NO_METRICS
    except _FAILURES:
        return _NO_METRICS


def _lenient(payload: Raw, shape: type[_Shape], nothing: _Shape) -> _Shape:
    """Keep what fits when one field has another type than expected."""
    try:
        told = msgspec.msgpack.decode(payload, type=dict[str, Raw])
    except _FAILURES:
        return nothing
    kept: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        raw = told.get(field.encode_name)
        if raw is None:
            continue
        try:
            kept[field.name] = msgspec.msgpack.decode(raw, type=field.type)
        except _FAILURES:
            continue
    return shape(**kept)
