"""Google's Agent Development Kit, what it adds to OpenTelemetry's GenAI conventions.

Source: google/adk-python, ``telemetry/tracing.py``.
"""

from __future__ import annotations

from etaoi_collector.conventions.telemetry.table import Convention

TABLE = Convention(
    name="Google ADK",
    keys={
        "request_body": ("gcp.vertex.agent.llm_request",),
        "response_body": ("gcp.vertex.agent.llm_response",),
        "tool_input": ("gcp.vertex.agent.tool_call_args",),
        "tool_output": ("gcp.vertex.agent.tool_response",),
        "session": ("gcp.vertex.agent.session_id",),
    },
)
