"""OpenLLMetry (Traceloop), old names; its newer versions follow OpenTelemetry's GenAI conventions.

Source: traceloop/openllmetry, ``opentelemetry-semantic-conventions-ai``. Prompt tokens include cached ones.
"""

from __future__ import annotations

from etaoi_collector.conventions.telemetry.table import Convention

TABLE = Convention(
    name="OpenLLMetry",
    kinds={
        "traceloop.span.kind": {
            "workflow": "middleware",
            "task": "middleware",
            "agent": "sub_agent",
            "tool": "tool",
        },
        "llm.request.type": {
            "chat": "llm",
            "completion": "llm",
            "embedding": "task",
            "rerank": "task",
        },
    },
    keys={
        "name": ("traceloop.entity.name",),
        "input": ("traceloop.entity.input",),
        "output": ("traceloop.entity.output",),
        "total_tokens": ("llm.usage.total_tokens",),
        "session": (
            "traceloop.association.properties.session_id",
            "traceloop.association.properties.thread_id",
        ),
        "user": ("traceloop.association.properties.user_id",),
    },
    indexed={"llm.request.functions.": "tools"},
    metadata_prefixes=("traceloop.association.properties.",),
    meaningless=("llm.headers", "llm.is_streaming"),
)
