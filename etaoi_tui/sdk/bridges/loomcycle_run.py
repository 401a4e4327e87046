"""One loomcycle run as spans: the same machine for a live stream and for a transcript."""

from __future__ import annotations

from time import time_ns
from typing import Any

from etaoi_tui.sdk.bridges.loomcycle_registry import SYSTEM, RunRegistry
from etaoi_tui.sdk.bridges.loomcycle_tools import ToolCalls, decoded, shown_fields, widening_of
from etaoi_tui.sdk.bridges.shared import error_words, serialize_value, strings, usage_of
from etaoi_tui.sdk.ids import bridge_uuid
from etaoi_tui.sdk.tracer import Span, Tracer

END_WITHOUT_DONE = "ended without done (cancelled?)"
LEFT = "cancelled: the stream was left before its end; the run may go on"


class RunSpans:
    """What happens inside one run.

    Args:
        tracer: where spans go.
        directory: where sub-agents are remembered.
        root: the run's span, started.
        key: the run's id, from which the ids of all spans inside are derived; empty for random ones.
        agent_id: loomcycle's id of the agent.
        messages: what was said before, as the wire has it; grows with the run.
        tell_text: whether streamed text is sent as it comes (a transcript tells whole answers only).
    """

    def __init__(
        self,
        tracer: Tracer,
        directory: RunRegistry,
        root: Span,
        key: str,
        agent_id: str,
        messages: list[dict[str, Any]],
        *,
        tell_text: bool = True,
    ) -> None:
        self.tracer = tracer
        self.root = root
        self.messages = messages
        self.answer = ""
        self.over = False
        self._model = ""
        self._key = key
        self._tell_text = tell_text
        self._llm: Span | None = None
        self._calls_made = 0
        self._since = root.started_ns
        self._last_said = root.started_ns
        self._first_word: int | None = None
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._tools = ToolCalls(tracer, directory, root, key, agent_id)

    def take(self, event: Any, at: int | None = None) -> None:
        """Take an event of the stream, or one of a transcript that is shaped like it.

        Args:
            event: has ``type`` and the fields of `loomcycle.AgentEvent`.
            at: when it happened, in nanoseconds since the epoch; None for now.
        """
        now = time_ns() if at is None else at
        take = _TAKERS.get(event.type)
        if take is not None:
            if not self.over:
                take(self, event, now)
        else:
            self.tracer.delta(self.root, {"event": event.type, **shown_fields(event)}, at=now)

    def begin_at(self, at: int | None) -> None:
        """Say when the run began, where its span knows that less well."""
        if at is not None:
            self._since = self._last_said = at

    def end(self, error: str | BaseException | None, payload: Any = None, at: int | None = None) -> None:
        """End everything that is open, the root last. Only the first end counts."""
        if self.over:
            return
        self.over = True
        now = time_ns() if at is None else at
        self._end_llm(now, error=error)
        self._tools.end_all(error or "its run ended", now)
        self.tracer.end(self.root, {"outputs": self.answer, **(payload or {})}, error=error, at=now)

    # ---- the model

    def _started(self, event: Any, now: int) -> None:
        self._since = now
        self._open_llm(now)

    def _text(self, event: Any, now: int) -> None:
        span = self._speaking(now)
        self._texts.append(event.text)
        if self._tell_text:
            self.tracer.text(span, event.text)

    def _thinking(self, event: Any, now: int) -> None:
        span = self._speaking(now)
        self._reasoning.append(event.text)
        if self._tell_text:
            self.tracer.text(span, event.text, "reasoning")

    def _retry(self, event: Any, now: int) -> None:
        retry = event.retry
        told = {name: _read(retry, name) for name in ("provider", "attempt", "wait_ms", "reason")}
        self.tracer.delta(self._open_llm(now), {"retry": told}, at=now)

    def _tool_call(self, event: Any, now: int) -> None:
        use = event.tool_use
        call_id, name = str(_read(use, "id") or ""), str(_read(use, "name") or "tool")
        given = decoded(_read(use, "input"))
        if self._llm is not None or not self._tools.open:
            call = {"name": name, "args": given, "id": call_id}
            span = self._speaking(now)
            self._calls.append(call)
            self.tracer.delta(span, {"tool_call": call}, at=now)
        self._tools.start(call_id, name, given, now)

    def _usage(self, event: Any, now: int) -> None:
        self._open_llm(now)
        model = str(_read(event.usage, "model") or "")
        self._end_llm(now, usage=usage_of(event.usage), model=model)

    def _open_llm(self, now: int) -> Span:
        if self._llm is None:
            self._calls_made += 1
            messages = list(self.messages)
            self._first_word = None
            self._last_said = now
            self._llm = self.tracer.start(
                "llm",
                self._model or "model",
                parent=self.root,
                payload={"input_messages": messages},
                agent_name=self.root.agent_name,
                at=min(self._since, now),
                span_id=bridge_uuid(SYSTEM, "llm", f"{self._key}:{self._calls_made}") if self._key else None,
            )
        return self._llm

    def _speaking(self, now: int) -> Span:
        span = self._open_llm(now)
        self._last_said = now
        if self._first_word is None:
            self._first_word = now
        return span

    def _end_llm(
        self,
        now: int,
        *,
        usage: dict[str, int] | None = None,
        model: str = "",
        error: str | BaseException | None = None,
    ) -> None:
        span = self._llm
        if span is None:
            return
        text = "".join(self._texts)
        response: dict[str, Any] = {"role": "ai", "text": text}
        if self._calls:
            response["tool_calls"] = self._calls
        if self._reasoning:
            response["reasoning"] = "".join(self._reasoning)
        payload: dict[str, Any] = {"response": response}
        if usage:
            payload["usage"] = usage
        if model:
            self._model = payload["model"] = model
        if self._first_word is not None:
            payload["ttft_ms"] = round(max(0, self._first_word - span.started_ns) / 1e6, 3)
        self.tracer.end(span, payload, error=error, at=now)
        said = {key: value for key, value in response.items() if key != "reasoning"}
        if text or self._calls:
            self.messages.append(said)
        self.answer = text or self.answer
        self._llm, self._since = None, now
        self._texts, self._reasoning, self._calls = [], [], []

    # ---- tools

    def _host_widened(self, event: Any, now: int) -> None:
        widening = widening_of(event.host_widening)
        span = self._tools.find(widening.get("tool_call_id", ""), widening.get("tool_name", ""))
        self.tracer.delta(span or self.root, {"host_widened": widening}, at=now)

    def _tool_result(self, event: Any, now: int) -> None:
        self._end_llm(self._last_said)  # a provider that counts nothing tells no usage
        use = event.tool_use
        call_id, name = str(_read(use, "id") or ""), str(_read(use, "name") or "tool")
        text = event.text or ""
        self._tools.finish(call_id, name, decoded(_read(use, "input")), text, bool(event.is_error), now)
        self.messages.append({"role": "tool", "text": text, "name": name, "tool_call_id": call_id})
        self._since = now

    def _spawned(self, event: Any, now: int) -> None:
        self._tools.spawned(event.spawn_child)

    # ---- the end

    def _done(self, event: Any, now: int) -> None:
        payload = {"stop_reason": event.stop_reason, "total_usage": usage_of(event.usage)}
        self.end(None, {key: value for key, value in payload.items() if value}, at=now)

    def _error(self, event: Any, now: int) -> None:
        self.end(error_words(event.error or event.text), strings(stop_reason=event.stop_reason), at=now)


_TAKERS = {
    "started": RunSpans._started,
    "text": RunSpans._text,
    "thinking": RunSpans._thinking,
    "retry": RunSpans._retry,
    "tool_call": RunSpans._tool_call,
    "tool_use": RunSpans._tool_call,
    "tool_result": RunSpans._tool_result,
    "usage": RunSpans._usage,
    "host_widened": RunSpans._host_widened,
    "spawn_child_started": RunSpans._spawned,
    "spawn_child_result": RunSpans._spawned,
    "done": RunSpans._done,
    "error": RunSpans._error,
}


def _read(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


def shown_inputs(segments: list[dict[str, Any]]) -> Any:
    """Return what a person reads of a run's prompt."""
    return serialize_value("\n".join(message["text"] for message in segments if message["role"] != "system"))
