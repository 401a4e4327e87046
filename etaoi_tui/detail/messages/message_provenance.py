"""Finds what a message in a request came from: the model call that wrote it, the tool that answered."""

from __future__ import annotations

from collections.abc import Iterator

from etaoi_collector.conventions import keys
from etaoi_collector.store.model import Span
from etaoi_tui.detail.messages.chat import MESSAGE_TARGET, TOOL_TARGET
from etaoi_tui.detail.span_data import SpanData, as_map, as_text
from etaoi_tui.view.neighbouring_calls import run_of, runs_before, siblings_before

_SPANS_WALKED = 4_000
_EVENTS_READ = 600


def find_origin(data: SpanData, target: str) -> Span | None:
    """Return the span that a section names as its origin; None if none near enough says that it is it.

    Args:
        data: Of the span whose page the section is on.
        target: `Section.target`, unless that is a span's id.
    """
    read = 0
    for span in _spans_before(data.span):
        if read > _EVENTS_READ:
            return None
        if target.startswith(TOOL_TARGET) and span.kind == "tool":
            read += 1
            if _answers(data.of(span), target.removeprefix(TOOL_TARGET)):
                return span
        elif target.startswith(MESSAGE_TARGET) and span.kind == "llm":
            read += 1
            if wrote(data.of(span), target.removeprefix(MESSAGE_TARGET)):
                return span
    return None


def _spans_before(span: Span) -> Iterator[Span]:
    """Yield spans before a span, the nearest first: of its own run, then of the agent's runs before."""
    walked = 0
    run = run_of(span)
    below = span
    yield span
    while below is not run and below.parent is not None:
        for sibling in siblings_before(below):
            for candidate in _inside(sibling):
                walked += 1
                if walked > _SPANS_WALKED:
                    return
                yield candidate
        below = below.parent
    if not run.children or span is run:
        return
    for earlier in runs_before(run, [_SPANS_WALKED]):
        for candidate in _inside(earlier):
            walked += 1
            if walked > _SPANS_WALKED:
                return
            yield candidate


def _inside(span: Span) -> Iterator[Span]:
    stack = [span]
    while stack:
        current = stack.pop()
        yield current
        stack += current.children or ()


def _answers(tool: SpanData, call_id: str) -> bool:
    named_id = tool.metadata.get("tool_call_id") or tool.start_payload.get("tool_call_id")
    return named_id == call_id or f'"{call_id}"' in as_text(tool.end_payload.get(keys.OUTPUT))


def wrote(call: SpanData, message_id: str) -> bool:
    """Whether a call says that a message is its answer."""
    if as_text(as_map(call.end_payload.get(keys.RESPONSE)).get("id")) == message_id:
        return True
    run = as_text(as_map(call.start).get("run_id"))
    return bool(run) and run in message_id
