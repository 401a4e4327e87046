"""Middleware probes: what one hook added to, removed from or changed in a request.

Probes of the etaoi SDK carry digests: a message's role, its first 120 characters and its length. What lies
beyond is not known, and that is said.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from etaoi_collector.model import Mark
from etaoi_tui.detail.chat import Message, chat_sections, note, read_message
from etaoi_tui.detail.document import Block, Diff, Json, KeyValues, Run, Section, Tab, Text
from etaoi_tui.detail.evidence import Evidence, Map, as_list, as_map, as_text
from etaoi_tui.view import format as fmt

CONTEXT_LINES = 3
_DIFFED_LINES = 5_000

_HOOKS = {
    "wrap_model_call": "wraps the model call",
    "awrap_model_call": "wraps the model call (async)",
    "wrap_tool_call": "wraps a tool call",
    "awrap_tool_call": "wraps a tool call (async)",
    "before_model": "runs before the model",
    "after_model": "runs after the model",
    "before_agent": "runs before the agent",
    "after_agent": "runs after the agent",
}


def applies(evidence: Evidence) -> bool:
    """Whether the span is a middleware probe."""
    return bool(evidence.span.marks & Mark.PROBE)


def tabs(evidence: Evidence) -> list[Tab]:
    """Return what changed, and what was before and after."""
    return [
        Tab("changes", "Changes", lambda: _changes(evidence)),
        Tab("request", "Before/After", lambda: _both(evidence)),
    ]


def told_by(begun: Map, later: Sequence[Map]) -> Map:
    """Return a hook's snapshot in one map: ``before``, ``after``, ``diff``, ``response``.

    The etaoi SDK says all of it in the start. This project's SDK says it as it happens: what the hook was
    given in the start, what it sent down in a delta, what it returned in the end. Its ``after`` holds the
    changed sections only (None where one is gone), and the bodies of the messages that a hook touched lie
    in its ``diff``.

    Args:
        begun: the start's payload.
        later: the payloads of its deltas and of its end, in order.
    """
    told = dict(begun)
    for payload in later:
        told |= {key: payload[key] for key in ("after", "diff", "response") if key in payload}
    if "after" in begun or "before" not in begun:
        return told
    before = as_map(told["before"])
    after = {key: value for key, value in (before | as_map(told.get("after"))).items() if value is not None}
    diff = as_map(told.get("diff"))
    bodies: dict[str, Any] = {}
    pairs = [as_map(pair) for pair in as_list(diff.get("messages_changed"))]
    touched = [as_map(pair.get(side)) for pair in pairs for side in ("before", "after")]
    for name in ("messages_added", "messages_removed"):
        touched += [as_map(entry) for entry in as_list(diff.get(name))]
    for entry in touched:
        if isinstance(entry.get("message"), dict):
            bodies[as_text(entry.get("key"))] = entry["message"]
    told["before"], told["after"] = _with_bodies(before, bodies), _with_bodies(after, bodies)
    return told


def _with_bodies(state: Map, bodies: Map) -> Map:
    if not bodies or "messages" not in state:
        return state
    messages = as_list(state["messages"])
    return state | {"messages": [bodies.get(as_text(as_map(m).get("key")), m) for m in messages]}


def _all_told(evidence: Evidence) -> Map:
    return told_by(evidence.begun, [*evidence.delta_payloads, evidence.ended])


def _changes(evidence: Evidence) -> list[Section]:
    begun = _all_told(evidence)
    before, after = as_map(begun.get("before")), as_map(begun.get("after"))
    sections = [_hook(evidence)]
    changed = [
        *_system(before, after),
        *_messages(before, after),
        *_tools(before, after),
        *_model(before, after),
    ]
    if not changed:
        text = (
            "It changed nothing in the request."
            if "tools" in before or "model" in before
            else ("It changed nothing in the state it was given.")
        )
        changed = [Section("nothing", "No change", [Text(text, "muted")], style="muted")]
    return [*sections, *changed, *_returned(begun)]


def _hook(evidence: Evidence) -> Section:
    metadata = evidence.metadata
    hook = as_text(metadata.get("lc_probe"))
    label = as_text(metadata.get("probe_label")) or evidence.span.name
    rows: list[tuple[str, str | Sequence[Run]]] = [("hook", [(label, "tag")])]
    if hook in _HOOKS:
        rows.append(("when", _HOOKS[hook]))
    if "wrap" in hook:
        down = metadata.get("probe_phase") == "pre_handler"
        told = "what it passed on to the next" if down else "the request as it left it, and the response"
        rows.append(("shows", told))
    return Section("hook", "Middleware", [KeyValues(rows)], glyph="▤")


def _system(before: Map, after: Map) -> list[Section]:
    old, new = as_map(before.get("system")), as_map(after.get("system"))
    old_text, new_text = as_text(old.get("text")), as_text(new.get("text"))
    marks = _cache_marks(old), _cache_marks(new)
    if old_text == new_text and marks[0] == marks[1]:
        return []
    blocks: list[Block] = []
    if old_text != new_text:
        blocks.append(Diff(diff_lines(old_text, new_text)))
    if marks[0] != marks[1]:
        blocks.append(Diff([*(("-", m) for m in marks[0]), *(("+", m) for m in marks[1])]))
    delta = len(new_text) - len(old_text)
    summary = f"{len(old_text):,} → {len(new_text):,} chars ({delta:+,})"
    return [Section("system", "System prompt", blocks, summary, glyph="▪", style="role.system")]


def _cache_marks(system: Map) -> list[str]:
    return [
        f"cache breakpoint after block {n}: {as_text(block['cache_control'])}"
        for n, block in enumerate(as_list(system.get("blocks")), 1)
        if isinstance(block, dict) and block.get("cache_control")
    ]


def diff_lines(old: str, new: str) -> list[tuple[str, str]]:
    """Return a line diff; lines far from any change are only counted."""
    before, after = old.split("\n") if old else [], new.split("\n") if new else []
    if len(before) + len(after) > _DIFFED_LINES:
        return [*(("-", line) for line in before), *(("+", line) for line in after)]
    found: list[tuple[str, str]] = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    groups = list(matcher.get_opcodes())
    for n, (what, i1, i2, j1, j2) in enumerate(groups):
        if what != "equal":
            found += [("-", line) for line in before[i1:i2]]
            found += [("+", line) for line in after[j1:j2]]
            continue
        head = 0 if n == 0 else CONTEXT_LINES
        tail = 0 if n == len(groups) - 1 else CONTEXT_LINES
        if i2 - i1 <= head + tail + 1:
            found += [(" ", line) for line in before[i1:i2]]
            continue
        found += [(" ", line) for line in before[i1 : i1 + head]]
        found.append(("@", f"{i2 - i1 - head - tail:,} lines the same"))
        found += [(" ", line) for line in before[i2 - tail : i2]] if tail else []
    return found


def _messages(before: Map, after: Map) -> list[Section]:
    old, new = _read(before), _read(after)
    keys_old, keys_new = [m.identity for m in old], [m.identity for m in new]
    lines: list[tuple[str, str]] = []
    added = removed = 0
    edited = False
    known = {m.identity: m for m in old}
    matcher = difflib.SequenceMatcher(None, keys_old, keys_new, autojunk=False)
    for what, i1, i2, j1, j2 in matcher.get_opcodes():
        if what == "equal":
            same = 0
            for was, now in zip(old[i1:i2], new[j1:j2], strict=True):
                if _digest(was) == _digest(now):
                    same += 1
                    continue
                edited = True
                lines += [("-", _digest(known[was.identity])), ("+", _digest(now))]
            if same:
                lines.append(("@", f"{fmt.count(same, 'message')} the same"))
            continue
        lines += [("-", _digest(message)) for message in old[i1:i2]]
        lines += [("+", _digest(message)) for message in new[j1:j2]]
        added += j2 - j1
        removed += i2 - i1
    if not added and not removed and not edited:
        return []
    blocks: list[Block] = [Diff(lines)]
    if any(message.cut for message in (*old, *new)):
        blocks.append(note("of each message only the beginning was recorded"))
    summary = f"{len(old)} → {len(new)}   +{added} −{removed}"
    return [Section("messages", "Messages", blocks, summary, glyph="◉", style="role.user")]


def _read(state: Map) -> list[Message]:
    return [m for m in (read_message(item) for item in as_list(state.get("messages"))) if m is not None]


def _digest(message: Message) -> str:
    text = " ".join(message.text.split())
    calls = "".join(f" ⚒ {call.name}" for call in message.calls)
    rest = f" … ({message.full_length:,} chars)" if message.cut else ""
    return f"{message.role}: {text}{rest}{calls}"


def _tools(before: Map, after: Map) -> list[Section]:
    old, new = _names(before), _names(after)
    if old == new:
        return []
    lines = [("-", name) for name in old if name not in new] + [
        ("+", name) for name in new if name not in old
    ]
    kept = sum(name in new for name in old)
    lines = lines or [("@", "the same tools in another order")]
    if kept:
        lines.append(("@", f"{fmt.count(kept, 'tool')} the same"))
    return [
        Section("tools", "Tools", [Diff(lines)], f"{len(old)} → {len(new)}", glyph="⚒", style="role.tool")
    ]


def _names(state: Map) -> list[str]:
    return [as_text(as_map(tool).get("name") or tool) for tool in as_list(state.get("tools"))]


def _model(before: Map, after: Map) -> list[Section]:
    old, new = as_map(before.get("model")), as_map(after.get("model"))
    if old == new:
        return []
    lines = [("-", _model_line(old))] * bool(old) + [("+", _model_line(new))] * bool(new)
    return [Section("model", "Model", [Diff(lines)], glyph="✦", style="role.ai")]


def _model_line(model: Map) -> str:
    return ", ".join(f"{name} {as_text(value)}" for name, value in model.items())


def _returned(begun: Map) -> list[Section]:
    if "response" not in begun:
        return []
    response = begun["response"]
    if not isinstance(response, dict):
        return [Section("returned", "Response", [Json(response)])]
    if response.get("none"):
        return [
            Section(
                "returned", "Returned", [Text("Nothing: the state stays as it is.", "muted")], style="muted"
            )
        ]
    messages = _read(response)
    blocks: list[Block] = []
    extra = {k: v for k, v in response.items() if k not in ("messages", "keys") and v not in (None, [], {})}
    keys = [as_text(key) for key in as_list(response.get("keys"))]
    if keys:
        blocks.append(KeyValues([("writes to the state", ", ".join(keys))]))
    if extra:
        blocks.append(Json(extra))
    title = "Returned" if keys else "Response"
    head = Section("returned", title, blocks, fmt.count(len(messages), "message"), glyph="←", style="role.ai")
    return [head, *chat_sections(messages, "returned.m", level=1)]


def _both(evidence: Evidence) -> list[Section]:
    sections = []
    told = _all_told(evidence)
    for key, title in (("before", "Before"), ("after", "After")):
        state = as_map(told.get(key))
        if state:
            sections += _state_sections(key, title, state)
    return sections


def _state_sections(key: str, title: str, state: Map) -> list[Section]:
    messages = _read(state)
    rows: list[tuple[str, Any]] = []
    if state.get("model"):
        rows.append(("model", _model_line(as_map(state["model"]))))
    if "tools" in state:
        rows.append(("tools", ", ".join(_names(state)) or "(none)"))
    if state.get("keys"):
        rows.append(("state keys", ", ".join(as_text(k) for k in as_list(state["keys"]))))
    blocks: list[Block] = [KeyValues(rows)] if rows else []
    sections = [Section(key, title, blocks, fmt.count(len(messages), "message"))]
    system = as_text(as_map(state.get("system")).get("text"))
    if system:
        messages = [Message("system", system), *messages]
    return [*sections, *chat_sections(messages, f"{key}.m", level=1)]
