"""The way of a tool call: as it was asked for, through each ``wrap_tool_call`` hook to the tool, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from etaoi_collector.conventions import keys as payload_keys
from etaoi_collector.projections.payload_reader import Missing
from etaoi_collector.store.model import Span, SpanFlag, Status
from etaoi_tui.detail.compare.diff_sections import parameter_lines
from etaoi_tui.detail.compare.request_diff import RequestDiff, compare
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.document.model import Block, Diff, KeyValues, Section
from etaoi_tui.detail.messages.chat import message_sections, note, read_message
from etaoi_tui.detail.messages.request import Request
from etaoi_tui.detail.middleware.request_step import Step
from etaoi_tui.detail.span_data import Map, SpanData, as_count, as_list, as_map, as_text, seconds
from etaoi_tui.view import format as fmt
from etaoi_tui.view.middleware.hooks import TOOL_HOOKS, hook_name, own_seconds

CALLED_AGAIN = "It called the rest of the chain again; what it returned is told with the last call."

_PROBE = int(SpanFlag.PROBE)
_TOOL, _CALL_ID = "tool", "call id"


@dataclass(slots=True)
class ToolChain:
    """What became of one tool call on its way.

    Attributes:
        request: The call as the outermost hook was given it.
        down: The hooks from the outermost to the innermost, and what they changed.
        up: The same hooks from the innermost to the outermost, and what they returned.
    """

    request: Request
    down: list[Step]
    up: list[Step]


def build_tool_chain(data: SpanData) -> ToolChain | None:
    """Put together what the recording knows about a tool call's way; None if it has no hook around it."""
    probes = _hooks_around(data.span)
    if not probes:
        return None
    inner = [*probes[1:], data.span]
    down, up = [], []
    first_request = passed = Request()
    for n, (span, child) in enumerate(zip(probes, inner, strict=True)):
        probe = data.of(span)
        step, request, passed = _down(probe, child)
        first_request = request if n == 0 else first_request
        down.append(step)
        up.append(_up(probe, last=step.attempt == step.attempts))
    last = _argument_changes(data, passed)
    if last is not None:
        down.append(last)
    return ToolChain(first_request, down, [step for step in reversed(up) if step is not None])


def tool_request(snapshot: Map) -> Request:
    """Return a tool call as a request that has parameters only: its tool, its id and its arguments."""
    call = as_map(snapshot.get("tool_call"))
    arguments = call.get("args")
    named = arguments if isinstance(arguments, dict) else {"arguments": arguments}
    return Request(parameters={_TOOL: call.get("name"), _CALL_ID: call.get("id"), **named}, source="snapshot")


def tool_chain_sections(data: SpanData) -> list[Section]:
    """Return a tool call's way as sections, a step each; none if no hook around it was recorded."""
    chain = build_tool_chain(data)
    if chain is None:
        return []
    hooks = [step for step in chain.down if step.recorded]
    own = [step.own_seconds for step in hooks if step.own_seconds is not None]
    parts = [f"{len(hooks)} middleware"]
    changed = sum(step.changed for step in (*chain.down, *chain.up))
    parts.append(fmt.count(changed, "step") + " changed something" if changed else "no change")
    if own:
        parts.append(fmt.duration(sum(own)))
    arguments = {k: v for k, v in (chain.request.parameters or {}).items() if k not in (_TOOL, _CALL_ID)}
    rows = [KeyValues([("asked for", as_text(arguments))])] if changed and arguments else []
    sections = [Section("way", "Middleware", rows, " · ".join(parts), glyph="▤")]
    for n, step in enumerate(chain.down):
        sections += _section(step, f"tooldown{n}")
    for n, step in enumerate(chain.up):
        sections += _section(step, f"toolup{n}")
    return sections


def change_words(diff: RequestDiff) -> str:
    """Return in a few words what became of a tool call; empty if nothing did."""
    names = [name for name, _, _ in diff.parameters]
    arguments = sum(name not in (_TOOL, _CALL_ID) for name in names)
    parts = [fmt.count(arguments, "argument")] if arguments else []
    if _TOOL in names:
        parts.append(f"tool {as_text((diff.new.parameters or {}).get(_TOOL))}")
    if _CALL_ID in names:
        parts.append("call id")
    return ", ".join(parts)


def _hooks_around(tool: Span) -> list[Span]:
    """Return the hooks around a tool's run, from the outermost."""
    hooks = []
    above = tool.parent
    while above is not None and above.flags & _PROBE and hook_name(above) in TOOL_HOOKS:
        hooks.append(above)
        above = above.parent
    return hooks[::-1]


def _down(probe: SpanData, child: Span) -> tuple[Step, Request, Request]:
    span = probe.span
    step = Step(as_text(probe.metadata.get(payload_keys.PROBE_LABEL)) or span.name, span)
    before_fields = as_map(probe.start_payload.get(payload_keys.BEFORE))
    request = passed = tool_request(before_fields)
    sent = [
        (seconds(delta.get("timestamp")), as_map(delta.get("payload")))
        for delta in probe.deltas
        if not isinstance(delta, Missing) and "after" in as_map(delta.get("payload"))
    ]
    chosen: Map | None = None
    for n, (at, payload) in enumerate(sent, 1):
        if at is None or at <= child.started_at or n == 1:
            chosen, step.attempt = payload, n
    step.attempts = len(sent)
    if before_fields and chosen is not None:
        passed = tool_request(before_fields | as_map(chosen.get("after")))
        step.diff = compare(request, passed)
    else:
        step.notes.append("What it passed on was not recorded.")
    step.notes += attempts_that_failed(probe)
    step.own_seconds = own_seconds(span, probe.now)
    return step, request, passed


def attempts_that_failed(probe: SpanData) -> list[str]:
    """Say which calls of its handler failed under a hook's hands, and how."""
    return [
        f"Attempt {as_text(payload.get('attempt'))} failed: {as_text(payload['error'])}"
        for payload in probe.delta_payloads
        if payload.get("error")
    ]


def handler_words(ended: Map, what: str) -> str:
    """Say how often a hook called what lies behind it, where that was not once."""
    calls = as_count(ended.get("handler_calls"))
    if calls is None or calls == 1:
        return ""
    return f"It called {what} {calls} times." if calls else f"It answered itself, without {what}."


def _up(probe: SpanData, last: bool) -> Step | None:
    span = probe.span
    step = Step(as_text(probe.metadata.get(payload_keys.PROBE_LABEL)) or span.name, span, "up")
    words = handler_words(probe.end_payload, "the tool")
    if words:
        step.notes.append(words)
    response = probe.end_payload.get(payload_keys.RESPONSE)
    if not last:
        step.notes = [CALLED_AGAIN]
    elif span.error is not None:
        step.notes.append(f"It failed: {span.error}")
    elif isinstance(response, dict):
        step.response = response
        changed = response.get("changed")
        step.response_changed = changed if isinstance(changed, bool) else None
        if response.get("command_update_keys"):
            keys = ", ".join(map(as_text, as_list(response["command_update_keys"])))
            step.notes.append(f"Its command writes to the state: {keys}")
        if response.get("command_goto"):
            step.notes.append(f"Its command goes to {as_text(response['command_goto'])}.")
    elif span.status is Status.RUNNING:
        return None
    else:
        step.notes.append("What it returned was not recorded.")
    return step


def _argument_changes(data: SpanData, passed: Request) -> Step | None:
    """Return the step for what became of the arguments between the innermost hook and the tool."""
    value: Any = data.start_payload.get(payload_keys.INPUT, data.start_payload.get(payload_keys.INPUTS))
    if isinstance(value, str):
        parsed = parse_json(value)
        if not parsed.ok or parsed.cut:
            return None
        value = parsed.value
    if not isinstance(value, dict) or passed.parameters is None or "arguments" in passed.parameters:
        return None
    identity = {name: passed.parameters.get(name) for name in (_TOOL, _CALL_ID)}
    diff = compare(passed, Request(parameters={**identity, **value}, source="snapshot"))
    if not diff.parameters:
        return None
    step = Step("not recorded", None, "down", diff, recorded=False)
    step.notes.append(
        "The tool got other arguments than the innermost recorded hook passed on: the framework filled some "
        "in, or a hook without a probe changed them."
    )
    return step


def _section(step: Step, key: str) -> list[Section]:
    blocks: list[Block] = [note(text) for text in step.notes]
    if step.direction == "up":
        words = (
            "" if step.response is None
            else "what it returned cannot be compared" if step.response_changed is None
            else "changed the result" if step.response_changed
            else "passed the result on"
        )  # fmt: skip
    else:
        words = (change_words(step.diff) or "no change") if step.diff is not None else "not known"
        if step.diff is not None and step.diff.parameters:
            blocks.append(Diff(parameter_lines(step.diff)))
    if step.attempts > 1:
        words += f" · attempt {step.attempt} of {step.attempts}"
    if step.own_seconds is not None:
        words += f" · {fmt.duration(step.own_seconds)}"
    inside: list[Section] = []
    if step.response_changed:
        for n, item in enumerate(as_list(as_map(step.response).get("messages"))):
            message = read_message(as_map(item).get("message") or item)
            if message is not None:
                inside += message_sections(message, f"{key}.result{n}", level=1)
    failed = step.span is not None and step.span.error is not None
    changed = step.changed or failed
    glyph = "↑" if step.direction == "up" else "▤" if step.recorded else "▒"
    style = "error" if failed else "title" if changed else "muted"
    title = step.label + ("  ✗" if failed else "")
    return [Section(key, title, blocks, words.strip(), open=bool(changed), glyph=glyph, style=style), *inside]
