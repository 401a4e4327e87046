"""Model calls: from the request that an agent's ``llm_node`` gets to the metrics after its last token."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import Any

import msgspec

from etaoi_tui.sdk.livekit import private_api as inside
from etaoi_tui.sdk.livekit import snapshots
from etaoi_tui.sdk.livekit.call import Call
from etaoi_tui.sdk.livekit.metrics import (
    began,
    metrics_delta,
    model_name,
    model_usage,
    realtime_payload,
    seconds,
    voice_metrics,
)
from etaoi_tui.sdk.tracer import Span, enter_span, leave_span

_METRICS_WAIT = 0.5
"""Seconds that a call's end waits for its metrics, which are made by another task."""
_FOLLOWERS = 4
"""Calls that may follow one session, each sending somewhere else."""
_MESSAGES = 200
"""Messages of a request that are told: the newest, and what stands before all."""


_UNDER_WAY: ContextVar[tuple[ModelCall, ...]] = ContextVar("etaoi_tui_model_calls", default=())
"""The requests that the current task works for: one for each call that follows the session."""


class ModelCall(msgspec.Struct, eq=False):
    """One request to the model, as it streams."""

    owner: ModelCalls
    span: Span
    model: str
    token: Any = None
    said: list[str] = []
    tools: list[dict[str, Any]] = []
    first_at: float | None = None
    ended_at: float | None = None
    error: Any = None
    metrics: Any = None
    finished: bool = False


class ModelCalls:
    """Follows the requests that agents make through their ``llm_node``, and realtime responses."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._open: dict[int, ModelCall] = {}

    # What the tap on llm_node tells

    def begin(self, agent: Any, chat_ctx: Any, tools: Any) -> ModelCall:
        """Start a call's span and make it the current one for the task that runs ``llm_node``."""
        call = self._call
        turn = call.turn_of_task() or call.speaking_turn()
        model = snapshots.model_of(call.session, agent)
        items = list(chat_ctx.items)
        offered = list(tools)
        prompts = call.options.prompts
        ahead = turn is not None and turn.handle is not None and not inside.was_scheduled(turn.handle)

        def make() -> dict[str, Any]:
            told: dict[str, Any] = {"model": model, "input_messages": request_messages(items, prompts)}
            if len(items) > _MESSAGES:
                told["messages_left_out"] = len(items) - _MESSAGES
            told["tools"] = [name for name in map(snapshots.tool_name, offered) if name]
            if ahead:
                told["preemptive"] = True
            return told

        span = call.tracer.start(
            "llm",
            model,
            parent=turn.span if turn is not None else call.root(),
            payload=make,
            speech_id=turn.speech_id if turn is not None else None,
        )
        if turn is not None:
            turn.calls.append(span)
        made = ModelCall(self, span, model)
        self._open[span.span_id] = made
        made.token = enter_span(span)
        _UNDER_WAY.set((*_UNDER_WAY.get()[1 - _FOLLOWERS :], made))
        return made

    def chunk(self, made: ModelCall, chunk: Any) -> None:
        """Take a piece of the answer."""
        delta = getattr(chunk, "delta", None)
        text = chunk if isinstance(chunk, str) else getattr(delta, "content", None)
        calls = getattr(delta, "tool_calls", None)
        if made.first_at is None and (text or calls):
            made.first_at = time.time()
        if text:
            made.said.append(text)
            self._call.tracer.text(made.span, text)
        for one in calls or ():
            made.tools.append({"name": one.name, "args": one.arguments, "id": one.call_id})

    def ended(self, made: ModelCall, error: BaseException | None) -> None:
        """Take the end of the stream; the span ends with the metrics, or soon without them."""
        if made.ended_at is not None:
            return
        made.ended_at = time.time()
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            made.error = "interrupted"
        elif error is not None:
            made.error = error
        if made.token is not None:
            leave_span(made.token)
        if made.metrics is not None or made.error is not None:
            self._finish(made)
        else:
            asyncio.get_running_loop().call_later(_METRICS_WAIT, self._finish, made)

    def _finish(self, made: ModelCall) -> None:
        if made.finished:
            return
        made.finished = True
        self._open.pop(made.span.span_id, None)
        metrics = made.metrics
        text = "".join(made.said)
        response: dict[str, Any] = {"role": "ai", "text": text}
        if made.tools:
            response["tool_calls"] = made.tools
        told: dict[str, Any] = {"response": response, "model": made.model, "text": text}
        if made.first_at is not None:
            told["ttft"] = made.first_at - made.span.started_ns / 1e9
        at = made.ended_at
        if metrics is not None:
            told["model"] = model_name(metrics, made.model)
            told["ttft"] = seconds(metrics.ttft)
            told["tokens_per_second"] = metrics.tokens_per_second
            told["usage"] = model_usage(metrics)
            at = metrics.timestamp
        elif at is None:
            at = time.time()
        self._call.tracer.end(
            made.span,
            told,
            error=made.error,
            voice_metrics=voice_metrics(metrics) if metrics is not None else None,
            at=at,
        )

    def close_all(self, *, error: str | None) -> None:
        """End the calls that are still running."""
        for made in list(self._open.values()):
            made.error = made.error or error
            self._finish(made)

    # What metrics tell

    def llm_metrics(self, metrics: Any) -> None:
        """Take a request's metrics; its task inherited the call's span."""
        self._call.worked("llm")
        ours = (made for made in reversed(_UNDER_WAY.get()) if made.owner is self)
        made = next(ours, None)
        if made is None:
            self._alone(metrics)
        elif made.metrics is None and not made.finished:
            made.metrics = metrics
            if made.ended_at is not None:
                self._finish(made)
        else:
            self._call.tracer.delta(made.span, metrics_delta(metrics))

    def _alone(self, metrics: Any) -> None:
        """Tell a request that no ``llm_node`` made: one of a tool's own."""
        call = self._call
        turn = call.turn_of(getattr(metrics, "speech_id", None))
        span = call.tracer.start(
            "llm",
            model_name(metrics),
            parent=turn.span if turn is not None else call.root(),
            payload={
                "model": model_name(metrics),
                "prompt_tokens": metrics.prompt_tokens,
                "completion_tokens": metrics.completion_tokens,
            },
            speech_id=getattr(metrics, "speech_id", None),
            at=began(metrics),
        )
        told = {
            "tokens_per_second": metrics.tokens_per_second,
            "ttft": seconds(metrics.ttft),
            "usage": model_usage(metrics),
        }
        call.tracer.end(
            span,
            told,
            error="interrupted" if metrics.cancelled else None,
            voice_metrics=voice_metrics(metrics),
            at=metrics.timestamp,
        )

    def realtime_metrics(self, metrics: Any) -> None:
        """Take a realtime model's response: its time stamp is that of the beginning."""
        call = self._call
        if not metrics.request_id:  # of the connection, not of a response
            call.tell(None, metrics_delta(metrics))
            return
        call.worked("realtime_model")
        turn = call.speaking_turn() or call.newest
        payload = realtime_payload(metrics)
        if turn is not None:
            payload["source"] = "realtime_merged"
        span = call.tracer.start(
            "llm",
            payload["model"],
            parent=turn.span if turn is not None else call.root(),
            payload=payload,
            speech_id=turn.speech_id if turn is not None else None,
            at=metrics.timestamp,
        )
        call.tracer.end(
            span,
            payload,
            error="interrupted" if metrics.cancelled else None,
            voice_metrics=voice_metrics(metrics),
            at=metrics.timestamp + metrics.duration,
        )


_ROLES = {"user": "human", "assistant": "ai", "system": "system", "developer": "system"}


def request_messages(items: list[Any], prompts: str = "full") -> list[dict[str, Any]]:
    """Return a chat context as the wire tells requests: role and text, with tool calls beside the words.

    Args:
        items: what a ``ChatContext`` held when the request was made.
        prompts: how much of system messages is told; see `snapshots.instructions_digest`.
    """
    if len(items) > _MESSAGES:
        items = [*items[:1], *items[1 - _MESSAGES :]]
    told: list[dict[str, Any]] = []
    for item in items:
        kind = getattr(item, "type", None)
        if kind == "message":
            text = item.text_content or _other_content(item.content)
            role = _ROLES.get(item.role, item.role)
            told.append({"role": role, "text": _prompt(text, prompts) if role == "system" else text})
        elif kind == "function_call":
            asked = {"name": item.name, "args": item.arguments, "id": item.call_id}
            before = told[-1] if told else None
            if before is not None and before["role"] == "ai":
                before.setdefault("tool_calls", []).append(asked)
            else:
                told.append({"role": "ai", "text": "", "tool_calls": [asked]})
        elif kind == "function_call_output":
            told.append({"role": "tool", "text": item.output, "tool_call_id": item.call_id})
    return told


def _prompt(text: str, prompts: str) -> str:
    """Say as much of a system message as was asked for."""
    if prompts == "full":
        return text
    digest = snapshots.instructions_digest(text, prompts)
    if digest is None:
        return f"({len(text):,} characters, not captured)"
    shown: str = digest["preview"]
    return shown if len(shown) == len(text) else f"{shown}… ({len(text):,} characters)"


def _other_content(content: list[Any]) -> str:
    """Say what a message holds that is no text."""
    return ", ".join(f"[{getattr(one, 'type', type(one).__name__)}]" for one in content)
