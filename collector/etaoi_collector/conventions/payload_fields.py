"""Reads the few payload fields that rows need, and skips the rest without building it.

A payload of another shape than expected tells nothing here; the detail shows it as it is.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.finish_reasons import normalize_finish_reason
from etaoi_collector.conventions.usage import (
    WITH_CACHE_LANGCHAIN,
    WITH_CACHE_OPENAI,
    WITHOUT_CACHE,
    Usage,
    read_usage,
)

_Shape = TypeVar("_Shape", bound=msgspec.Struct)

_FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes of another shape; broken UTF-8 and great depth are none of its own errors."""


_ABSENT = Raw()
"""A raw field that is not there. One of a single byte is nil, or an empty list or map."""


class _InputDetails(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    cache_read: int | None = None
    cache_creation: int | None = None
    audio: int | None = None
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _OutputDetails(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    reasoning: int | None = None
    audio: int | None = None


class _LangChainUsage(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """``UsageMetadata`` of langchain-core, plus the two flat keys that the etaoi SDK adds: the usual report.

    Anything beyond it is read by `etaoi_collector.conventions.usage`, which knows all others, slower.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_token_details: _InputDetails | None = None
    output_token_details: _OutputDetails | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


_NO_OUTPUT_DETAILS = _OutputDetails()


def decode_usage(report: Raw, provider: str = "", tier: str | None = None) -> Usage | None:
    """Read a report of token counts; None if it has none.

    Args:
        report: The report as it came.
        provider: The model's provider, for reports that do not tell how they count.
        tier: The service tier, where that is told beside the report.
    """
    try:
        fields = _decode_common_usage(report)
    except _FAILURES:
        fields = None
    if fields is None or fields.input_token_details is None or tier is not None:
        try:
            return read_usage(_any_map(report), provider, tier)
        except _FAILURES:
            return None
    if fields.input_tokens is None and fields.output_tokens is None:
        return None
    input_details = fields.input_token_details
    output_details = fields.output_token_details or _NO_OUTPUT_DETAILS
    read = (
        input_details.cache_read if fields.cache_read_input_tokens is None else fields.cache_read_input_tokens
    )
    written = fields.cache_creation_input_tokens
    if written is None:
        written = input_details.cache_creation
    five, hour = input_details.ephemeral_5m_input_tokens, input_details.ephemeral_1h_input_tokens
    split = (five or 0) + (hour or 0)
    if split > (written or 0):
        written = split
    cached = (read or 0) + (written or 0)
    rule = WITH_CACHE_LANGCHAIN if cached <= (fields.input_tokens or 0) else WITHOUT_CACHE
    return Usage(
        fields.input_tokens, fields.output_tokens, fields.total_tokens, read, written,
        output_details.reasoning, five, hour, input_details.audio, output_details.audio, input_rule=rule,
    )  # fmt: skip


class _Answer(msgspec.Struct, gc=False):
    """What of a model's answer says how it ended."""

    id: str | None = None
    text: Raw = _ABSENT
    refusal: str | None = None
    tool_calls: Raw = _ABSENT


class LlmEnd(msgspec.Struct, gc=False):
    """What the end of a model call tells a row."""

    usage_report: Raw = msgspec.field(name=keys.USAGE, default=_ABSENT)
    model: str | None = None
    model_name: str | None = None
    provider: str | None = None
    finish_reason: str | None = None
    stop_reason: str | None = None
    service_tier: str | None = None
    response: _Answer | None = None
    ttft_ms: float | None = None
    ttft: float | None = None
    llm_node_ttft: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_cached_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    input_image_tokens: int | None = None

    @property
    def ttft_seconds(self) -> float | None:
        """Time to first token in seconds: LangChain calls tell milliseconds, voice metrics seconds."""
        if self.ttft_ms is not None:
            return self.ttft_ms / 1000
        return self.ttft if self.ttft is not None else self.llm_node_ttft

    @property
    def reason(self) -> str | None:
        """Why the model stopped, in the one vocabulary; None if nothing tells."""
        answer = self.response
        native_reason = self.finish_reason or self.stop_reason
        if answer is None:
            return normalize_finish_reason(native_reason) if native_reason is not None else None
        called = len(answer.tool_calls) > 1
        refused = bool(answer.refusal)
        if native_reason is None and not refused:
            return None
        return normalize_finish_reason(native_reason, refused=refused, called=called)

    @property
    def answer_id(self) -> str | None:
        """The provider's id of the answer, or LangChain's."""
        return self.response.id if self.response is not None else None

    @property
    def answer_text(self) -> Raw:
        """The answer's text, undecoded; empty if there is none."""
        return self.response.text if self.response is not None else _ABSENT

    def usage(self, provider: str = "") -> Usage | None:
        """Token counts, or None when the call tells none.

        Args:
            provider: The model's provider, if its start told it.
        """
        if len(self.usage_report) > 1:
            usage = decode_usage(self.usage_report, self.provider or provider, self.service_tier)
            if usage is not None:
                return usage
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return Usage(
            self.input_tokens,
            self.output_tokens,
            self.total_tokens,
            self.input_cached_tokens,
            input_audio=self.input_audio_tokens,
            output_audio=self.output_audio_tokens,
            input_image=self.input_image_tokens,
            input_rule=WITH_CACHE_OPENAI,
        )


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
        input_tokens = self.prompt_tokens if self.prompt_tokens is not None else self.input_tokens
        output_tokens = self.completion_tokens if self.completion_tokens is not None else self.output_tokens
        if input_tokens is None and output_tokens is None:
            return None
        return Usage(input_tokens, output_tokens, self.total_tokens)


class DeltaText(msgspec.Struct, gc=False):
    """Streamed text in a delta: a piece, or a voice transcript so far; or what a span took, told apart."""

    text: str | None = None
    channel: str | None = None
    agent_transcript: str | None = None
    transcript: str | None = None
    usage_report: Raw = msgspec.field(name=keys.USAGE, default=_ABSENT)
    model: str | None = None
    event: str | None = None

    def usage(self) -> Usage | None:
        """What the span took, where its end could not say so; None in a note of something that happened."""
        if len(self.usage_report) <= 1 or self.event is not None:
            return None
        return decode_usage(self.usage_report)


class _MetricsModel(msgspec.Struct, gc=False):
    model_name: str | None = None
    model_provider: str | None = None


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
    def provider(self) -> str | None:
        """The model's provider, where the metrics tell it."""
        return self.metadata.model_provider if self.metadata is not None else None

    @property
    def first_seconds(self) -> float | None:
        """Seconds to the first token or the first byte of audio."""
        return self.ttft if self.ttft is not None else self.ttfb


_NO_LLM_END = LlmEnd()
_NO_START = VoiceStart()
_NO_TEXT = DeltaText()
_NO_METRICS = VoiceMetrics()

_decode_common_usage = msgspec.msgpack.Decoder(_LangChainUsage | None).decode
_any_map = msgspec.msgpack.Decoder(dict[str, Any]).decode
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


class _HookEnd(msgspec.Struct, gc=False):
    """What the end of a middleware hook tells a row."""

    diff: dict[str, Raw] = {}


_UNCHANGED = frozenset({b"\xc0", b"\xc2", b"\x00", b"\x80", b"\x90", b"\xa0"})
"""Nil, false, zero, and an empty map, list or text: parts of a difference that tell of no change."""

_hook_end = msgspec.msgpack.Decoder(_HookEnd).decode


def tells_of_change(payload: Raw) -> bool:
    """Whether a hook's end says that the hook changed what it was given."""
    try:
        return any(bytes(part) not in _UNCHANGED for part in _hook_end(payload).diff.values())
    except _FAILURES:
        return False


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


def read_voice_usage(metrics: Raw) -> Usage | None:
    """Read what a call took from its voice metrics: they alone tell what was cached, or audio."""
    try:
        return read_usage(_any_map(metrics))
    except _FAILURES:
        return None


def _lenient(payload: Raw, shape: type[_Shape], nothing: _Shape) -> _Shape:
    """Keep what fits when one field has another type than expected."""
    try:
        raw_fields = msgspec.msgpack.decode(payload, type=dict[str, Raw])
    except _FAILURES:
        return nothing
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        raw = raw_fields.get(field.encode_name)
        if raw is None:
            continue
        try:
            values[field.name] = msgspec.msgpack.decode(raw, type=field.type)
        except _FAILURES:
            continue
    return shape(**values)
