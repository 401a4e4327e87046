"""What a middleware hook was given and what it made of it: identified in the agent's thread, compared on
the sender's.

A shot holds references: the lists as they were, each message and its content at that moment. Taking one of
a request with 200 messages costs a few microseconds. Everything below `RequestShot` and `StateShot` runs on
the sender's thread.

How the exact request of every step can be had again from the recording:

- ``before`` is complete: the system message in full, tools, model, and every message in order, as ``{role,
  preview, len, id?, key}``.
- ``after`` holds only the sections that the hook changed, each complete; a section that is None is gone.
- The body of a message is found by its ``key`` (a digest of all that the message says): in ``diff``, as
  ``message`` of ``messages_added``, ``messages_removed`` and ``messages_changed``, for those a hook
  touched, and in ``input_messages`` of the model call inside for those that reached the model.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Sequence
from typing import Any

import msgspec

from etaoi_tui.sdk.langchain.messages import describe_message
from etaoi_tui.sdk.langchain.tools import tool_name

PREVIEW = 120
"""Characters of a message that its identification shows."""


class MessagesShot:
    """Messages in order, each with the content it had."""

    __slots__ = ("contents", "messages")

    def __init__(self, messages: Any) -> None:
        self.messages: list[Any] = list(messages) if isinstance(messages, (list, tuple)) else []
        self.contents = [
            fields.get("content") if (fields := getattr(message, "__dict__", None)) is not None else None
            for message in self.messages
        ]

    def same(self, other: MessagesShot) -> bool:
        """Whether both hold the very same messages with the very same content."""
        return (
            len(self.messages) == len(other.messages)
            and all(map(_is, self.messages, other.messages))
            and all(map(_is, self.contents, other.contents))
        )


class RequestShot:
    """A ``ModelRequest`` at one moment."""

    __slots__ = ("choice", "format", "messages", "model", "settings", "system", "system_content", "tools")

    def __init__(self, request: Any) -> None:
        self.messages = MessagesShot(getattr(request, "messages", None))
        self.system = getattr(request, "system_message", None)
        self.system_content = getattr(self.system, "content", None)
        self.tools = list(getattr(request, "tools", None) or ())
        self.model = getattr(request, "model", None)
        self.choice = getattr(request, "tool_choice", None)
        self.settings = dict(getattr(request, "model_settings", None) or {})
        self.format = getattr(request, "response_format", None)

    def same(self, other: RequestShot) -> bool:
        """Whether both are the same request in every part."""
        return (
            self.messages.same(other.messages)
            and self.system_content is other.system_content
            and len(self.tools) == len(other.tools)
            and all(map(_is, self.tools, other.tools))
            and self.model is other.model
            and self.choice is other.choice
            and self.format is other.format
            and self.settings.keys() == other.settings.keys()
            and all(value is other.settings[name] for name, value in self.settings.items())
        )


class StateShot:
    """An agent's state at one moment."""

    __slots__ = ("keys", "messages")

    def __init__(self, state: Any) -> None:
        is_map = isinstance(state, dict)
        self.keys = list(state) if is_map else sorted(getattr(state, "__dict__", ()))
        self.messages = MessagesShot(state.get("messages") if is_map else getattr(state, "messages", None))

    def with_update(self, update: Any) -> StateShot:
        """Return the state as LangGraph's message reducer makes it from a hook's update."""
        after = StateShot({})
        after.keys = list(self.keys)
        merged = list(self.messages.messages)
        if isinstance(update, dict):
            after.keys.extend(key for key in update if key not in self.keys)
            new = update.get("messages")
            for message in new if isinstance(new, (list, tuple)) else () if new is None else (new,):
                _reduce(merged, message)
        after.messages = MessagesShot(merged)
        return after


def describe_request(shot: RequestShot) -> dict[str, Any]:
    """Return a request's complete snapshot."""
    told: dict[str, Any] = {"messages": identify(shot.messages)}
    if shot.system is not None:
        told["system"] = describe_system(shot.system_content)
    told["tools"] = [tool_name(tool) for tool in shot.tools]
    if shot.model is not None:
        told["model"] = describe_model(shot.model)
    if shot.choice is not None:
        told["tool_choice"] = shot.choice if isinstance(shot.choice, (str, dict)) else str(shot.choice)
    if shot.settings:
        told["model_settings"] = shot.settings
    if shot.format is not None:
        told["response_format"] = getattr(shot.format, "__name__", None) or type(shot.format).__name__
    return told


def describe_change(before: RequestShot, after: RequestShot) -> tuple[dict[str, Any], dict[str, Any]]:
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
    for key in ("model", "tool_choice", "model_settings", "response_format"):
        if key in sections:
            diff[f"{key}_changed"] = {"before": old.get(key), "after": new.get(key)}
    return sections, diff


def describe_state_shot(shot: StateShot) -> dict[str, Any]:
    """Return a state's snapshot: its keys, and its messages identified."""
    return {"keys": sorted(map(str, shot.keys)), "messages": identify(shot.messages)}


def describe_update(update: Any) -> dict[str, Any]:
    """Return what a state hook gave back."""
    if update is None:
        return {"none": True}
    if not isinstance(update, dict):
        return {"type": type(update).__name__}
    told: dict[str, Any] = {"keys": sorted(map(str, update))}
    messages = update.get("messages")
    if messages is not None:
        told["messages"] = identify(
            MessagesShot(messages if isinstance(messages, (list, tuple)) else [messages])
        )
    if (jump := update.get("jump_to")) is not None:
        told["jump_to"] = str(jump)
    return told


def describe_response(response: Any, given: Any) -> dict[str, Any]:
    """Return a model response's snapshot.

    Args:
        response: what the hook returned: a ``ModelResponse``, an extended one with a command, or a message.
        given: what the handler had returned to it; messages that are not from there come with their body.
    """
    inner = getattr(response, "model_response", response)
    told: dict[str, Any] = {}
    messages = _result_messages(inner)
    if messages:
        known = {id(message) for message in _result_messages(getattr(given, "model_response", given))}
        told["messages"] = [
            entry if id(message) in known else {**entry, "message": describe_message(message)}
            for entry, message in zip(identify(MessagesShot(messages)), messages, strict=True)
        ]
        told["changed"] = given is not None and any(id(message) not in known for message in messages)
    if (structured := getattr(inner, "structured_response", None)) is not None:
        told["structured_response"] = type(structured).__name__
    command = getattr(response, "command", None)
    if command is not None:
        if isinstance(update := getattr(command, "update", None), dict):
            told["command_update_keys"] = sorted(map(str, update))
        if goto := getattr(command, "goto", None):
            told["command_goto"] = str(goto)
    return told


def diff_messages(before: MessagesShot, after: MessagesShot) -> dict[str, Any]:
    """Say which messages came, went, or were replaced under their id; each with its body."""
    if before.same(after):
        return {}
    old, new = identify(before), identify(after)
    old_keys, new_keys = {entry["key"] for entry in old}, {entry["key"] for entry in new}
    gone = {index: entry for index, entry in enumerate(old) if entry["key"] not in new_keys}
    come = {index: entry for index, entry in enumerate(new) if entry["key"] not in old_keys}
    diff: dict[str, Any] = {}
    if len(old) != len(new):
        diff["messages_count_delta"] = len(new) - len(old)
    gone_by_id = {entry["id"]: index for index, entry in gone.items() if entry.get("id")}
    changed = []
    for index in list(come):
        was = gone_by_id.get(come[index].get("id"))
        if was is None:
            continue
        changed.append(
            {
                "index": index,
                "id": come[index]["id"],
                "before": {**gone.pop(was), "message": describe_message(before.messages[was])},
                "after": {**come.pop(index), "message": describe_message(after.messages[index])},
            }
        )
    if changed:
        diff["messages_changed"] = changed
    if come:
        diff["messages_added"] = [
            {**entry, "index": index, "message": describe_message(after.messages[index])}
            for index, entry in come.items()
        ]
    if gone:
        diff["messages_removed"] = [
            {**entry, "index": index, "message": describe_message(before.messages[index])}
            for index, entry in gone.items()
        ]
    if not (changed or come or gone) and [e["key"] for e in old] != [e["key"] for e in new]:
        diff["messages_reordered"] = True
    return diff


_known: dict[int, tuple[weakref.ref[Any], Any, dict[str, Any]]] = {}
_MOST_KNOWN = 8192


def identify(shot: MessagesShot) -> list[dict[str, Any]]:
    """Return messages as ``{role, preview, len, key, id?, tool_calls?}``; a message is looked at once."""
    found = []
    for message, content in zip(shot.messages, shot.contents, strict=True):
        known = _known.get(id(message))
        if known is not None and known[0]() is message and known[1] is content:
            found.append(known[2])
            continue
        entry = _identify(message)
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        try:
            _known[id(message)] = (weakref.ref(message), content, entry)
        except TypeError:  # a map, which has no weak references
            pass
        found.append(entry)
    return found


def message_key(described: dict[str, Any]) -> str:
    """Return the digest of all that a described message says, its id left out: 16 hex characters."""
    body = {name: value for name, value in described.items() if name != "id"}
    try:
        encoded = msgspec.json.encode(body, enc_hook=_stand_in, order="sorted")
    except (TypeError, ValueError, OverflowError, RecursionError):
        encoded = repr(sorted(body)).encode() + str(body.get("text")).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


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


def _identify(message: Any) -> dict[str, Any]:
    described = describe_message(message)
    text = described["text"]
    entry: dict[str, Any] = {"role": described["role"], "preview": text[:PREVIEW], "len": len(text)}
    if calls := described.get("tool_calls"):
        entry["tool_calls"] = [{"name": call["name"]} for call in calls]
    if (message_id := described.get("id")) is not None:
        entry["id"] = str(message_id)
    entry["key"] = message_key(described)
    return entry


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


def _reduce(merged: list[Any], message: Any) -> None:
    """Apply one message of an update as LangGraph's ``add_messages`` does."""
    fields = getattr(message, "__dict__", {})
    message_id = fields.get("id")
    removes = fields.get("type") == "remove"
    if removes and message_id == "__remove_all__":
        merged.clear()
        return
    for index, other in enumerate(merged):
        if message_id is not None and getattr(other, "__dict__", {}).get("id") == message_id:
            if removes:
                del merged[index]
            else:
                merged[index] = message
            return
    if not removes:
        merged.append(message)


def _is(one: Any, other: Any) -> bool:
    return one is other


def _stand_in(value: Any) -> str:
    return f"<{type(value).__name__}>"
