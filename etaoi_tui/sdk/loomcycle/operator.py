"""What a program does to runs beside starting them: steer, review, cancel, pause; and decision models.

The calls pass through untouched. Of their arguments only those are recorded that say what was done to whom;
payloads of channels, credentials and bearers are none of these.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from time import time_ns
from typing import TYPE_CHECKING, Any

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.bridge_support.event_row import write_event
from etaoi_tui.sdk.bridge_support.method_hooks import Hook, guarded
from etaoi_tui.sdk.bridge_support.shared import enclosing_span, serialize_value, usage_of
from etaoi_tui.sdk.serialize import error_sentence, snapshot
from etaoi_tui.sdk.tracer import Span

if TYPE_CHECKING:
    from etaoi_tui.sdk.loomcycle.registry import WatchedClient

POSITIONAL: dict[str, tuple[str, ...]] = {
    "run_input": ("run_id", "text"),
    "retune_run": ("run_id",),
    "review_run": ("run_id", "decision"),
    "cancel_agent": ("agent_id",),
    "cancel_turn": ("run_id",),
    "cancel_interrupt": ("run_id", "interrupt_id"),
    "resolve_interrupt": ("run_id", "interrupt_id"),
    "pause_runtime": (),
    "resume_runtime": (),
    "compact_run": ("run_id",),
    "create_snapshot": (),
    "restore_snapshot": (),
    "delete_snapshot": ("snapshot_id",),
    "publish_channel": ("channel",),
    "broadcast_channels": ("channels",),
    "ack_channel": ("channel",),
    "submit_evaluation": ("run_id", "score"),
    "hook_def": ("input",),
    "register_hook": (),
    "delete_hook": ("hook_id",),
    "set_token_limit": (),
    "delete_token_limit": (),
    "delete_run_tree": ("run_id",),
    "release_team_channel": ("channel",),
}
"""Calls that become rows, with the names of their arguments by position."""

_RECORDED_ARGUMENTS = frozenset(
    {
        "run_id", "agent_id", "interrupt_id", "snapshot_id", "hook_id", "session_id", "text", "decision",
        "feedback", "reason", "answer", "resolved_by", "disposition", "model", "provider", "tier", "effort",
        "max_tokens", "max_iterations", "interactive", "review", "score", "dimensions", "rationale",
        "channel", "channels", "scope", "scope_id", "soft_limit", "hard_limit", "description", "timeout_ms",
        "include_history", "cursor",
    }
)  # fmt: skip
_RECORDED_HOOK_FIELDS = ("op", "name", "owner", "phase", "agent", "tools")
_MESSAGE_ARGUMENT = {"run_input": "text", "resolve_interrupt": "answer", "review_run": "feedback"}


def watched_call(name: str) -> Callable[[Hook], Callable[..., Any]]:
    """Make the wrapper of a call that becomes a row."""

    def make(hook: Hook) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            inner = hook.inner(*args, **kwargs)
            if not hook.owners:
                return inner
            row = _row(hook.owners[0], name, args, kwargs)
            return inner if row is None else _observe(inner, row)

        return call

    return make


class OperatorCall:
    """One call, from when it was made to its end."""

    def __init__(self, watch: WatchedClient, name: str, fields: dict[str, Any]) -> None:
        self._watch = watch
        self._name = name
        self._fields = fields
        self._at = time_ns()
        run = watch.directory.run(str(fields.get("run_id") or "")) or watch.directory.agent(
            str(fields.get("agent_id") or "")
        )
        self._parent: Span | None = run.span if run is not None else enclosing_span(watch.tracer)

    @guarded
    def done(self, error: BaseException | None) -> None:
        """Record it; a refusal is a warning."""
        fields = {**self._fields, "by": "this program"}
        if error is not None:
            fields["error"] = error_sentence(error) if isinstance(error, Exception) else type(error).__name__
        message = (
            str(self._fields.get(_MESSAGE_ARGUMENT.get(self._name, ""), "") or "") if error is None else ""
        )
        write_event(
            self._watch.tracer,
            self._name,
            fields,
            parent=self._parent,
            at=self._at,
            warning=error is not None,
            message=message,
        )
        if error is None and self._name == "pause_runtime":
            self._watch.directory.pause_all("somebody to resume the runtime", time_ns())
        elif error is None and self._name == "resume_runtime":
            self._watch.directory.resume_all(time_ns())


@guarded
def _row(
    watch: WatchedClient, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> OperatorCall | None:
    arguments = {**dict(zip(POSITIONAL[name], args, strict=False)), **kwargs}
    fields = {
        key: snapshot(value)
        for key, value in arguments.items()
        if key in _RECORDED_ARGUMENTS and value not in (None, "")
    }
    if name in ("hook_def", "register_hook"):
        source = arguments.get("input")
        hook = source if isinstance(source, Mapping) else arguments
        fields.update({key: snapshot(hook[key]) for key in _RECORDED_HOOK_FIELDS if hook.get(key)})
    return OperatorCall(watch, name, fields)


async def _observe(inner: Coroutine[Any, Any, Any], row: Any) -> Any:
    try:
        result = await inner
    except BaseException as error:
        row.done(error)
        raise
    row.done(None)
    return result


def watched_decide(hook: Hook) -> Callable[..., Any]:
    """Make the wrapper of ``decide``: a model call without a run."""

    def decide(*args: Any, **kwargs: Any) -> Any:
        inner = hook.inner(*args, **kwargs)
        call = _decision(hook.owners[0], args, kwargs) if hook.owners else None
        return inner if call is None else _decided(inner, call)

    return decide


class Decision:
    """The span of one question to a decision model."""

    def __init__(self, watch: WatchedClient, state: Any, questions: Any, model: str) -> None:
        self._tracer = watch.tracer
        text = serialize_value({"state": state, "questions": questions})
        self._span = self._tracer.start(
            "llm",
            model or "model",
            parent=enclosing_span(watch.tracer),
            payload={keys.INPUT_MESSAGES: [{"role": "human", "text": text}]},
            metadata={"loomcycle.call": "decide"},
        )

    @guarded
    def done(self, result: Any, error: BaseException | None) -> None:
        """End it with the answers."""
        if error is not None:
            error_text = error_sentence(error) if isinstance(error, Exception) else error
            self._tracer.end(self._span, error=error_text)
            return
        served = result.get("served_model") or result.get("model")
        payload: dict[str, Any] = {
            "response": {"role": "ai", "text": serialize_value(result.get("answers"))},
        }
        if served:
            payload[keys.MODEL] = str(served)
        if usage := usage_of(result.get("usage")):
            payload[keys.USAGE] = usage
        self._tracer.end(self._span, payload)


@guarded
def _decision(watch: WatchedClient, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Decision:
    arguments = {**dict(zip(("state", "questions"), args, strict=False)), **kwargs}
    return Decision(
        watch, arguments.get("state"), arguments.get("questions"), str(arguments.get("model") or "")
    )


async def _decided(inner: Coroutine[Any, Any, Any], call: Decision) -> Any:
    try:
        result = await inner
    except BaseException as error:
        call.done(None, error)
        raise
    call.done(result, None)
    return result
