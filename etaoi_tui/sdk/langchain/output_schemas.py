"""The schema that an answer has to follow: LangChain and each provider put it elsewhere into a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PARAMS = (
    "response_format",
    "response_schema",
    "response_json_schema",
    "output_format",
    "output_config",
    "text",
    "format",
)
"""Invocation parameters that hold one."""


def output_schema_of(params: Mapping[str, Any], options: Any) -> tuple[Any, str, str] | None:
    """Return the JSON schema, how it is imposed, and the parameter that holds it ("" for none).

    Args:
        params: The call's invocation parameters.
        options: What LangChain calls ``options``; ``with_structured_output`` leaves its schema there.
    """
    if isinstance(options, Mapping):
        output_format = options.get("ls_structured_output_format")
        if isinstance(output_format, Mapping) and output_format.get("schema"):
            kwargs = output_format.get("kwargs")
            method = kwargs.get("method") if isinstance(kwargs, Mapping) else None
            schema = _schema_in(output_format["schema"])
            param = next((name for name in _PARAMS if _schema_in(params.get(name)) is not None), "")
            return (schema if schema is not None else output_format["schema"]), str(method or ""), param
    for name in _PARAMS:
        schema = _schema_in(params.get(name))
        if schema is not None:
            return schema, "json_schema", name
    return None


def _schema_in(value: Any, depth: int = 0) -> Any:
    """Return the JSON schema in a parameter's value; None if there is none."""
    if isinstance(value, type):
        make = getattr(value, "model_json_schema", None)
        try:
            return make() if callable(make) else None
        except Exception:  # a model of the user's own, whose schema cannot be made
            return None
    if not isinstance(value, Mapping) or depth > 4:
        return None
    if isinstance(function := value.get("function"), Mapping):
        return function.get("parameters")
    for key in ("json_schema", "schema", "format"):
        inner = value.get(key)
        if isinstance(inner, (Mapping, type)):
            return _schema_in(inner, depth + 1)
    return dict(value) if "properties" in value or "$defs" in value or "anyOf" in value else None
