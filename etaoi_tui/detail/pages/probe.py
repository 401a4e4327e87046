"""Middleware probes: what one hook added to, removed from or changed in a request.

Probes of the etaoi SDK carry digests: a message's role, its first 120 characters and its length. What lies
beyond is not known, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etaoi_collector.conventions import keys as payload_keys
from etaoi_collector.store.model import SpanFlag
from etaoi_tui.detail.compare.diff_sections import diff_sections
from etaoi_tui.detail.document.model import Block, Json, KeyValues, Section, StyledText, Tab, Text
from etaoi_tui.detail.messages.chat import Message, chat_sections, note, read_message
from etaoi_tui.detail.middleware.locate import call_of_orphan, is_orphan
from etaoi_tui.detail.middleware.probe_step import probe_step
from etaoi_tui.detail.middleware.request_step import Step
from etaoi_tui.detail.span_data import Map, SpanData, as_list, as_map, as_text
from etaoi_tui.view import format as fmt

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


def applies(data: SpanData) -> bool:
    """Whether the span is a middleware probe."""
    return bool(data.span.flags & SpanFlag.PROBE)


def tabs(data: SpanData) -> list[Tab]:
    """Return what changed, and what was before and after."""
    return [
        Tab("changes", "Changes", lambda: _changes(data)),
        Tab("request", "Before/After", lambda: _both(data)),
    ]


def hook_snapshot(start: Map, later: Sequence[Map]) -> Map:
    """Return a hook's snapshot in one map: ``before``, ``after``, ``diff``, ``response``.

    The etaoi SDK says all of it in the start. This project's SDK says it as it happens: what the hook was
    given in the start, what it sent down in a delta, what it returned in the end. Its ``after`` holds the
    changed sections only (None where one is gone), and the bodies of the messages that a hook touched lie
    in its ``diff``.

    Args:
        start: the start's payload.
        later: the payloads of its deltas and of its end, in order.
    """
    snapshot = dict(start)
    for payload in later:
        snapshot |= {key: payload[key] for key in ("after", "diff", "response") if key in payload}
    if payload_keys.AFTER in start or payload_keys.BEFORE not in start:
        return snapshot
    before_fields = as_map(snapshot["before"])
    after = {
        key: value
        for key, value in (before_fields | as_map(snapshot.get("after"))).items()
        if value is not None
    }
    diff = as_map(snapshot.get("diff"))
    bodies: dict[str, Any] = {}
    pairs = [as_map(pair) for pair in as_list(diff.get("messages_changed"))]
    entries = [as_map(pair.get(side)) for pair in pairs for side in ("before", "after")]
    for name in ("messages_added", "messages_removed"):
        entries += [as_map(entry) for entry in as_list(diff.get(name))]
    for entry in entries:
        if isinstance(entry.get("message"), dict):
            bodies[as_text(entry.get("key"))] = entry["message"]
    snapshot["before"], snapshot["after"] = _with_bodies(before_fields, bodies), _with_bodies(after, bodies)
    return snapshot


def _with_bodies(state: Map, bodies: Map) -> Map:
    if not bodies or "messages" not in state:
        return state
    messages = as_list(state["messages"])
    return state | {"messages": [bodies.get(as_text(as_map(m).get("key")), m) for m in messages]}


def _snapshot_of(data: SpanData) -> Map:
    return hook_snapshot(data.start_payload, [*data.delta_payloads, data.end_payload])


def _changes(data: SpanData) -> list[Section]:
    step = probe_step(data)
    sections = [_hook(data, step)]
    changed = diff_sections(step.diff, "step", sides=data.options.sides) if step.diff is not None else []
    if not changed:
        wraps = "wrap" in as_text(data.metadata.get(payload_keys.LC_PROBE))
        what = "request" if wraps else "state it was given"
        text = "What it changed is not known."
        if step.diff is not None:
            text = f"It changed nothing in the {what}" + (" that was recorded." if step.partial else ".")
        changed = [Section("nothing", "No change", [Text(text, "muted")], style="muted")]
    payload = data.start_payload if payload_keys.RESPONSE in data.start_payload else data.end_payload
    return [*sections, *changed, *_returned(payload)]


def _hook(data: SpanData, step: Step) -> Section:
    metadata = data.metadata
    hook = as_text(metadata.get(payload_keys.LC_PROBE))
    label = as_text(metadata.get(payload_keys.PROBE_LABEL)) or data.span.name
    rows: list[tuple[str, str | Sequence[StyledText]]] = [("hook", [(label, "tag")])]
    if hook in _HOOKS:
        rows.append(("when", _HOOKS[hook]))
    if step.own_seconds is not None:
        rough = "≈" if step.own_is_rough else ""
        rows.append(("own time", f"{rough}{fmt.duration(step.own_seconds)}, without what ran inside it"))
    if step.attempts > 1:
        rows.append(("attempts", f"{step.attempts}; shown is the last"))
    if "wrap" in hook and data.span.started_at == data.span.ended_at:
        down = metadata.get(payload_keys.PROBE_PHASE) == "pre_handler"
        what = "what it passed on to the next" if down else "the request as it left it, and the response"
        rows.append(("shows", what))
    blocks: list[Block] = [KeyValues(rows), *(note(text) for text in step.notes)]
    if is_orphan(data):
        call, why = call_of_orphan(data)
        what = "of the call" if call is not None else "not placed"
        blocks.append(note(f"it lost its parent; {what}: {why}"))
        return Section(
            "hook", "Middleware", blocks, glyph="▤", target=call.span_id if call is not None else ""
        )
    return Section("hook", "Middleware", blocks, glyph="▤")


def _read(state: Map) -> list[Message]:
    items = [as_map(item).get("message") or item for item in as_list(state.get("messages"))]
    return [m for m in map(read_message, items) if m is not None]


def _names(state: Map) -> list[str]:
    return [as_text(as_map(tool).get("name") or tool) for tool in as_list(state.get("tools"))]


def _model_line(model: Map) -> str:
    return ", ".join(f"{name} {as_text(value)}" for name, value in model.items())


def _returned(payload: Map) -> list[Section]:
    if payload_keys.RESPONSE not in payload:
        return []
    response = payload[payload_keys.RESPONSE]
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
    shown_apart = ("messages", "keys", "changed")
    extra = {k: v for k, v in response.items() if k not in shown_apart and v not in (None, [], {})}
    keys = [as_text(key) for key in as_list(response.get("keys"))]
    if keys:
        blocks.append(KeyValues([("writes to the state", ", ".join(keys))]))
    if extra:
        blocks.append(Json(extra))
    title = "Returned" if keys else "Response"
    head = Section("returned", title, blocks, fmt.count(len(messages), "message"), glyph="←", style="role.ai")
    return [head, *chat_sections(messages, "returned.m", level=1)]


def _both(data: SpanData) -> list[Section]:
    sections = []
    snapshot = _snapshot_of(data)
    for key, title in (("before", "Before"), ("after", "After")):
        state = as_map(snapshot.get(key))
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
