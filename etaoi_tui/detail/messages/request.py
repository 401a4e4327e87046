"""A model request as far as a recording knows it, whatever it was read from.

Sources: the start of a model call (what was sent), the snapshots of middleware probes, the state that a
graph node was given. What a source does not tell is None, which is another thing than empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from etaoi_collector.conventions import keys
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.messages.cache_breakpoints import Breakpoint, read_breakpoints, read_system_blocks
from etaoi_tui.detail.messages.chat import Message, read_message
from etaoi_tui.detail.span_data import Map, as_list, as_map, as_text

PREVIEW = 120
"""Characters of a message that digests show."""


_CUT = re.compile(r"… \[truncated (\d+) chars(?: of (\d+))?\]$")
"""How SDKs mark a text that was too long to send: ours tells its length, the etaoi SDK what is missing."""

_BLOCK_CUT = re.compile(r"… \[\+(\d+)\]$")
"""How the etaoi SDK's probes mark a block of a system prompt that is longer than `_BLOCK` characters."""
_BLOCK = 2_000


@dataclass(slots=True)
class ToolSpec:
    """A tool that a request offers to the model."""

    name: str
    description: str | None = None
    schema: Any = None
    """JSON schema of its arguments; None where the recording has only the name."""


@dataclass(slots=True)
class Request:
    """What a model was, or would have been, asked."""

    messages: list[Message] | None = None
    """Without the system prompt."""
    system: str | None = None
    """None where the source does not tell; empty where there is no system prompt."""
    system_cut: int = 0
    """Characters of the system prompt that are not known: all behind `system`."""
    breakpoints: list[Breakpoint] | None = None
    """Where the provider may cache a prefix."""
    tools: list[ToolSpec] | None = None
    model: str | None = None
    parameters: Map | None = None
    source: Literal["sent", "snapshot", "state"] = "sent"
    """Where it was read: parameters of different sources have different names and are not compared."""
    unread: list[Any] = field(default_factory=list)
    """Messages of no known shape."""

    @property
    def digests(self) -> int:
        """Messages of which only the beginning is known."""
        return sum(message.cut for message in self.messages or ())

    @property
    def system_length(self) -> int:
        """Characters of the system prompt, also where only its beginning is known."""
        return len(self.system or "") + self.system_cut

    @property
    def characters(self) -> int:
        """Characters of everything that is told, tools left out."""
        return self.system_length + sum(map(length, self.messages or ()))


Bodies = Mapping[str, Message]
"""Whole messages by their key."""


def length(message: Message) -> int:
    """Return the characters of a message's text, also where only its beginning is known."""
    return message.full_length if message.full_length is not None else len(message.text)


def read_sent(payload: Map, metadata: Map, schemas: Mapping[str, list[Any]] | None = None) -> Request:
    """Read what a model call was sent from the payload of its start.

    Args:
        payload: The payload.
        metadata: The span's metadata, for the model and its parameters.
        schemas: Tool schemas by ``tools_hash``: a producer may send each set once.
    """
    request = Request()
    if isinstance(payload.get(keys.INPUT_MESSAGES), list):
        _take_messages(request, payload[keys.INPUT_MESSAGES])
        # A system prompt counts as one only at the front; later ones are messages.
        lead = 0
        for message in request.messages or ():
            if message.role != "system":
                break
            lead += 1
        front = (request.messages or [])[:lead]
        request.system = "\n".join(m.text for m in front)
        request.system_cut = sum(length(m) - len(m.text) for m in front)
        request.messages = (request.messages or [])[lead:]
        if "cache_breakpoints" in payload:
            request.breakpoints = read_breakpoints(payload["cache_breakpoints"], lead)
    elif isinstance(payload.get(keys.PROMPTS), list):
        request.messages = [Message("user", as_text(prompt)) for prompt in payload[keys.PROMPTS]]
    request.model = as_text(metadata.get(keys.LS_MODEL_NAME)) or None
    if keys.TOOL_SCHEMAS in payload:
        request.tools = read_tools(payload[keys.TOOL_SCHEMAS])
    elif keys.TOOLS in payload:
        tool_schemas = (schemas or {}).get(as_text(payload.get("tools_hash")))
        request.tools = read_tools(tool_schemas if tool_schemas else payload[keys.TOOLS])
    invocation = as_map(payload.get(keys.INVOCATION_PARAMS))
    model_settings = {
        name.removeprefix("ls_"): value
        for name, value in metadata.items()
        if name in ("ls_temperature", "ls_max_tokens", "ls_stop") and value not in (None, "")
    }
    if invocation or model_settings:
        request.parameters = {**model_settings, **invocation}
    return request


DecodedMessages = dict[tuple[Any, ...], list[Message]]
"""Lists of messages that were read before, by their keys and ids: hooks mostly pass on what they got."""


def read_snapshot(snapshot: Map, bodies: Bodies, read_before: DecodedMessages | None = None) -> Request:
    """Read a probe's snapshot of a request or of a state.

    Args:
        snapshot: ``{system?, messages, tools?, model?, model_parameters?, tool_choice?, model_settings?,
            response_format?, cache_breakpoints?}``. Without the last one it is a snapshot of the etaoi SDK,
            which tells neither parameters nor markers in messages and tools.
        bodies: Whole messages by key, for snapshots that identify messages by one.
        read_before: Lists that were read with these bodies; the new ones are added.
    """
    request = Request(source="snapshot")
    if isinstance(snapshot.get("messages"), list):
        name = _name_of(snapshot["messages"]) if read_before is not None else None
        if read_before is not None and name is not None and name in read_before:
            request.messages = read_before[name]
        else:
            _take_messages(request, snapshot["messages"], bodies)
            if read_before is not None and name is not None and not request.unread:
                read_before[name] = request.messages or []
    if "tools" in snapshot or "model" in snapshot or "system" in snapshot:
        system = as_map(snapshot.get("system"))
        blocks = as_list(system.get("blocks"))
        if system.get("text") is not None:
            request.system = as_text(system["text"])
        else:
            request.system, request.system_cut = _joined(blocks)
        request.breakpoints = (
            read_breakpoints(snapshot["cache_breakpoints"])
            if "cache_breakpoints" in snapshot
            else read_system_blocks(blocks)
        )
    if "tools" in snapshot:
        request.tools = read_tools(snapshot.get("tools"))
    model = as_map(snapshot.get("model"))
    if model:
        request.model = as_text(model.get("name")) or None
    parameters = {
        name: snapshot[name] for name in ("tool_choice", "response_format") if snapshot.get(name) is not None
    }
    parameters = (
        as_map(snapshot.get("model_parameters")) | as_map(snapshot.get("model_settings")) | parameters
    )
    if parameters or "cache_breakpoints" in snapshot:
        request.parameters = parameters
    return request


def _joined(blocks: list[Any]) -> tuple[str, int]:
    """Return the text of a system prompt's blocks as far as it is known, and how much is missing."""
    text_so_far, missing = "", 0
    for block in blocks:
        text = as_text(as_map(block).get("text"))
        cut = _BLOCK_CUT.search(text, _BLOCK) if len(text) > _BLOCK else None
        if missing:
            missing += _BLOCK + int(cut[1]) if cut is not None else len(text)
        elif cut is not None:
            text_so_far += text[: cut.start()]
            missing = int(cut[1])
        else:
            text_so_far += text
    return text_so_far, missing


def take_tool_changes(diff: Map, before: Request | None, after: Request | None) -> None:
    """Put what a probe tells of tools that changed under their name into the requests before and after it."""
    for change in map(as_map, as_list(diff.get("tools_changed"))):
        for request, side in ((before, "before"), (after, "after")):
            specs = read_tools([change.get(side)]) if change.get(side) else []
            if request is not None and request.tools is not None and specs:
                request.tools = [specs[0] if t.name == specs[0].name else t for t in request.tools]


def read_state(text: Any) -> tuple[Request | None, str]:
    """Read the messages of a graph node's recorded input; also says what is wrong with the recording.

    Returns:
        The request with messages only, and a remark for people (empty when all is well). None if there are
        no messages in it.
    """
    value = text
    remark = ""
    if isinstance(text, str):
        parsed = parse_json(text)
        if parsed.cut or not parsed.ok:
            return None, "the recorded state was cut by its sender" if parsed.cut else parsed.note
        value, remark = parsed.value, parsed.note
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list):
        return None, remark
    request = Request(source="state")
    _take_messages(request, messages)
    return request, remark


def read_tools(value: Any) -> list[ToolSpec]:
    """Read tools in any of their shapes: names, ``{name, description, args_schema}``, OpenAI's."""
    tools = []
    for item in as_list(value):
        if isinstance(item, str):
            tools.append(ToolSpec(item))
            continue
        tool = as_map(item)
        tool = as_map(tool.get("function")) or tool
        schema = tool.get("args_schema", tool.get("parameters", tool.get("input_schema")))
        if isinstance(schema, str):
            parsed = parse_json(schema)
            schema = parsed.value if parsed.ok else schema
        description = tool.get("description")
        tools.append(
            ToolSpec(
                as_text(tool.get("name") or item),
                None if description is None else as_text(description),
                schema,
            )
        )
    return tools


def bodies_in(diff: Map, bodies: dict[str, Message]) -> None:
    """Collect the whole messages that a probe's diff carries, by their keys."""
    entries = [*as_list(diff.get("messages_added")), *as_list(diff.get("messages_removed"))]
    for pair in as_list(diff.get("messages_changed")):
        entries += [as_map(pair).get("before"), as_map(pair).get("after")]
    for entry in entries:
        key = as_text(as_map(entry).get("key"))
        message = read_message(as_map(entry).get("message"))
        if key and message is not None:
            message.key = key
            bodies.setdefault(key, message)


def _name_of(items: list[Any]) -> tuple[Any, ...] | None:
    """Return what tells a list of keyed messages from others; None if one of them has no key."""
    identity = []
    for item in items:
        key, message_id = (item.get("key"), item.get("id")) if isinstance(item, dict) else (None, None)
        if not isinstance(key, str) or not isinstance(message_id, str | None):
            return None
        identity.append((key, message_id))
    return tuple(identity)


def _take_messages(request: Request, items: list[Any], bodies: Bodies | None = None) -> None:
    request.messages = []
    for item in items:
        body = bodies.get(as_text(item.get("key"))) if bodies and isinstance(item, dict) else None
        if body is not None:
            request.messages.append(_with_id(body, as_text(item.get("id"))))
            continue
        message = read_message(item)
        if message is None:
            request.unread.append(item)
        else:
            cut = _CUT.search(message.text, max(0, len(message.text) - 64))
            if cut is not None:
                full_length = int(cut[2]) if cut[2] else cut.start() + int(cut[1])
                message.text, message.full_length = message.text[: cut.start()], full_length
            request.messages.append(message)


def _with_id(body: Message, message_id: str) -> Message:
    """Return a whole message under the id that a snapshot gives it: the key leaves ids out."""
    if not message_id or message_id == body.message_id:
        return body
    return replace(body, message_id=message_id)
