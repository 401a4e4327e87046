"""Model calls: from the request that an agent's ``llm_node`` gets to the metrics after its last token."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import Any

import msgspec

from etaoi_collector.conventions import keys
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
    text_pieces: list[str] = []
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
            payload: dict[str, Any] = {"model": model, keys.INPUT_MESSAGES: request_messages(items, prompts)}
            if len(items) > _MESSAGES:
                payload["messages_left_out"] = len(items) - _MESSAGES
            payload[keys.TOOLS] = [name for name in map(snapshots.tool_name, offered) if name]
            if ahead:
                payload["preemptive"] = True
            return payload

        span = call.tracer.start(
            "llm",
            model,
            parent=turn.span if turn is not None else call.root(),
            payload=make,
            speech_id=turn.speech_id if turn is not None else None,
        )
        if turn is not None:
            turn.calls.append(span)
        model_call = ModelCall(self, span, model)
        self._open[span.span_id] = model_call
        model_call.token = enter_span(span)
        _UNDER_WAY.set((*_UNDER_WAY.get()[1 - _FOLLOWERS :], model_call))
        return model_call

    def chunk(self, model_call: ModelCall, chunk: Any) -> None:
        """Take a piece of the answer."""
        delta = getattr(chunk, "delta", None)
        text = chunk if isinstance(chunk, str) else getattr(delta, "content", None)
        calls = getattr(delta, "tool_calls", None)
        if model_call.first_at is None and (text or calls):
            model_call.first_at = time.time()
        if text:
            model_call.text_pieces.append(text)
            self._call.tracer.text(model_call.span, text)
        for one in calls or ():
            model_call.tools.append({"name": one.name, "args": one.arguments, "id": one.call_id})

    def ended(self, model_call: ModelCall, error: BaseException | None) -> None:
        """Take the end of the stream; the span ends with the metrics, or soon without them."""
        if model_call.ended_at is not None:
            return
        model_call.ended_at = time.time()
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            model_call.error = "interrupted"
        elif error is not None:
            model_call.error = error
        if model_call.token is not None:
            leave_span(model_call.token)
        if model_call.metrics is not None or model_call.error is not None:
            self._finish(model_call)
        else:
            asyncio.get_running_loop().call_later(_METRICS_WAIT, self._finish, model_call)

    def _finish(self, model_call: ModelCall) -> None:
        if model_call.finished:
            return
        model_call.finished = True
        self._open.pop(model_call.span.span_id, None)
        metrics = model_call.metrics
        text = "".join(model_call.text_pieces)
        response: dict[str, Any] = {"role": "ai", "text": text}
        if model_call.tools:
            response["tool_calls"] = model_call.tools
        payload: dict[str, Any] = {"response": response, "model": model_call.model, "text": text}
        if model_call.first_at is not None:
            payload["ttft"] = model_call.first_at - model_call.span.started_ns / 1e9
        at = model_call.ended_at
        if metrics is not None:
            payload[keys.MODEL] = model_name(metrics, model_call.model)
            payload["ttft"] = seconds(metrics.ttft)
            payload["tokens_per_second"] = metrics.tokens_per_second
            payload[keys.USAGE] = model_usage(metrics)
            at = metrics.timestamp
        elif at is None:
            at = time.time()
        self._call.tracer.end(
            model_call.span,
            payload,
            error=model_call.error,
            voice_metrics=voice_metrics(metrics) if metrics is not None else None,
            at=at,
        )

    def close_all(self, *, error: str | None) -> None:
        """End the calls that are still running."""
        for model_call in list(self._open.values()):
            model_call.error = model_call.error or error
            self._finish(model_call)

    # What metrics tell

    def llm_metrics(self, metrics: Any) -> None:
        """Take a request's metrics; its task inherited the call's span."""
        self._call.worked("llm")
        ours = (model_call for model_call in reversed(_UNDER_WAY.get()) if model_call.owner is self)
        model_call = next(ours, None)
        if model_call is None:
            self._alone(metrics)
        elif model_call.metrics is None and not model_call.finished:
            model_call.metrics = metrics
            if model_call.ended_at is not None:
                self._finish(model_call)
        else:
            self._call.tracer.delta(model_call.span, metrics_delta(metrics))

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
        payload = {
            "tokens_per_second": metrics.tokens_per_second,
            "ttft": seconds(metrics.ttft),
            "usage": model_usage(metrics),
        }
        call.tracer.end(
            span,
            payload,
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
            payload[keys.MODEL],
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
    messages: list[dict[str, Any]] = []
    for item in items:
        kind = getattr(item, "type", None)
        if kind == "message":
            text = item.text_content or _other_content(item.content)
            role = _ROLES.get(item.role, item.role)
            messages.append({"role": role, "text": _prompt(text, prompts) if role == "system" else text})
        elif kind == "function_call":
            tool_call = {"name": item.name, "args": item.arguments, "id": item.call_id}
            previous = messages[-1] if messages else None
            if previous is not None and previous["role"] == "ai":
                previous.setdefault("tool_calls", []).append(tool_call)
            else:
                messages.append({"role": "ai", "text": "", keys.TOOL_CALLS: [tool_call]})
        elif kind == "function_call_output":
            messages.append({"role": "tool", "text": item.output, "tool_call_id": item.call_id})
    return messages


def _prompt(text: str, prompts: str) -> str:
    """Say as much of a system message as was asked for."""
    if prompts == "full":
        return text
    digest = snapshots.instructions_digest(text, prompts)
    if digest is None:
        return f"({len(text):,} characters, not captured)"
    preview: str = digest["preview"]
    return preview if len(preview) == len(text) else f"{preview}… ({len(text):,} characters)"


def _other_content(content: list[Any]) -> str:
    """Say what a message holds that is no text."""
    return ", ".join(f"[{getattr(one, 'type', type(one).__name__)}]" for one in content)
