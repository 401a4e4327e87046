"""Which of livekit-agents' events goes where."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

from etaoi_tui.sdk.livekit.agent_turn import AgentTurn
from etaoi_tui.sdk.livekit.call import Call, agent_names
from etaoi_tui.sdk.livekit.detectors import DetectorTaps
from etaoi_tui.sdk.livekit.interruptions import Interruptions
from etaoi_tui.sdk.livekit.metrics import metrics_delta, wire_type
from etaoi_tui.sdk.livekit.model_calls import ModelCalls
from etaoi_tui.sdk.livekit.stream_taps import Taps
from etaoi_tui.sdk.livekit.tool_calls import ToolCalls
from etaoi_tui.sdk.livekit.user_turn import UserTurn

_SIGNATURE = inspect.Signature([inspect.Parameter("event", inspect.Parameter.POSITIONAL_OR_KEYWORD)])
_STAGES = {
    "llm_error": "llm",
    "stt_error": "stt",
    "tts_error": "tts",
    "realtime_model_error": "realtime_model",
    "interruption_detection_error": "interruption",
}


class Listener:
    """Subscribes to a session's events, and gives each to the part of the call that it is about.

    Every callback runs on the session's event loop, inside ``emit``: it takes references and times, and
    returns. What fails in it is logged, once loudly, and goes nowhere else.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self.user = UserTurn(call)
        self.tools = ToolCalls(call)
        self.agent = AgentTurn(call, self.user, self.tools)
        self.interruptions = Interruptions(call, self.user)
        self.models = ModelCalls(call)
        self.taps = Taps(call, self.models, self.agent)
        self.detectors = DetectorTaps(call, self.user)
        self.subscribed: dict[str, Callable[[Any], None]] = {}
        """The callbacks by event, as the session holds them."""
        self.owner: Any = None
        """The handle, which must live as long as the session calls back."""

    def subscribe(self) -> None:
        """Start listening; catch up with a session that runs already."""
        # The session's own ``on`` prints a deprecation warning for ``metrics_collected``, which is the only
        # source of the requests' times.
        on = _emitter_of(self._call.session)
        for event, handle in self._handlers().items():
            listener = self._guarded(event, handle)
            self.subscribed[event] = listener
            on(self._call.session, event, listener)
        self._guarded("attach", lambda _: self._catch_up())(None)

    def unsubscribe(self) -> None:
        """Stop listening."""
        for event, listener in self.subscribed.items():
            try:
                self._call.session.off(event, listener)
            except (KeyError, ValueError):  # removed by somebody else
                continue
        self.subscribed.clear()
        self.taps.remove()
        self.detectors.remove()

    def _handlers(self) -> dict[str, Callable[[Any], None]]:
        return {
            "agent_state_changed": self._agent_state,
            "user_state_changed": self._user_state,
            "user_input_transcribed": self.user.transcribed,
            "user_transcription_timeout": self.user.timed_out,
            "speech_created": self._speech_created,
            "conversation_item_added": self._item_added,
            "tool_execution_updated": self.tools.updated,
            "function_tools_executed": self.tools.executed,
            "metrics_collected": self._metrics,
            "session_usage_updated": lambda event: self._call.hold_usage(event.usage),
            "agent_false_interruption": self.interruptions.false_interruption,
            "overlapping_speech": self.interruptions.overlapping_speech,
            "error": self._error,
            "close": self._close,
        }

    def _guarded(self, event: str, handle: Callable[[Any], None]) -> Callable[[Any], None]:
        failure = self._call.failure

        def listener(livekit_event: Any) -> None:
            try:
                handle(livekit_event)
            except Exception as error:
                failure(event, error)

        # The emitter asks for each callback's signature at every event; one that is there costs it a tenth.
        listener.__signature__ = _SIGNATURE  # type: ignore[attr-defined]
        return listener

    def _catch_up(self) -> None:
        """Take note of what happened before anybody listened."""
        call, session = self._call, self._call.session
        agent = call.current_agent()
        call.open()
        if agent is None:
            return
        call.on_duty()
        self._tap(agent)
        call.tell_context()
        call.tracer.tick("agent", session.agent_state)
        call.tracer.tick("user", session.user_state)
        handle = getattr(session, "current_speech", None)
        if handle is not None and not handle.done():
            self.agent.follow(handle, "unknown", at=time.time(), unasked=False)

    def _tap(self, agent: Any) -> None:
        self.taps.tap(agent)
        self.detectors.tap(agent)

    def _agent_state(self, event: Any) -> None:
        previous_agent = self._call.agent
        self.agent.state_changed(event)
        self._took_over(previous_agent, at=event.created_at)

    def _user_state(self, event: Any) -> None:
        self.detectors.tap(self._call.agent)
        self.user.state_changed(event)

    def _speech_created(self, event: Any) -> None:
        previous_agent = self._call.agent
        self.agent.speech_created(event)
        self._took_over(previous_agent, at=event.created_at)

    def _took_over(self, previous_agent: Any, *, at: float) -> None:
        """Listen at the agent on duty; livekit-agents 1.2 tells of no other in so many words."""
        agent = self._call.agent
        self._tap(agent)
        if agent is not previous_agent and agent is not None and previous_agent is not None:
            self.tools.handed_over(
                agent_names(previous_agent)["agent_id"], agent_names(agent)["agent_id"], at=at
            )

    def _item_added(self, event: Any) -> None:
        item = event.item
        kind = getattr(item, "type", None)
        if kind == "agent_handoff":
            previous_agent = self._call.agent
            self._call.on_duty(at=item.created_at)
            self._tap(self._call.agent)
            if previous_agent is not None:
                self.tools.handed_over(
                    item.old_agent_id or agent_names(previous_agent)["agent_id"],
                    item.new_agent_id,
                    at=item.created_at,
                )
        elif kind == "message":
            if item.role == "user":
                self.user.message_added(item, self._call.turn_of_task())
            elif item.role == "assistant":
                self.agent.message_added(item)

    def _metrics(self, event: Any) -> None:
        metrics = event.metrics
        kind = wire_type(metrics)
        if kind == "llm":
            self.models.llm_metrics(metrics)
        elif kind == "tts":
            self.agent.tts_metrics(metrics)
        elif kind == "vad":
            self.user.vad_metrics(metrics)
        elif kind == "stt":
            self.user.stt_metrics(metrics)
        elif kind == "eou":
            self.user.end_of_turn(metrics)
        elif kind == "realtime_model":
            self.models.realtime_metrics(metrics)
        elif kind in ("eot_inference", "decision"):
            part = self.user.part
            self._call.tell(part.turn if part is not None else None, metrics_delta(metrics))
        else:
            self._call.tell(self._call.speaking_turn(), metrics_delta(metrics))

    def _error(self, event: Any) -> None:
        call, at = self._call, event.created_at
        error, source = event.error, event.source
        kind = getattr(error, "type", None)
        stage = _STAGES.get(kind or "", "session")
        recoverable = bool(getattr(error, "recoverable", False))
        label = getattr(error, "label", None)
        cause = getattr(error, "error", error)
        turn = self._turn_that_failed(stage)

        def make() -> dict[str, Any]:
            return {
                "error_event": {
                    "stage": stage,
                    "type": type(cause).__name__,
                    "recoverable": recoverable,
                    "provider_label": label,
                    "message": str(cause),
                    "source_class": type(source).__name__,
                    "speech_id": turn.speech_id if turn is not None else None,
                },
                "error_detail": f"{stage}:{label or type(cause).__name__}",
            }

        call.tracer.delta(call.root(), make, at=at)
        if turn is not None:
            call.tracer.delta(turn.span, make, at=at)
        call.failed(stage, at)
        if recoverable:
            call.tracer.tick("agent", "recovering", at=at)

    def _turn_that_failed(self, stage: str) -> Any:
        if stage == "stt":
            return self.user.part.turn if self.user.part is not None else None
        return self._call.speaking_turn()

    def _close(self, event: Any) -> None:
        reason = getattr(event.reason, "value", event.reason)
        cause = getattr(event.error, "error", event.error)
        self.end({"close_reason": str(reason)}, error=cause, at=event.created_at)
        self.detectors.remove()

    def end(
        self, payload: dict[str, Any], *, error: Any = None, unfinished: str | None = None, at: float
    ) -> None:
        """End all that is open: the call is over, or nobody follows it any more."""
        self.models.close_all(error=unfinished)
        self.tools.close_all(error=unfinished or "cancelled", at=at)
        self.agent.close_all(error=unfinished, at=at)
        self._call.close(payload, error=error, at=at)


def _emitter_of(session: Any) -> Callable[[Any, str, Callable[[Any], None]], Any]:
    """Return the ``on`` of the event emitter that a session is derived from."""
    for base in type(session).__mro__:
        if base.__name__ == "EventEmitter":
            return base.on  # type: ignore[attr-defined, no-any-return]
    return type(session).on  # type: ignore[no-any-return]
