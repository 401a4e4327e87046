"""Model calls of voxagent agents: seen in the streams of the registered providers.

The provider registry is process-wide, and an agent asks it anew in every run. So a subclass takes the place
of a provider's class while somebody watches; it does nothing unless the calling context is in a watched run.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterable, Mapping
from time import time_ns
from typing import Any, Protocol

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.bridge_support.async_stream import relay
from etaoi_tui.sdk.bridge_support.method_hooks import guarded, warn_once
from etaoi_tui.sdk.bridge_support.shared import usage_of
from etaoi_tui.sdk.serialize import snapshot
from etaoi_tui.sdk.tracer import Payload, Span, Tracer, enter_span, leave_span

_ROLES = {"user": "human", "assistant": "ai"}


class CallingRun(Protocol):
    """What a model call needs of the run that it belongs to."""

    tracer: Tracer
    model_call: ModelCall | None

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
        """Start a span of the run."""

    def close_child(
        self, span: Span, payload: Payload = None, *, error: str | BaseException | None = None
    ) -> None:
        """End a span of the run."""

    def model_called(
        self, provider_name: str, provider: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> ModelCall | None:
        """Start a model call, if it is one of its own."""

    def asked_for(self, call: Any) -> None:
        """Remember a tool call of the model."""

    def results_in(self, messages: Any) -> None:
        """Find in messages the results of calls that no tool took."""


class ModelCall:
    """One call of a provider's ``stream``, and its span."""

    __slots__ = ("_abort", "_calls", "_run", "_started_ns", "_texts", "_ttft_ms", "model", "own", "span")

    def __init__(self, run: CallingRun, request: dict[str, Any], model: str, *, own: bool) -> None:
        messages = list(request.get("messages") or ())  # the agent's live list, which grows
        system = request.get("system")
        tools = request.get("tools")
        self._run = run
        self._abort = request.get("abort_signal")
        self._texts: list[str] = []
        self._calls: list[Any] = []
        self._started_ns = time_ns()
        self._ttft_ms: float | None = None
        self.model = model
        self.own = own
        """Whether the agent's own loop called, and not one of its tools."""
        if own:
            run.results_in(messages)
        self.span: Span = run.open_child(
            "llm",
            model,
            payload=lambda: {
                keys.INPUT_MESSAGES: wire_messages(messages, system),
                "model": model,
                "tools": tool_names(tools),
            },
            metadata={keys.LS_MODEL_NAME: model.partition(":")[2] or model},
            at=self._started_ns,
            inside=None if own else "current",
        )
        if own:
            run.model_call = self

    def enter(self) -> Any:
        """Make its span the current one."""
        return enter_span(self.span)

    def leave(self, token: Any) -> None:
        """Undo `enter`."""
        leave_span(token)

    @guarded
    def saw(self, chunk: Any) -> None:
        """Take a chunk. The agent leaves the stream at the last one, so that ends the span."""
        span = self.span
        chunk_type = getattr(chunk, "type", None)
        if chunk_type == "text_delta":
            self._spoke()
            self._texts.append(chunk.delta)
            self._run.tracer.text(span, chunk.delta)
        elif chunk_type == "tool_use":
            self._spoke()
            call = chunk.tool_call
            self._calls.append(call)
            if self.own:
                self._run.asked_for(call)
            self._run.tracer.delta(span, {"tool_call": wire_call(call)})
        elif chunk_type == "message_end":
            self.end(usage=usage_of(getattr(chunk, "usage", None)))
        elif chunk_type == "error":
            self.end(error=str(chunk.error) or "error")

    @guarded
    def finished(self) -> None:
        """Take note that the stream ended without a last chunk, as it does after an abort."""
        self.end(error=self._aborted())

    @guarded
    def failed(self, error: BaseException) -> None:
        """Take note of an exception, a cancellation, or of being left."""
        self.end(error=self._aborted() or error if isinstance(error, GeneratorExit) else error)

    def end(self, *, error: str | BaseException | None = None, usage: dict[str, int] | None = None) -> None:
        """End the span with what was said so far; only the first end counts."""
        span = self.span
        if span.ended:
            return
        response: dict[str, Any] = {"role": "ai", "text": "".join(self._texts)}
        if self._calls:
            response["tool_calls"] = [wire_call(call) for call in self._calls]
        payload: dict[str, Any] = {"response": response, "model": self.model}
        if self._ttft_ms is not None:
            payload[keys.TTFT_MS] = self._ttft_ms
        if usage:
            payload[keys.USAGE] = usage
        self._run.close_child(span, payload, error=error)
        if self._run.model_call is self:
            self._run.model_call = None

    def _spoke(self) -> None:
        if self._ttft_ms is None:
            self._ttft_ms = round((time_ns() - self._started_ns) / 1e6, 3)

    def _aborted(self) -> str | None:
        signal = self._abort
        if signal is None or not getattr(signal, "aborted", False):
            return None
        return f"aborted: {getattr(signal, 'reason', '') or 'no reason told'}"


class WatchedProviders:
    """Keeps subclasses in voxagent's default registry for as long as somebody watches."""

    def __init__(self, find_run: Callable[[], CallingRun | None]) -> None:
        self._find_run = find_run
        self._watched: dict[str, tuple[Any, Any, type[Any]]] = {}
        self._owners: list[Any] = []

    def add_owner(self, owner: Any) -> None:
        """Count one more who watches."""
        self._owners.append(owner)

    def remove_owner(self, owner: Any) -> None:
        """Count one less; after the last one the registry is what it was."""
        if owner in self._owners:
            self._owners.remove(owner)
        if self._owners:
            return
        watched, self._watched = self._watched, {}
        for name, (registry, base, subclass) in watched.items():
            with contextlib.suppress(Exception):
                if registry.get_provider_class(name) is subclass:
                    registry.register(name, base)

    @guarded
    def watch(self, model: str) -> None:
        """Make sure that the provider of ``provider:model`` is watched, also after it was registered anew."""
        if not self._owners:
            return
        registry = importlib.import_module("voxagent.providers.registry").get_default_registry()
        name = model.partition(":")[0]
        entry = self._watched.get(name)
        if not registry.is_registered(name):
            return
        current = registry.get_provider_class(name)
        if entry is not None and entry[0] is registry and entry[2] is current:
            return
        try:
            subclass = self._subclass_of(current, name)
            registry.register(name, subclass)
        except Exception as error:
            warn_once(f"model calls of provider {name!r} cannot be watched: {error}")
            return
        self._watched[name] = (registry, current, subclass)

    def _subclass_of(self, base: type[Any], name: str) -> type[Any]:
        find_run = self._find_run
        stream = base.stream

        def watched_stream(provider: Any, *args: Any, **kwargs: Any) -> Any:
            inner = stream(provider, *args, **kwargs)
            run = find_run()
            if run is None:
                return inner
            call = run.model_called(name, provider, args, kwargs)
            return inner if call is None else relay(inner, lambda: call)

        watched_stream.__name__ = "stream"
        watched_stream.__qualname__ = f"{base.__qualname__}.stream"
        watched_stream.__doc__ = stream.__doc__
        about = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
        make: Any = type(base)
        subclass: type[Any] = make(base.__name__, (base,), {**about, "stream": watched_stream})
        return subclass


def request_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a provider's ``stream`` by name."""
    return {**dict(zip(("messages", "system", "tools", "abort_signal"), args, strict=False)), **kwargs}


def tool_names(schemas: Any) -> list[str]:
    """Return the names in a list of tool schemas, of OpenAI's or Anthropic's form."""
    names = []
    for schema in schemas or ():
        function = schema.get("function", schema) if isinstance(schema, dict) else schema
        name = function.get("name") if isinstance(function, dict) else getattr(function, "name", None)
        names.append(str(name or "?"))
    return names


def wire_messages(messages: Iterable[Any], system: str | None = None) -> list[dict[str, Any]]:
    """Return messages as the wire has them. The system prompt, which comes twice, is listed once."""
    messages_out: list[dict[str, Any]] = []
    has_system = False
    for message in messages:
        role = getattr(message, "role", "")
        has_system = has_system or role == "system"
        messages_out.extend(_wire_message(role, message))
    if system and not has_system:
        messages_out.insert(0, {"role": "system", "text": system})
    return messages_out


def _wire_message(role: str, message: Any) -> Iterable[dict[str, Any]]:
    role = _ROLES.get(role, role)
    content = message.content
    entry: dict[str, Any] = {"role": role, "text": ""}
    if calls := message.tool_calls:
        entry["tool_calls"] = [wire_call(call) for call in calls]
    if isinstance(content, str):
        yield {**entry, "text": content}
        return
    texts: list[str] = []
    for block in content:
        kind = _field(block, "type")
        if kind == "text":
            texts.append(str(_field(block, "text")))
        elif kind == "tool_result":
            yield {
                "role": "tool",
                "text": str(_field(block, "content")),
                "name": _field(block, "tool_name"),
                "tool_call_id": _field(block, "tool_use_id"),
                "status": "error" if _field(block, "is_error") else "success",
            }
        elif kind == "tool_use":
            call = {"name": _field(block, "name"), "args": _field(block, "input"), "id": _field(block, "id")}
            entry.setdefault("tool_calls", []).append(call)
        else:
            texts.append(f"[{kind} {_field(block, 'media_type') or ''}]".replace(" ]", "]"))
    if texts or "tool_calls" in entry:
        yield {**entry, "text": "\n".join(texts)}


def wire_call(call: Any) -> dict[str, Any]:
    """Return a voxagent ToolCall as the wire has it."""
    return {"name": call.name, "args": snapshot(call.params), "id": call.id}


def _field(block: Any, name: str) -> Any:
    return block.get(name) if isinstance(block, dict) else getattr(block, name, None)
