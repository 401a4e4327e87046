"""One loomcycle run as spans: the same machine for a live stream and for a transcript."""

from __future__ import annotations

from time import time_ns
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.waits import WAITS_FOR
from etaoi_tui.sdk.bridge_support.event_row import write_event
from etaoi_tui.sdk.bridge_support.shared import error_words, serialize_value, strings, usage_of
from etaoi_tui.sdk.ids import bridge_uuid
from etaoi_tui.sdk.loomcycle.events import (
    NOISE,
    ends_waiting,
    is_warning,
    operator_message,
    row_data,
    waits_for,
)
from etaoi_tui.sdk.loomcycle.registry import SYSTEM, RunRegistry
from etaoi_tui.sdk.loomcycle.tools import ToolCalls, decoded, error_info_of, event_fields, widening_of
from etaoi_tui.sdk.tracer import Span, Tracer

WHOLE_REQUEST = 100
"""Messages up to which each model call tells all of them; beyond, only those that are new to it."""

END_WITHOUT_DONE = "ended without done (cancelled?)"
STREAM_LEFT = "cancelled: the stream was left before its end; the run may go on"


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
        self.count_usage = True
        """False where the root's span says what all calls took."""
        self._model = ""
        self._key = key
        self._tell_text = tell_text
        self._llm: Span | None = None
        self._calls_made = 0
        self._since = root.started_ns
        self._last_text_at = root.started_ns
        self._first_word: int | None = None
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._waiting: list[Span] = []
        self._worked_since = 0
        """When the model call that is on got its slot; 0 where it did not wait for one."""
        self._sent_messages = 0
        """Messages that the calls before have told."""
        self._directory = directory
        self._directory.agents.saw(root.name, system_prompt=_system_prompt(messages))
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
            self._happened(event, now)

    def begin_at(self, at: int | None) -> None:
        """Say when the run began, where its span knows that less well."""
        if at is not None:
            self._since = self._last_text_at = at

    def end(self, error: str | BaseException | None, payload: Any = None, at: int | None = None) -> None:
        """End everything that is open, the root last. Only the first end counts."""
        if self.over:
            return
        self.over = True
        now = time_ns() if at is None else at
        self._end_llm(now, error=error)
        self._directory.tell_agent(self.tracer, self.root, now)
        self._tools.end_all(error or "its run ended", now)
        self.tracer.end(self.root, {keys.OUTPUTS: self.answer, **(payload or {})}, error=error, at=now)

    # ---- what happens beside it

    def _happened(self, event: Any, now: int) -> None:
        kind, fields = event.type, event_fields(event)
        if not self.over:
            if ends_waiting(kind, fields):
                self.go_on(now)
            elif what := waits_for(kind, fields):
                self.wait(what, now, slot=kind == "call_queued")
            if kind == "override":
                moved = str(getattr(getattr(event, "override", None), "to_model", "") or "")
                self._model = moved.rpartition("/")[2] or self._model
        operator_text = operator_message(kind, fields)
        if operator_text:
            self.messages.append({"role": "human", "text": operator_text})
            self._since = now
        write_event(
            self.tracer,
            kind,
            row_data(kind, fields),
            parent=self.root,
            at=now,
            warning=is_warning(kind, fields),
            noise=kind in NOISE,
            message=operator_text,
        )

    def wait(self, what: str, at: int, *, slot: bool = False) -> None:
        """Wait for somebody, or for a slot: no model works meanwhile.

        Args:
            what: what for.
            at: since when.
            slot: whether it is the model call that waits for its provider.
        """
        if slot and self._llm is not None and self._first_word is None:
            self._waiting = [self._llm, self.root]
        else:
            self._end_llm(self._last_text_at if self._first_word is not None else at)
            self._waiting = [self.root]
        for span in self._waiting:
            self.tracer.delta(span, {}, metadata={WAITS_FOR: what}, at=at)

    def go_on(self, at: int) -> None:
        """Wait no longer: the model begins now."""
        waiting, self._waiting = self._waiting, []
        for span in waiting:
            self.tracer.delta(span, {}, metadata={WAITS_FOR: ""}, at=at)
        if waiting:
            self._since = self._last_text_at = self._worked_since = at

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
        retry_fields = {name: _read(retry, name) for name in ("provider", "attempt", "wait_ms", "reason")}
        self.tracer.delta(self._open_llm(now), {"retry": retry_fields}, at=now)

    def _tool_call(self, event: Any, now: int) -> None:
        use = event.tool_use
        call_id, name = str(_read(use, "id") or ""), str(_read(use, "name") or "tool")
        tool_input = decoded(_read(use, "input"))
        if self._llm is not None or not self._tools.open:
            call = {"name": name, "args": tool_input, "id": call_id}
            span = self._speaking(now)
            self._calls.append(call)
            self.tracer.delta(span, {"tool_call": call}, at=now)
        self._directory.agents.saw(self.root.name, tools=(name,))
        self._tools.start(call_id, name, tool_input, now)

    def _usage(self, event: Any, now: int) -> None:
        self._open_llm(now)
        model = str(_read(event.usage, "model") or "")
        self._end_llm(now, usage=usage_of(event.usage), model=model)
        self._directory.agents.saw(self.root.name, model=model)
        self._directory.tell_agent(self.tracer, self.root, now)

    def _open_llm(self, now: int) -> Span:
        if self._llm is None:
            self._calls_made += 1
            if self._waiting:
                self.go_on(now)
            self._first_word, self._worked_since = None, 0
            self._last_text_at = now
            self._llm = self.tracer.start(
                "llm",
                self._model or "model",
                parent=self.root,
                payload={keys.INPUT_MESSAGES: self._request()},
                agent_name=self.root.agent_name,
                at=min(self._since, now),
                span_id=bridge_uuid(SYSTEM, "llm", f"{self._key}:{self._calls_made}") if self._key else None,
            )
        return self._llm

    def _request(self) -> list[dict[str, Any]]:
        """Return the messages of a model call: all of them, or in a long run those that are new."""
        sent_count, self._sent_messages = self._sent_messages, len(self.messages)
        if len(self.messages) <= WHOLE_REQUEST:
            return list(self.messages)
        summary = {"role": "system", "text": f"‹{sent_count:,} earlier messages stand in the calls before›"}
        return [summary, *self.messages[sent_count:]]

    def _speaking(self, now: int) -> Span:
        span = self._open_llm(now)
        if self._waiting:
            self.go_on(now)
        self._last_text_at = now
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
            payload["usage" if self.count_usage else "total_usage"] = usage
        if model:
            self._model = payload[keys.MODEL] = model
        if self._first_word is not None:
            began = max(span.started_ns, self._worked_since)
            payload[keys.TTFT_MS] = round(max(0, self._first_word - began) / 1e6, 3)
        self.tracer.end(span, payload, error=error, at=now)
        message = {key: value for key, value in response.items() if key != "reasoning"}
        if text or self._calls:
            self.messages.append(message)
        self.answer = text or self.answer
        self._llm, self._since = None, now
        self._texts, self._reasoning, self._calls = [], [], []

    # ---- tools

    def _host_widened(self, event: Any, now: int) -> None:
        widening = widening_of(event.host_widening)
        span = self._tools.find(widening.get("tool_call_id", ""), widening.get("tool_name", ""))
        self.tracer.delta(span or self.root, {"host_widened": widening}, at=now)

    def _tool_result(self, event: Any, now: int) -> None:
        self._end_llm(self._last_text_at)  # a provider that counts nothing tells no usage
        use = event.tool_use
        call_id, name = str(_read(use, "id") or ""), str(_read(use, "name") or "tool")
        text = event.text or ""
        info = error_info_of(event)
        self._tools.finish(
            call_id, name, decoded(_read(use, "input")), text, bool(event.is_error), now, error_info=info
        )
        self.messages.append({"role": "tool", "text": text, "name": name, "tool_call_id": call_id})
        self._since = now

    def _spawned(self, event: Any, now: int) -> None:
        self._tools.spawned(event.spawn_child)

    # ---- the end

    def _done(self, event: Any, now: int) -> None:
        payload = {keys.STOP_REASON: event.stop_reason, "total_usage": usage_of(event.usage)}
        self.end(None, {key: value for key, value in payload.items() if value}, at=now)

    def _error(self, event: Any, now: int) -> None:
        payload: dict[str, Any] = dict(strings(stop_reason=event.stop_reason))
        if info := error_info_of(event):
            payload["error_info"] = info
        self.end(error_words(event.error or event.text), payload, at=now)


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


def _system_prompt(messages: list[dict[str, Any]]) -> str:
    return "\n\n".join(str(message["text"]) for message in messages if message["role"] == "system")


def _read(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


def prompt_text(segments: list[dict[str, Any]]) -> Any:
    """Return what a person reads of a run's prompt."""
    return serialize_value("\n".join(message["text"] for message in segments if message["role"] != "system"))
