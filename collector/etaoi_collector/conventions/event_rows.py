"""What happened beside model and tool calls, as rows: one shape for bridges, `event()` and readers.

An event is a ``middleware`` span of zero length inside the span that it happened in. Its metadata names it
(`EVENT`) and may say that it is a `WARNING`; its start's payload has what is known of it under ``inputs``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

EVENT = "event"
"""Metadata of a start: the event's name; its presence makes the span an event."""

SEVERITY = "etaoi_tui.severity"
"""Metadata of a start: `WARNING`, or absent."""

WARNING = "warning"
"""What the jump to the next error stops at, too, and what is no failure of its span."""

SAID_BY = "etaoi_tui.said_by"
"""Metadata of an event's start: `USER` where its ``text`` is what a person said to the agent."""

SAID_TO = "etaoi_tui.said_to"
"""Metadata of a model call's end: `USER` where its answer went to a person."""

USER = "user"

NOISE = {"lc_chain_kind": "internal"}
"""Metadata of a start that folds away with a framework's inner steps."""

LONGEST = 300
_LONGEST_VALUE = 80
_MOST_KEYS = 8


def event_in_words(name: str, data: Any) -> str:
    """Put what is known of an event into one line: ``60% · draft done``, ``budget: too expensive``."""
    if isinstance(data, Mapping):
        special = _WORDS.get(name)
        words = special(data) if special is not None else ""
        text = words or _pairs(data)
    else:
        text = _value(data)
    return " ".join(text.split())[:LONGEST]


def _pairs(data: Mapping[str, Any]) -> str:
    pairs = [(key, _value(value)) for key, value in list(data.items())[:_MOST_KEYS]]
    return " ".join(f"{key}={value}" for key, value in pairs if value)


def _value(value: Any) -> str:
    if value is None or value == "" or value == [] or value == {}:
        return ""
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)[:_LONGEST_VALUE]
    except (TypeError, ValueError, RecursionError):
        return str(value)[:_LONGEST_VALUE]


def _text(data: Mapping[str, Any], *keys: str) -> str:
    return next((_value(data[key]) for key in keys if _value(data.get(key))), "")


def _joined(data: Mapping[str, Any], *keys: str, between: str = ": ") -> str:
    return between.join(filter(None, (_value(data.get(key)) for key in keys)))


def _progress(data: Mapping[str, Any]) -> str:
    progress = data.get("progress")
    words = f"{progress:.0%}" if isinstance(progress, int | float) and not isinstance(progress, bool) else ""
    criteria = data.get("criteria_status")
    criteria_text = _pairs(criteria) if isinstance(criteria, Mapping) else _value(criteria)
    return " · ".join(filter(None, (words, criteria_text)))


def _state(data: Mapping[str, Any]) -> str:
    key = _value(data.get("key"))
    if not key:
        return ""
    old, new = _value(data.get("old_value"))[:_LONGEST_VALUE], _value(data.get("new_value"))[:_LONGEST_VALUE]
    return f"{key}: {old} → {new}" if old else f"{key} = {new or 'nothing'}"


def _retry(data: Mapping[str, Any]) -> str:
    count, most = data.get("retry_count", data.get("attempt")), data.get("max_retries")
    of = f"{count}/{most}" if count is not None and most is not None else _value(count)
    return " · ".join(filter(None, (of, _text(data, "error", "reason"))))


def _task(data: Mapping[str, Any]) -> str:
    task = data.get("task")
    if isinstance(task, Mapping):
        return _text(task, "title", "subject", "name", "description", "id")
    return _joined(data, "task_id", "after", "fields")


def _questions(data: Mapping[str, Any]) -> str:
    questions = data.get("questions")
    if isinstance(questions, list):
        prompts = [
            _value(one.get("prompt")) if isinstance(one, Mapping) else _value(one) for one in questions
        ]
        return " · ".join(filter(None, prompts))
    return _text(data, "prompt", "park_reason")


def _edge(data: Mapping[str, Any]) -> str:
    return _joined(data, "source_node", "target_node", between=" → ")


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "goal_progress": _progress,
    "goal_achieved": _progress,
    "state_changed": _state,
    "state_conflict": _state,
    "constraint_violation": lambda data: _joined(data, "constraint_id", "description"),
    "judge_verdict": lambda data: _joined(data, "action", "feedback"),
    "node_retry": _retry,
    "retry": _retry,
    "edge_traversed": _edge,
    "task_created": _task,
    "task_updated": _task,
    "task_deleted": _task,
    "node_stalled": lambda data: _text(data, "reason"),
    "node_tool_doom_loop": lambda data: _text(data, "description"),
    "node_internal_output": lambda data: _text(data, "content"),
    "escalation_requested": lambda data: _joined(data, "reason", "context"),
    "client_input_requested": _questions,
    "loop_state_changed": lambda data: _joined(data, "activity", "park_reason"),
    "steer": lambda data: _text(data, "text"),
    "run_input": lambda data: _text(data, "text"),
    "hook_decision": lambda data: " ".join(
        filter(None, (_value(data.get(key)) for key in ("decision", "tool_name", "reason")))
    ),
    "limit": lambda data: _text(data, "message"),
    "client_input_received": lambda data: _text(data, "content", "message", "text", "input"),
    "execution_resurrected": _retry,
    "payment_required": lambda data: _text(data, "message"),
    "custom": lambda data: _text(data, "custom_type") and _pairs(data),
}
