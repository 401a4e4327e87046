"""The few words behind a span's name: a tool's arguments, a model's answer, what a middleware changed.

Read from the recording for rows that are on the screen, and remembered. Nothing is made safe here: the words
are data from outside, and go through `etaoi_tui.text` before they are drawn.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec
from msgspec import Raw

from etaoi_collector.store.model import Span, SpanFlag, Status, Trace
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import KIND_GLYPHS, KIND_WORDS
from etaoi_tui.view.middleware.row_groups import bracket_of
from etaoi_tui.view.middleware.summary import Changed, Diff, changes_in_words, middleware_chain
from etaoi_tui.view.search import Reader
from etaoi_tui.view.sparkline import context_trend

LONGEST = 400
"""Characters of a summary; no row is wider."""

_REMEMBERED = 8_192
_JSON_TO_READ = 200_000

_TURNS_READ = 64
"""Spans that are looked at for the first words of a call."""

_PROBE = int(SpanFlag.PROBE)
_TOOL_ERROR = "tool_error"
"""What stands for the error of a tool that answered with one."""


class _ToolCall(msgspec.Struct, gc=False):
    name: str | None = None


class _Response(msgspec.Struct, gc=False):
    text: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Payload(msgspec.Struct, gc=False):
    input: str | None = None
    inputs: str | None = None
    output: str | None = None
    arguments: str | None = None
    response: _Response | None = None
    text: str | None = None
    transcript: str | None = None
    diff: Diff | None = None
    end_of_utterance_delay: float | None = None
    tools: list[Raw] = []


class _Event(msgspec.Struct, gc=False):
    payload: Raw


_event = msgspec.msgpack.Decoder(_Event).decode
_payload = msgspec.msgpack.Decoder(_Payload).decode
_fields = msgspec.msgpack.Decoder(dict[str, Raw]).decode


class Summaries:
    """Summaries of spans and traces, read when asked for.

    Args:
        reader: Reads recorded events.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._spans: OrderedDict[tuple[int, int], str] = OrderedDict()
        self._traces: dict[Trace, str] = {}

    def of(self, span: Span) -> str:
        """Return what a row says behind a span's name; may be empty."""
        if span.tail and not span.marks & SpanFlag.ENDED:
            return span.tail[-LONGEST:]
        if span.kind == "sub_agent" and (span.error is None or span.status is Status.OK):
            return context_trend(span)
        if span.kind == "voice_turn" and span.error is None:
            # What was said in it comes later, and is no change of the turn's own.
            return self._first_speech(span)
        key = (span.number, span.version)
        known = self._spans.get(key)
        if known is None:
            known = self._make(span)[:LONGEST]
            self._spans[key] = known
            if len(self._spans) > _REMEMBERED:
                self._spans.popitem(last=False)
        return known

    def chain(self, head: Span, room: int = LONGEST) -> tuple[str, str]:
        """Return what one row says for a chain of middleware: how many there are, and what they came to.

        Args:
            head: The span whose row it is.
            room: Characters there are for both; with too few, shorter words are used.
        """
        chain = middleware_chain(head)
        name = f"{len(chain.hooks)} middleware" if len(chain.hooks) > 1 else head.name
        if chain.attempts > 1:
            name += f" ×{chain.attempts}"
        key = (head.number, -sum(span.version + 1 for span in chain.spans))
        known = self._spans.get(key)
        if known is None:
            total = Changed()
            for hook in chain.hooks:
                diff = self._probe_diff(hook)
                if diff is not None:
                    total.add(diff)
            spent = ""
            if chain.seconds is not None:
                spent = ("≈" if chain.rough else "") + fmt.duration(chain.seconds)
            known = self._spans[key] = f"{total.in_words(spent)}\n{total.in_words(spent, short=True)}"
            if len(self._spans) > _REMEMBERED:
                self._spans.popitem(last=False)
        words, _, short = known.partition("\n")
        return name, words if len(name) + 1 + len(words) <= room else short

    def of_trace(self, trace: Trace) -> str:
        """Return what a trace was asked: the first words its root was given."""
        known = self._traces.get(trace)
        if known:
            return known
        found = ""
        for root in trace.roots[:4]:
            if root.start_place >= 0 and root.kind != "agent_context":
                found = first_words(self._read(root.start_place).inputs)
            if root.kind == "voice_session":
                return self._newest_speech(root)
            if found:
                break
        if found:
            if len(self._traces) > _REMEMBERED:
                self._traces.clear()
            self._traces[trace] = found[:LONGEST]
        return found[:LONGEST]

    def _make(self, span: Span) -> str:
        kind = span.kind
        if kind in ("voice_input", "voice_output"):
            return self._speech(span)
        if span.error is not None and span.status is not Status.OK:
            return self._reason(span) if span.error == _TOOL_ERROR else " ".join(span.error.split())
        if kind == "tool":
            start = self._read(span.start_place)
            return arguments(start.input or start.arguments)
        if kind == "llm":
            if span.end_place < 0:
                return ""
            end = self._read(span.end_place)
            return _answer(end.response) if end.response is not None else end.text or ""
        if span.marks & _PROBE:
            return self._probe_changes(span)
        if kind == "middleware" and span.children is not None and span.children[0].marks & _PROBE:
            if span.children[0].name == span.name:
                return self._probe_changes(span.children[0])
        if kind == "eou":
            delay = self._read(span.start_place).end_of_utterance_delay
            return f"after {delay * 1000:.0f}ms" if delay is not None else ""
        if kind == "agent_context":
            tools = len(self._read(span.start_place).tools)
            return f"{tools} tool{'s' if tools != 1 else ''}" if tools else "agent snapshot"
        return ""

    def _speech(self, span: Span) -> str:
        end = self._read(span.end_place if span.end_place >= 0 else span.start_place)
        said = end.transcript or end.text or ""
        if said.startswith(span.name):
            said = ""
        return f"{said} ({span.error})".lstrip() if span.error is not None else said

    def _reason(self, span: Span) -> str:
        """Return why a tool answered with an error: the first line of its answer."""
        output = self._read(span.end_place).output or ""
        if output.startswith("{"):
            output = message_text(output)
        return next((line.strip() for line in output.splitlines() if line.strip()), "") or _TOOL_ERROR

    def _probe_changes(self, span: Span) -> str:
        diff = self._probe_diff(span)
        words = changes_in_words(diff) if diff is not None else ""
        if span.marks & SpanFlag.PLUMBING:
            return f"↓ {words or 'no change'}"
        # The second mark of a hook: what went down is told by the first.
        return "↑ back" if bracket_of(span) else words

    def _probe_diff(self, span: Span) -> Diff | None:
        """Find the probe's diff: our SDK tells it in a delta, the reference in its start and end."""
        for place in (*reversed(span.deltas or ()), span.end_place, span.start_place):
            diff = self._read(place).diff
            if diff is not None:
                return diff
        return None

    def _newest_speech(self, call: Span) -> str:
        """Return the newest words of a call, with the sign of who said them."""
        waiting = [call]
        for _ in range(_TURNS_READ):
            if not waiting:
                break
            span = waiting.pop()
            if span.kind in ("voice_input", "voice_output"):
                named = span.name if span.name != KIND_WORDS[span.kind] else ""
                words = self.of(span) or named
                if words.strip():
                    return f"{KIND_GLYPHS[span.kind]} {words}"[:LONGEST]
            elif span.kind in ("voice_session", "voice_agent", "voice_turn"):
                waiting.extend((span.children or ())[-16:])
        return ""

    def _first_speech(self, span: Span) -> str:
        waiting = [span]
        for _ in range(_TURNS_READ):
            if not waiting:
                break
            turn = waiting.pop()
            if turn.kind in ("voice_input", "voice_output"):
                return self.of(turn) or turn.name
            if turn is span or turn.kind == "voice_turn":
                waiting.extend(reversed((turn.children or ())[:16]))
        return ""

    def _read(self, place: int) -> _Payload:
        raw = self._reader.read(place) if place >= 0 else None
        if not isinstance(raw, bytes | bytearray | memoryview):
            return _Payload()
        try:
            payload = _event(raw).payload
            return _payload(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _lenient(raw)


def arguments(text: str | None) -> str:
    """Show a tool's JSON arguments as ``key=value`` pairs; any other text as it is."""
    if not text:
        return ""
    if len(text) > _JSON_TO_READ or not text.lstrip().startswith("{"):
        return text[:LONGEST]
    try:
        told = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text[:LONGEST]
    if not isinstance(told, dict):
        return text[:LONGEST]
    return " ".join(f"{key}={_value(value)}" for key, value in list(told.items())[:12])


def message_text(output: str) -> str:
    """Return the text of a tool message that travels as JSON; other text as it is."""
    if len(output) > _JSON_TO_READ:
        return output
    try:
        message = msgspec.json.decode(output)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return output
    if isinstance(message, dict) and isinstance(message.get("update"), dict):
        # A command that carries the answer: the message that says so.
        carried = message["update"].get("messages")
        failed = [one for one in carried if isinstance(one, dict)] if isinstance(carried, list) else []
        message = next((one for one in failed if one.get("status") == "error"), message)
    if not isinstance(message, dict) or "content" not in message:
        return output
    content = message["content"]
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in content]
        content = "\n".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else output


def first_words(inputs: str | None) -> str:
    """Find the words of a person in a run's inputs: the newest human message, else the first text."""
    if not inputs:
        return ""
    if len(inputs) > _JSON_TO_READ or not inputs.lstrip().startswith(("{", "[", '"')):
        return inputs[:LONGEST]
    try:
        told = msgspec.json.decode(inputs)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return inputs[:LONGEST]
    if isinstance(told, dict):
        messages = told.get("messages")
        if isinstance(messages, list):
            return _last_human(messages)
        for key in ("input", "question", "query", "prompt", "text"):
            if isinstance(told.get(key), str):
                return str(told[key])
        return next((value for value in told.values() if isinstance(value, str)), "")
    if isinstance(told, list):
        return _last_human(told)
    return told if isinstance(told, str) else ""


def _last_human(messages: list[Any]) -> str:
    for message in reversed(messages[-50:]):
        role: Any = None
        content: Any = None
        if isinstance(message, dict):
            role = message.get("type") or message.get("role")
            content = message.get("content", message.get("text"))
        elif isinstance(message, list) and len(message) == 2:
            role, content = message
        elif isinstance(message, str):
            role, content = "human", message
        if role in ("human", "user"):
            if isinstance(content, list):
                content = next((p.get("text") for p in content if isinstance(p, dict) and "text" in p), None)
            if isinstance(content, str) and content.strip():
                return content
    return ""


def _answer(response: _Response) -> str:
    if response.text and response.text.strip():
        return response.text
    names = [call.name or "?" for call in response.tool_calls or ()]
    return "→ " + ", ".join(names) if names else ""


def _value(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:120]}"'
    if isinstance(value, dict | list):
        return msgspec.json.encode(value)[:120].decode("utf-8", "replace")
    return str(value)[:60]


def _lenient(raw: bytes | bytearray | memoryview) -> _Payload:
    """Keep what fits of a payload of another shape."""
    kept: dict[str, Any] = {}
    try:
        told = _fields(_event(raw).payload)
        for field in msgspec.structs.fields(_Payload):
            if field.encode_name in told:
                try:
                    kept[field.name] = msgspec.msgpack.decode(told[field.encode_name], type=field.type)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    continue
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return _Payload(**kept)
