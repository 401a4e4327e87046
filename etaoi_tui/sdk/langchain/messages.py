"""LangChain messages, generations and usage as the plain maps that travel in a payload.

Runs on the sender's thread. Fields are read from ``__dict__``: asking a pydantic object for a field that it
does not have costs more than everything else here together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.blobs import LONG, decoded_size, is_data, replace_data
from etaoi_collector.conventions.finish_reasons import unrepeat
from etaoi_collector.conventions.messages import is_empty_answer
from etaoi_collector.conventions.server_tools import (
    ServerToolCall,
    is_merged_call,
    is_server_tool,
    read_grounding,
    read_server_tools,
)
from etaoi_collector.conventions.usage import read_usage
from etaoi_tui.sdk.serialize import Part

_REASONING_TYPES = frozenset({"reasoning", "thinking", "redacted_thinking"})
_CALL_TYPES = frozenset(
    {"tool_use", "tool_call", "function_call", "custom_tool_call", "invalid_tool_call", "tool_call_chunk"}
)
_REASONING_KEYS = ("reasoning", "thinking", "reasoning_content", "text", "summary")
_SIZE_KEYS = ("data", "base64", "bytes", "file_data", "b64_json")

_STREAMED_ROLES = {
    "AIMessageChunk": "ai",
    "HumanMessageChunk": "human",
    "SystemMessageChunk": "system",
    "ToolMessageChunk": "tool",
}
"""Messages put together from a stream's chunks say the same as others."""

AS_IT_IS: Any = object()
"""Stands for what a message has now, where nothing from an earlier moment is given."""


def describe_message(message: Any, content: Any = AS_IT_IS, calls: Any = AS_IT_IS) -> dict[str, Any]:
    """Return one message as ``{role, text}`` and whatever else it carries.

    Optional keys: ``tool_calls`` [{name, args, id}], ``invalid_tool_calls`` [{name, args, id, error}],
    ``tool_call_id``, ``status`` (of a tool's answer), ``name``, ``id``, ``reasoning`` (text), ``refusal``
    (text), ``server_tool_calls`` (see `etaoi_collector.conventions.server_tools`), ``parts`` (what is not
    text: type, media type, size in bytes, address).

    Args:
        message: a message object or a map.
        content: its content at an earlier moment.
        calls: its tool calls at an earlier moment.
    """
    fields = _fields_of(message)
    role = fields.get("type") or fields.get("role") or type(message).__name__
    if role == "chat":
        role = fields.get("role") or role
    role = _STREAMED_ROLES.get(role, role)
    split_content = _split_content(fields.get("content") if content is AS_IT_IS else content)
    described: dict[str, Any] = {keys.ROLE: str(role), keys.TEXT: split_content.text}
    if calls := fields.get("tool_calls") if calls is AS_IT_IS else calls:
        described["tool_calls"] = [_describe_call(call) for call in calls]
    if invalid := fields.get("invalid_tool_calls"):
        described["invalid_tool_calls"] = [
            {**_describe_call(call), "error": _fields_of(call).get("error")} for call in invalid
        ]
    for key in ("tool_call_id", "status", "name", "id"):
        if (value := fields.get(key)) is not None:
            described[key] = value
    if extra := fields.get("additional_kwargs"):
        _add_extra(split_content, extra)
    if split_content.reasoning:
        described[keys.REASONING] = split_content.reasoning
    if split_content.refusal:
        described[keys.REFUSAL] = split_content.refusal
    if split_content.server_tools:
        described[keys.SERVER_TOOL_CALLS] = read_server_tools(split_content.server_tools)
    if split_content.parts:
        described[keys.PARTS] = split_content.parts
    return described


def _add_extra(split_content: _Content, extra: Mapping[str, Any]) -> None:
    """Add what stands beside a message's content: reasoning, refusals, older forms of server tools."""
    if not split_content.reasoning:
        split_content.reasoning = _text_of(extra.get("reasoning_content"))
    if not split_content.refusal and isinstance(refusal := extra.get("refusal"), str):
        split_content.refusal = refusal
    if isinstance(outputs := extra.get("tool_outputs"), (list, tuple)):
        split_content.server_tools += [one for one in outputs if isinstance(one, Mapping)]
    if isinstance(audio := extra.get("audio"), Mapping):
        part = {**_describe_part({**audio, "type": "audio"})}
        if isinstance(words := audio.get("transcript"), str):
            part["transcript"] = words
        split_content.parts.append(part)


def text_of_message(message: Any) -> str:
    """Return the visible text of a message, without reasoning and other parts."""
    return _split_content(_fields_of(message).get("content")).text


def describe_result(
    result: Any, running_total: Mapping[str, Any] | None = None, *, failed: bool = False
) -> dict[str, Any]:
    """Return an ``LLMResult`` as the payload of a model call's end.

    Keys: ``response`` (the first candidate), ``candidates`` (all of them, when there are more), ``usage``,
    ``finish_reason``, ``service_tier``, ``model`` and ``model_name`` (that answered), ``provider``; absent
    when the provider does not tell.

    Args:
        result: The result, or its generations as maps.
        running_total: The newest usage of a stream whose chunks told running totals, which LangChain adds up.
        failed: The call failed: LangChain then hands an empty message over, which is no answer.
    """
    answer: dict[str, Any] = {}
    fields = _fields_of(result)
    groups = fields.get("generations") or []
    generations = [generation for group in groups for generation in group]
    generation_infos = [_generation_info(generation) for generation in generations]
    candidates = [_describe_generation(*pair) for pair in zip(generations, generation_infos, strict=True)]
    if failed:
        candidates = [candidate for candidate in candidates if not is_empty_answer(candidate)]
    if candidates:
        answer[keys.RESPONSE] = candidates[0]
        if len(candidates) > 1:
            answer["candidates"] = candidates
    output = fields.get("llm_output") or {}
    usage = (
        _usage_of(generations, generation_infos, output)
        if running_total is None
        else normalize_usage(running_total)
    )
    if usage:
        answer[keys.USAGE] = usage
    for source in [*generation_infos, output]:
        if reason := _finish_reason(source):
            answer.setdefault(keys.FINISH_REASON, reason)
        if model := source.get("model_name") or source.get("model"):
            answer.setdefault(keys.MODEL, unrepeat(str(model)))
        if provider := source.get("model_provider"):
            answer.setdefault(keys.PROVIDER, unrepeat(str(provider)))
        if tier := _service_tier(source):
            answer.setdefault(keys.SERVICE_TIER, tier)
    if keys.MODEL in answer:
        answer[keys.MODEL_NAME] = answer[keys.MODEL]
    return answer


def _finish_reason(source: Mapping[str, Any]) -> str | None:
    """Why a model stopped, as its provider says; the Responses API says it of incomplete answers."""
    reason = source.get("finish_reason") or source.get("stop_reason") or source.get("done_reason")
    reason = reason or source.get("stopReason")
    if not reason and (status := source.get("status")) and source.get("object") == "response":
        details = source.get("incomplete_details")
        reason = (details.get("reason") if isinstance(details, Mapping) else None) or status
    return unrepeat(str(reason)) if reason else None


def _service_tier(source: Mapping[str, Any]) -> str | None:
    usage = source.get("usage")
    tier = source.get("service_tier") or (usage.get("service_tier") if isinstance(usage, Mapping) else None)
    return unrepeat(tier) if isinstance(tier, str) else None


def normalize_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return token counts with LangChain's names, whatever the provider called them; details are kept.

    Cache counts are lifted to the top as well (``cache_read_input_tokens``,
    ``cache_creation_input_tokens``).
    """
    normal = dict(usage)
    read = read_usage(usage)
    if read is None:
        return normal
    for name, count in (
        ("input_tokens", read.input_tokens),
        ("output_tokens", read.output_tokens),
        ("cache_read_input_tokens", read.cache_read),
    ):
        if count is not None:
            normal.setdefault(name, count)
    if read.cache_creation is not None:
        normal["cache_creation_input_tokens"] = read.cache_creation
    return normal


def describe_document(document: Any) -> dict[str, Any]:
    """Return a retrieved document as ``{text, metadata, id?, score?}``."""
    fields = _fields_of(document)
    metadata = fields.get("metadata") or {}
    described: dict[str, Any] = {"text": fields.get("page_content"), "metadata": metadata}
    if fields.get("id") is not None:
        described["id"] = fields["id"]
    for name in ("score", "relevance_score", "similarity", "_score", "distance"):
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
    if kind is Part:
        return Part([describe_state(item, depth + 1) for item in value.items], value.total)
    opened = open_state(value)
    if type(opened) is dict:
        return {key: describe_state(item, depth + 1) for key, item in opened.items()}
    if type(opened) is list or type(opened) is tuple:
        return [describe_state(item, depth + 1) for item in opened]
    return opened


def open_state(value: Any) -> Any:
    """Do the same one level deep: the values in it are left as they are."""
    kind = type(value)
    if kind is str or kind is list or kind is tuple:
        return value
    if kind is dict:
        for key, item in value.items():
            if type(item) is str and len(item) > LONG and is_data(key, item):
                return replace_data(value)
        return value
    name = kind.__name__
    if name == "Command" and hasattr(value, "goto"):
        description = {"__type__": "Command"}
        for field in ("update", "goto", "resume", "graph"):
            if (item := getattr(value, field, None)) not in (None, ()):
                description[field] = item
        return description
    if name == "Send" and hasattr(value, "node"):
        return {"__type__": "Send", "node": value.node, "arg": value.arg}
    if name == "Overwrite" and hasattr(value, "value"):
        return {"__type__": "Overwrite", "value": value.value}
    fields = getattr(value, "__dict__", None)
    if isinstance(fields, dict) and ("content" in fields or "page_content" in fields) and "type" in fields:
        return {
            key: item
            for key, item in fields.items()
            if key == "content"
            or not (item is None or item == "" or (type(item) in (list, dict) and not item))
        }
    return value


def is_message(value: Any) -> bool:
    """Whether a value is one of LangChain's messages."""
    fields = getattr(value, "__dict__", None)
    return type(fields) is dict and "content" in fields and "type" in fields


_MAPPINGS: dict[type, bool] = {}
_MOST_KINDS = 1_024


def _fields_of(thing: Any) -> Mapping[str, Any]:
    kind = type(thing)
    if kind is dict:
        return cast("dict[str, Any]", thing)
    is_mapping = _MAPPINGS.get(kind)
    if is_mapping is None:  # asking an abstract class costs more than all the rest
        if len(_MAPPINGS) > _MOST_KINDS:
            _MAPPINGS.clear()
        is_mapping = _MAPPINGS[kind] = isinstance(thing, Mapping)
    if is_mapping:
        return cast("Mapping[str, Any]", thing)
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


@dataclass(slots=True)
class _Content:
    """A message's content, taken apart."""

    text: str = ""
    parts: list[dict[str, Any]] = field(default_factory=list)
    reasoning: str = ""
    refusal: str = ""
    server_tools: list[Mapping[str, Any]] = field(default_factory=list)


def _split_content(content: Any) -> _Content:
    if isinstance(content, str):
        return _Content(content)
    if content is None:
        return _Content()
    if not isinstance(content, (list, tuple)):
        return _Content(str(content))
    result = _Content()
    texts: list[str] = []
    reasoning: list[str] = []
    for block in content:
        if isinstance(block, str):
            texts.append(block)
            continue
        if not isinstance(block, Mapping):
            result.parts.append({"type": type(block).__name__})
            continue
        kind = block.get("type")
        if kind == "non_standard" and isinstance(inner := block.get("value"), Mapping):
            block, kind = inner, inner.get("type")
        if kind in _REASONING_TYPES:
            reasoning.append(_text_of(block))
        elif kind in _CALL_TYPES or kind == "input_json_delta":
            continue
        elif isinstance(block.get("text"), str) and kind in (None, "text", "output_text", "input_text"):
            texts.append(block["text"])
            if len(block) > 4 and is_merged_call(block):
                result.server_tools.append(block)
        elif kind == "refusal":
            result.refusal += str(block.get("refusal") or "")
        elif is_server_tool(kind):
            result.server_tools.append(block)
        else:
            result.parts.append(_describe_part(block))
    result.text, result.reasoning = "".join(texts), "".join(reasoning)
    return result


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
                part["bytes"] = len(data) if isinstance(data, bytes) else decoded_size(data)
    if isinstance(address, str):
        if address.startswith("data:"):
            head, _, data = address.partition(",")
            part.setdefault("mime_type", head[5:].partition(";")[0] or "text/plain")
            part["bytes"] = decoded_size(data)
        else:
            part["url"] = address[:512]
    return part


def _describe_generation(generation: Any, generation_info: Mapping[str, Any]) -> dict[str, Any]:
    fields = _fields_of(generation)
    message = fields.get("message")
    if message is None:
        return {keys.ROLE: "assistant", keys.TEXT: str(fields.get("text") or "")}
    described = describe_message(message)
    grounding: ServerToolCall | None = read_grounding(generation_info.get("grounding_metadata"))
    if grounding is not None:
        described[keys.SERVER_TOOL_CALLS] = [*described.get(keys.SERVER_TOOL_CALLS, ()), grounding]
    return described


def _generation_info(generation: Any) -> dict[str, Any]:
    """What the provider said about one candidate: response metadata over generation info."""
    fields = _fields_of(generation)
    message = _fields_of(fields.get("message"))
    return {**(fields.get("generation_info") or {}), **(message.get("response_metadata") or {})}


def _usage_of(
    generations: Iterable[Any], generation_infos: Iterable[Mapping[str, Any]], output: Mapping[str, Any]
) -> dict[str, Any]:
    for generation in generations:
        usage = _fields_of(_fields_of(generation).get("message")).get("usage_metadata")
        if isinstance(usage, Mapping) and usage:
            return normalize_usage(usage)
    for source in [*generation_infos, output]:
        for key in ("token_usage", "usage"):
            if isinstance(usage := source.get(key), Mapping) and usage:
                return normalize_usage(usage)
    return {}
