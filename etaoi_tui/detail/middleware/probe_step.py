"""One middleware hook by itself, from its own span: what it was given, and what it made of it."""

from __future__ import annotations

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
    step = Step(as_text(data.metadata.get("probe_label")) or span.name, span)
    if span.started_at != span.ended_at:
        step.own_seconds = own_seconds(span, data.now)
    if span.error is not None:
        step.notes.append(f"It failed: {span.error}")
    if "wrap" not in as_text(data.metadata.get("lc_probe")):
        read_probe(step, data, {})
        return step
    before = as_map(data.start_payload.get("before"))
    bodies: dict[str, Message] = {}
    sent = [payload for payload in data.delta_payloads if payload.get("probe_phase") == "pre_handler"]
    for recorded in (data.start_payload, *sent):
        bodies_in(as_map(recorded.get("diff")), bodies)
    step.attempts = len(sent)
    after = as_map(data.start_payload.get("after")) or ({**before, **last_sent(data)} if sent else {})
    if before and after:
        present = {name: value for name, value in after.items() if value is not None}
        if "tool_call" in before:
            step.diff = compare(tool_request(before), tool_request(present))
        else:
            given, passed = read_snapshot(before, bodies), read_snapshot(present, bodies)
            take_tool_changes(_last_told(data), given, passed)
            step.diff = compare(given, passed)
            step.partial = given.parameters is None
    elif data.running:
        step.notes.append("It has not passed the request on yet.")
    step.notes += attempts_that_failed(data)
    words = handler_words(data.end_payload, "the tool" if "tool_call" in before else "the rest of the chain")
    if words:
        step.notes.append(words)
    return step


def last_sent(data: SpanData) -> Map:
    """Return the parts of a request that a hook changed, as it sent them down the last time."""
    for payload in reversed(data.delta_payloads):
        if payload.get("probe_phase") == "pre_handler":
            return as_map(payload.get("after"))
    return as_map(data.end_payload.get("after"))


def _last_told(data: SpanData) -> Map:
    for payload in reversed(data.delta_payloads):
        if payload.get("probe_phase") == "pre_handler":
            return as_map(payload.get("diff"))
    return {}
