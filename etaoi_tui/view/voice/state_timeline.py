"""The states of agent and user over a call, in order of time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from etaoi_collector.store.model import Session

StateChange = tuple[float, str, str]
"""Time, subject and state."""


class StateTimeline:
    """The ticks of one session, kept sorted while they arrive."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read = 0
        self._subjects: set[str] = set()
        self._ticks: list[StateChange] = []

    def catch_up(self) -> list[StateChange]:
        """Take in what the session has heard since the last call, and return that."""
        session = self._session
        new = session.ticks[max(self._read - session.ticks_gone, 0) :]
        self._read = session.ticks_gone + len(session.ticks)
        for tick in new:
            self._subjects.add(tick[1])
            if self._ticks and tick < self._ticks[-1]:
                insort(self._ticks, tick)
            else:
                self._ticks.append(tick)
        return new

    def tells_of(self, subject: str) -> bool:
        """Whether the call has told any state of this subject."""
        return subject in self._subjects

    def spoken(self, subject: str, since: float, until: float) -> list[tuple[float, float | None]]:
        """Return when somebody began and stopped to speak, of what began in a stretch of time.

        Args:
            subject: ``agent`` or ``user``.
            since: First moment at which speech may begin.
            until: Last such moment.

        Returns:
            Pairs of begin and end; an end of None is not known yet.
        """
        intervals: list[tuple[float, float | None]] = []
        began: float | None = None
        for at, who, state in self._ticks[bisect_left(self._ticks, (since,)) :]:
            if who != subject or state in _EVENTS:
                continue
            if began is not None and state != "speaking":
                intervals.append((began, at))
                began = None
            elif began is None and state == "speaking":
                began = at
            if began is None and at > until:
                break
            if began is not None and began > until:
                began = None
                break
        if began is not None:
            intervals.append((began, None))
        return intervals

    def began(self, at: float, state: str) -> bool:
        """Whether the agent came into a state at a moment."""
        near = self._ticks[bisect_left(self._ticks, (at - _ONE,)) : bisect_right(self._ticks, (at + _ONE,))]
        return any(who == "agent" and one == state for _, who, one in near)

    def speech_before(self, decision: float) -> list[tuple[float, float | None]]:
        """Return the user's speech that a decision about the end of a turn is about.

        That is what was said since the agent last began to think or to speak; of speech into the agent's
        words, the whole.
        """
        last = bisect_right(self._ticks, (decision,))
        speech: list[tuple[float, float | None]] = []
        ended: float | None = None
        for n in range(last - 1, max(last - _LOOKED_BACK, 0) - 1, -1):
            at, who, state = self._ticks[n]
            if who == "user":
                if state == "speaking":
                    speech.append((at, ended))
                ended = at
            elif state in ("thinking", "speaking") and speech and decision - at > _ALMOST_NOW:
                break
        speech.reverse()
        return speech


_EVENTS = frozenset({"resumed", "recovering", "recovered", "interrupted", "overlap_backchannel"})
"""What is told among the states but is none: it ends no other."""
_ONE = 0.05
"""Seconds by which two reports of one moment may differ."""
_LOOKED_BACK = 64
_ALMOST_NOW = 0.25
"""Seconds: the agent begins to think at about the decision, which must not count as before it."""
