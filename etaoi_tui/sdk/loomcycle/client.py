"""Watching a loomcycle client (0.8.0 and newer): its streams, its batches, and the run states it is told.

The client's methods are wrapped on the object itself. A request goes out when a method is called, so every
wrapper calls through at once. Of the arguments only the agent, the prompt, the user and ids are read: others
carry bearers and credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import time_ns
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.bridge_support.async_stream import relay
from etaoi_tui.sdk.bridge_support.handle import BridgeHandle, Watch
from etaoi_tui.sdk.bridge_support.method_hooks import Hook, find_hook, guarded, install_hook
from etaoi_tui.sdk.bridge_support.shared import enclosing_span, strings
from etaoi_tui.sdk.loomcycle.batch import watched_batch
from etaoi_tui.sdk.loomcycle.operator import POSITIONAL, watched_call, watched_decide
from etaoi_tui.sdk.loomcycle.registry import SYSTEM, KnownRun, registry_for, start_root
from etaoi_tui.sdk.loomcycle.run import END_WITHOUT_DONE, STREAM_LEFT, RunSpans, prompt_text
from etaoi_tui.sdk.loomcycle.segments import messages_of
from etaoi_tui.sdk.serialize import error_sentence
from etaoi_tui.sdk.tracer import Span, Tracer

_STREAMS = ("run_streaming", "continue_session", "start_configured_run", "stream_run")
_WITHOUT_HANDLE = frozenset({"stream_run"})


def watch_client(client: Any, tracer: Tracer) -> BridgeHandle:
    """Watch what is done through a client.

    Args:
        client: a ``loomcycle.LoomcycleClient``.
        tracer: where to record; the handle closes it.

    Raises:
        RuntimeError: the client is watched already, with another destination.
    """
    hook = find_hook(client, "run_streaming")
    if hook is not None and any(owner.tracer.pipeline is not tracer.pipeline for owner in hook.owners):
        raise RuntimeError(
            "This LoomcycleClient is already watched with another destination. Detach that handle first."
        )
    watch = ClientWatch(tracer)
    watch.start(client)
    return BridgeHandle(client, watch)


class ClientWatch(Watch):
    """All hooks that one `watch_client` has put."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__(tracer)
        self.directory = registry_for(tracer)
        self._hooks: list[Hook] = []

    def start(self, client: Any) -> None:
        """Put the hooks on the methods that this version of the client has."""
        makers: dict[str, Callable[[Hook], Callable[..., Any]]] = {
            **{name: _watched_stream(name) for name in _STREAMS},
            "spawn_run_batch": watched_batch,
            "stream_user_run_states": _watched_states,
            "decide": watched_decide,
            **{name: watched_call(name) for name in POSITIONAL},
        }
        for name, make in makers.items():
            if not callable(getattr(client, name, None)):
                continue
            hook = install_hook(client, name, self, make)
            if hook is not None:
                self._hooks.append(hook)

    @guarded
    def stop(self) -> None:
        """Take every hook off."""
        hooks, self._hooks = self._hooks, []
        for hook in hooks:
            hook.let_go(self)


class StreamCall:
    """One call of a streaming method, from the call to the stream's end."""

    def __init__(self, watch: ClientWatch, method: str, kwargs: Mapping[str, Any]) -> None:
        self._watch = watch
        self._tracer = watch.tracer
        self._called_ns = time_ns()
        self._parent: Span | None = enclosing_span(watch.tracer)
        self._method = method
        self._spans: RunSpans | None = None
        self._run: KnownRun | None = None
        self._recorded_elsewhere = False
        self._reported_over = False
        self._run_id = str(kwargs.get("run_id") or "")
        self._agent_id = str(kwargs.get("agent_id") or "")
        self._session_id = str(kwargs.get("session_id") or "")
        self._user_id = str(kwargs.get("user_id") or "")
        session = watch.directory.sessions.get(self._session_id)
        self._name = str(kwargs.get("agent") or (session.name if session else "") or SYSTEM)
        self._earlier_messages = list(session.messages) if session else []
        self._prompt_messages: list[dict[str, Any]] = []
        self._parent_agent_id = ""

    @guarded
    def take_prompt(self, segments: Any) -> None:
        """Take the prompt, once the client has read it."""
        self._prompt_messages = messages_of(segments)

    @guarded
    def handle(self, handle: Any) -> None:
        """Take the ids of the run: its span starts, as of the call."""
        self._run_id = str(handle.run_id or self._run_id)
        self._agent_id = str(handle.agent_id or "")
        self._session_id = str(handle.session_id or "")
        self._parent_agent_id = str(getattr(handle, "parent_agent_id", "") or "")
        self._begin()

    def _begin(self) -> RunSpans | None:
        if self._spans is not None or self._recorded_elsewhere:
            return self._spans
        directory = self._watch.directory
        run = directory.run(self._run_id) if self._run_id else None
        if run is not None and run.streamed and not run.is_abandoned:
            self._recorded_elsewhere = True  # a second stream of one run must not double it
            return None
        if run is not None and self._name == SYSTEM:
            self._name = run.span.name
        key = self._run_id
        if run is not None and not run.streamed and not run.span.ended:
            root = run.span  # run states were faster, or it is the child of a watched run
            self._tracer.delta(root, {keys.INPUTS: prompt_text(self._prompt_messages), **self._ids()})
        else:
            attempts = run.attempts + 1 if run is not None else 1
            key = f"{key}:{attempts}" if key and attempts > 1 else key
            root = self._start_root(key)
            run = KnownRun(root)
            run.attempts = attempts
        run.streamed, run.by_state, run.is_abandoned = True, False, False
        directory.note(run, self._run_id, self._agent_id, self._session_id)
        self._run = run
        messages = [*self._earlier_messages, *self._prompt_messages]
        self._spans = RunSpans(self._tracer, directory, root, key, self._agent_id, messages)
        directory.follow(self._spans)
        self._watch.began()
        return self._spans

    def _start_root(self, key: str) -> Span:
        return start_root(
            self._tracer,
            "turn" if self._parent is None else "sub_agent",
            self._name,
            run_id=self._run_id,
            agent_id=self._agent_id,
            session_id=self._session_id,
            parent=self._parent,
            payload={keys.INPUTS: prompt_text(self._prompt_messages)} if self._prompt_messages else None,
            metadata=strings(parent_agent_id=self._parent_agent_id, **{"loomcycle.call": self._method}),
            user_id=self._user_id,
            at=self._called_ns,
            key=key,
        )

    def _ids(self) -> dict[str, str]:
        return strings(run_id=self._run_id, agent_id=self._agent_id, session_id=self._session_id)

    def enter(self) -> Any:
        """Nothing of the agent runs in this process."""
        return None

    def leave(self, token: Any) -> None:
        """Nothing to undo."""

    @guarded
    def saw(self, event: Any) -> None:
        """Take an event; ``done`` and ``error`` end the run's span, since a consumer may leave at them."""
        spans = self._spans or self._begin()
        if spans is not None:
            spans.take(event)
            if spans.over:
                self._over()

    @guarded
    def finished(self) -> None:
        """Take note that the stream ended; the server does so in silence when a run was cancelled."""
        spans = self._begin()
        if spans is not None:
            spans.end(END_WITHOUT_DONE)
            self._over()

    @guarded
    def failed(self, error: BaseException) -> None:
        """Take note of a refusal, a broken connection, a cancellation, or of being left."""
        if isinstance(error, GeneratorExit) and self._spans is None and not self._run_id:
            return  # nothing is known of it
        spans = self._begin()
        if spans is None:
            return
        reason: str | BaseException = error
        if isinstance(error, GeneratorExit):
            reason = STREAM_LEFT
            if self._run is not None and not spans.over:
                self._run.is_abandoned = True
        elif isinstance(error, Exception):
            reason = error_sentence(error)
        spans.end(reason)
        self._over()

    def _over(self) -> None:
        if self._spans is not None and not self._reported_over:
            self._reported_over = True
            self._watch.directory.note_session(self._session_id, self._name, self._spans.messages)
            self._watch.ended()


def _watched_stream(method: str) -> Callable[[Hook], Callable[..., Any]]:
    def make(hook: Hook) -> Callable[..., Any]:
        def stream(*args: Any, **kwargs: Any) -> Any:
            call = _call(hook, method, args, kwargs)
            if call is None:
                return hook.inner(*args, **kwargs)
            segments = kwargs.get("segments")
            if isinstance(segments, Iterator):  # it can be read only once, and the client has to
                segments = kwargs["segments"] = list(segments)
            if method not in _WITHOUT_HANDLE:
                kwargs["on_handle"] = _both(call.handle, kwargs.get("on_handle"))
            try:
                inner = hook.inner(*args, **kwargs)
            except Exception as error:
                call.take_prompt(segments)
                call.failed(error)
                raise
            call.take_prompt(segments)
            return relay(inner, lambda: call)

        return stream

    return make


@guarded
def _call(hook: Hook, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> StreamCall | None:
    if not hook.owners:
        return None
    if args and method in ("stream_run", "start_configured_run"):
        kwargs = {"run_id": args[0], **kwargs}
    return StreamCall(hook.owners[0], method, kwargs)


def _both(ours: Callable[[Any], None], theirs: Callable[[Any], None] | None) -> Callable[[Any], None]:
    def on_handle(handle: Any) -> None:
        ours(handle)
        if theirs is not None:
            theirs(handle)  # what it raises is the client's to swallow

    return on_handle


class _States:
    """Run states on their way to the caller."""

    def __init__(self, watch: ClientWatch) -> None:
        self._watch = watch

    def enter(self) -> Any:
        return None

    def leave(self, token: Any) -> None:
        pass

    @guarded
    def saw(self, state: Any) -> None:
        self._watch.directory.take_state(self._watch.tracer, state)

    def finished(self) -> None:
        pass

    def failed(self, error: BaseException) -> None:
        pass


def _watched_states(hook: Hook) -> Callable[..., Any]:
    def stream_user_run_states(*args: Any, **kwargs: Any) -> Any:
        inner = hook.inner(*args, **kwargs)
        return relay(inner, lambda: _States(hook.owners[0])) if hook.owners else inner

    return stream_user_run_states
