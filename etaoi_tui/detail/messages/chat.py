"""Reads messages in all the shapes that agents send, and shows them as a chat.

Shapes: the etaoi SDK's ``{role, text, tool_calls}``; LangChain's serialised messages ``{type, content,
...}`` and ``{type, data}``; OpenAI's ``{role, content}``; ``[role, text]`` pairs; digests of probes
``{role, preview, len}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.blobs import LONG, data_of, decoded_size, is_data
from etaoi_collector.conventions.roles import ROLES, normalize_role
from etaoi_collector.conventions.server_tools import ServerToolCall, is_server_tool, read_server_tools
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.document.model import Block, Json, JsonText, Section, StyledLine, StyledText, Text
from etaoi_tui.detail.document.text_reading import text_block
from etaoi_tui.detail.span_data import as_count, as_list, as_map, as_text
from etaoi_tui.view import format as fmt

TOOL_TARGET, MESSAGE_TARGET = "tool:", "message:"
"""How sections name the run of a tool and the call that wrote a message, which are looked for when asked."""

ROLE_STYLES = {"user": "role.user", "assistant": "role.ai", "system": "role.system", "tool": "role.tool"}
ROLE_GLYPHS = {"user": "◉", "assistant": "✦", "system": "▪", "tool": "⚒"}
OTHER_ROLE = ("○", "role.other")

OPEN_CHARACTERS = 4_000
"""Messages are open at first while they are together no longer than this; else the newest are."""

NEWEST_OPEN = 3
GROUPED = 5
GROUPED_ABOVE_ANSWER = 3
"""So many older messages fold into one line; above an answer, which is what a reader came for, fewer."""
LONG_SYSTEM_PROMPT = 800
LONG_QUESTION = 1_500
"""Characters up to which the newest message of a request stands open above the answer."""


@dataclass(slots=True)
class ToolCall:
    """A call that a model asked for."""

    name: str
    arguments: Any
    call_id: str = ""
    offered: bool = True
    """Whether a tool of this name was offered to the model, as far as that is known."""


@dataclass(slots=True)
class Message:
    """One message, whatever shape it came in."""

    role: str
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    server_calls: list[ServerToolCall] = field(default_factory=list)
    """Tools that the provider ran itself."""
    others: list[tuple[str, Any]] = field(default_factory=list)
    """Parts that are no text: what they are, and their value if it is worth showing."""
    name: str = ""
    message_id: str = ""
    call_id: str = ""
    failed: bool = False
    artifact: Any = None
    full_length: int | None = None
    """Characters of the whole text, where only its beginning is known."""
    digest: bool = False
    """Read from a digest: of its text only the beginning may be known, of its tool calls only the names."""
    key: str = ""
    """Digest of all that it says, its id left out, where its producer made one."""
    unbroken: str | None = None
    """Its text without the line feeds that join its parts here, if there are several: so digests have it."""

    @property
    def cut(self) -> bool:
        """Whether only the beginning of its text is known."""
        return self.full_length is not None and self.full_length > len(self.text)

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two messages the same one."""
        return (self.message_id,) if self.message_id else self.content

    @property
    def content(self) -> tuple[str, ...]:
        """What it says, for messages that carry no id."""
        return (self.role, self.text, self.call_id, *(f"{c.name}{c.call_id}" for c in self.calls))


def read_messages(value: Any) -> list[Message] | None:
    """Read a list of messages; None if it holds anything that is none."""
    if not isinstance(value, list):
        return None
    messages = []
    for item in value:
        message = read_message(item)
        if message is None:
            return None
        messages.append(message)
    return messages


def read_message(value: Any) -> Message | None:
    """Read one message; None if it has none of the known shapes."""
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and isinstance(value[0], str) and value[0] in ROLES:
            return _with_content(Message(ROLES[value[0]]), value[1])
        return None
    if not isinstance(value, dict):
        return None
    role = value.get("role") or value.get("type")
    if isinstance(role, str) and isinstance(value.get("data"), dict) and not value.keys() - {"type", "data"}:
        value = {**value["data"], "type": role}
    if not isinstance(role, str) or not value.keys() & {"text", "content", "preview"}:
        return None
    message = Message(normalize_role(role))
    message.refusal = as_text(value.get(keys.REFUSAL))
    message.server_calls = [
        call
        for call in as_list(value.get(keys.SERVER_TOOL_CALLS))
        if isinstance(call, dict) and "name" in call
    ]
    message.name = as_text(value.get("name"))
    message.message_id = as_text(value.get("id"))
    message.call_id = as_text(value.get("tool_call_id"))
    message.failed = value.get("status") == "error"
    message.artifact = value.get("artifact")
    message.key = as_text(value.get("key"))
    if "preview" in value:
        message.digest = True
        message.text = as_text(value["preview"])
        message.full_length = as_count(value.get("len"))
    else:
        _with_content(message, value["text"] if "text" in value else value.get("content"))
    kwargs = as_map(value.get("additional_kwargs"))
    for source in (value, kwargs):
        for name in ("reasoning_content", "reasoning"):
            if isinstance(source.get(name), str) and not message.reasoning:
                message.reasoning = source[name]
    message.refusal = message.refusal or as_text(kwargs.get(keys.REFUSAL))
    call_ids = {call.call_id for call in message.calls if call.call_id}
    for call in as_list(value.get("tool_calls")) or as_list(kwargs.get("tool_calls")):
        read = _read_call(call)
        if read is not None and (not read.call_id or read.call_id not in call_ids):
            message.calls.append(read)
    message.others += [(describe_sized_part(as_map(part)), None) for part in as_list(value.get("parts"))]
    for call in as_list(value.get("invalid_tool_calls")):
        message.others.append(("a tool call that could not be parsed", call))
    return message


def _read_call(value: Any) -> ToolCall | None:
    if not isinstance(value, dict):
        return None
    function = as_map(value.get("function"))
    name = value.get("name") or function.get("name")
    arguments = value.get("args", value.get("arguments", function.get("arguments")))
    return ToolCall(as_text(name) or "(unnamed)", arguments, as_text(value.get("id")))


def _with_content(message: Message, content: Any) -> Message:
    if not isinstance(content, list):
        message.text = as_text(content)
        return message
    texts = []
    server_tools = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
            continue
        if as_map(part).get("type") == "non_standard" and isinstance(part.get("value"), dict):
            part = part["value"]
        kind = as_text(as_map(part).get("type"))
        if kind in ("text", "input_text", "output_text"):
            texts.append(as_text(part.get("text")))
        elif kind in ("reasoning", "thinking"):
            message.reasoning += as_text(part.get("reasoning") or part.get("thinking") or part.get("summary"))
        elif kind in ("tool_use", "tool_call"):
            arguments = part.get("input", part.get("args"))
            message.calls.append(ToolCall(as_text(part.get("name")), arguments, as_text(part.get("id"))))
        elif kind == keys.REFUSAL:
            message.refusal += as_text(part.get(keys.REFUSAL))
        elif kind == "function_call" or kind == "input_json_delta":
            continue  # stands among the tool calls, too
        elif is_server_tool(kind):
            server_tools.append(part)
        else:
            message.others.append(_describe_part(kind, part))
    message.server_calls += read_server_tools(server_tools)
    message.text = "\n".join(texts)
    if len(texts) > 1:
        message.unbroken = "".join(texts)
    return message


def describe_sized_part(part: dict[str, Any]) -> str:
    """Say what a part is that was sent without its data: ``image/png, 1.2 MB``."""
    size = as_count(part.get("bytes"))
    transcript = as_text(part.get("transcript"))
    words = [as_text(part.get("mime_type") or part.get("type")) or "a part of unknown type"]
    words += [as_text(part.get(name)) for name in ("name", "url") if part.get(name)]
    words_and_size = ", ".join([*words, fmt.size(size)] if size is not None else words)
    return f"{words_and_size}: {transcript}" if transcript else words_and_size


def _describe_part(kind: str, part: Any) -> tuple[str, Any]:
    """Say what a part is; its value only if it is no blob."""
    size, mime = _blob(part)
    if size is not None:
        return f"{mime or kind or 'data'}, {fmt.size(size)}", None
    return kind or "a part of unknown type", part


def _blob(part: Any) -> tuple[int | None, str]:
    """Return the size in bytes of the data in a content part, and its media type; None if it holds none."""
    values = as_map(part)
    mime = ""
    for name in ("", "source", "image_url", "file", "input_audio", "inline_data"):
        holder = as_map(values.get(name)) if name else values
        mime = mime or as_text(holder.get("media_type") or holder.get("mime_type"))
        size = as_count(holder.get("bytes"))
        if size is not None:
            return size, mime
        for key, value in holder.items():
            if not isinstance(value, str):
                continue
            if value.startswith("data:"):
                size, media_type = data_of(value)
                return size, media_type or mime
            if key in ("data", "base64") or (len(value) > LONG and is_data(key, value)):
                return decoded_size(value), mime
    return None, ""


_OPEN_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*\\?', re.DOTALL)


def unquoted(value: Any) -> Any:
    """Return what is meant by JSON text that is one string: that string, with its line breaks."""
    if not isinstance(value, str) or not value.startswith('"'):
        return value
    parsed = parse_json(value)
    if not parsed.ok or not isinstance(parsed.value, str):
        return value
    if not parsed.cut:
        return parsed.value
    # Words that only begin with something in quotes are no JSON that breaks off.
    at = value.rfind("… [truncated")
    return parsed.value + value[at:] if at >= 0 and _OPEN_STRING.fullmatch(value, 0, at) else value


_BEGINS_JSON = re.compile(r"""\s*(?:\{|\[\s*(?:["\[{\]\d-]|true\b|false\b|null\b))""")
"""How JSON begins that is an object or a list; ``[INFO]`` and a link of Markdown are none."""


def value_block(value: Any, file_name: str = "") -> Block:
    """Return the block that shows a value best: JSON, a diff, Markdown, code, or text where it is none.

    Args:
        value: A value, or text as it came.
        file_name: Name of the file whose content it may be.
    """
    value = unquoted(value)
    if isinstance(value, str):
        return JsonText(value) if _BEGINS_JSON.match(value) else text_block(value, file_name)
    return Json(value)


def message_blocks(message: Message, file_name: str = "") -> list[Block]:
    """Return what a message says, without its reasoning.

    Args:
        message: The message.
        file_name: Name of the file that a tool was asked for whose answer it is.
    """
    blocks: list[Block] = []
    for server_call in message.server_calls:
        blocks += server_call_blocks(server_call)
    if message.text:
        if message.role == "tool":
            blocks.append(value_block(message.text, file_name))
        else:
            blocks.append(Text(message.text, prose=True))
    if message.refusal:
        blocks.append(StyledLine([("⊘ refused", "warning")]))
        blocks.append(Text(message.refusal, prose=True))
    if message.cut:
        missing = (message.full_length or 0) - len(message.text)
        blocks.append(note(f"{fmt.count(missing, 'more character')} not recorded"))
    for what, value in message.others:
        blocks.append(note(what))
        if value is not None:
            blocks.append(Json(value))
    for call in message.calls:
        blocks += call_blocks(call)
    if message.artifact is not None:
        blocks += [StyledLine([("artifact", "key")]), value_block(message.artifact)]
    if not blocks:
        blocks.append(StyledLine([("(empty)", "muted")]))
    return blocks


def call_blocks(call: ToolCall) -> list[Block]:
    """Return a tool call with its arguments."""
    head: list[StyledText] = [("⚒ ", "role.tool"), (call.name, "role.tool")]
    if call.call_id:
        head.append((f"  {call.call_id}", "muted"))
    if not call.offered:
        head.append(("  ✗ no such tool was offered", "error"))
    blocks: list[Block] = [StyledLine(head)]
    if call.arguments not in (None, "", {}):
        blocks.append(value_block(call.arguments))
    return blocks


def server_call_blocks(call: ServerToolCall) -> list[Block]:
    """Return what the provider ran itself, with its arguments and its result."""
    head: list[StyledText] = [("⚒ ", "role.tool"), (as_text(call["name"]), "role.tool")]
    head.append(("  run by the provider", "muted"))
    status = as_text(call.get("status"))
    failed = status in ("error", "failed") or bool(call.get("error"))
    if status and status not in ("completed", "success"):
        head.append((f"  {status}", "error" if failed else "warning"))
    blocks: list[Block] = [StyledLine(head)]
    if call.get("args") not in (None, "", {}):
        blocks.append(_code_block(call["args"]))
    for name, style in (("result", "muted"), ("error", "error")):
        if call.get(name) not in (None, "", [], {}):
            blocks += [StyledLine([(f"  ↳ {name}", style)]), _code_block(call[name])]
    return blocks


_CODE_KEYS = frozenset({"code", "executable_code", "logs", "stdout", "output"})
_BESIDE_CODE = frozenset({"type", "container_id", "language", "stderr", "return_code", "content"})


def _code_block(value: Any) -> Block:
    """Return code, or what it printed, as it is; anything else as JSON."""
    entry = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(entry, dict):
        texts = [text for key, text in entry.items() if key in _CODE_KEYS and isinstance(text, str)]
        rest = [item for key, item in entry.items() if key not in _CODE_KEYS and key not in _BESIDE_CODE]
        if len(texts) == 1 and texts[0] and not rest and not entry.get("stderr"):
            return Text(texts[0].rstrip("\n"))
    return value_block(value)


def note(text: str) -> StyledLine:
    """Return a line of our own about something that is not there."""
    return StyledLine([(f"‹{text}›", "note")])


def chat_sections(
    messages: Sequence[Message],
    prefix: str,
    *,
    level: int = 0,
    names: Mapping[str, str] | None = None,
    answered: bool = False,
) -> list[Section]:
    """Return messages as sections, older ones closed when there is much.

    Args:
        messages: In order.
        prefix: Begins the keys of the sections.
        level: Indentation of the sections.
        names: Tool names by call id, for results that do not name their tool.
        answered: What they asked for stands below them, and is what a reader came for: only what was asked
            last is open, unless it is so long that the answer would be out of sight.
    """
    names_by_id = dict(names or {})
    total = sum(len(message.text) for message in messages)
    sections: list[Section] = []
    first = 1 if messages and messages[0].role == "system" else 0
    if answered:
        newest = _newest_message(messages)
        is_short = sum(len(message.text) for message in messages[newest:]) <= LONG_QUESTION
        short, grouped = False, GROUPED_ABOVE_ANSWER
    else:
        newest = len(messages) - NEWEST_OPEN
        is_short, short, grouped = True, total <= OPEN_CHARACTERS, GROUPED
    group = f"{prefix}.earlier" if not short and newest - first >= grouped else ""
    for n, message in enumerate(messages):
        for call in message.calls:
            if call.call_id:
                names_by_id[call.call_id] = call.name
        if group and n == first:
            title = f"{newest - first:,} earlier messages"
            size = sum(len(m.text) for m in messages[first:newest])
            summary = fmt.count(size, "char")
            sections.append(
                Section(
                    group, title, [], summary, open=False, glyph="⋯", style="muted", level=level, group=True
                )
            )
        inside = group if first <= n < newest else ""
        is_open = short or (is_short and n >= newest)
        if message.role == "system" and len(message.text) > LONG_SYSTEM_PROMPT:
            is_open = False
        message_parts = message_sections(
            message, f"{prefix}{n}", is_open=is_open, level=level, names=names_by_id
        )
        sections += (
            [replace(section, inside=inside) for section in message_parts] if inside else message_parts
        )
    return sections


def _newest_message(messages: Sequence[Message]) -> int:
    """Return the place of the newest message; of the first of them where tools answered together."""
    at = len(messages) - 1
    while at > 0 and messages[at].role == "tool" and messages[at - 1].role == "tool":
        at -= 1
    return max(at, 0)


def message_sections(
    message: Message,
    key: str,
    *,
    is_open: bool = True,
    level: int = 0,
    names: Mapping[str, str] | None = None,
    title: str = "",
    summary: str = "",
) -> list[Section]:
    """Return a message as a section, and its reasoning as a closed one before it."""
    style = ROLE_STYLES.get(message.role, OTHER_ROLE[1])
    glyph = ROLE_GLYPHS.get(message.role, OTHER_ROLE[0])
    name = message.name or (names or {}).get(message.call_id, "")
    full_title = title or (f"{message.role} {name}" if name and message.role == "tool" else message.role)
    if message.failed:
        full_title += "  ✗ error"
        style = "error"
    sections = []
    if message.reasoning:
        sections.append(reasoning_section(message.reasoning, f"{key}.reasoning", level))
    length = message.full_length if message.full_length is not None else len(message.text)
    called = [*(as_text(call["name"]) for call in message.server_calls), *(c.name for c in message.calls)]
    preview = message.text or message.refusal or "  ".join(f"⚒ {name}" for name in called)
    sections.append(
        Section(
            key=f"{key}.{message.role}",
            title=full_title,
            blocks=message_blocks(message),
            summary=summary or (fmt.count(length, "char") if length else ""),
            preview=preview[:400],
            open=is_open,
            glyph=glyph,
            style=style,
            bar=True,
            level=level,
            target=origin_of(message),
        )
    )
    return sections


def origin_of(message: Message) -> str:
    """Name what a message came from, for `message_provenance`; empty if nothing tells."""
    if message.role == "tool" and message.call_id:
        return TOOL_TARGET + message.call_id
    if message.role == "assistant" and message.message_id:
        return MESSAGE_TARGET + message.message_id
    return ""


def reasoning_section(text: str, key: str, level: int = 0) -> Section:
    """Return a model's reasoning, closed."""
    return Section(
        key=key,
        title="reasoning",
        blocks=[Text(text, style="muted", prose=True)],
        summary=fmt.count(len(text), "char"),
        preview=text[:400],
        open=False,
        glyph="∴",
        style="muted",
        bar=True,
        level=level,
    )
