"""What a step of a graph did, in a few words: where it went, what it changed, or which branch it is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from etaoi_tui.kinds.row_text import LONGEST, short_value

ANSWER_FIELDS = (
    "answer",
    "final_answer",
    "final_report",
    "report",
    "result",
    "response",
    "output",
    "summary",
)
"""Fields of a state that hold what a run came to, the first that is there."""

_MESSAGE_TYPES = ("ai", "human", "tool", "system")
_JSON_READ = 200_000
_FIELDS_SHOWN = 4
_TARGETS_SHOWN = 6
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def step_words(inputs: str | None, outputs: str | None, *, branch: bool, inner: bool) -> str:
    """Return what differs in a step.

    Args:
        inputs: What it was given, as recorded.
        outputs: What it returned; None while it runs.
        branch: Several steps of this name run side by side, so that what it was given tells them apart.
        inner: It is no node itself but runs in one: what it returns may be where the graph goes next.
    """
    state = _read(inputs)
    changes = changes_in_words(state, _read(outputs), inner=inner) if outputs else ""
    if not branch:
        return changes
    input_text = (
        _fields(state, {}) if isinstance(state, dict) else short_value(state) if state is not None else ""
    )
    return f"{input_text}  {changes}".strip() if changes.startswith("→") or not input_text else input_text


def answer_in_state(returned: Any) -> tuple[str, str]:
    """Return the field of a run's output that answers, and its text; two empty texts if none does."""
    if isinstance(returned, dict):
        for name in ANSWER_FIELDS:
            text = returned.get(name)
            if isinstance(text, str) and text.strip():
                return name, text
    return "", ""


def run_words(outputs: str | None) -> str:
    """Return what a whole run answered, in a few words: its last message, or the field that says so."""
    returned = _read(outputs)
    if isinstance(returned, dict) and (text := _messages("", returned.get("messages"))):
        return text.removeprefix(": ")
    return " ".join(answer_in_state(returned)[1][: 2 * LONGEST].split())


def changes_in_words(state: Any, returned: Any, *, inner: bool = False) -> str:
    """Return where a step went (``→ research``), else the fields of the state that it changed."""
    targets = _targets(returned)
    if targets:
        return _arrow(targets)
    if isinstance(returned, dict) and returned.get("type") in _MESSAGE_TYPES and "content" in returned:
        return _messages("", returned).removeprefix(": ")
    if isinstance(returned, dict):
        if returned.get("__type__") == "Command":
            update = returned.get("update")
            return (
                _fields(update, state if isinstance(state, dict) else {}) if isinstance(update, dict) else ""
            )
        return _fields(returned, state if isinstance(state, dict) else {})
    if inner and isinstance(returned, str) and returned and len(returned) <= 80 and "\n" not in returned:
        return _arrow([returned])
    if inner and isinstance(returned, list) and returned and all(isinstance(one, str) for one in returned):
        return _arrow(returned)
    if inner and isinstance(returned, bool):
        return "→ yes" if returned else "→ no"
    return ""


def _targets(returned: Any) -> list[str]:
    """Return the steps that a command or a list of sends names."""
    sends = returned if isinstance(returned, list) else [returned]
    targets: list[str] = []
    for one in sends:
        if not isinstance(one, dict) or one.get("__type__") not in ("Send", "Command"):
            return []
        if one["__type__"] == "Send":
            targets.append(str(one.get("node", "?")))
            continue
        goto = one.get("goto")
        for target in goto if isinstance(goto, list) else [goto]:
            if isinstance(target, str) and target:
                targets.append(target)
            elif isinstance(target, dict) and target.get("node"):
                targets.append(str(target["node"]))
    return targets


def _arrow(targets: list[str]) -> str:
    counted = Counter("end" if target == "__end__" else target for target in targets)
    labels = [name if count == 1 else f"{name} ×{count}" for name, count in counted.items()]
    more = f", and {len(labels) - _TARGETS_SHOWN} more" if len(labels) > _TARGETS_SHOWN else ""
    return f"→ {', '.join(labels[:_TARGETS_SHOWN])}{more}"


def _fields(state: dict[str, Any], previous: dict[str, Any]) -> str:
    parts = []
    for name, value in state.items():
        if name.startswith("__") or (name in previous and previous[name] == value):
            continue
        parts.append(_well_known(name, value) or _messages(name, value) or f"{name}={short_value(value)}")
    more = f"  +{len(parts) - _FIELDS_SHOWN}" if len(parts) > _FIELDS_SHOWN else ""
    return ("  ".join(parts[:_FIELDS_SHOWN]) + more)[:LONGEST]


def _well_known(name: str, value: Any) -> str:
    """Show an agent's list of things to do by how many are done, and its files by their names."""
    if name == "todos" and isinstance(value, list) and all(isinstance(one, dict) for one in value):
        done = sum(one.get("status") in ("completed", "done") for one in value)
        return f"todos {done}/{len(value)}"
    if name == "files" and isinstance(value, dict):
        return f"files {', '.join(list(map(str, value))[:3])}" + (
            f" +{len(value) - 3}" if len(value) > 3 else ""
        )
    return ""


def _messages(name: str, value: Any) -> str:
    """Show a list of messages by the text of its last."""
    messages = value if isinstance(value, list) else [value]
    last = messages[-1] if messages else None
    if isinstance(last, list) and len(last) == 2:
        last = {"type": last[0], "content": last[1]}
    if not isinstance(last, dict) or "content" not in last:
        return ""
    content = last["content"]
    if isinstance(content, list):
        content = next((one.get("text") for one in content if isinstance(one, dict) and one.get("text")), "")
    calls = last.get("tool_calls")
    if not content and isinstance(calls, list) and calls:
        return "→ " + ", ".join(str(call.get("name", "?")) for call in calls if isinstance(call, dict))
    return f"{name}: {str(content)[:160]}" if content else ""


def _read(text: str | None) -> Any:
    if not text or len(text) > _JSON_READ:
        return None
    if text.lstrip()[:1] not in ("{", "[", '"') and text not in ("true", "false"):
        return text
    try:
        return msgspec.json.decode(text)
    except _UNREADABLE:
        return None
