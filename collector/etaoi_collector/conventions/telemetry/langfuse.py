"""Langfuse's OpenTelemetry attributes (its SDK 3 and later).

Source: langfuse-python, ``LangfuseOtelSpanAttributes``. Its ``usage_details`` name the fresh input and the
cached input apart, so that the input is the sum of both.
"""

from __future__ import annotations

from etaoi_collector.conventions.telemetry.table import Convention

LEVEL_ERROR = "ERROR"
"""Level of an observation that failed; Langfuse's clients leave the status of the span unset."""

TABLE = Convention(
    name="Langfuse",
    kinds={
        "langfuse.observation.type": {
            "generation": "llm",
            "tool": "tool",
            "retriever": "tool",
            "agent": "sub_agent",
            "chain": "middleware",
            "guardrail": "middleware",
            "embedding": "task",
            "evaluator": "task",
            "span": "task",
            "event": "task",
        }
    },
    keys={
        "model": ("langfuse.observation.model.name",),
        "input": ("langfuse.observation.input",),
        "output": ("langfuse.observation.output",),
        "usage_details": ("langfuse.observation.usage_details",),
        "cost_details": ("langfuse.observation.cost_details",),
        "invocation_params": ("langfuse.observation.model.parameters",),
        "level": ("langfuse.observation.level",),
        "level_message": ("langfuse.observation.status_message",),
        "first_token_at": ("langfuse.observation.completion_start_time",),
        "session": ("langfuse.session.id", "session.id"),
        "user": ("user.id", "langfuse.user.id"),
    },
    metadata_prefixes=("langfuse.observation.metadata.",),
)
