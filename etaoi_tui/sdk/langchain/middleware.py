"""`instrument`: what each middleware hook did to a request, as a span that lies where the hook ran.

LangChain calls wrap hooks as plain functions, so no callback tells of them. Each instrumented hook becomes
a span with the hook's real duration. The model call, and the hooks further in, lie inside it. Its start
says what the hook was given, a delta what it sent down (one for each call of its handler), its end what it
returned.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.langchain import message_snapshots as shots
from etaoi_tui.sdk.langchain.context import ambient_run
from etaoi_tui.sdk.langchain.introspection import is_middleware
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot, diff_messages
from etaoi_tui.sdk.langchain.model_hooks import (
    RequestSnapshot,
    describe_change,
    describe_request,
    describe_response,
    snapshot_response,
)
from etaoi_tui.sdk.langchain.run_outcome import run_outcome
from etaoi_tui.sdk.langchain.state_hooks import (
    StateSnapshot,
    describe_answer,
    describe_state_snapshot,
    describe_update,
    update_in,
)
from etaoi_tui.sdk.langchain.tool_hooks import ToolCallSnapshot, describe_tool_change, describe_tool_response
from etaoi_tui.sdk.serialize import error_sentence
from etaoi_tui.sdk.tracer import Span, current_span, enter_span, leave_span

_MODEL_HOOKS = ("wrap_model_call", "awrap_model_call")
_TOOL_HOOKS = ("wrap_tool_call", "awrap_tool_call")
_STATE_HOOKS = tuple(
    f"{prefix}{hook}"
    for hook in ("before_agent", "before_model", "after_model", "after_agent")
    for prefix in ("", "a")
)
_MARK = "_etaoi_tui_instrumented"


def instrument(middleware: Iterable[Any]) -> list[Any]:
    """Make every hook of these middleware visible: ``create_agent(..., middleware=instrument([...]))``.

    The objects are changed in place and returned as they came (the same list, if it was one). Doing it
    twice does nothing more. Without an `attach` a hook costs a microsecond more than before.

    Raises:
        TypeError: something among them is no middleware, or does not let itself be changed.
    """
    from etaoi_tui.sdk.config import is_disabled

    items = middleware if isinstance(middleware, list) else list(middleware)
    if is_disabled():
        return items
    shots.keys_wanted = True
    for item in items:
        if not is_middleware(item):
            raise TypeError(f"instrument() takes AgentMiddleware objects, not {type(item).__name__}")
        for hooks, wrap in (
            (_MODEL_HOOKS, _wrap_model),
            (_TOOL_HOOKS, _wrap_tool),
            (_STATE_HOOKS, _wrap_state),
        ):
            for hook in hooks:
                _replace(item, hook, wrap)
    return items


def _replace(item: Any, hook: str, wrap: Callable[[Any, str, str], Any]) -> None:
    for base in type(item).__mro__:
        if hook in vars(base):
            if base.__name__ == "AgentMiddleware":
                return
            break
    else:
        return
    original = getattr(item, hook)
    if getattr(original, _MARK, False):
        return
    wrapper = wrap(original, f"{type(item).__name__}.{hook}", hook)
    setattr(wrapper, _MARK, True)
    try:
        setattr(item, hook, wrapper)
    except AttributeError as error:
        raise TypeError(f"{type(item).__name__} does not let its hooks be replaced: {error}") from None


class _Probe:
    """One run of one hook."""

    __slots__ = ("calls", "span", "token")

    def __init__(self, label: str, hook: str, span: Span, parent: Span, payload: Any) -> None:
        self.calls = 0
        meta = {keys.LC_PROBE: hook, keys.PROBE_LABEL: label}
        for key in ("agent.context_id", "agent.context_hash", "lc_agent_name"):
            if span.metadata and key in span.metadata:
                meta[key] = span.metadata[key]
        self.span = span.tracer.start(
            "middleware", label, parent=parent, session=span.session, payload=payload, metadata=meta,
            agent_name=span.agent_name, parent_run_id=span.run_id,
        )  # fmt: skip
        self.token = enter_span(self.span)

    def sent(self, payload: Any) -> None:
        self.calls += 1
        self.span.tracer.delta(self.span, payload)

    def end(self, payload: Any, error: BaseException | None = None) -> None:
        leave_span(self.token)
        self.span.tracer.end(self.span, payload, error=run_outcome(error))


def _open(label: str, hook: str, payload: Callable[[], Any]) -> _Probe | None:
    """Begin a hook's span in the session of the run it belongs to; None when nobody records that run."""
    try:
        run = ambient_run()
        if run is None:
            return None
        parent = current_span()
        if parent is None or parent.tracer.pipeline is not run.span.tracer.pipeline:
            parent = run.span
        return _Probe(label, hook, run.span, parent, payload)
    except Exception:  # the host's hook must run, whatever becomes of ours
        return None


# Hooks around a model call


class _RequestPayload:
    __slots__ = ("snapshot",)

    def __init__(self, snapshot: RequestSnapshot) -> None:
        self.snapshot = snapshot

    def __call__(self) -> dict[str, Any]:
        return {"before": describe_request(self.snapshot)}


class _SentPayload:
    __slots__ = ("attempt", "original", "sent")

    def __init__(self, original: RequestSnapshot, sent: RequestSnapshot, attempt: int) -> None:
        self.original = original
        self.sent = sent
        self.attempt = attempt

    def __call__(self) -> dict[str, Any]:
        after, diff = describe_change(self.original, self.sent)
        return {keys.PROBE_PHASE: "pre_handler", "attempt": self.attempt, "after": after, "diff": diff}


class _ReturnedPayload:
    __slots__ = ("calls", "received", "response", "returned")

    def __init__(self, response: Any, received: MessageSnapshot | None, calls: int) -> None:
        self.response = response
        self.returned = snapshot_response(response)
        self.received = received
        self.calls = calls

    def __call__(self) -> dict[str, Any]:
        description = describe_response(self.response, self.returned, self.received)
        payload: dict[str, Any] = {"response": description}
        if self.calls != 1:
            payload["handler_calls"] = self.calls
        return payload


class _ModelCall:
    """Follows one wrap hook through the calls of its handler."""

    __slots__ = ("original", "probe", "received")

    def __init__(self, original: RequestSnapshot, probe: _Probe) -> None:
        self.original = original
        self.probe = probe
        self.received: MessageSnapshot | None = None

    def goes_down(self, request: Any) -> None:
        try:
            sent = RequestSnapshot(request)
            self.probe.sent(_SentPayload(self.original, sent, self.probe.calls + 1))
        except Exception:
            return

    def handler_returned(self, response: Any) -> None:
        try:
            self.received = snapshot_response(response)
        except Exception:
            self.received = None

    def failed(self, error: BaseException) -> None:
        if not isinstance(error, Exception):
            return
        payload = {"attempt": self.probe.calls, "error": error_sentence(error)}
        self.probe.span.tracer.delta(self.probe.span, payload)

    def end(self, response: Any, error: BaseException | None) -> None:
        payload: Any = {"handler_calls": self.probe.calls}
        if error is None:
            try:
                payload = _ReturnedPayload(response, self.received, self.probe.calls)
            except Exception:  # then the hook's end tells no response
                pass
        self.probe.end(payload, error)


def _begin_model_call(label: str, hook: str, request: Any) -> _ModelCall | None:
    try:
        original = RequestSnapshot(request)
    except Exception:
        return None
    probe = _open(label, hook, _RequestPayload(original))
    return _ModelCall(original, probe) if probe is not None else None


# Hooks around a tool call


class _ToolCall:
    """Follows one wrap hook around a tool through the calls of its handler."""

    __slots__ = ("probe", "received", "received_messages", "snapshot")

    def __init__(self, snapshot: ToolCallSnapshot, probe: _Probe) -> None:
        self.snapshot = snapshot
        self.probe = probe
        self.received: Any = None
        self.received_messages = MessageSnapshot(None)

    def goes_down(self, request: Any) -> None:
        try:
            sent = ToolCallSnapshot(request)
        except Exception:
            return
        self.probe.sent(functools.partial(describe_tool_change, self.snapshot, sent, self.probe.calls + 1))

    def handler_returned(self, response: Any) -> None:
        try:
            self.received_messages = MessageSnapshot([response])
            self.received = response
        except Exception:
            self.received = None

    def failed(self, error: BaseException) -> None:
        if isinstance(error, Exception):
            payload = {"attempt": self.probe.calls, "error": error_sentence(error)}
            self.probe.span.tracer.delta(self.probe.span, payload)

    def end(self, response: Any, error: BaseException | None) -> None:
        calls = self.probe.calls
        if error is not None:
            self.probe.end({"handler_calls": calls}, error)
        else:
            try:
                changed = self.received is not None and (
                    response is not self.received
                    or not self.received_messages.same(MessageSnapshot([response]))
                )
            except Exception:  # then it is another one than was given
                changed = True
            self.probe.end(functools.partial(describe_tool_response, response, changed, calls))


def _begin_tool_call(label: str, hook: str, request: Any) -> _ToolCall | None:
    try:
        snapshot = ToolCallSnapshot(request)
    except Exception:
        return None
    probe = _open(label, hook, lambda: {"before": snapshot.describe()})
    return _ToolCall(snapshot, probe) if probe is not None else None


def _wrap_model(original: Callable[..., Any], label: str, hook: str) -> Callable[..., Any]:
    return _wrap_call(original, functools.partial(_begin_model_call, label, hook))


def _wrap_tool(original: Callable[..., Any], label: str, hook: str) -> Callable[..., Any]:
    return _wrap_call(original, functools.partial(_begin_tool_call, label, hook))


def _wrap_call(
    original: Callable[..., Any], begin: Callable[[Any], _ModelCall | _ToolCall | None]
) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def ahook(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
            call = begin(request)
            if call is None:
                return await original(request, handler)

            async def ahandler(sent: Any) -> Any:
                call.goes_down(sent)
                try:
                    response = await handler(sent)
                except BaseException as error:
                    call.failed(error)
                    raise
                call.handler_returned(response)
                return response

            try:
                response = await original(request, ahandler)
            except BaseException as error:
                call.end(None, error)
                raise
            call.end(response, None)
            return response

        return ahook

    @functools.wraps(original)
    def hook(request: Any, handler: Callable[[Any], Any]) -> Any:
        call = begin(request)
        if call is None:
            return original(request, handler)

        def inner(sent: Any) -> Any:
            call.goes_down(sent)
            try:
                response = handler(sent)
            except BaseException as error:
                call.failed(error)
                raise
            call.handler_returned(response)
            return response

        try:
            response = original(request, inner)
        except BaseException as error:
            call.end(None, error)
            raise
        call.end(response, None)
        return response

    return hook


# Hooks before and after


class _StateEnd:
    __slots__ = ("original", "update")

    def __init__(self, original: StateSnapshot, update: Any) -> None:
        self.original = original
        self.update = update

    def __call__(self) -> dict[str, Any]:
        payload: dict[str, Any] = {"response": describe_update(self.update)}
        after = self.original.with_update(self.update)
        diff = diff_messages(self.original.messages, after.messages)
        if changed := sorted(str(key) for key in update_in(self.update) if key != "messages"):
            diff["keys_set"] = changed
        payload[keys.DIFF] = diff
        if diff:
            payload[keys.AFTER] = describe_state_snapshot(after)
        return payload


def _wrap_state(original: Callable[..., Any], label: str, hook: str) -> Callable[..., Any]:
    behind = "after_" in hook

    def begin(state: Any) -> tuple[StateSnapshot, _Probe] | None:
        try:
            snapshot = StateSnapshot(state)
        except Exception:
            return None

        def payload() -> dict[str, Any]:
            return {
                "before": describe_state_snapshot(snapshot),
                **(describe_answer(snapshot) if behind else {}),
            }

        probe = _open(label, hook, payload)
        return (snapshot, probe) if probe is not None else None

    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def ahook(state: Any, *args: Any, **kwargs: Any) -> Any:
            started = begin(state)
            if started is None:
                return await original(state, *args, **kwargs)
            try:
                update = await original(state, *args, **kwargs)
            except BaseException as error:
                started[1].end(None, error)
                raise
            started[1].end(_StateEnd(started[0], update))
            return update

        return ahook

    @functools.wraps(original)
    def hook_(state: Any, *args: Any, **kwargs: Any) -> Any:
        started = begin(state)
        if started is None:
            return original(state, *args, **kwargs)
        try:
            update = original(state, *args, **kwargs)
        except BaseException as error:
            started[1].end(None, error)
            raise
        started[1].end(_StateEnd(started[0], update))
        return update

    return hook_
