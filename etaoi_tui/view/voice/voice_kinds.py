"""The kinds of span by which a voice call is known."""

from __future__ import annotations

from etaoi_collector.store.model import Session, Trace

VOICE_KINDS = frozenset({"voice_input", "voice_output", "eou", "vad", "voice_turn"})
ABOVE_TURNS = frozenset({"voice_session", "voice_agent"})


def is_call(session: Session) -> bool:
    """Whether a session holds a voice call."""
    return any(_is_voice(trace) for trace in session.traces[:8])


def _is_voice(trace: Trace) -> bool:
    return any(
        span.kind in VOICE_KINDS or span.kind in ABOVE_TURNS for span in (*trace.roots[:4], *trace.spans[:8])
    )
