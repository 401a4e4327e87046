"""OpenInference (Arize Phoenix): attributes of its semantic conventions 0.1.

Source: Arize-ai/openinference, spec/semantic_conventions.md. Prompt tokens include cached ones.
"""

from __future__ import annotations

from etaoi_collector.conventions.telemetry.table import Convention

TABLE = Convention(
    name="OpenInference",
    kinds={
        "openinference.span.kind": {
            "LLM": "llm",
            "TOOL": "tool",
            "RETRIEVER": "tool",
            "AGENT": "sub_agent",
            "CHAIN": "middleware",
            "PROMPT": "middleware",
            "GUARDRAIL": "middleware",
            "EMBEDDING": "task",
            "RERANKER": "task",
            "EVALUATOR": "task",
            "UNKNOWN": "task",
        }
    },
    keys={
        "model": ("llm.model_name", "embedding.model_name"),
        "provider": ("llm.provider", "llm.system"),
        "input": ("input.value",),
        "output": ("output.value",),
        "input_tokens": ("llm.token_count.prompt",),
        "output_tokens": ("llm.token_count.completion",),
        "total_tokens": ("llm.token_count.total",),
        "cache_read": ("llm.token_count.prompt_details.cache_read",),
        "cache_write": ("llm.token_count.prompt_details.cache_write",),
        "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
        "cost": ("llm.cost.total",),
        "invocation_params": ("llm.invocation_parameters",),
        "finish_reason": ("llm.finish_reason",),
        "tool_name": ("tool.name",),
        "tool_call_id": ("tool_call.id", "tool.id"),
        "agent": ("agent.name",),
        "session": ("session.id",),
        "user": ("user.id", "metadata.user_id"),
    },
    indexed={
        "llm.input_messages.": "input_messages",
        "llm.output_messages.": "output_messages",
        "llm.tools.": "tools",
    },
    metadata_json=("metadata",),
    meaningless=("input.mime_type", "output.mime_type"),
)
