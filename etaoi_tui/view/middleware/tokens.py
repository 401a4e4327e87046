"""Tokens from characters, where nobody reported them: always an estimate, and always shown as one.

A call that reports its input tells how many characters of it one token was; without a report a usual value
stands in. Rows and pages estimate alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import msgspec

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.lenient import Map, as_list, as_map, as_text
from etaoi_collector.store.model import Span
from etaoi_tui.view.neighbouring_calls import calls_of, run_of, runs_before

ReadEvent = Callable[[int], Map]
"""Returns the recorded event at a reference, decoded; empty if it cannot be read."""

CHARACTERS_A_TOKEN = 4.0
"""A usual value for English prose."""

_LEAST_CHARACTERS = 200
"""A shorter request says little about its text: most of its tokens are the format's."""

_RATIOS = (1.0, 8.0)
"""Characters per token that text of any script can have; beyond, the request was not recorded whole."""

_NO_TEXT = frozenset({"role", "type", "id", "key", "tool_call_id", "index", "data", "url", "image_url"})
"""Fields of messages that are no text for the model, or not one that is counted by its characters."""

_CALLS_READ = 24
_RUNS_READ = 8
_SPANS_WALKED = 2_000
_DEEP = 32


def characters_a_token(call: Span, read: ReadEvent) -> float:
    """Return characters per token of a model call: measured by its own report where it has one."""
    usage = call.usage
    reported = usage.input_tokens if usage is not None else None
    if not reported or call.start_ref < 0:
        return CHARACTERS_A_TOKEN
    payload = as_map(read(call.start_ref).get("payload"))
    characters = _characters(payload.get(keys.INPUT_MESSAGES, payload.get(keys.PROMPTS)))
    tools = payload.get(keys.TOOL_SCHEMAS)
    characters += _characters_of_tools(tools if tools is not None else find_tool_schemas(call, read))
    if characters < _LEAST_CHARACTERS:
        return CHARACTERS_A_TOKEN
    least, most = _RATIOS
    return min(max(characters / reported, least), most)


def find_tool_schemas(call: Span, read: ReadEvent) -> list[Any] | None:
    """Find the schemas of a call's tools: producers send each set of tools once, and its digest after that.

    None if the call has none, or no call near it that has them is found.
    """
    event = read(call.start_ref)
    payload = as_map(event.get("payload"))
    if keys.TOOL_SCHEMAS in payload:
        return as_list(payload[keys.TOOL_SCHEMAS])
    digest = as_text(payload.get("tools_hash"))
    if not digest:
        return None
    for other in islice(_calls_near(call), _CALLS_READ * 2):
        payload_of_other = as_map(read(other.start_ref).get("payload"))
        if as_text(payload_of_other.get("tools_hash")) == digest and "tool_schemas" in payload_of_other:
            return as_list(payload_of_other["tool_schemas"])
    return _tools_of_snapshot(call, event, read)


def _calls_near(call: Span) -> Iterator[Span]:
    run = run_of(call)
    yield from calls_of(run, _CALLS_READ)
    for earlier in islice(runs_before(run, [_SPANS_WALKED]), _RUNS_READ):
        yield from calls_of(earlier, _CALLS_READ)


def _tools_of_snapshot(call: Span, event: Map, read: ReadEvent) -> list[Any] | None:
    """Take the schemas from the agent's snapshot, if it has every one of the call's tools."""
    snapshot_id = as_text(as_map(event.get("metadata")).get("agent.context_id"))
    snapshot = call.trace.session.agents.snapshot(snapshot_id) if snapshot_id else None
    if snapshot is None:
        return None
    tools = as_list(as_map(read(snapshot.start_ref).get("payload")).get("tools"))
    by_name = {as_text(as_map(tool).get("name")): tool for tool in tools}
    names = [as_text(name) for name in as_list(as_map(event.get("payload")).get("tools"))]
    return [by_name[name] for name in names] if names and all(name in by_name for name in names) else None


def _characters(value: Any, depth: int = 0) -> int:
    """Count the characters of all text in a value of JSON."""
    if isinstance(value, str):
        return len(value)
    if depth > _DEEP:
        return 0
    if isinstance(value, list):
        return sum(_characters(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return sum(_characters(item, depth + 1) for name, item in value.items() if name not in _NO_TEXT)
    return 0


def _characters_of_tools(tools: Any) -> int:
    total = 0
    for tool in as_list(tools):
        fields = as_map(as_map(tool).get("function")) or as_map(tool)
        schema = fields.get("args_schema", fields.get("parameters", fields.get("input_schema")))
        total += len(as_text(fields.get("name"))) + len(as_text(fields.get("description")))
        try:
            total += len(schema) if isinstance(schema, str) else len(msgspec.json.encode(schema or ""))
        except (TypeError, ValueError, RecursionError):
            continue
    return total
