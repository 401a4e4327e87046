"""What is said in the footer, one sentence at a time, and for how long."""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec
from msgspec.structs import replace

Severity = Literal["information", "warning", "error"]

_MOST_WAITING = 8
"""Warnings that wait for their turn; more are in the problems page."""


class FooterMessage(msgspec.Struct, frozen=True):
    """A sentence.

    Attributes:
        text: Printable, one line.
        severity: An answer to a key, a warning, or something that failed.
        seconds: For how long it is shown.
    """

    text: str
    severity: Severity = "information"
    seconds: float = 2.0


class FooterMessages:
    """An answer to a key is shown at once and is gone when the next one comes; warnings take turns."""

    def __init__(self) -> None:
        self._waiting: deque[FooterMessage] = deque(maxlen=_MOST_WAITING)
        self._current: FooterMessage | None = None
        self._until = 0.0

    def add(self, message: FooterMessage, now: float) -> None:
        """Say something.

        Args:
            message: What to say.
            now: Seconds of a clock that only goes forward.
        """
        current = self.current(now)
        if current is not None and current.severity != "information":
            if message.severity != "information":
                self._waiting.append(message)
                return
            # The answer to a key must not wait; what it hides comes back for the rest of its time.
            self._waiting.appendleft(replace(current, seconds=self._until - now))
        self._show(message, now)

    def current(self, now: float) -> FooterMessage | None:
        """Return what is to be shown, None for nothing."""
        while self._current is not None and now >= self._until:
            self._current = None
            if self._waiting:
                self._show(self._waiting.popleft(), now)
        return self._current

    def clear(self) -> None:
        """Say nothing more of what was to be said."""
        self._waiting.clear()
        self._current = None

    def seconds_left(self, now: float) -> float:
        """Return the seconds until something else is to be shown."""
        return max(0.0, self._until - now)

    def _show(self, message: FooterMessage, now: float) -> None:
        self._current = message
        self._until = now + message.seconds
