"""Speech over the agent's own: interruptions, false ones, and mere backchannel."""

from __future__ import annotations

from typing import Any

from etaoi_tui.sdk.livekit.call import Call
from etaoi_tui.sdk.livekit.user_turn import UserTurn


class Interruptions:
    """Notes on the turn that is spoken what the detectors say of speech over it."""

    def __init__(self, call: Call, user: UserTurn) -> None:
        self._call = call
        self._user = user

    def false_interruption(self, event: Any) -> None:
        """Take note that what sounded like an interruption was none."""
        call, at = self._call, event.created_at
        turn = call.speaking_turn()
        call.tell(turn, {"false_interruption": True, "resumed": bool(event.resumed)}, at=at)
        if event.resumed:
            call.tracer.tick("agent", "resumed", at=at)
        part = self._user.part
        if part is not None and not part.speaking and not part.transcript:
            self._user.drop(part)

    def overlapping_speech(self, event: Any) -> None:
        """Take the detector's word on speech over the agent's: an interruption, or a mere "mm-hm"."""
        payload = {
            name: getattr(event, name, None)
            for name in (
                "is_interruption",
                "probability",
                "total_duration",
                "prediction_duration",
                "detection_delay",
                "overlap_started_at",
                "num_requests",
                "agent_ended",
            )
        }
        turn = self._call.speaking_turn()
        if turn is not None and turn.handle is not None and turn.handle.interrupted:
            payload["interrupted_by_user"] = True
        at = getattr(event, "created_at", None)
        self._call.tell(turn, payload, at=at)
        state = "interrupted" if payload["is_interruption"] else "overlap_backchannel"
        self._call.tracer.tick("agent", state, at=at)
