"""LangChain messages, generations and usage as the plain maps that travel in a payload.

Runs on the sender's thread. Fields are read from ``__dict__``: asking a pydantic object for a field that it
does not have costs more than everything else here together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from etaoi_tui.sdk.serialize import Part

_REASONING_TYPES = frozenset({"reasoning", "thinking", "redacted_thinking"})
_CALL_TYPES = frozenset({"tool_use", "tool_call", "function_call", "server_tool_call"})
_REASONING_KEYS = ("reasoning", "thinking", "reasoning_content", "text", "summary")
_SIZE_KEYS = ("data", "base64", "bytes", "file_data")


AS_IT_IS: Any = object()
"""Stands for what a message has now, where nothing from an earlier moment is given."""


def describe_message(message: Any, content: Any = AS_IT_IS, calls: Any = AS_IT_IS) -> dict[str, Any]:
    """Return one message as ``{role, text}`` and whatever else it carries.

    Optional keys: ``tool_calls`` [{name, args, id}], ``invalid_tool_calls`` [{name, args, id, error}],
    ``tool_call_id``, ``status`` (of a tool's answer), ``name``, ``id``, ``reasoning`` (text), ``parts``
    (what is not text: type, media type, size in bytes, address).

    Args:
        message: a message object or a map.
        content: its content at an earlier moment.
        calls: its tool calls at an earlier moment.
    """
    fields = _fields_of(message)
    role = fields.get("type") or fields.get("role") or type(message).__name__
    if role == "chat":
        role = fields.get("role") or role
    text, parts, reasoning = _split_content(fields.get("content") if content is AS_IT_IS else content)
    described: dict[str, Any] = {"role": str(role), "text": text}
    if calls := fields.get("tool_calls") if calls is AS_IT_IS else calls:
        described["tool_calls"] = [_describe_call(call) for call in calls]
    if invalid := fields.get("invalid_tool_calls"):
        described["invalid_tool_calls"] = [
            {**_describe_call(call), "error": _fields_of(call).get("error")} for call in invalid
        ]
    for key in ("tool_call_id", "status", "name", "id"):
        if (value := fields.get(key)) is not None:
            described[key] = value
    if not reasoning and (extra := fields.get("additional_kwargs")):
        reasoning = _text_of(extra.get("reasoning_content"))
    if reasoning:
        described["reasoning"] = reasoning
    if parts:
        described["parts"] = parts
    return described


def text_of_message(message: Any) -> str:
    """Return the visible text of a message, without reasoning and other parts."""
    return _split_content(_fields_of(message).get("content"))[0]


def describe_result(result: Any) -> dict[str, Any]:
    """Return an ``LLMResult`` as the payload of a model call's end.

    Keys: ``response`` (the first candidate), ``candidates`` (all of them, when there are more), ``usage``,
    ``finish_reason``, ``model``, ``model_name``, ``provider``; absent when the provider does not tell.
    """
    answer: dict[str, Any] = {}
    fields = _fields_of(result)
    groups = fields.get("generations") or []
    generations = [generation for group in groups for generation in group]
    candidates = [_describe_generation(generation) for generation in generations]
    if candidates:
        answer["response"] = candidates[0]
        if len(candidates) > 1:
            answer["candidates"] = candidates
    told = [_told_by(generation) for generation in generations]
    output = fields.get("llm_output") or {}
    if usage := _usage_of(generations, told, output):
        answer["usage"] = usage
    for source in [*told, output]:
        reason = source.get("finish_reason") or source.get("stop_reason") or source.get("done_reason")
        if reason:
            answer.setdefault("finish_reason", str(reason))
        if model := source.get("model_name") or source.get("model"):
            answer.setdefault("model", str(model))
        if provider := source.get("model_provider"):
            answer.setdefault("provider", str(provider))
    if "model" in answer:
        answer["model_name"] = answer["model"]
    return answer


def normalize_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return token counts with LangChain's names, whatever the provider called them; details are kept.

    Cache counts are lifted to the top as well (``cache_read_input_tokens``,
    ``cache_creation_input_tokens``).
    """
    normal = dict(usage)
    for name, other in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        if name not in normal and isinstance(normal.get(other), int):
            normal[name] = normal[other]
    details = normal.get("input_token_details")
    if isinstance(details, Mapping):
        for name in ("cache_read", "cache_creation"):
            if isinstance(details.get(name), int):
                normal.setdefault(f"{name}_input_tokens", details[name])
    return normal


def describe_document(document: Any) -> dict[str, Any]:
    """Return a retrieved document as ``{text, metadata, id?, score?}``."""
    fields = _fields_of(document)
    metadata = fields.get("metadata") or {}
    described: dict[str, Any] = {"text": fields.get("page_content"), "metadata": metadata}
    if fields.get("id") is not None:
        described["id"] = fields["id"]
    for name in ("score", "relevance_score", "similarity"):
        if isinstance(metadata, Mapping) and name in metadata:
            described["score"] = metadata[name]
            break
    return described


def describe_state(value: Any, depth: int = 0) -> Any:
    """Return a chain's input or output with what LangChain puts in it as plain maps.

    Messages, documents and prompt values become maps of their filled fields; LangGraph's ``Command`` and
    ``Send`` carry their name in ``__type__``. Everything else is left as it is.
    """
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool or kind is float:
        return value
    if depth > 12:
        return value
    if kind is dict:
        return {key: describe_state(item, depth + 1) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [describe_state(item, depth + 1) for item in value]
    if kind is Part:
        return Part([describe_state(item, depth + 1) for item in value.items], value.total)
    name = kind.__name__
    if name == "Command" and hasattr(value, "goto"):
        told = {"__type__": "Command"}
        for field in ("update", "goto", "resume", "graph"):
            if (item := getattr(value, field, None)) not in (None, ()):
                told[field] = describe_state(item, depth + 1)
        return told
    if name == "Send" and hasattr(value, "node"):
        return {"__type__": "Send", "node": value.node, "arg": describe_state(value.arg, depth + 1)}
    if name == "Overwrite" and hasattr(value, "value"):
        return {"__type__": "Overwrite", "value": describe_state(value.value, depth + 1)}
    fields = getattr(value, "__dict__", None)
    if isinstance(fields, dict) and ("content" in fields or "page_content" in fields) and "type" in fields:
        return {
            key: describe_state(item, depth + 1)
            for key, item in fields.items()
            if key == "content"
            or not (item is None or item == "" or (type(item) in (list, dict) and not item))
        }
    return value


def _fields_of(thing: Any) -> Mapping[str, Any]:
    if isinstance(thing, Mapping):
        return thing
    fields = getattr(thing, "__dict__", None)
    return fields if isinstance(fields, dict) else {}


def _describe_call(call: Any) -> dict[str, Any]:
    fields = _fields_of(call)
    return {"name": fields.get("name"), "args": fields.get("args"), "id": fields.get("id")}


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "".join(_text_of(item) for item in value)
    if isinstance(value, Mapping):
        return "".join(_text_of(value[key]) for key in _REASONING_KEYS if key in value)
    return ""


def _split_content(content: Any) -> tuple[str, list[dict[str, Any]], str]:
    """Return (text, other parts, reasoning) of a message's content."""
    if isinstance(content, str):
        return content, [], ""
    if content is None:
        return "", [], ""
    if not isinstance(content, (list, tuple)):
        return str(content), [], ""
    texts: list[str] = []
    parts: list[dict[str, Any]] = []
    reasoning: list[str] = []
    for block in content:
        if isinstance(block, str):
            texts.append(block)
            continue
        if not isinstance(block, Mapping):
            parts.append({"type": type(block).__name__})
            continue
        kind = block.get("type")
        if kind in _REASONING_TYPES:
            reasoning.append(_text_of(block))
        elif kind in _CALL_TYPES or kind == "input_json_delta":
            continue
        elif isinstance(block.get("text"), str) and kind in (None, "text", "output_text", "input_text"):
            texts.append(block["text"])
        else:
            parts.append(_describe_part(block))
    return "".join(texts), parts, "".join(reasoning)


def _describe_part(block: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a part is and how large, without its data: type, mime_type?, bytes?, url?, name?."""
    part: dict[str, Any] = {"type": str(block.get("type", "part"))}
    address = block.get("url") or block.get("image_url") or block.get("file_url")
    inner = block.get("source") or block.get("file") or block.get("input_audio") or {}
    if isinstance(address, Mapping):
        address = address.get("url")
    for source in (block, inner):
        if not isinstance(source, Mapping):
            continue
        address = address or source.get("url")
        if mime := source.get("mime_type") or source.get("media_type") or source.get("format"):
            part.setdefault("mime_type", str(mime))
        if name := source.get("filename") or source.get("name") or source.get("file_id"):
            part.setdefault("name", str(name))
        for key in _SIZE_KEYS:
            if isinstance(data := source.get(key), (str, bytes)):
                part["bytes"] = len(data) if isinstance(data, bytes) else _decoded_size(data)
    if isinstance(address, str):
        if address.startswith("data:"):
            head, _, data = address.partition(",")
            part.setdefault("mime_type", head[5:].partition(";")[0] or "text/plain")
            part["bytes"] = _decoded_size(data)
        else:
            part["url"] = address[:512]
    return part


def _decoded_size(data: str) -> int:
    """Bytes that base64 text stands for."""
    return len(data) * 3 // 4 - data[-2:].count("=")


def _describe_generation(generation: Any) -> dict[str, Any]:
    fields = _fields_of(generation)
    message = fields.get("message")
    if message is not None:
        return describe_message(message)
    return {"role": "assistant", "text": str(fields.get("text") or "")}


def _told_by(generation: Any) -> dict[str, Any]:
    """What the provider said about one candidate: response metadata over generation info."""
    fields = _fields_of(generation)
    message = _fields_of(fields.get("message"))
    return {**(fields.get("generation_info") or {}), **(message.get("response_metadata") or {})}


def _usage_of(
    generations: Iterable[Any], told: Iterable[Mapping[str, Any]], output: Mapping[str, Any]
) -> dict[str, Any]:
    for generation in generations:
        usage = _fields_of(_fields_of(generation).get("message")).get("usage_metadata")
        if isinstance(usage, Mapping) and usage:
            return normalize_usage(usage)
    for source in [*told, output]:
        for key in ("token_usage", "usage"):
            if isinstance(usage := source.get(key), Mapping) and usage:
                return normalize_usage(usage)
    return {}
