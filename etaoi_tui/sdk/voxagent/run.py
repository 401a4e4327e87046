"""One run of a voxagent agent as spans: what is open, which calls wait for their results, how it ends."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Mapping
from time import time_ns
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.bridge_support.method_hooks import guarded
from etaoi_tui.sdk.bridge_support.shared import error_words, serialize_value, strings
from etaoi_tui.sdk.tracer import Payload, SessionInfo, Span, Tracer, current_span, enter_span, leave_span
from etaoi_tui.sdk.voxagent.models import ModelCall, request_of

_CURRENT: contextvars.ContextVar[AgentRun | None] = contextvars.ContextVar(
    "etaoi_tui_voxagent_run", default=None
)
current_run = _CURRENT.get
"""Return the watched run that the calling task or thread is in."""

_SILENT_EVENTS = frozenset({"run_start", "text_delta", "tool_start", "tool_end", "run_error", "run_end"})


class AgentRun:
    """What is known of one run. Used from the task of that run alone.

    Args:
        tracer: where its spans go.
        agent: the voxagent agent.
        parent: the span that the caller was in.
        called_ns: when ``run`` or ``run_stream`` was called.
        request: the call's arguments by name.
        context: metadata that links to the agent's snapshot.
        ended: called once, when its root has ended.
    """

    def __init__(
        self,
        tracer: Tracer,
        agent: Any,
        parent: Span | None,
        called_ns: int,
        request: Mapping[str, Any],
        context: Mapping[str, str],
        ended: Callable[[], None],
    ) -> None:
        self.tracer = tracer
        self._ended = ended
        self.model = str(agent.model_string)
        self.agent_name = agent.name or "agent"
        self.run_id: str | None = None
        self.model_call: ModelCall | None = None
        self._waiting: dict[str, Any] = {}
        self._children: list[Span] = []
        self._compaction: Span | None = None
        self._tools: dict[str, Span] = {}
        self._error: str | None = None
        self._timeout_ms = request.get("timeout_ms")
        session_key = request.get("session_key")
        session = None
        if parent is None and session_key:
            session = SessionInfo.of(str(session_key), tracer.session.user_id)
        self.root = tracer.start(
            "turn" if parent is None else "sub_agent",
            self.agent_name,
            parent=parent,
            session=session,
            payload={keys.INPUTS: serialize_value(request.get("prompt"))},
            metadata={**context, **strings(session_key=session_key, **{"voxagent.model": self.model})},
            agent_name=self.agent_name,
            at=called_ns,
        )

    def enter(self) -> Any:
        """Make it the current run of the calling task."""
        return enter_span(self.root), _CURRENT.set(self)

    def leave(self, token: Any) -> None:
        """Undo `enter`."""
        here, context_token = token
        leave_span(here)
        with contextlib.suppress(ValueError, RuntimeError):  # closed from another task: nothing to undo there
            _CURRENT.reset(context_token)

    def open_child(
        self,
        kind: str,
        name: str,
        *,
        payload: Payload = None,
        metadata: Mapping[str, Any] | None = None,
        at: int | None = None,
        inside: str | None = None,
    ) -> Span:
        """Start a span under this run's root, or (``inside="current"``) under the span that is current."""
        parent = self.root
        if inside == "current":
            here = current_span()
            if here is not None and here.tracer.pipeline is self.tracer.pipeline:
                parent = here
        span = self.tracer.start(
            kind, name, parent=parent, payload=payload, metadata=metadata, agent_name=self.agent_name, at=at
        )
        self._children.append(span)
        return span

    def close_child(
        self, span: Span, payload: Payload = None, *, error: str | BaseException | None = None
    ) -> None:
        """End a span of this run."""
        self.tracer.end(span, payload, error=error)
        if span in self._children:
            self._children.remove(span)

    # ---- model calls

    @guarded
    def model_called(
        self, provider_name: str, provider: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> ModelCall | None:
        """Start a model call; None for a provider's stream inside another one's, as of a failover."""
        here = current_span()
        if here is not None and here.kind == "llm":
            return None
        own = here is self.root or here is None
        model = self.model
        if not own:
            model_name = getattr(provider, "model", None) or getattr(provider, "_model", None)
            model = f"{provider_name}:{model_name}" if isinstance(model_name, str) else provider_name
        return ModelCall(self, request_of(args, kwargs), model, own=own)

    def asked_for(self, call: Any) -> None:
        """Remember a tool call of the model, until a tool takes it or its result shows up."""
        self._waiting[call.id] = call

    # ---- tools

    @guarded
    def heard_run_id(self, run_id: Any, **more: Any) -> None:
        """Tell the run's own id, once."""
        if self.run_id is None and run_id:
            self.run_id = str(run_id)
            self.tracer.delta(self.root, {"run_id": self.run_id, **more})

    @guarded
    def tool_started(self, name: str, params: Any) -> Span:
        """Start a tool's span; it takes the first waiting call of that name."""
        call_id = None
        if current_span() is self.root:  # and not a tool that another tool calls
            self._end_model_call()
            call_id = next((call.id for call in self._waiting.values() if call.name == name), None)
        if call_id is not None:
            del self._waiting[call_id]
        span = self.open_child(
            "tool",
            name,
            payload={
                "input": serialize_value(params),
                **({} if call_id is None else {"tool_call_id": call_id}),
            },
            inside="current",
        )
        if call_id is not None:
            self._tools[call_id] = span
        return span

    @guarded
    def tool_ended(self, span: Span, output: Any, render: Callable[[Any], Any] | None = None) -> None:
        """End a tool's span with what it returned; ``render`` makes of it what the model gets."""
        self.close_child(span, {"output": serialize_value(output if render is None else render(output))})

    @guarded
    def tool_failed(self, span: Span, error: BaseException) -> None:
        """End a tool's span with what it raised; voxagent makes a text of it for the model."""
        self.close_child(span, error=error)

    @guarded
    def results_in(self, messages: Any) -> None:
        """Find in messages the results of calls that no tool took: an unknown one, or an abort before it."""
        if not self._waiting:
            return
        for message in messages:
            content = getattr(message, "content", None)
            if isinstance(content, list):
                for block in content:
                    read = block.get if isinstance(block, dict) else _reader(block)
                    if read("type") == "tool_result":
                        self._answered(read("tool_use_id"), read("content"), bool(read("is_error")))

    def _answered(self, call_id: Any, content: Any, is_error: bool) -> None:
        call = self._waiting.pop(call_id, None)
        if call is None:
            return
        self._end_model_call()
        now = time_ns()
        payload = {"input": serialize_value(call.params), "tool_call_id": call.id}
        span = self.open_child("tool", call.name, payload=payload, at=now)
        self.tracer.end(
            span,
            {"output": serialize_value(content)},
            error=error_words(content) if is_error else None,
            at=now,
        )
        self._children.remove(span)

    def _end_model_call(self) -> None:
        if self.model_call is not None:  # left by the agent before its last chunk was seen
            self.model_call.end()

    # ---- the stream of events

    @guarded
    def saw(self, event: Any) -> None:
        """Take an event of ``run_stream``."""
        kind = str(getattr(event, "event_type", "") or type(event).__name__)
        if kind == "run_start":
            self.heard_run_id(event.run_id, session_key=event.session_key)
        elif kind == "tool_end":
            self._answered(event.tool_call_id, event.result.content, event.result.is_error)
        elif kind == "run_error":
            self._error = str(event.error)
        elif kind == "run_end":
            self.results_in(event.messages)
            self._end(event.messages, None, aborted=event.aborted, timed_out=event.timed_out)
        elif kind == "tool_output":
            span = self._tools.get(event.tool_call_id, self.root)
            self.tracer.delta(span, {"text": event.delta})
        elif kind == "compaction_start":
            self._compaction = self.open_child("middleware", "compaction", payload=_fields(event))
        elif kind == "compaction_end" and self._compaction is not None:
            self.close_child(self._compaction, _fields(event))
            self._compaction = None
        elif kind not in _SILENT_EVENTS:
            self.tracer.delta(self.root, {"event": kind, **_fields(event)})

    @guarded
    def finished(self) -> None:
        """Take note that the stream ended; it says ``run_end`` before, unless a version stops doing so."""
        self._end((), None, aborted=False, timed_out=False)

    @guarded
    def failed(self, error: BaseException) -> None:
        """Take note of a cancellation, or of a consumer that left."""
        self._close(error, {"run_id": self.run_id})

    @guarded
    def returned(self, result: Any) -> None:
        """Take the RunResult of ``run``."""
        self._error = result.error
        self.results_in(result.messages)
        self._end(result.messages, result.assistant_texts, aborted=result.aborted, timed_out=result.timed_out)

    def _end(self, messages: Any, texts: list[str] | None, *, aborted: bool, timed_out: bool) -> None:
        answer = texts[-1] if texts else _last_answer(messages)
        error: str | None = None
        if self._error is not None:
            error = error_words(self._error)
        elif timed_out:
            error = f"timed out after {self._timeout_ms} ms"
        elif aborted:
            error = "aborted"
        self._close(error, {keys.OUTPUTS: answer, "aborted": aborted, "timed_out": timed_out})

    def _close(self, error: str | BaseException | None, payload: dict[str, Any]) -> None:
        if self.root.ended:
            return
        if self.model_call is not None:
            self.model_call.end(error=error)
        for call in list(self._waiting.values()):
            self._answered(call.id, "never run", True)
        for span in reversed(self._children):
            self.tracer.end(span, error=error or "its run ended")
        self._children.clear()
        self.tracer.end(self.root, payload, error=error, metadata=strings(run_id=self.run_id))
        self._ended()


def _last_answer(messages: Any) -> str:
    for message in reversed(messages):
        if message.role == "assistant" and isinstance(message.content, str) and message.content:
            return str(message.content)
    return ""


def _reader(block: Any) -> Any:
    return lambda name: getattr(block, name, None)


def _fields(event: Any) -> dict[str, Any]:
    attributes = vars(event)
    return {
        key: value
        for key, value in attributes.items()
        if key not in ("run_id", "event_type") and not key.startswith("_") and value not in (None, "")
    }
