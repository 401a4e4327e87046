"""The way of one request: raw, through each middleware, to what was sent; and of the response, back up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from etaoi_collector.conventions import keys as payload_keys
from etaoi_collector.projections.payload_reader import Missing
from etaoi_collector.store.model import Span, SpanFlag, Status
from etaoi_tui.detail.compare.request_diff import RequestDiff, compare, says_the_same
from etaoi_tui.detail.messages.chat import Message, read_message
from etaoi_tui.detail.messages.request import (
    DecodedMessages,
    Request,
    bodies_in,
    read_sent,
    read_snapshot,
    read_state,
    read_tools,
    take_tool_changes,
)
from etaoi_tui.detail.middleware.locate import LocatedHooks, hooks_of
from etaoi_tui.detail.middleware.request_step import Step
from etaoi_tui.detail.middleware.state_hooks import state_step
from etaoi_tui.detail.middleware.tool_chain import CALLED_AGAIN, handler_words
from etaoi_tui.detail.span_data import Map, SpanData, as_list, as_map, as_text, seconds
from etaoi_tui.view.middleware.pairing import ProbePair

_PROBE = int(SpanFlag.PROBE)
_TIME_INSIDE = "Its time includes that of the hooks inside it that are not instrumented."
_UNNAMED = "LangGraph"
"""What LangGraph calls an agent without a name."""


@dataclass(slots=True)
class CallChain:
    """Everything that is known of one call's way."""

    raw: Request
    raw_told_by: str
    down: list[Step]
    sent: Request
    up: list[Step]
    unplaced: list[tuple[Span, str]]
    notes: list[str]
    running: bool = False

    @property
    def recorded(self) -> list[Step]:
        """The steps that are middleware hooks with a recording of their own, each once."""
        by_span: dict[int, Step] = {}
        for step in (*self.down, *self.up):
            if step.span is not None and step.recorded:
                by_span.setdefault(step.span.number, step)
        return list(by_span.values())

    @property
    def overall(self) -> RequestDiff:
        """How what was sent differs from the raw request."""
        return compare(self.raw, self.sent)


Schemas = Mapping[str, list[Any]]


def build_chain(data: SpanData, schemas: Schemas | None = None) -> CallChain:
    """Put together what a recording knows about a model call's request.

    Args:
        data: Of the model call.
        schemas: Tool schemas by ``tools_hash``, from earlier calls.
    """
    return _Builder(data, schemas or {}).build()


class _Builder:
    def __init__(self, data: SpanData, schemas: Schemas) -> None:
        self.data = data
        self.hooks: LocatedHooks = hooks_of(data)
        self.sent = read_sent(data.start_payload, data.metadata, schemas)
        self.bodies: dict[str, Message] = {m.key: m for m in self.sent.messages or () if m.key}
        self.decoded_messages: DecodedMessages = {}
        self.agent = _snapshot(data)
        self.notes: list[str] = []
        self.went_down_again: set[int] = set()
        """Hooks that called the rest of the chain once more after this call, by their span's number."""
        self.probes = [data.of(wrap.down) for wrap in self.hooks.wraps]
        for probe in self.probes:
            for payload in (probe.start_payload, *probe.delta_payloads):
                bodies_in(as_map(payload.get(payload_keys.DIFF)), self.bodies)

    def build(self) -> CallChain:
        if self.hooks.made_by:
            self.notes.append(f"{self.hooks.made_by} made this call for itself: it is not the agent's own.")
            return CallChain(
                self.sent, "the call itself", [], self.sent, [], [], self.notes, self.data.running
            )
        state_steps = [state_step(self.data, node, self.bodies) for node in self.hooks.before]
        base, source = self._base()
        wraps, first = self._wrap_steps(base)
        raw, raw_source = base, source
        gap: Step | None = None
        if first is not None:
            gap = self._gap(base, first, None, self._label(0)) if base.messages is not None else None
            if gap is None:
                raw, raw_source = first, "the outermost middleware that is recorded"
        elif base.messages is None:
            raw, raw_source = self.sent, "the call itself: nothing in front of it was recorded"
        raw, raw_source = self._before_hooks(state_steps, raw, raw_source)
        down = [*state_steps, *([gap] if gap is not None else []), *wraps]
        if any(step.partial for step in wraps):
            self.notes.append(
                "Probes of the etaoi SDK tell neither parameters nor tool schemas, and cache breakpoints in "
                "the system prompt only."
            )
        up = self._up_steps()
        up += [state_step(self.data, node, self.bodies, up=True) for node in self.hooks.after]
        return CallChain(
            raw, raw_source, down, self.sent, up, self.hooks.unplaced, self.notes, self.data.running
        )

    def _before_hooks(self, steps: list[Step], raw: Request, told_by: str) -> tuple[Request, str]:
        """Return the raw request as it was before the hooks that see the state, as far as that is known."""
        if not steps or raw.messages is None:
            return raw, told_by
        diffs = [step.diff for step in steps if step.diff is not None]
        ends = [diff.new for diff in diffs]
        begins = [diff.old for diff in diffs[1:]]
        joined = len(diffs) == len(steps) and not any(
            compare(end, begin).messages_changed for end, begin in zip(ends, [*begins, raw], strict=True)
        )
        if not joined:
            self.notes.append("The raw request is told as the hooks before the model left it.")
            return raw, told_by
        own = f"the state that {steps[0].label} was given"
        return replace(raw, messages=diffs[0].old.messages), f"{own}, and {told_by}"

    # the way down

    def _wrap_steps(self, base: Request) -> tuple[list[Step], Request | None]:
        steps: list[Step] = []
        first: Request | None = None
        passed: Request | None = None
        names: list[str] = []
        for n, (wrap, probe) in enumerate(zip(self.hooks.wraps, self.probes, strict=True)):
            child = self.hooks.wraps[n + 1].down if n + 1 < len(self.hooks.wraps) else self.data.span
            step, request, down = self._wrap_step(wrap, probe, child, n)
            if first is None:
                first = request
            elif passed is not None and request is not None:
                between = self._gap(passed, request, names[-1], step.label)
                if between is not None and (between.changed or between.hooks_hidden):
                    if between.hooks_hidden:
                        steps[-1].notes.append(_TIME_INSIDE)
                    steps.append(between)
            names.append(step.label)
            steps.append(step)
            passed = down
        if passed is not None:
            self._fill_sent(passed)
            last = self._gap(passed, self.sent, names[-1], None)
            if last is not None and (last.changed or last.hooks_hidden):
                if last.hooks_hidden:
                    steps[-1].notes.append(_TIME_INSIDE)
                steps.append(last)
        elif not self.hooks.wraps:
            overall_gap = self._gap(base, self.sent, None, None) if base.messages is not None else None
            if overall_gap is not None and (overall_gap.changed or overall_gap.hooks_hidden):
                steps.append(overall_gap)
        return steps, first

    def _wrap_step(
        self, wrap: ProbePair, probe: SpanData, child: Span, n: int
    ) -> tuple[Step, Request | None, Request | None]:
        span = wrap.down
        label = as_text(probe.metadata.get(payload_keys.PROBE_LABEL)) or span.name
        step = Step(label, span, wraps=True)
        before_fields = as_map(probe.start_payload.get(payload_keys.BEFORE))
        request = read_snapshot(before_fields, self.bodies, self.decoded_messages) if before_fields else None
        passed: Request | None
        if wrap.nested:
            step.attempt, step.attempts, sent = _attempt(probe, child)
            if step.attempt < step.attempts:
                self.went_down_again.add(span.number)
            passed = None
            if sent is not None and before_fields:
                merged = {**before_fields, **as_map(sent.get("after"))}
                merged = {name: value for name, value in merged.items() if value is not None}
                passed = read_snapshot(merged, self.bodies, self.decoded_messages)
                take_tool_changes(as_map(sent.get("diff")), request, passed)
            step.own_seconds = wrap.own_seconds(self.data.now)
        else:
            after = as_map(probe.start_payload.get(payload_keys.AFTER))
            passed = read_snapshot(after, self.bodies, self.decoded_messages) if after else None
            step.own_seconds, step.own_is_rough = wrap.own_seconds(), True
        if request is not None and passed is not None:
            step.diff = compare(request, passed)
            step.partial = request.parameters is None
        elif span.status is Status.RUNNING:
            step.notes.append("It has not passed the request on yet.")
        else:
            step.notes.append("What it passed on was not recorded.")
        if span.error is not None:
            step.notes.append(f"It failed: {span.error}")
        if wrap.calls_inside > 1:
            step.notes.append(
                f"{wrap.calls_inside} calls ran inside of it; a hook may have made one of them for itself."
            )
        if wrap.placed:
            step.notes.append(f"One of its marks: {wrap.placed}.")
        return step, request, passed

    def _fill_sent(self, passed: Request) -> None:
        """What the call's own start does not tell is as the innermost recorded hook passed it on."""
        sent = self.sent
        if sent.breakpoints is None:
            sent.breakpoints = passed.breakpoints
        if sent.tools is None and passed.tools is not None:
            sent.tools = passed.tools
            self.notes.append(
                "The call does not tell its tools; shown are those that the innermost recorded middleware "
                "passed on. What a hook further in did to them is not known."
            )

    def _label(self, n: int) -> str | None:
        if n >= len(self.hooks.wraps):
            return None
        return as_text(self.probes[n].metadata.get(payload_keys.PROBE_LABEL)) or self.hooks.wraps[n].down.name

    def _gap(
        self, old: Request, new: Request, previous_hook: str | None, next_hook: str | None
    ) -> Step | None:
        """Return the step for what happened where nothing is recorded; None if nothing can be told of it."""
        if old.messages is None and old.system is None and old.tools is None:
            return None
        diff = compare(old, new)
        hidden = self._not_instrumented(previous_hook, next_hook)
        if diff.nothing and not hidden:
            return None
        label = ", ".join(hidden) if hidden else "not recorded"
        step = Step(label, None, "down", diff, recorded=False, hooks_hidden=hidden)
        if hidden:
            step.notes.append(
                "Not instrumented: what these changed is known only together. Give them to "
                "etaoi_tui.instrument() to see each."
            )
        else:
            step.notes.append(
                "Changed by something that is not recorded: the framework, a hook without a probe, or code "
                "that writes into messages where they lie."
            )
        return step

    def _not_instrumented(self, previous_hook: str | None, next_hook: str | None) -> list[str]:
        """Name the wrap hooks between two recorded ones that the agent has and nobody recorded."""
        order = [
            as_text(as_map(item).get("name"))
            for item in as_list(self.agent.get("middleware"))
            if {"wrap_model_call", "awrap_model_call"} & set(map(as_text, as_list(as_map(item).get("hooks"))))
        ]
        first = _index(order, previous_hook) + 1 if previous_hook is not None else 0
        last = _index(order, next_hook) if next_hook is not None else len(order)
        if (previous_hook is not None and first == 0) or last < first:
            return []
        recorded = {self._short(n) for n in range(len(self.hooks.wraps))}
        return [name for name in order[first:last] if name not in recorded]

    def _short(self, n: int) -> str:
        return (self._label(n) or "").rpartition(".")[0]

    def _base(self) -> tuple[Request, str]:
        """Return the request as the agent's state and definition make it, before any wrap hook."""
        base = Request(source="state")
        node = self.hooks.node
        told_by = []
        if node is not None:
            state, why = read_state(self.data.of(node).start_payload.get(payload_keys.INPUTS))
            if state is not None and not state.unread:
                base.messages = state.messages
                told_by.append("the state that its graph node was given")
            elif why:
                self.notes.append(f"The state that its graph node was given cannot be compared: {why}.")
        prompt = self.agent.get("system_prompt")
        if isinstance(prompt, dict):
            base.system = as_text(prompt.get("text"))
        elif prompt:
            base.system = as_text(prompt)
        if self.agent.get("tools") and (node is not None or self.hooks.wraps):
            base.tools = read_tools(self.agent["tools"])
        if self.agent and (base.system is not None or base.tools is not None):
            told_by.append("the agent's snapshot")
        return base, " and ".join(told_by)

    # the way up

    def _up_steps(self) -> list[Step]:
        steps = []
        inner = [read_message(self.data.end_payload.get(payload_keys.RESPONSE))]
        for wrap in reversed(self.hooks.wraps):
            if wrap.up is not None and wrap.up.number in self.went_down_again:
                step = Step(wrap.up.name, wrap.up, "up", wraps=True)
                step.notes.append(CALLED_AGAIN)
                steps.append(step)
                continue
            if wrap.up is None:
                if self.data.end is not None:
                    label = wrap.down.name
                    step = Step(label, wrap.down, "up", wraps=True)
                    step.notes.append(
                        CALLED_AGAIN
                        if wrap.went_down_again
                        else "What it returned was not recorded, or cannot be told from other calls."
                    )
                    steps.append(step)
                continue
            probe = self.data.of(wrap.up)
            label = as_text(probe.metadata.get(payload_keys.PROBE_LABEL)) or wrap.up.name
            response = (
                probe.end_payload.get(payload_keys.RESPONSE)
                if wrap.nested
                else probe.start_payload.get(payload_keys.RESPONSE)
            )
            step = Step(label, wrap.up, "up", wraps=True)
            if not isinstance(response, dict):
                if wrap.up.ended_at is not None and wrap.up.error is None:
                    step.notes.append("What it returned was not recorded.")
                elif wrap.up.error is not None:
                    step.notes.append(f"It failed: {wrap.up.error}")
                else:
                    continue
                steps.append(step)
                continue
            step.response = response
            messages = [
                read_message(as_map(m).get("message") or m) for m in as_list(response.get("messages"))
            ]
            changed = response.get("changed")
            step.response_changed = changed if isinstance(changed, bool) else _differs(inner, messages)
            if response.get("command_update_keys"):
                step.response_changed = True
                keys = ", ".join(map(as_text, as_list(response["command_update_keys"])))
                step.notes.append(f"Its command writes to the state: {keys}")
            if response.get("command_goto"):
                step.response_changed = True
                step.notes.append(f"Its command goes to {as_text(response['command_goto'])}.")
            words = handler_words(probe.end_payload, "the rest of the chain")
            if words:
                step.notes.append(words)
            inner = messages or inner
            steps.append(step)
        return steps


def _attempt(probe: SpanData, child: Span) -> tuple[int, int, Map | None]:
    """Return which call of its handler led to ``child``, of how many, and what it told of it then."""
    sent = []
    for delta in probe.deltas:
        if isinstance(delta, Missing):
            continue
        payload = as_map(delta.get("payload"))
        if payload.get(payload_keys.PROBE_PHASE) == "pre_handler":
            sent.append((seconds(delta.get("timestamp")), payload))
    chosen: Map | None = None
    number = 0
    for n, (at, payload) in enumerate(sent, 1):
        if at is None or at <= child.started_at or n == 1:
            chosen, number = payload, n
    return number, len(sent), chosen


def _snapshot(data: SpanData) -> Map:
    """Return the agent's snapshot that a call names, if it has arrived and is of the call's own agent.

    The etaoi SDK gives the calls of every agent the snapshot of the agent that was attached last.
    """
    snapshot_id = as_text(data.metadata.get("agent.context_id"))
    snapshot_span = data.find_snapshot(snapshot_id) if snapshot_id else None
    if snapshot_span is None:
        return {}
    snapshot = data.of(snapshot_span).start_payload
    name = as_text(snapshot.get("agent_name"))
    mine = as_text(data.metadata.get("lc_agent_name")) or data.span.agent
    return snapshot if not name or name in (mine, _UNNAMED) else {}


def _index(order: list[str], label: str) -> int:
    name = label.rpartition(".")[0]
    return order.index(name) if name in order else -1


def _differs(before: list[Message | None], after: list[Message | None]) -> bool | None:
    """Whether two responses differ; None if either is not known."""
    if not after or not before or None in after or None in before:
        return None
    if len(before) != len(after):
        return True
    return not all(
        _alike(one, other)
        for one, other in zip(before, after, strict=True)
        if one is not None and other is not None
    )


def _alike(one: Message, other: Message) -> bool:
    names = {"assistant": "ai", "model": "ai"}
    same_role = names.get(one.role, one.role) == names.get(other.role, other.role)
    if not same_role:
        return False
    other.role = one.role
    return says_the_same(one, other)
