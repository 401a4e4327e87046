"""Tools that a request offers to a model, in every shape that tracers send."""

from __future__ import annotations

from typing import Any

from etaoi_collector.translation.json_text import parse_json, to_text

TOOLS_READ = 1_000
"""Tools of one request that are read."""


def describe_tools(value: Any) -> list[dict[str, Any]]:
    """Return tools as ``{name, description?, args_schema?}``, the schema as JSON text."""
    value = parse_json(value)
    if isinstance(value, dict):
        value = value.get("tools", value.get("function_tools"))
    if not isinstance(value, list):
        return []
    return [described for item in value[:TOOLS_READ] if (described := _describe(item)) is not None]


def _describe(item: Any) -> dict[str, Any] | None:
    item = parse_json(item)
    if isinstance(item, str):
        return {"name": item}
    if not isinstance(item, dict):
        return None
    inner = item.get("tool", item)
    inner = parse_json(inner.get("json_schema", inner)) if isinstance(inner, dict) else inner
    if not isinstance(inner, dict):
        return None
    function = inner.get("function")
    source = function if isinstance(function, dict) else inner
    name = source.get("name") or inner.get("name") or inner.get("type")
    if not name:
        return None
    described: dict[str, Any] = {"name": str(name)}
    if source.get("description"):
        described["description"] = str(source["description"])
    for key in ("parameters", "input_schema", "inputSchema", "parameters_json_schema", "args_schema"):
        if source.get(key) is not None:
            described["args_schema"] = to_text(source[key])
            break
    return described
