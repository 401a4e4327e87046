"""Pydantic AI and Logfire, what they add to OpenTelemetry's GenAI conventions.

Source: pydantic/pydantic-ai, ``models/instrumented.py``; pydantic/logfire, ``_internal/constants.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etaoi_collector.conventions.telemetry.table import Convention

SPAN_TYPE = "logfire.span_type"
PENDING = "pending_span"
"""Value of `SPAN_TYPE` of a span that tells of another one's start: of its own parent."""
PENDING_PARENT = "logfire.pending_parent_id"
"""Hex id of the parent that the started span really has; zeros for a root."""

TABLE = Convention(
    name="Pydantic AI",
    keys={
        "agent": ("agent_name",),
        "request_model": ("model_name",),
        "tool_input": ("tool_arguments",),
        "tool_output": ("tool_response",),
        "input": ("pydantic_ai.all_messages", "all_messages_events"),
        "output": ("final_result",),
        "input_messages": ("events",),
    },
    meaningless=(
        "logfire.json_schema",
        "logfire.metrics",
        "logfire.msg",
        "logfire.span_type",
        "logfire.pending_parent_id",
        "model_request_parameters",
    ),
)


def is_agent(attributes: Mapping[str, Any]) -> bool:
    """Tell an agent's run, which names the agent and its model, where no operation is told."""
    return "agent_name" in attributes and "model_name" in attributes
