"""A call: its session span, who is on duty, and the turns that are open."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec

from etaoi_tui.sdk.ids import new_id
from etaoi_tui.sdk.livekit import private_api as inside
from etaoi_tui.sdk.livekit import snapshots
from etaoi_tui.sdk.livekit.turns import Turn, UserPart
from etaoi_tui.sdk.tracer import Payload, Span, Tracer, push_default, remove_default

logger = logging.getLogger("etaoi_tui")

_USAGE_SECONDS = 2.0
_REMEMBERED = 64


class Options(msgspec.Struct, frozen=True):
    """What `attach_session` was told about what to send."""

    prompts: str = "full"
    userdata: bool = True
    include_vad: bool = True
    release: str | None = None
    environment: str | None = None


class Call:
    """The spans of one AgentSession that its parts share.

    The tree: ``voice_session`` > ``voice_agent`` (an agent's time on duty) > ``voice_turn`` > its stages.
    Session and agents are one trace, each turn is a trace of its own whose root points to the agent's span:
    the shape that viewers of this wire know, and one tree for whoever follows the links.
    """

    def __init__(self, session: Any, tracer: Tracer, options: Options) -> None:
        self.session = session
        self.tracer = tracer
        self.options = options
        self.span: Span | None = None
        self._ended: Span | None = None
        self.agent_span: Span | None = None
        self.agent: Any = None
        self.turns: dict[str, Turn] = {}
        """Open turns by the id of the speech that answers."""
        self.past: OrderedDict[str, Turn] = OrderedDict()
        """Turns that have ended, for what is told late."""
        self.newest: Turn | None = None
        self.errors: dict[str, list[Any]] = {}
        """By stage, when failures began and how many there were since it last worked."""
        self._instructions: Any = None
        self._usage: Any = None
        self._usage_at = 0.0
        self._context_sent = False
        self._warned = False

    # The session

    def open(self, *, at: float | None = None) -> Span:
        """Start the session's span unless one is open, and return it."""
        if self.span is not None:
            return self.span
        room = snapshots.room_of(self.session)
        options = self.options
        payload = {
            "room_name": getattr(room, "name", None),
            "release": options.release,
            "environment": options.environment,
        }
        payload = {key: value for key, value in payload.items() if value is not None}
        self._context_sent = False
        self.span = self.tracer.start(
            "voice_session", "voice session", payload=payload, metadata=payload, at=at, persistent=True
        )
        push_default(self.tracer)
        return self.span

    def root(self) -> Span:
        """Return the session's span, also when it has just ended: a score often comes after the call."""
        return self.span or self._ended or self.open()

    def close(self, payload: Mapping[str, Any], *, error: Any = None, at: float | None = None) -> None:
        """End everything that is open, then the session's span."""
        span = self.span
        if span is None:
            return
        self.tell_usage(force=True)
        outcome = snapshots.outcome()
        if outcome is not None:
            self.tracer.delta(span, outcome)
        recording = snapshots.recording(self.session)
        if recording is not None:
            self.tracer.delta(span, recording)
        self.off_duty(at=at)
        end_payload = dict(payload)
        if self.errors:
            end_payload["unrecovered_errors"] = {stage: count for stage, (_, count) in self.errors.items()}
            self.errors = {}
        self.tracer.end(span, end_payload, error=error, at=at)
        remove_default(self.tracer)
        self.span, self._ended = None, span

    def tell_context(self, *, again: bool = False) -> None:
        """Tell room, participants, user data and options: once, and again when asked to."""
        if self._context_sent and not again:
            return
        make = snapshots.session_context(self.session, userdata=self.options.userdata)
        if self._context_sent:
            first = make
            make = lambda: {**first(), "session_context_updated": True}  # noqa: E731
        self._context_sent = True
        self.tracer.delta(self.root(), make)

    def hold_usage(self, usage: Any) -> None:
        """Keep the newest usage; it is told every two seconds at most, and at the end."""
        self._usage = usage
        self.tell_usage()

    def tell_usage(self, *, force: bool = False) -> None:
        """Send the usage that is held."""
        usage, now = self._usage, time.time()
        if usage is None or not (force or now - self._usage_at >= _USAGE_SECONDS):
            return
        self._usage, self._usage_at = None, now

        def make() -> dict[str, Any]:
            models = [one.model_dump() if hasattr(one, "model_dump") else one for one in usage.model_usage]
            return {"session_usage": {"model_usage": models}, "created_at": now}

        self.tracer.delta(self.root(), make)

    # Agents

    def on_duty(self, *, at: float | None = None) -> None:
        """Follow the session's current agent: end the old one's time on duty and start the new one's."""
        agent = self.current_agent()
        if agent is None or agent is self.agent:
            self._follow_instructions()
            return
        previous_agent = self.agent
        self.off_duty(at=at)
        self.agent = agent
        self._instructions = getattr(agent, "instructions", None)
        context = snapshots.agent_context(self.session, agent, self.options.prompts)
        names = agent_names(agent)

        def make() -> dict[str, Any]:
            fields: dict[str, Any] = {**names, "voice_agent_context": context()}
            if previous_agent is not None:
                fields["from_agent_id"] = agent_names(previous_agent)["agent_id"]
            return fields

        self.agent_span = self.tracer.start(
            "voice_agent", names["agent_label"], parent=self.open(), payload=make, at=at, persistent=True
        )

    def off_duty(self, *, at: float | None = None) -> None:
        """End the current agent's time on duty."""
        if self.agent_span is not None:
            self.tracer.end(self.agent_span, agent_names(self.agent), at=at)
        self.agent_span = None
        self.agent = None

    def current_agent(self) -> Any | None:
        """Return the session's agent, None before it has one."""
        try:
            return self.session.current_agent
        except RuntimeError:
            return None

    def _follow_instructions(self) -> None:
        agent, span = self.agent, self.agent_span
        if agent is None or span is None:
            return
        instructions = getattr(agent, "instructions", None)
        if instructions is self._instructions:
            return
        self._instructions = instructions
        make = snapshots.agent_context(self.session, agent, self.options.prompts)
        self.tracer.delta(span, lambda: {"instructions_changed": True, "voice_agent_context": make()})

    # Turns

    def open_turn(
        self, *, at: float, handle: Any = None, user: UserPart | None = None, **payload: Any
    ) -> Turn:
        """Start a turn: at the user's first word, or when the agent speaks unasked."""
        self.on_duty()
        if self.agent is not None:
            payload.update(agent_names(self.agent))
        span = self.tracer.start(
            "voice_turn",
            "turn",
            parent=self.agent_span or self.open(),
            trace=new_id(),
            payload=payload,
            speech_id=handle.id if handle is not None else None,
            at=at,
        )
        turn = Turn(span, handle=handle, user=user)
        self.newest = turn
        if handle is not None:
            self.turns[handle.id] = turn
        return turn

    def forget(self, speech_id: str | None, turn: Turn) -> None:
        """Take a turn out of the open ones; what is told late still finds it for a while."""
        if speech_id is not None:
            self.turns.pop(speech_id, None)
            self.past[speech_id] = turn
            if len(self.past) > _REMEMBERED:
                self.past.popitem(last=False)

    def turn_of(self, speech_id: str | None) -> Turn | None:
        """Return a speech's turn, open or just ended."""
        if speech_id is None:
            return None
        return self.turns.get(speech_id) or self.past.get(speech_id)

    def turn_of_task(self) -> Turn | None:
        """Return the turn that the calling task works for."""
        handle = inside.speech_of_task()
        return self.turns.get(handle.id) if handle is not None else None

    def speaking_turn(self) -> Turn | None:
        """Return the open turn that speaks: the calling task's, the session's current one, or the newest."""
        turn = self.turn_of_task()
        if turn is not None:
            return turn
        handle = getattr(self.session, "current_speech", None)
        if handle is not None and handle.id in self.turns:
            return self.turns[handle.id]
        for turn in reversed(self.turns.values()):
            return turn
        return None

    def tell(self, turn: Turn | None, payload: Payload, *, at: float | None = None) -> None:
        """Add to a turn, or to the session where no turn is known."""
        self.tracer.delta(turn.span if turn is not None else self.root(), payload, at=at)

    # Errors

    def failure(self, where: str, error: BaseException) -> None:
        """Take note of a failure of our own: the first is a warning, others are told at debug level."""
        level = logging.DEBUG if self._warned else logging.WARNING
        self._warned = True
        logger.log(
            level,
            "etaoi-tui could not follow a voice event (%s); the call is not affected",
            where,
            exc_info=error,
        )

    def failed(self, stage: str, at: float) -> None:
        """Remember that a stage failed and tries again."""
        entry = self.errors.setdefault(stage, [at, 0])
        entry[1] += 1

    def worked(self, stage: str) -> None:
        """Tell that a stage works again, when it had failed."""
        if not self.errors or stage not in self.errors:
            return
        began, count = self.errors.pop(stage)
        now = time.time()
        payload = {"error_recovered": {"stage": stage, "errors": count, "after": now - began}}
        self.tracer.delta(self.root(), payload, at=now)
        self.tracer.tick("agent", "recovered", at=now)


def agent_names(agent: Any) -> dict[str, str]:
    """Return an agent's id and label as the wire has them."""
    name = str(getattr(agent, "id", None) or getattr(agent, "label", None) or type(agent).__name__)
    return {"agent_id": name, "agent_label": name}
