"""Tools that the provider runs itself, as content blocks tell them: web search, code interpreter, MCP ...

Sources: OpenAI Responses output items (``web_search_call`` ...), Anthropic content blocks
(``server_tool_use``, ``web_search_tool_result`` ...), Gemini parts (``executable_code``, grounding metadata),
and langchain-core's ``server_tool_call`` and ``server_tool_result``, which stand for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from etaoi_collector.conventions.blobs import without_data

ServerToolCall = dict[str, Any]
"""``name``; and as far as told ``id``, ``args``, ``result``, ``status``."""

_OWN_CALLS = frozenset(
    {"tool_call", "function_call", "custom_tool_call", "invalid_tool_call", "tool_use", "input_json_delta"}
)
"""Calls that the agent's own process answers; they are told as ``tool_calls``."""

_CALLS = frozenset({"server_tool_use", "mcp_tool_use", "server_tool_call", "server_tool_call_chunk"})
_OPENAI = frozenset({"mcp_list_tools", "mcp_approval_request", "tool_search_output"})
_RESULT_KEYS = ("outputs", "output", "results", "result", "content", "tools", "code_execution_result")
_NAMES = {"executable_code": "code_execution", "code_execution_result": "code_execution"}
_OUTCOMES = {1: "completed", 2: "failed", 3: "deadline exceeded", "OUTCOME_OK": "completed"}
"""How Gemini tells how its code ended."""

_ABOUT_ITSELF = frozenset(
    {
        "type", "id", "call_id", "tool_call_id", "tool_use_id", "status", "index", "name", "server_label",
        "server_name", "error", "input", "args", "arguments", "is_error", "extras", "caller", "outcome",
        "cache_control", "namespace", "phase", *_RESULT_KEYS,
    }
)  # fmt: skip


def is_server_tool(kind: Any) -> bool:
    """Whether a content block of this type tells of a tool that the provider runs."""
    if type(kind) is not str or kind in _OWN_CALLS:
        return False
    return (
        kind in _CALLS
        or kind in _OPENAI
        or kind in _NAMES
        or kind.endswith(("_call", "_call_output", "_tool_result"))
    )


def is_merged_call(block: Mapping[str, Any]) -> bool:
    """Whether a block of text is a server tool's call: langchain-core merges the first one's chunks so."""
    return "args" in block and "name" in block and "id" in block


def read_server_tools(blocks: Iterable[Mapping[str, Any]]) -> list[ServerToolCall]:
    """Read blocks that tell of server-side tools; a result joins the call that it answers."""
    calls: list[ServerToolCall] = []
    by_id: dict[str, ServerToolCall] = {}
    for block in blocks:
        part = _read_block(block)
        existing = by_id.get(part.get("id", ""))
        if existing is None and "id" not in part and "result" in part and calls and "result" not in calls[-1]:
            existing = calls[-1]  # Gemini gives neither an id
        if existing is not None:
            name = existing["name"]
            existing.update(part)
            existing["name"] = name
            continue
        calls.append(part)
        if "id" in part:
            by_id[part["id"]] = part
    return calls


def _read_block(block: Mapping[str, Any]) -> ServerToolCall:
    kind = str(block.get("type"))
    call: ServerToolCall = {"name": _name_of(block, kind)}
    is_output = kind.endswith(("_call_output", "_tool_result", "_tool_search_output"))
    answered = block.get("tool_use_id") or block.get("tool_call_id")
    if is_output or kind.endswith("_output"):
        answered = answered or block.get("call_id")
    if ident := answered or block.get("id") or block.get("call_id"):
        call["id"] = str(ident)
    args = _args_of(block, kind, is_result=answered is not None or kind == "code_execution_result")
    if args not in (None, "", {}):
        call["args"] = without_data(args)
    for key in _RESULT_KEYS:
        if (result := block.get(key)) not in (None, "", [], {}):
            call["result"] = _without_sealed(result)
            break
    if error := block.get("error"):
        call["error"] = error
    status = block.get("status") or _OUTCOMES.get(block.get("outcome"), block.get("outcome"))
    if block.get("is_error") is True or error:
        status = "error"
    if status is not None:
        call["status"] = str(status)
    return call


def _name_of(block: Mapping[str, Any], kind: str) -> str:
    extras = block.get("extras")
    extras = extras if isinstance(extras, Mapping) else {}
    name = extras.get("tool_name") or block.get("name")
    server = next(
        (
            source[key]
            for source in (block, extras)
            for key in ("server_label", "server_name")
            if source.get(key)
        ),
        None,
    )
    if isinstance(name, str) and name:
        return f"{server}.{name}" if server else name
    if kind in _NAMES:
        return _NAMES[kind]
    if kind == "mcp_list_tools":
        return f"{server or 'mcp'}: list tools"
    for ending in ("_call_output", "_call", "_tool_result", "_output"):
        if kind.endswith(ending) and kind not in ("server_tool_call", "server_tool_result"):
            return kind.removesuffix(ending)
    return "server tool"


def _args_of(block: Mapping[str, Any], kind: str, *, is_result: bool) -> Any:
    for key in ("args", "input", "arguments", "action", "partial_json"):
        value = block.get(key)
        if isinstance(value, Mapping) and set(value) == {"partial_json"}:
            value = value["partial_json"]  # langchain-anthropic, streamed
        if value in (None, "", {}):
            continue
        return _parsed(value) if isinstance(value, str) else value
    if is_result:
        return None
    return {key: value for key, value in block.items() if key not in _ABOUT_ITSELF and value is not None}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text[:1] in ("{", "[") else text
    except (ValueError, RecursionError):
        return text


def _without_sealed(result: Any) -> Any:
    if not isinstance(result, str):
        return without_data(result)
    fields = without_data({"result": result})
    return fields.get("result", f"{fields.get('bytes', 0):,} bytes")


def read_grounding(metadata: Any) -> ServerToolCall | None:
    """Read Gemini's grounding metadata: what it searched the web for, and what it found."""
    if not isinstance(metadata, Mapping):
        return None
    queries = metadata.get("web_search_queries") or metadata.get("webSearchQueries")
    chunks = metadata.get("grounding_chunks") or metadata.get("groundingChunks") or ()
    results = [
        chunk.get("web") or chunk.get("retrieved_context") for chunk in chunks if isinstance(chunk, Mapping)
    ]
    results = [
        {key: value for key, value in one.items() if value is not None}
        for one in results
        if isinstance(one, Mapping)
    ]
    if not queries and not results:
        return None
    call: ServerToolCall = {"name": "google_search"}
    if queries:
        call["args"] = {"queries": list(queries)}
    if results:
        call["result"] = results
    return call
