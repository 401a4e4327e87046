"""One middleware hook by itself, from its own span: what it was given, and what it made of it."""

from __future__ import annotations

from etaoi_collector.conventions import keys
from etaoi_tui.detail.compare.request_diff import compare
from etaoi_tui.detail.messages.chat import Message
from etaoi_tui.detail.messages.request import bodies_in, read_snapshot, take_tool_changes
from etaoi_tui.detail.middleware.request_step import Step
from etaoi_tui.detail.middleware.state_hooks import read_probe
from etaoi_tui.detail.middleware.tool_chain import attempts_that_failed, handler_words, tool_request
from etaoi_tui.detail.span_data import Map, SpanData, as_map, as_text
from etaoi_tui.view.middleware.hooks import own_seconds


def probe_step(data: SpanData) -> Step:
    """Return what a hook did, from its span alone."""
    span = data.span
    step = Step(as_text(data.metadata.get(keys.PROBE_LABEL)) or span.name, span)
    if span.started_at != span.ended_at:
        step.own_seconds = own_seconds(span, data.now)
    if span.error is not None:
        step.notes.append(f"It failed: {span.error}")
    if "wrap" not in as_text(data.metadata.get(keys.LC_PROBE)):
        read_probe(step, data, {})
        return step
    before_fields = as_map(data.start_payload.get(keys.BEFORE))
    bodies: dict[str, Message] = {}
    sent = [payload for payload in data.delta_payloads if payload.get(keys.PROBE_PHASE) == "pre_handler"]
    for recorded in (data.start_payload, *sent):
        bodies_in(as_map(recorded.get("diff")), bodies)
    step.attempts = len(sent)
    after = as_map(data.start_payload.get(keys.AFTER)) or (
        {**before_fields, **last_sent(data)} if sent else {}
    )
    if before_fields and after:
        present = {name: value for name, value in after.items() if value is not None}
        if "tool_call" in before_fields:
            step.diff = compare(tool_request(before_fields), tool_request(present))
        else:
            request, passed = read_snapshot(before_fields, bodies), read_snapshot(present, bodies)
            take_tool_changes(_last_diff(data), request, passed)
            step.diff = compare(request, passed)
            step.partial = request.parameters is None
    elif data.running:
        step.notes.append("It has not passed the request on yet.")
    step.notes += attempts_that_failed(data)
    words = handler_words(
        data.end_payload, "the tool" if "tool_call" in before_fields else "the rest of the chain"
    )
    if words:
        step.notes.append(words)
    return step


def last_sent(data: SpanData) -> Map:
    """Return the parts of a request that a hook changed, as it sent them down the last time."""
    for payload in reversed(data.delta_payloads):
        if payload.get(keys.PROBE_PHASE) == "pre_handler":
            return as_map(payload.get(keys.AFTER))
    return as_map(data.end_payload.get(keys.AFTER))


def _last_diff(data: SpanData) -> Map:
    for payload in reversed(data.delta_payloads):
        if payload.get(keys.PROBE_PHASE) == "pre_handler":
            return as_map(payload.get(keys.DIFF))
    return {}
