"""What a ``wrap_tool_call`` hook was given, sent down and returned."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot, identify
from etaoi_tui.sdk.langchain.messages import describe_message
from etaoi_tui.sdk.langchain.tools import tool_name
from etaoi_tui.sdk.serialize import snapshot


class ToolCallSnapshot:
    """A ``ToolCallRequest`` at one moment."""

    __slots__ = ("call", "tool")

    def __init__(self, request: Any) -> None:
        call = request.tool_call
        self.call: dict[str, Any] = {
            "name": call.get("name"),
            "args": snapshot(call.get("args")),
            "id": call.get("id"),
        }
        tool = getattr(request, "tool", None)
        self.tool = tool_name(tool) if tool is not None else None

    def describe(self) -> dict[str, Any]:
        """Return ``{tool_call: {name, args, id}, tool?}``."""
        return {"tool_call": self.call, **({"tool": self.tool} if self.tool else {})}


def describe_tool_change(before: ToolCallSnapshot, after: ToolCallSnapshot, attempt: int) -> dict[str, Any]:
    """Return ``after`` (empty when nothing changed) and ``diff``: arguments by name, name, tool."""
    diff: dict[str, Any] = {}
    old, new = before.call, after.call
    if old["args"] != new["args"]:
        was, now = (args if isinstance(args, dict) else {"args": args} for args in (old["args"], new["args"]))
        diff["args_changed"] = {
            key: {"before": was.get(key), "after": now.get(key)}
            for key in [*was, *(key for key in now if key not in was)]
            if key not in was or key not in now or was[key] != now[key]
        }
    for key in ("name", "id"):
        if old[key] != new[key]:
            diff[f"{key}_changed"] = {"before": old[key], "after": new[key]}
    if before.tool != after.tool:
        diff["tool_changed"] = {"before": before.tool, "after": after.tool}
    change = {"after": after.describe() if diff else {}, "diff": diff}
    return {keys.PROBE_PHASE: "pre_handler", "attempt": attempt, **change}


def describe_tool_response(response: Any, changed: bool, calls: int) -> dict[str, Any]:
    """Return what the hook gave back: a tool's message, or the keys of a command.

    Args:
        response: what the hook returned.
        changed: whether it is another one than the last call of its handler had returned.
        calls: how often it called its handler.
    """
    description: dict[str, Any] = {"changed": changed}
    if hasattr(response, "content"):
        description["messages"] = [
            {**identify(MessageSnapshot([response]))[0], "message": describe_message(response)}
        ]
    else:
        description["type"] = type(response).__name__
        if isinstance(update := getattr(response, "update", None), dict):
            description["command_update_keys"] = sorted(map(str, update))
        if goto := getattr(response, "goto", None):
            description["command_goto"] = str(goto)
    return {"response": description, **({"handler_calls": calls} if calls != 1 else {})}
