"""Tools, however a model or an agent was given them, as ``{name, description?, args_schema?}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


def tool_name(tool: Any) -> str:
    """Return a tool's name: of a tool object, a function, or a provider's map."""
    if isinstance(tool, Mapping):
        inner = tool.get("function")
        if isinstance(inner, Mapping) and inner.get("name"):
            return str(inner["name"])
        return str(tool.get("name") or tool.get("title") or tool.get("type") or "tool")
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", None) or type(tool).__name__)


def describe_tool(tool: Any) -> dict[str, Any]:
    """Return name, description and the JSON schema of the arguments as text, which is how the wire has it."""
    described: dict[str, Any] = {"name": tool_name(tool)}
    if isinstance(tool, Mapping):
        inner = tool.get("function")
        source = inner if isinstance(inner, Mapping) else tool
        text = source.get("description")
        schema = source.get("parameters") or source.get("input_schema") or source.get("properties")
        if schema is None and not isinstance(inner, Mapping):
            schema = {key: value for key, value in tool.items() if key not in ("name", "description")}
    else:
        text = getattr(tool, "description", None) or getattr(tool, "__doc__", None)
        schema = _schema_of(tool)
    if text:
        described["description"] = str(text)
    if schema is not None:
        described["args_schema"] = schema if isinstance(schema, str) else _json(schema)
    return described


def _schema_of(tool: Any) -> Any:
    """The schema that the model sees: injected arguments (state, runtime) left out."""
    try:
        schema = getattr(tool, "tool_call_schema", None) or getattr(tool, "args_schema", None)
        if schema is None or isinstance(schema, Mapping):
            return schema
        return schema.model_json_schema()
    except Exception as error:  # a schema of types that pydantic cannot put into JSON
        return f"not available: {type(error).__name__}"


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=str).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        return f"not available: {type(error).__name__}"
