"""A run's shared state and its goal, put together from the events that tell of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etaoi_collector.conventions import keys as payload_keys
from etaoi_collector.conventions.event_rows import event_in_words
from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.document.model import Block, KeyValues, Section, StyledText, Tab, Table, Text
from etaoi_tui.detail.span_data import SpanData, as_map, as_number, as_text
from etaoi_tui.view import format as fmt
from etaoi_tui.view.sparkline import sparkline

_STATE = frozenset({"state_changed", "state_conflict", "output_key_set"})
_GOAL = frozenset({"goal_progress", "goal_achieved", "constraint_violation"})
_LOOKED_AT = 20_000
"""Spans of a trace that are looked at: its newest."""
_KEYS_SHOWN = 200
_LONGEST_VALUE = 120
_EVENT = int(SpanFlag.EVENT)


def tabs(data: SpanData) -> list[Tab]:
    """Return the pages of a run's state and goal, where its events tell of them."""
    span = data.span
    if span.parent is not None:
        return []
    names = {event.name for event in _events(span)}
    result = []
    if names & _STATE:
        result.append(Tab("state", "State", lambda: _state_sections(data)))
    if names & _GOAL:
        result.append(Tab("goal", "Goal", lambda: _goal_sections(data)))
    return result


def _events(root: Span) -> Iterator[Span]:
    for span in root.trace.spans[-_LOOKED_AT:]:
        if span.flags & _EVENT:
            yield span


def _event_inputs(data: SpanData, event: Span) -> dict[str, Any]:
    inputs = data.of(event).start_payload.get(payload_keys.INPUTS)
    return as_map(parse_json(inputs).value if isinstance(inputs, str) else inputs)


def _who(event: Span) -> str:
    above = event.parent
    while above is not None and above.kind not in ("sub_agent", "task"):
        above = above.parent
    return above.name if above is not None else ""


class _Key:
    """What became of one key of the state."""

    def __init__(self, first: str) -> None:
        self.first = first
        self.last = first
        self.changes = 0
        self.conflicts = 0
        self.who = ""
        self.at = 0.0


def _state_sections(data: SpanData) -> list[Section]:
    keys: dict[str, _Key] = {}
    conflicts: list[Block] = []
    for event in _events(data.span):
        if event.name not in _STATE:
            continue
        fields = _event_inputs(data, event)
        name = as_text(fields.get("key")) or "(no key)"
        old, new = _short(fields.get("old_value")), _short(fields.get("new_value", fields.get("value")))
        entry = keys.setdefault(name, _Key(old or new)) if len(keys) < _KEYS_SHOWN or name in keys else None
        if entry is None:
            continue
        if event.name == "state_conflict":
            entry.conflicts += 1
            words = event_in_words(event.name, fields)
            when = fmt.offset(event.started_at - data.span.started_at)
            conflicts.append(Text(f"{when} {_who(event)}: {words}", "error"))
        else:
            entry.changes += 1
            entry.last = new or entry.last
        entry.who, entry.at = _who(event), event.started_at
    rows: list[tuple[str, list[StyledText]]] = []
    for name, entry in keys.items():
        value: list[StyledText] = []
        if entry.first != entry.last:
            value += [(entry.first, "muted"), (" → ", "muted")]
        value.append((entry.last or "set", ""))
        value.append((f"   {entry.who} {fmt.offset(entry.at - data.span.started_at)}", "muted"))
        if entry.changes > 1:
            value.append((f" ×{entry.changes}", "muted"))
        if entry.conflicts:
            value.append((f"  {fmt.count(entry.conflicts, 'conflict')}", "error"))
        rows.append((name, value))
    count = fmt.count(len(keys), "key")
    sections = [Section("state", "State", [KeyValues(rows)], count, glyph="≡", style="role.user")]
    if conflicts:
        title = fmt.count(len(conflicts), "conflict")
        sections.append(Section("state.conflicts", title, conflicts, glyph="✗", style="error"))
    return sections


def _goal_sections(data: SpanData) -> list[Section]:
    progress: list[float] = []
    criteria: dict[str, Any] = {}
    history: list[tuple[str, str, str]] = []
    violations: list[Block] = []
    achieved = False
    for event in _events(data.span):
        if event.name not in _GOAL:
            continue
        fields = _event_inputs(data, event)
        when = fmt.offset(event.started_at - data.span.started_at)
        if event.name == "constraint_violation":
            violations.append(Text(f"{when} {event_in_words(event.name, fields)}", "warning"))
            continue
        achieved = achieved or event.name == "goal_achieved"
        number = as_number(fields.get("progress"))
        if number is not None:
            progress.append(min(1.0, max(0.0, number)))
        criteria |= as_map(fields.get("criteria_status"))
        history.append((when, _who(event), event_in_words(event.name, fields)))
    summary = "achieved" if achieved else f"{progress[-1]:.0%}" if progress else ""
    blocks: list[Block] = []
    if progress:
        blocks.append(Text(f"{sparkline(progress)}  {progress[-1]:.0%}"))
    if criteria:
        blocks.append(KeyValues([(str(name), _criterion(value)) for name, value in criteria.items()]))
    if history:
        blocks.append(Table(("when", "who", "what"), history))
    sections = [Section("goal", "Goal", blocks, summary, glyph="◎", style="role.ai")] if blocks else []
    if violations:
        title = fmt.count(len(violations), "constraint violation")
        sections.append(Section("goal.violations", title, violations, glyph="▲", style="warning"))
    return sections


def _criterion(value: Any) -> list[StyledText]:
    verdict = value.get("met", value.get("status", value)) if isinstance(value, dict) else value
    if isinstance(verdict, bool):
        return [("✓ met" if verdict else "○ not yet", "" if verdict else "muted")]
    return [(_short(value), "")]


def _short(value: Any) -> str:
    text = " ".join(as_text(value).split())
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
