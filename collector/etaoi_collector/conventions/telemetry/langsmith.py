"""LangSmith: its attributes in OpenTelemetry mode, and the run types of its own protocol.

Source: langsmith-sdk, ``_internal/otel/_otel_exporter.py`` and ``schemas.py``. Input tokens include cached
ones.
"""

from __future__ import annotations

from etaoi_collector.conventions.telemetry.table import Convention

RUN_TYPES = {
    "llm": "llm",
    "tool": "tool",
    "retriever": "tool",
    "chain": "middleware",
    "prompt": "middleware",
    "parser": "middleware",
    "embedding": "task",
}
"""What a run's ``run_type`` means as a node kind."""

SPAN_KIND = "langsmith.span.kind"

TABLE = Convention(
    name="LangSmith",
    kinds={SPAN_KIND: RUN_TYPES},
    keys={
        "model": ("langsmith.metadata.ls_model_name",),
        "session": ("langsmith.metadata.session_id", "langsmith.metadata.thread_id"),
        "user": ("langsmith.metadata.user_id",),
    },
    metadata_prefixes=("langsmith.metadata.",),
    meaningless=("langsmith.trace.name", "langsmith.span.id", "langsmith.span.dotted_order"),
)
