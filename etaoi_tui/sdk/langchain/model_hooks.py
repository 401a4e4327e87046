"""What a middleware hook was given and what it made of it: identified in the agent's thread, compared on
the sender's.

A snapshot holds references, see `message_snapshots`. Everything below `RequestSnapshot` runs on the sender's
thread.

How the exact request of every step can be had again from the recording:

- ``before`` is complete: the system message in full, tools by name, model and parameters, cache breakpoints,
  and every message in order, as ``{role, preview, len, id?, key}``.
- ``after`` holds only the sections that the hook changed, each complete; a section that is None is gone.
- The body of a message is found by its ``key`` (a digest of all that the message says): in ``diff``, as
  ``message`` of ``messages_added``, ``messages_removed`` and ``messages_changed``, for those a hook
  touched, and in ``input_messages`` of the model call inside for those that reached the model.
- A tool that says something else than before under the same name is in ``diff``, in ``tools_changed``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etaoi_tui.sdk.langchain.cache_breakpoints import cache_breakpoints
from etaoi_tui.sdk.langchain.message_snapshots import (
    MessageSnapshot,
    copy_content,
    diff_messages,
    identify,
    same_content,
)
from etaoi_tui.sdk.langchain.tools import describe_tool, tool_name

_MODEL_PARAMETERS = (
    "temperature", "max_tokens", "max_output_tokens", "top_p", "top_k", "stop", "stop_sequences", "seed",
    "reasoning", "reasoning_effort", "effort", "thinking", "service_tier", "verbosity",
)  # fmt: skip


class RequestSnapshot:
    """A ``ModelRequest`` at one moment."""

    __slots__ = ("choice", "format", "messages", "model", "settings", "system", "system_content", "tools")

    def __init__(self, request: Any) -> None:
        self.messages = MessageSnapshot(getattr(request, "messages", None))
        self.system = getattr(request, "system_message", None)
        self.system_content = copy_content(getattr(self.system, "content", None))
        self.tools = [
            tool.copy() if type(tool) is dict else tool for tool in getattr(request, "tools", None) or ()
        ]
        self.model = getattr(request, "model", None)
        self.choice = getattr(request, "tool_choice", None)
        self.settings = dict(getattr(request, "model_settings", None) or {})
        self.format = getattr(request, "response_format", None)

    def same(self, other: RequestSnapshot) -> bool:
        """Whether both are the same request in every part."""
        return (
            self.messages.same(other.messages)
            and same_content(self.system_content, other.system_content)
            and len(self.tools) == len(other.tools)
            and all(map(_same_tool, self.tools, other.tools))
            and self.model is other.model
            and self.choice is other.choice
            and self.format is other.format
            and self.settings.keys() == other.settings.keys()
            and all(value is other.settings[name] for name, value in self.settings.items())
        )


def describe_request(snapshot: RequestSnapshot) -> dict[str, Any]:
    """Return a request's complete snapshot."""
    described: dict[str, Any] = {"messages": identify(snapshot.messages)}
    if snapshot.system is not None:
        described["system"] = describe_system(snapshot.system_content)
    described["tools"] = [tool_name(tool) for tool in snapshot.tools]
    if snapshot.model is not None:
        described["model"] = describe_model(snapshot.model)
        if parameters := _parameters_of(snapshot.model):
            described["model_parameters"] = parameters
    if snapshot.choice is not None:
        described["tool_choice"] = (
            snapshot.choice if isinstance(snapshot.choice, (str, dict)) else str(snapshot.choice)
        )
    if snapshot.settings:
        described["model_settings"] = snapshot.settings
    if snapshot.format is not None:
        described["response_format"] = (
            getattr(snapshot.format, "__name__", None) or type(snapshot.format).__name__
        )
    described["cache_breakpoints"] = cache_breakpoints(
        snapshot.system_content, snapshot.messages.contents, snapshot.tools, snapshot.settings
    )
    return described


def describe_change(before: RequestSnapshot, after: RequestSnapshot) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (changed sections as they are now, how they differ); both empty when nothing changed."""
    if before.same(after):
        return {}, {}
    old, new = describe_request(before), describe_request(after)
    sections = {key: value for key, value in new.items() if old.get(key) != value}
    for key in old:
        if key not in new:
            sections[key] = None
    diff: dict[str, Any] = {}
    if "system" in sections:
        diff.update(_diff_system(old.get("system") or {}, new.get("system") or {}))
    diff.update(diff_messages(before.messages, after.messages))
    if "tools" in sections:
        if added := [name for name in new["tools"] if name not in old["tools"]]:
            diff["tools_added"] = added
        if removed := [name for name in old["tools"] if name not in new["tools"]]:
            diff["tools_removed"] = removed
        if not added and not removed:
            diff["tools_reordered"] = True
    if changed := _changed_tools(before.tools, after.tools):
        diff["tools_changed"] = changed
    for key in ("model", "model_parameters", "tool_choice", "model_settings", "response_format"):
        if key in sections:
            diff[f"{key}_changed"] = {"before": old.get(key), "after": new.get(key)}
    return sections, diff


def snapshot_response(response: Any) -> MessageSnapshot:
    """Keep the messages of a model response as they are: of a ``ModelResponse`` in any wrapping, or one."""
    return MessageSnapshot(_result_messages(getattr(response, "model_response", response)), calls=True)


def describe_response(
    response: Any, returned: MessageSnapshot, received: MessageSnapshot | None
) -> dict[str, Any]:
    """Return a model response's snapshot.

    Args:
        response: what the hook returned: a ``ModelResponse``, an extended one with a command, or a message.
        returned: its messages.
        received: those that the handler had returned to it; what differs from them comes with its body.
    """
    inner = getattr(response, "model_response", response)
    snapshot: dict[str, Any] = {}
    if returned.messages:
        entries = identify(returned)
        received_keys = {entry["key"] for entry in identify(received)} if received is not None else set()
        snapshot["messages"] = [
            entry if entry["key"] in received_keys else {**entry, "message": returned.describe(index)}
            for index, entry in enumerate(entries)
        ]
        snapshot["changed"] = received is not None and (
            len(received.messages) != len(entries)
            or any(entry["key"] not in received_keys for entry in entries)
        )
    if (structured := getattr(inner, "structured_response", None)) is not None:
        snapshot["structured_response"] = type(structured).__name__
    command = getattr(response, "command", None)
    if command is not None:
        if isinstance(update := getattr(command, "update", None), dict):
            snapshot["command_update_keys"] = sorted(map(str, update))
        if goto := getattr(command, "goto", None):
            snapshot["command_goto"] = str(goto)
    return snapshot


def describe_system(content: Any) -> dict[str, Any]:
    """Return a system message's ``text``, and ``blocks`` [{type, text, cache_control}] if it has such."""
    if isinstance(content, str):
        return {"text": content}
    if not isinstance(content, (list, tuple)):
        return {} if content is None else {"text": str(content)}
    blocks = []
    for block in content:
        if isinstance(block, dict):
            blocks.append({name: block.get(name) for name in ("type", "text", "cache_control")})
        else:
            blocks.append({"type": "text", "text": str(block), "cache_control": None})
    return {"text": _joined(blocks), "blocks": blocks}


def describe_model(model: Any) -> dict[str, str]:
    """Return ``{name, provider}`` of a model."""
    fields = getattr(model, "__dict__", {})
    bound = fields.get("bound")
    if bound is not None:
        return describe_model(bound)
    name = fields.get("model_name") or fields.get("model") or type(model).__name__
    provider = fields.get("provider") or getattr(model, "_llm_type", "")
    return {"name": str(name), "provider": str(provider)}


def _parameters_of(model: Any) -> dict[str, Any]:
    """Return what a model object sets for its calls, what is bound to it included."""
    fields = getattr(model, "__dict__", {})
    bound = fields.get("bound")
    if bound is not None:
        kwargs = fields.get("kwargs") or {}
        return _parameters_of(bound) | {name: value for name, value in kwargs.items() if name != "tools"}
    return {name: fields[name] for name in _MODEL_PARAMETERS if fields.get(name) is not None}


def _changed_tools(before: list[Any], after: list[Any]) -> list[dict[str, Any]]:
    """Return the tools of the same name that say something else: ``{name, before, after}``."""
    tools_before = {tool_name(tool): tool for tool in before}
    changed = []
    for tool in after:
        name = tool_name(tool)
        was = tools_before.get(name)
        if was is None or was is tool or _says_the_same(was, tool):
            continue
        old, new = describe_tool(was), describe_tool(tool)
        if old != new:
            changed.append({"name": name, "before": old, "after": new})
    return changed


def _says_the_same(one: Any, other: Any) -> bool:
    """Whether two tool objects are surely alike: making their schemas to compare them is dear."""
    schema, description = getattr(one, "args_schema", None), getattr(one, "description", None)
    return (
        schema is not None
        and schema is getattr(other, "args_schema", None)
        and description == getattr(other, "description", None)
    )


def _same_tool(one: Any, other: Any) -> bool:
    return one is other or (type(one) is dict and type(other) is dict and same_content([one], [other]))


def _diff_system(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    diff: dict[str, Any] = {}
    was, now = _blocks_of(old), _blocks_of(new)
    added = [block for block in now if block not in was]
    removed = [block for block in was if block not in now]
    if added or removed:
        diff["system_added"], diff["system_removed"] = added, removed
    old_text, new_text = _joined(was), _joined(now)
    if old_text != new_text:
        diff["system_text_changed"] = True
        diff["system_text_delta"] = {"before_len": len(old_text), "after_len": len(new_text)}
    return diff


def _blocks_of(system: dict[str, Any]) -> list[dict[str, Any]]:
    if "blocks" in system:
        return list(system["blocks"])
    text = system.get("text")
    return [] if text is None else [{"type": "text", "text": text, "cache_control": None}]


def _joined(blocks: Sequence[dict[str, Any]]) -> str:
    return "".join(block["text"] for block in blocks if isinstance(block.get("text"), str))


def _result_messages(response: Any) -> list[Any]:
    result = getattr(response, "result", None)
    if result is None:
        return [response] if hasattr(response, "content") else []
    return list(result) if isinstance(result, (list, tuple)) else [result]
