"""Tools: from the moment a call is dispatched to its last word, also in the background."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from etaoi_tui.sdk.livekit.call import Call
from etaoi_tui.sdk.livekit.turns import Turn
from etaoi_tui.sdk.tracer import Span, enter_span

_REMEMBERED = 256


class ToolCalls:
    """Follows tool calls by their id.

    livekit-agents tells of a call up to four times (a chat item when it starts, events for its life, a chat
    item for its output, and a summary when all calls of a step are through); one span comes of it.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._open: dict[str, Span] = {}
        self._past: OrderedDict[str, Span] = OrderedDict()
        self._calls: dict[str, dict[str, Any]] = {}
        self._executing: set[str] = set()
        self._handing_over: Span | None = None

    def item_added(self, item: Any, turn: Turn | None) -> None:
        """Take a call or an output from its speech, in the task that runs it."""
        kind = getattr(item, "type", None)
        if kind == "function_call":
            span = self._start(item, turn, at=item.created_at)
            # The tool's task is made next, in this context: what runs inside the tool lies in its span.
            enter_span(span)
        elif kind == "function_call_output" and item.call_id not in self._executing:
            self._finish_with(item)

    def _start(self, function: Any, turn: Turn | None, *, at: float) -> Span:
        open_span = self._open.get(function.call_id)
        if open_span is not None:
            return open_span
        payload = {
            "name": function.name,
            "arguments": function.arguments,
            "call_id": function.call_id,
            "parent_tool_call_id": None,
        }
        span = self._call.tracer.start(
            "tool",
            function.name,
            parent=turn.span if turn is not None else self._call.root(),
            payload=payload,
            speech_id=turn.speech_id if turn is not None else None,
            at=at,
        )
        self._open[function.call_id] = span
        self._calls[function.call_id] = payload
        return span

    def _finish(
        self, call_id: str, output: Any, *, error: str | None, at: float, more: dict[str, Any] | None = None
    ) -> None:
        span = self._open.pop(call_id, None)
        if span is None:
            return
        payload = {
            **self._calls.pop(call_id, {}),
            "output": output,
            "is_error": error == "tool_error",
            **(more or {}),
        }
        self._call.tracer.end(span, payload, error=error, at=at)
        self._past[call_id] = span
        if len(self._past) > _REMEMBERED:
            self._past.popitem(last=False)

    def _finish_with(self, output: Any) -> None:
        error = "tool_error" if output.is_error else None
        self._finish(output.call_id, output.output, error=error, at=output.created_at)

    def updated(self, event: Any) -> None:
        """Take one step of a call's life (livekit-agents 1.8 and later)."""
        update, at = event.update, event.created_at
        kind = update.type
        if kind == "tool_call_started":
            turn = self._call.turn_of_task() or self._call.speaking_turn()
            self._executing.add(update.function_call.call_id)
            self._start(update.function_call, turn, at=at)
        elif kind == "tool_call_updated":
            span = self._open.get(update.call_id)
            if span is not None:
                self._call.tracer.delta(
                    span,
                    {"update": {"id": update.id, "message": update.message, "silent": update.silent}},
                    at=at,
                )
        elif kind == "tool_call_ended":
            self._executing.discard(update.call_id)
            error = {"error": "tool_error", "cancelled": "cancelled"}.get(update.status)
            self._finish(update.call_id, update.message, error=error, at=at, more={"status": update.status})
        elif kind == "tool_reply_updated":
            payload = {"reply": {"status": update.status, "speech_id": update.speech_id}}
            for call_id in {one.split("_update_")[0].removesuffix("_final") for one in update.update_ids}:
                span = self._open.get(call_id) or self._past.get(call_id)
                if span is not None:
                    self._call.tracer.delta(span, payload, at=at)

    def executed(self, event: Any) -> None:
        """Take a step's calls once all are through: the ones that nothing else told of, and the handoff."""
        turn = self._call.turn_of_task() or self._call.speaking_turn()
        last: Span | None = None
        for function, output in zip(event.function_calls, event.function_call_outputs, strict=False):
            call_id = function.call_id
            if call_id not in self._open and call_id not in self._past:
                self._start(function, turn, at=function.created_at)
            if call_id not in self._executing:
                if output is not None:
                    self._finish_with(output)
                else:
                    self._finish(call_id, None, error=None, at=event.created_at)
            last = self._past.get(call_id) or self._open.get(call_id) or last
        if getattr(event, "has_agent_handoff", True):
            self._handing_over = last

    def handed_over(self, old_agent_id: str, new_agent_id: str, *, at: float | None) -> None:
        """Tell the tool that asked for it that another agent took over."""
        span, self._handing_over = self._handing_over, None
        if span is not None:
            payload = {"handoff": {"from_agent_id": old_agent_id, "to_agent_id": new_agent_id}}
            self._call.tracer.delta(span, payload, at=at)

    def close_all(self, *, error: str | None, at: float) -> None:
        """End the calls that are still running."""
        for call_id in list(self._open):
            self._finish(call_id, None, error=error, at=at)
        self._executing.clear()
