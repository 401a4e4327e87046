"""The agent's half of a turn: the speech that answers, its words, its sound, and how it ended."""

from __future__ import annotations

import time
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.livekit import private_api as inside
from etaoi_tui.sdk.livekit.call import Call
from etaoi_tui.sdk.livekit.metrics import metrics_delta, speech_requests, voice_metrics
from etaoi_tui.sdk.livekit.tool_calls import ToolCalls
from etaoi_tui.sdk.livekit.turns import Output, Turn
from etaoi_tui.sdk.livekit.user_turn import UserTurn

_WORDS_SECONDS = 0.08
"""Words of the agent's speech go out at most this often."""


class AgentTurn:
    """Follows what the agent says."""

    def __init__(self, call: Call, user: UserTurn, tools: ToolCalls) -> None:
        self._call = call
        self._user = user
        self._tools = tools
        self._watched: dict[str, Any] = {}

    # Speeches

    def speech_created(self, event: Any) -> None:
        """Give a new speech its turn: the user's, when it answers one, or a turn of its own."""
        self.follow(event.speech_handle, event.source, at=event.created_at, unasked=event.user_initiated)

    def follow(self, handle: Any, source: str, *, at: float, unasked: bool) -> None:
        """Watch a speech from now until it is done."""
        if handle.id in self._call.turns:
            return
        outer = inside.speech_of_task()
        part = self._user.part
        fields: dict[str, Any] = {"source": source, "user_initiated": unasked}
        if source == "generate_reply" and part is not None and outer is None:
            turn = self._user.open(part)
            self._adopt(turn, handle)
            self._call.tell(turn, {**fields, "speech_id": handle.id}, at=at)
        else:
            if outer is not None:
                fields["from_speech_id"] = outer.id
            turn = self._call.open_turn(at=at, handle=handle, **fields)
            turn.from_tool = outer is not None
        self._watched[handle.id] = handle
        handle.add_done_callback(self._speech_done)
        inside.watch_items(handle, self._item_added)

    def _adopt(self, turn: Turn, handle: Any) -> None:
        """Let a speech answer a turn; one that was made ahead of time gives way."""
        self._throw_away(turn)
        turn.handle = handle
        turn.span.speech_id = handle.id
        if turn.user is not None and turn.user.span is not None:
            turn.user.span.speech_id = handle.id
        self._call.turns[handle.id] = turn

    def _throw_away(self, turn: Turn) -> None:
        """Take back a speech that was made ahead of time: the turn waits for the one that answers it."""
        if turn.handle is None:
            return
        self._call.turns.pop(turn.handle.id, None)
        for span in turn.calls:
            self._call.tracer.delta(span, {"thrown_away": True})
        turn.handle = None
        turn.calls.clear()

    def _item_added(self, item: Any) -> None:
        try:
            self._tools.item_added(item, self._call.turn_of_task() or self._call.speaking_turn())
        except Exception as error:
            self._call.failure("speech item", error)

    def _speech_done(self, handle: Any) -> None:
        try:
            self._let_go(handle)
            turn = self._call.turns.get(handle.id)
            if turn is None or turn.handle is not handle:
                return
            if turn.user is not None and not turn.user.settled and not inside.was_scheduled(handle):
                self._throw_away(turn)
                return
            self.close(turn, at=time.time())
        except Exception as error:
            self._call.failure("end of speech", error)

    def _let_go(self, handle: Any) -> None:
        self._watched.pop(handle.id, None)
        inside.unwatch_items(handle, self._item_added)

    def close(self, turn: Turn, *, at: float, error: str | None = None) -> None:
        """End a turn and what is still open in it."""
        if turn.closed:
            return
        turn.closed = True
        handle = turn.handle
        failure: Any = error
        if handle is not None:
            if handle.interrupted:
                failure = failure or "interrupted"
                turn.summary["interrupted"] = True
                source = inside.interrupted_by(handle)
                if source is not None:
                    turn.summary["interrupted_by"] = source
            failure = failure or inside.failure_of(handle)
        if turn.user is not None and not turn.user.settled:
            self._user.settle(turn.user)
        if turn.output is not None:
            self._end_output(turn, turn.output, {}, at=turn.output.stopped_at or at, error=error)
        self._say(turn, final=True)
        self._call.tracer.end(turn.span, turn.summary, error=failure, at=at)
        self._call.forget(turn.speech_id, turn)

    def close_all(self, *, error: str | None = None, at: float | None = None) -> None:
        """End every open turn: the session closes, or nobody listens any more."""
        at = at or time.time()
        for handle in list(self._watched.values()):
            self._let_go(handle)
            remove = getattr(handle, "remove_done_callback", None)
            if remove is not None:
                remove(self._speech_done)
        for turn in list(self._call.turns.values()):
            self.close(turn, at=at, error=error)
        part = self._user.part
        if part is not None:
            self._user.drop(part)

    # States

    def state_changed(self, event: Any) -> None:
        """Take note that the agent listens, thinks or speaks."""
        call, at, state = self._call, event.created_at, event.new_state
        if call.span is None or state == "initializing":
            call.open(at=at)
        call.tracer.tick("agent", state, at=at)
        if state == "speaking":
            call.worked("tts")
            turn = call.speaking_turn()
            if turn is not None:
                self._playing(turn, at)
        elif event.old_state == "speaking":
            turn = call.speaking_turn()
            if turn is not None and turn.output is not None:
                self._silent(turn.output, at, paused=state == "listening")
        if state == "listening":
            call.on_duty(at=at)
            call.tell_context()

    def _playing(self, turn: Turn, at: float) -> None:
        output = self.begin_output(turn, at)
        output.stopped_at = None
        if output.playing_at is None:
            output.playing_at = at
            self._call.tracer.delta(output.span, {"playing_at": at}, at=at)
            turn.summary.setdefault("agent_started_at", at)
        elif output.paused_at is not None:
            self._call.tracer.delta(output.span, {"resumed_at": at}, at=at)
        output.paused_at = None

    def _silent(self, output: Output, at: float, *, paused: bool) -> None:
        """Take note that the agent falls silent in the middle of its speech: its message has not come yet."""
        output.stopped_at = at
        if paused and output.playing_at is not None:
            output.paused_at = at
            self._call.tracer.delta(output.span, {"paused_at": at}, at=at)

    # Words and sound

    def begin_output(self, turn: Turn, at: float | None = None) -> Output:
        """Start the span of a stretch of speech unless one is open: at its first word, or its first sound."""
        if turn.output is None:
            payload = {"origin": "tool_say"} if turn.from_tool else {}
            if not self._is_audible():
                payload["modality"] = "text"
            span = self._call.tracer.start(
                "voice_output",
                "agent speech",
                parent=turn.span,
                payload=payload,
                speech_id=turn.speech_id,
                at=at,
            )
            turn.output = Output(span)
        return turn.output

    def _is_audible(self) -> bool:
        output = getattr(self._call.session, "output", None)
        return output is None or (
            getattr(output, "audio", None) is not None and bool(getattr(output, "audio_enabled", True))
        )

    def words(self, turn: Turn | None, text: str) -> None:
        """Take the next words of the agent's answer, before they are spoken."""
        turn = turn or self._call.speaking_turn()
        if turn is None or turn.closed or not text:
            return
        self.begin_output(turn)
        turn.saying += text
        turn.unsent += text
        if time.monotonic() - turn.sent_at >= _WORDS_SECONDS:
            self._say(turn)

    def _say(self, turn: Turn, *, final: bool = False) -> None:
        transcript = turn.spoken_text + turn.saying
        if not (turn.unsent or (final and transcript)):
            return
        payload: dict[str, Any] = {"agent_transcript": transcript}
        if turn.unsent:
            payload["agent_transcript_delta"] = turn.unsent
        if final:
            payload["agent_transcript_final"] = True
        turn.unsent, turn.sent_at = "", time.monotonic()
        self._call.tracer.delta(turn.span, payload)

    def message_added(self, item: Any) -> None:
        """Take the agent's message as it went into the conversation: what was spoken, with its times."""
        turn = self._call.speaking_turn()
        if turn is None:
            return
        text = item.text_content or ""
        turn.saying, turn.unsent = text, ""
        report = getattr(item, "metrics", None) or {}
        payload: dict[str, Any] = {"text": text, "item_id": item.id, "interrupted": bool(item.interrupted)}
        for name in ("tts_node_ttfb", "playback_latency", "llm_node_ttft", "llm_node_ttfs", "e2e_latency"):
            payload[name] = report.get(name)
        started, stopped = report.get("started_speaking_at"), report.get("stopped_speaking_at")
        output = self.begin_output(turn, started or item.created_at)
        if started is not None:
            output.playing_at = started
            turn.summary["agent_started_at"] = min(started, turn.summary.get("agent_started_at", started))
        if report.get("e2e_latency") is not None:
            turn.summary.setdefault("e2e_latency", report["e2e_latency"])
        self._end_output(turn, output, payload, at=stopped or output.stopped_at, interrupted=item.interrupted)
        turn.spoken_text += turn.saying
        turn.saying = ""

    def _end_output(
        self,
        turn: Turn,
        output: Output,
        payload: dict[str, Any],
        *,
        at: float | None,
        interrupted: bool | None = None,
        error: str | None = None,
    ) -> None:
        if interrupted is None:
            interrupted = turn.handle is not None and turn.handle.interrupted
        at = at or time.time()
        if output.playing_at is not None:
            until = output.paused_at or at
            payload["playing_at"], payload["played_until"] = output.playing_at, until
            turn.summary["agent_stopped_at"] = until
        if turn.from_tool:
            payload["origin"] = "tool_say"
        if keys.TEXT not in payload:
            payload[keys.TEXT] = turn.saying
        requests = output.requests
        payload.update(speech_requests(requests))
        self._call.tracer.end(
            output.span,
            payload,
            error="interrupted" if interrupted else error,
            voice_metrics=voice_metrics(requests[0]) if requests else None,
            at=at,
        )
        turn.output, turn.last_output = None, output

    def tts_metrics(self, metrics: Any) -> None:
        """Take a text-to-speech request that has ended."""
        self._call.worked("tts")
        turn = self._call.turn_of(metrics.speech_id)
        if turn is None:
            self._call.tell(None, metrics_delta(metrics))
        elif turn.output is not None:
            turn.output.requests.append(metrics)
        elif turn.last_output is not None:
            self._call.tracer.delta(turn.last_output.span, metrics_delta(metrics))
        else:
            self.begin_output(turn).requests.append(metrics)
