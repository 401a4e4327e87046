"""Chat messages in every shape that tracers send, as the ``{role, text, ...}`` maps of our payloads.

Shapes: OpenTelemetry's ``{role, parts}``, OpenAI's chat messages and response items, Anthropic's content
blocks, LangChain's serialised objects (``lc`` constructors, ``{type, data}``, ``{type, content}``, pairs),
the AI SDK's model messages, LiveKit's chat context. The result has the keys that our SDK sends: ``role``,
``text``, and where there are any ``tool_calls``, ``tool_call_id``, ``name``, ``id``, ``status``,
``reasoning`` and ``parts``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etaoi_collector.conventions.roles import ROLES, normalize_role
from etaoi_collector.translation.json_text import parse_json, to_text

Message = dict[str, Any]

MESSAGES_READ = 20_000
"""Messages of one request that are read; no model takes as many."""

_REASONING = frozenset({"reasoning", "thinking", "redacted_thinking"})
_CALLS = frozenset({"tool_call", "tool-call", "tool_use", "function_call", "server_tool_call"})
_RESULTS = frozenset({"tool_call_response", "tool-result", "tool_result", "server_tool_call_response"})
_TEXTS = frozenset({"text", "output_text", "input_text", "refusal"})


def read_messages(value: Any, role: str = "user") -> list[Message]:
    """Read messages from whatever holds them.

    Args:
        value: A list, one message, a map that holds them, JSON text of these, or plain text.
        role: Who speaks where the value does not say so.
    """
    value = parse_json(value)
    if isinstance(value, dict):
        inner = value.get("messages", value.get("items"))
        if isinstance(inner, list):
            system_prompt = value.get("system")
            system = (
                [{"role": "system", "text": system_prompt}]
                if isinstance(system_prompt, str) and system_prompt
                else []
            )
            return [*system, *read_messages(inner, role)]
        if "prompt" in value and "role" not in value:
            system = [{"role": "system", "text": value["system"]}] if value.get("system") else []
            return [*system, *read_messages(value["prompt"], role)]
        value = [value]
    if isinstance(value, str):
        return [{"role": role, "text": value}] if value else []
    if not isinstance(value, list):
        return [] if value is None else [{"role": role, "text": str(value)}]
    if len(value) == 2 and _is_pair(value):
        value = [value]
    if value and isinstance(value[0], list) and all(map(_is_conversation, value)):
        value = value[0]  # LangChain's batch of conversations
    if value and _is_part(value[0]) and all(map(_is_part, value)):
        return list(_message({"role": role, "parts": value}, role))
    return [message for item in value[:MESSAGES_READ] for message in _message(item, role)]


def read_response(value: Any) -> Message | None:
    """Read the one message that answers a request; several parts of an answer become one."""
    messages = read_messages(value, "assistant")
    if not messages:
        return None
    answer = messages[0]
    for more in messages[1:]:
        if more["role"] != "assistant":
            continue
        if more["text"]:
            answer["text"] = f"{answer['text']}\n{more['text']}" if answer["text"] else more["text"]
        for key in ("tool_calls", "parts"):
            if key in more:
                answer[key] = [*answer.get(key, []), *more[key]]
        if "reasoning" in more:
            answer["reasoning"] = answer.get("reasoning", "") + more["reasoning"]
    return answer


def read_tool_calls(value: Any) -> list[dict[str, Any]]:
    """Read a list of calls that a model asked for: ``[{name, args, id}]``."""
    calls = parse_json(value)
    return [_call(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def _is_pair(value: list[Any]) -> bool:
    return len(value) == 2 and isinstance(value[0], str) and value[0] in ROLES


def _is_conversation(value: Any) -> bool:
    return isinstance(value, list) and not _is_pair(value)


def _is_part(item: Any) -> bool:
    return isinstance(item, dict) and "role" not in item and "content" in item and _kind(item) in _TEXTS


def _message(item: Any, role: str) -> Iterator[Message]:
    """Read one message; results of several tools in one message become one each."""
    if isinstance(item, str):
        yield {"role": role, "text": item}
        return
    if isinstance(item, list) and _is_pair(item):
        yield from _message({"role": item[0], "content": item[1]}, role)
        return
    if not isinstance(item, dict):
        return
    if isinstance(item.get("message"), dict) and "role" not in item:
        item = item["message"]
    if item.get("type") == "constructor" and isinstance(item.get("kwargs"), dict):
        kwargs = item["kwargs"]
        path = item.get("id")
        name = path[-1] if isinstance(path, list) and path else None
        is_role = isinstance(name, str) and name in ROLES
        item = {**kwargs, "role": name if is_role else kwargs.get("type") or role}
    elif isinstance(item.get("data"), dict) and "role" not in item:
        item = {**item["data"], "role": item.get("type") or role}
    kind = _kind(item)
    if "role" not in item and kind in _CALLS:
        yield {"role": "assistant", "text": "", "tool_calls": [_call(item)]}
        return
    if "role" not in item and (kind == "function_call_output" or kind in _RESULTS):
        yield _result(item)
        return
    if "role" not in item and kind in _REASONING:
        yield {"role": "assistant", "text": "", "reasoning": _plain(item)}
        return
    speaker = str(item.get("role") or (kind if kind and kind != "message" else role))
    message: Message = {"role": normalize_role(speaker), "text": ""}
    content = item.get("parts", item.get("content", item.get("contents", item.get("text"))))
    results = list(_take_content(message, content))
    calls = item.get("tool_calls", item.get("toolCalls"))
    if isinstance(calls, list) and calls:
        tool_calls = message.setdefault("tool_calls", [])
        listed_ids = {call["id"] for call in tool_calls if call["id"]}
        tool_calls += [
            call
            for call in map(_call, filter(_is_map, calls))
            if not call["id"] or call["id"] not in listed_ids
        ]
    if isinstance(item.get("function_call"), dict):
        message.setdefault("tool_calls", []).append(_call(item["function_call"]))
    call_id = (
        item.get("tool_call_id")
        or item.get("toolCallId")
        or (item.get("id") if message["role"] == "tool" else None)
    )
    if call_id:
        message["tool_call_id"] = str(call_id)
    for key in ("name", "status"):
        if isinstance(item.get(key), str):
            message[key] = item[key]
    if isinstance(item.get("id"), str) and message["role"] != "tool":
        message["id"] = item["id"]
    extra = item.get("additional_kwargs")
    reasoning = item.get("reasoning_content") or (
        extra.get("reasoning_content") if isinstance(extra, dict) else None
    )
    if isinstance(reasoning, str) and reasoning and "reasoning" not in message:
        message["reasoning"] = reasoning
    if not results or message["text"] or "tool_calls" in message or "parts" in message:
        yield message
    yield from results


def _kind(item: dict[str, Any]) -> str:
    """Return what a map says that it is; empty for anything but text."""
    kind = item.get("type")
    return kind if isinstance(kind, str) else ""


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _take_content(message: Message, content: Any) -> Iterator[Message]:
    """Put content into a message; yields the results of tools that are in it, as messages of their own."""
    if isinstance(content, str):
        message["text"] = content
        return
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        if content is not None:
            message["text"] = str(content)
        return
    texts: list[str] = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
            continue
        if not isinstance(part, dict):
            continue
        inner = part.get("message_content")
        part = inner if isinstance(inner, dict) else part
        kind = _kind(part)
        if kind in _REASONING:
            message["reasoning"] = message.get("reasoning", "") + _plain(part)
        elif kind in _CALLS or "functionCall" in part or "function_call" in part:
            call = part.get("functionCall") or part.get("function_call") or part
            message.setdefault("tool_calls", []).append(_call(call if isinstance(call, dict) else part))
        elif kind in _RESULTS or "functionResponse" in part or "function_response" in part:
            yield _result(part.get("functionResponse") or part.get("function_response") or part)
        elif kind in _TEXTS or (not kind and isinstance(part.get("text"), str)):
            texts.append(_plain(part))
        else:
            message.setdefault("parts", []).append(_part(part))
    if texts:
        message["text"] = "\n".join(texts) if len(texts) > 1 else texts[0]


def _plain(part: dict[str, Any]) -> str:
    """Return a part's text, whichever key holds it."""
    for key in ("text", "content", "thinking", "reasoning", "refusal", "summary"):
        value = part.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return "\n".join(_plain(item) if isinstance(item, dict) else str(item) for item in value)
    return ""


def _call(call: dict[str, Any]) -> dict[str, Any]:
    """Return a call of a tool as ``{name, args, id}``."""
    if isinstance(call.get("tool_call"), dict):
        call = call["tool_call"]
    function = call.get("function")
    inner = function if isinstance(function, dict) else call
    arguments: Any = None
    for key in ("arguments", "args", "input"):
        if key in inner:
            arguments = parse_json(inner[key])
            break
    return {
        "name": inner.get("name") or call.get("toolName"),
        "args": arguments,
        "id": call.get("call_id") or call.get("toolCallId") or call.get("id"),
    }


def _result(part: dict[str, Any]) -> Message:
    """Return a tool's answer as a message."""
    value: Any = None
    for key in ("response", "result", "output", "content"):
        if key in part:
            value = part[key]
            break
    if isinstance(value, dict) and value.keys() <= {"type", "value"} and "value" in value:
        value = value["value"]  # the AI SDK's {type: "text" | "json", value}
    message: Message = {"role": "tool", "text": ""}
    if isinstance(value, str):
        message["text"] = value
    elif isinstance(value, list) and all(isinstance(item, dict) and "text" in item for item in value):
        message["text"] = "\n".join(_plain(item) for item in value)
    elif value is not None:
        message["text"] = to_text(value)
    call_id = part.get("id") or part.get("call_id") or part.get("toolCallId") or part.get("tool_use_id")
    if call_id:
        message["tool_call_id"] = str(call_id)
    name = part.get("name") or part.get("toolName")
    if isinstance(name, str):
        message["name"] = name
    if part.get("is_error") or part.get("isError"):
        message["status"] = "error"
    return message


def _part(part: dict[str, Any]) -> dict[str, Any]:
    """Describe what is no text by type, media type, size in bytes and address; never its content."""
    described: dict[str, Any] = {"type": str(part.get("type") or part.get("modality") or "part")}
    inner = part.get("image_url", part.get("image", part.get("file", part.get("source", part))))
    if isinstance(inner, dict) and isinstance(inner.get("image"), dict):
        inner = inner["image"]
    if isinstance(inner, str):
        inner = {"url": inner}
    if not isinstance(inner, dict):
        return described
    for key in ("mime_type", "media_type", "mediaType", "mimeType"):
        if isinstance(inner.get(key), str):
            described["media_type"] = inner[key]
            break
    address = inner.get("url") or inner.get("uri")
    if isinstance(address, str):
        if address.startswith("data:"):
            head, _, data = address.partition(",")
            described.setdefault("media_type", head[5:].partition(";")[0])
            described["size"] = len(data) * 3 // 4
        else:
            described["url"] = address
    for key in ("data", "base64", "content", "file_data"):
        if isinstance(inner.get(key), str | bytes):
            described["size"] = len(inner[key]) * 3 // 4
            break
    return described
