"""The schemas of a call's tools by their digest: producers send each set once, and its digest after that."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.detail.span_data import SpanData, as_text
from etaoi_tui.view.middleware.tokens import find_tool_schemas


def schemas_for(data: SpanData) -> dict[str, list[Any]]:
    """Return the schemas of a call's tools by their digest; empty if no call that has them is found."""
    digest = as_text(data.start_payload.get("tools_hash"))
    if not digest or keys.TOOL_SCHEMAS in data.start_payload:
        return {}
    schemas = find_tool_schemas(data.span, data.read_event)
    return {digest: schemas} if schemas is not None else {}
