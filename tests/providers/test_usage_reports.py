"""Reports of token counts as providers and frameworks make them, each read into the one model."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from etaoi_collector.conventions.finish_reasons import normalize_finish_reason, unrepeat
from etaoi_collector.conventions.payload_fields import decode_usage, read_llm_end
from etaoi_collector.conventions.usage import Usage, read_usage
from etaoi_collector.pricing.token_counts import read_tokens

Map = dict[str, Any]

LANGCHAIN_CLAUDE = {
    "input_tokens": 10_100,
    "output_tokens": 50,
    "total_tokens": 10_150,
    "input_token_details": {
        "cache_read": 4_000,
        "cache_creation": 0,
        "ephemeral_5m_input_tokens": 1_000,
        "ephemeral_1h_input_tokens": 5_000,
    },
}
LANGCHAIN_FLEX = {
    "input_tokens": 1_000,
    "output_tokens": 30,
    "total_tokens": 1_030,
    "input_token_details": {"flex_cache_read": 600, "flex": 400, "audio": 7},
    "output_token_details": {"flex_reasoning": 12, "flex": 18, "audio": 3},
}
OPENAI = {
    "prompt_tokens": 1_000,
    "completion_tokens": 30,
    "total_tokens": 1_030,
    "prompt_tokens_details": {"cached_tokens": 600, "audio_tokens": 7},
    "completion_tokens_details": {"reasoning_tokens": 12, "audio_tokens": 3},
}
RESPONSES = {
    "input_tokens": 1_000,
    "output_tokens": 30,
    "total_tokens": 1_030,
    "input_tokens_details": {"cached_tokens": 600},
    "output_tokens_details": {"reasoning_tokens": 12},
    "service_tier": "default",
}
ANTHROPIC = {
    "input_tokens": 100,
    "output_tokens": 50,
    "cache_read_input_tokens": 4_000,
    "cache_creation_input_tokens": 6_000,
    "cache_creation": {"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 5_000},
    "service_tier": "priority",
}
GEMINI = {
    "promptTokenCount": 1_000,
    "candidatesTokenCount": 18,
    "thoughtsTokenCount": 12,
    "totalTokenCount": 1_030,
    "cachedContentTokenCount": 600,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 735},
        {"modality": "IMAGE", "tokenCount": 258},
        {"modality": "AUDIO", "tokenCount": 7},
    ],
}
BEDROCK = {
    "inputTokens": 100,
    "outputTokens": 50,
    "totalTokens": 150,
    "cacheReadInputTokens": 4_000,
    "cacheWriteInputTokens": 6_000,
}
REALTIME = {
    "input_tokens": 500,
    "output_tokens": 60,
    "input_token_details": {
        "cached_tokens": 200,
        "cached_tokens_details": {"audio_tokens": 150, "text_tokens": 50},
        "audio_tokens": 400,
        "image_tokens": 20,
    },
    "output_token_details": {"audio_tokens": 45, "text_tokens": 15},
}
DEEPSEEK = {"prompt_tokens": 1_000, "completion_tokens": 30, "prompt_cache_hit_tokens": 600}
OLLAMA = {"prompt_eval_count": 26, "eval_count": 298}


@pytest.mark.parametrize(
    ("report", "details"),
    [
        (
            LANGCHAIN_CLAUDE,
            {
                "cache_read": 4_000,
                "cache_creation": 6_000,
                "cache_creation_5m": 1_000,
                "cache_creation_1h": 5_000,
            },
        ),
        (
            LANGCHAIN_FLEX,
            {"cache_read": 600, "reasoning": 12, "input_audio": 7, "output_audio": 3, "service_tier": "flex"},
        ),
        (OPENAI, {"cache_read": 600, "reasoning": 12, "input_audio": 7, "output_audio": 3}),
        (RESPONSES, {"cache_read": 600, "reasoning": 12, "service_tier": None}),
        (ANTHROPIC, {"cache_creation": 6_000, "cache_creation_1h": 5_000, "service_tier": "priority"}),
        (
            GEMINI,
            {"output_tokens": 30, "reasoning": 12, "cache_read": 600, "input_image": 258, "input_audio": 7},
        ),
        (BEDROCK, {"input_tokens": 100, "cache_read": 4_000, "cache_creation": 6_000}),
        (REALTIME, {"cache_read": 200, "cache_read_audio": 150, "input_audio": 400, "input_image": 20}),
        (DEEPSEEK, {"input_tokens": 1_000, "cache_read": 600}),
        (OLLAMA, {"input_tokens": 26, "output_tokens": 298}),
    ],
)
def test_every_detail_is_read(report: Map, details: Map) -> None:
    usage = read_usage(report)
    assert usage is not None
    assert {name: getattr(usage, name) for name in details} == details


@pytest.mark.parametrize(
    ("report", "apart"),
    [
        (LANGCHAIN_CLAUDE, (100, 4_000, 6_000, 50)),
        (LANGCHAIN_FLEX, (400, 600, 0, 30)),
        (OPENAI, (400, 600, 0, 30)),
        (RESPONSES, (400, 600, 0, 30)),
        (ANTHROPIC, (100, 4_000, 6_000, 50)),
        (GEMINI, (400, 600, 0, 30)),
        (BEDROCK, (100, 4_000, 6_000, 50)),
        (DEEPSEEK, (400, 600, 0, 30)),
    ],
)
def test_each_token_is_counted_once(report: Map, apart: tuple[int, ...]) -> None:
    usage = read_usage(report)
    assert usage is not None
    tokens = read_tokens(usage)
    assert tokens is not None and tokens.sure
    assert (tokens.fresh, tokens.cache_read, tokens.cache_write, tokens.output) == apart


@pytest.mark.parametrize(
    "report", [LANGCHAIN_CLAUDE, LANGCHAIN_FLEX, OPENAI, RESPONSES, ANTHROPIC, GEMINI, BEDROCK, REALTIME]
)
def test_the_fast_way_reads_the_same(report: Map) -> None:
    raw = msgspec.Raw(msgspec.msgpack.encode(report))
    assert decode_usage(raw) == read_usage(report)


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"input_tokens": "many"},
        {"input_tokens": None, "output_tokens": None},
        {"total_tokens": 5},
        {"input_tokens": 5, "input_token_details": "none", "output_token_details": [None, 3]},
        {"input_tokens": True, "output_tokens": {"a": 1}},
        {"prompt_tokens": 7.0, "prompt_tokens_details": {"cached_tokens": -1, 5: 5}},
        {"promptTokenCount": 7, "promptTokensDetails": [{"modality": None}, "x", {"tokenCount": 5}]},
        {"input_tokens": 2**63, "output_tokens": -4},
    ],
)
def test_nonsense_is_read_as_far_as_it_goes(report: Map) -> None:
    usage = decode_usage(msgspec.Raw(msgspec.msgpack.encode(report)))
    assert usage is None or usage.input_tokens is not None or usage.output_tokens is not None
    if usage is not None:
        read_tokens(usage)


def test_an_answer_out_of_langchains_cache_is_marked() -> None:
    cached = read_usage({**LANGCHAIN_CLAUDE, "total_cost": 0})
    assert cached is not None and cached.from_cache
    priced = read_usage({**LANGCHAIN_CLAUDE, "total_cost": 0.5})
    assert priced is not None and not priced.from_cache


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        ("stop", "stop"), ("STOP", "stop"), ("end_turn", "stop"), ("stop_sequence", "stop"),
        ("completed", "stop"), ("stopstop", "stop"), ("FinishReason.STOP", "stop"),
        ("FINISH_REASON_STOP", "stop"), ("COMPLETE", "stop"), ("length", "length"), ("MAX_TOKENS", "length"),
        ("max_output_tokens", "length"), ("model_context_window_exceeded", "length"),
        ("tool_calls", "tool_calls"), ("tool_use", "tool_calls"), ("function_call", "tool_calls"),
        ("refusal", "refusal"), ("content_filter", "content_filter"), ("SAFETY", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"), ("guardrail_intervened", "content_filter"),
        ("pause_turn", "pause"), ("MALFORMED_FUNCTION_CALL", "error"),
        ("something-New", "something_new"), ("", None), (None, None),
    ],
)  # fmt: skip
def test_finish_reasons_have_one_vocabulary(reported: str | None, reason: str | None) -> None:
    assert normalize_finish_reason(reported) == reason


def test_a_stop_that_refuses_or_calls_is_told_so() -> None:
    assert normalize_finish_reason("stop", refused=True) == "refusal"
    assert normalize_finish_reason("STOP", called=True) == "tool_calls"
    assert normalize_finish_reason("length", called=True) == "length"


def test_texts_of_repeated_chunks_are_told_once() -> None:
    assert unrepeat("gpt-4o-2024-08-06gpt-4o-2024-08-06") == "gpt-4o-2024-08-06"
    assert unrepeat("stopstopstop") == "stop"
    assert [unrepeat(text) for text in ("stop", "haha", "", "a", "gpt-4o")] == [
        "stop",
        "haha",
        "",
        "a",
        "gpt-4o",
    ]


def test_an_end_of_another_shape_keeps_what_fits() -> None:
    payload = {"usage": OPENAI, "response": "words", "finish_reason": 7, "model": "m", "ttft_ms": 12}
    end_fields = read_llm_end(msgspec.Raw(msgspec.msgpack.encode(payload)))
    assert (
        end_fields.usage() == read_usage(OPENAI)
        and end_fields.model == "m"
        and end_fields.ttft_seconds == 0.012
    )
    assert end_fields.answer_id is None


def test_usage_is_told_in_no_more_memory_than_needed() -> None:
    assert Usage(1, 2) == Usage(1, 2) and hash(Usage(1, 2)) == hash(Usage(1, 2)), "what prices remember it by"
