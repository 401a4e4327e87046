"""Tool calls of a loomcycle run, and the sub-agents that its built-in tool ``Agent`` starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.bridge_support.shared import error_words, serialize_value
from etaoi_tui.sdk.ids import bridge_uuid
from etaoi_tui.sdk.loomcycle.registry import SYSTEM, RunRegistry
from etaoi_tui.sdk.tracer import Span, Tracer

AGENT_TOOL = "Agent"


class ToolCall:
    """A tool call that waits for its result."""

    __slots__ = ("call_id", "children", "name", "span")

    def __init__(self, call_id: str, name: str, span: Span) -> None:
        self.call_id = call_id
        self.name = name
        self.span = span
        self.children: list[Span] = []


class ToolCalls:
    """The tool spans of one run."""

    def __init__(self, tracer: Tracer, directory: RunRegistry, root: Span, key: str, agent_id: str) -> None:
        self.open: list[ToolCall] = []
        self._tracer = tracer
        self._directory = directory
        self._root = root
        self._key = key
        self._agent_id = agent_id
        self._started = 0
        self._by_call: dict[str, list[Span]] = {}

    def start(self, call_id: str, name: str, tool_input: Any, now: int) -> ToolCall:
        """Start a tool's span; and for the tool ``Agent``, one inside it for every sub-agent."""
        self._started += 1
        span = self._tracer.start(
            "tool",
            name,
            parent=self._root,
            payload={"input": serialize_value(tool_input), "tool_call_id": call_id},
            agent_name=self._root.agent_name,
            at=now,
            span_id=self._id("tool", str(self._started)),
        )
        call = ToolCall(call_id, name, span)
        self.open.append(call)
        if name == AGENT_TOOL and isinstance(tool_input, dict):
            for index, spawn in enumerate(_spawns(tool_input)):
                call.children.append(self._start_child(call, index, spawn, now))
            if call_id:
                self._by_call[call_id] = call.children
        return call

    def _start_child(self, call: ToolCall, index: int, spawn: Mapping[str, Any], now: int) -> Span:
        name = str(spawn.get("name") or "agent")
        span = self._tracer.start(
            "sub_agent",
            name,
            parent=call.span,
            payload={keys.INPUTS: serialize_value(spawn.get("prompt") or "")},
            agent_name=name,
            at=now,
            span_id=self._id("child", f"{self._started}:{index}"),
        )
        self._directory.wait_for(name, self._agent_id, span)
        return span

    def _id(self, kind: str, name: str) -> Any:
        return bridge_uuid(SYSTEM, kind, f"{self._key}:{name}") if self._key else None

    def find(self, call_id: str, name: str) -> Span | None:
        """Return the span of a call that waits, by its id, else the oldest of that name."""
        call = self._find(call_id, name)
        return call.span if call is not None else None

    def _find(self, call_id: str, name: str) -> ToolCall | None:
        """Some providers have no ids: such a call has "", and its result an id that the server made up."""
        named: ToolCall | None = None
        for call in self.open:
            if call_id and call.call_id == call_id:
                return call
            if named is None and call.name == name and not (call.call_id and call_id):
                named = call
        return named

    def finish(
        self,
        call_id: str,
        name: str,
        tool_input: Any,
        text: str,
        is_error: bool,
        now: int,
        *,
        error_info: dict[str, Any] | None = None,
    ) -> None:
        """End a tool's span with its result; one whose start was never seen is made on the spot."""
        call = self._find(call_id, name) or self.start(call_id, name, tool_input, now)
        self.open.remove(call)
        error = error_words(text) if is_error else None
        self._finish_children(call, text, error, now)
        payload: dict[str, Any] = {"output": text}
        if error_info:
            payload["error_info"] = error_info
        self._tracer.end(call.span, payload, error=error, at=now)

    def _finish_children(self, call: ToolCall, text: str, error: str | None, now: int) -> None:
        results = _results(text) if len(call.children) > 1 or '"results"' in text[:64] else {}
        for index, span in enumerate(call.children):
            result = results.get(index)
            if result is None:
                outputs: Any = text if len(call.children) == 1 else ""
                self._tracer.end(span, {keys.OUTPUTS: outputs}, error=error, at=now)
                continue
            failed = None if result.get("ok") else error_words(result.get("error") or "failed")
            self._tracer.end(
                span, {keys.OUTPUTS: serialize_value(result.get("output") or "")}, error=failed, at=now
            )

    def spawned(self, entry: Any) -> None:
        """Learn a sub-agent's run id from a transcript's ledger of spawns."""
        if not isinstance(entry, dict):
            return
        children = self._by_call.get(str(entry.get("tool_use_id") or ""), [])
        index, run_id = entry.get("index") or 0, str(entry.get("run_id") or "")
        if run_id and isinstance(index, int) and 0 <= index < len(children):
            if self._directory.run(run_id) is None:
                self._directory.identify(self._tracer, children[index], run_id)

    def end_all(self, error: str | BaseException, now: int) -> None:
        """End what is open because the run has ended."""
        for call in reversed(self.open):
            for span in reversed(call.children):
                self._tracer.end(span, error=error, at=now)
            self._tracer.end(call.span, error=error, at=now)
        self.open.clear()


def _spawns(tool_input: dict[str, Any]) -> Iterable[Mapping[str, Any]]:
    spawns = tool_input.get("spawns")
    if isinstance(spawns, list):
        return [spawn if isinstance(spawn, dict) else {} for spawn in spawns[:64]]
    return [tool_input] if tool_input.get("name") else []


def _results(text: str) -> dict[int, dict[str, Any]]:
    try:
        output = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    results = output.get("results") if isinstance(output, dict) else None
    if not isinstance(results, list):
        return {}
    return {
        result.get("index", position): result
        for position, result in enumerate(results)
        if isinstance(result, dict)
    }


def decoded(tool_input: Any) -> Any:
    """Return a tool's input as an object: a live event carries JSON bytes, a transcript the object."""
    if isinstance(tool_input, (bytes, bytearray, str)):
        try:
            return msgspec.json.decode(tool_input)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return tool_input if isinstance(tool_input, str) else bytes(tool_input).decode("utf-8", "replace")
    return tool_input


def widening_of(widening: Any) -> dict[str, Any]:
    """Return what a host widening tells. Of its URL only the place is kept: the rest may hold secrets."""
    fields = plain_data(widening) or {}
    url = fields.get("url")
    if isinstance(url, str):
        try:
            parts = urlsplit(url)
            fields["url"] = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
        except ValueError:
            fields["url"] = "?"
    return dict(fields)


def event_fields(event: Any) -> dict[str, Any]:
    """Return the fields of an event of a kind of its own that say something."""
    if dataclasses.is_dataclass(event):
        fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    else:
        fields = dict(vars(event))
    return {
        name: plain_data(value) for name, value in fields.items() if name != "type" and not _silent(value)
    }


def error_info_of(event: Any) -> dict[str, Any] | None:
    """Return the machine-readable half of a failure, as far as it says something."""
    info = plain_data(getattr(event, "error_info", None))
    if not isinstance(info, dict):
        return None
    return {key: value for key, value in info.items() if not _silent(value) and value != []} or None


def _silent(value: Any) -> bool:
    return value is None or value is False or value == "" or value == () or value == b""


def plain_data(value: Any) -> Any:
    """Return a value of loomcycle's events as plain data."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return [plain_data(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain_data(item) for key, item in value.items()}
    return value
