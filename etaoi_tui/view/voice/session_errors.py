"""Failures that the session of a call tells of itself."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.view.voice.build_turn import error_text
from etaoi_tui.view.voice.turn_spans import TurnDeltas


class SessionErrors:
    """Reads failures from the spans of sessions.

    Args:
        deltas: What spans told while they ran.
    """

    def __init__(self, deltas: TurnDeltas) -> None:
        self._deltas = deltas
        self._errors: dict[Span, list[tuple[float, str]]] = {}

    def take(self, span: Span) -> bool:
        """Read a session's span; return whether its failures are others now."""
        errors = [
            (at, error_text(payload.error_event))
            for at, payload in self._deltas.of(span).events
            if payload.error_event is not None
        ]
        if errors == self._errors.get(span, []):
            return False
        self._errors[span] = errors
        return True

    def all(self) -> list[tuple[float, str]]:
        """Return when something failed, and what, in order."""
        return sorted(error for errors in self._errors.values() for error in errors)
