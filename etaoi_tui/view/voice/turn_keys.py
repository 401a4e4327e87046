"""Which spans make up one turn, and what a turn is known by."""

from __future__ import annotations

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.view.search import Reader
from etaoi_tui.view.voice import payloads
from etaoi_tui.view.voice.voice_kinds import ABOVE_TURNS, VOICE_KINDS

BELOW_CALL = frozenset({"voice_turn", "voice_agent"})
SPEECH = "speech "
"""What stands before the id of a speech in the key of its turn."""
_BEGUN = int(SpanFlag.STARTED) | int(SpanFlag.ENDED)


class TurnKeys:
    """Names turns, reading each leader's payload once.

    Args:
        reader: Where events lie.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._keys: dict[Span, tuple[int, str]] = {}

    def forget(self, leader: Span) -> None:
        """Let go of a leader that is gone."""
        self._keys.pop(leader, None)

    def of(self, leader: Span) -> str | None:
        """Name the turn that a leader belongs to; None for a span that belongs to the whole call.

        The reference SDK may open one turn twice: both have its speech's id.
        """
        if leader.kind == "voice_turn":
            return self._known_key(leader)
        if leader.placeholder:
            # What never arrived was a turn if stages hang on it, and the call itself if turns do.
            kinds = {child.kind for child in leader.children or ()}
            is_turn = not kinds.isdisjoint(VOICE_KINDS) and kinds.isdisjoint(BELOW_CALL)
            return f"span {leader.span_id}" if is_turn else None
        if leader.kind in VOICE_KINDS and not any(one.kind in ABOVE_TURNS for one in leader.trace.spans[:8]):
            return f"trace {leader.trace.trace_id}"
        if leader.kind == "voice_input":
            # LiveKit's own tracer: the user's words stand beside the turn that answers them.
            key = self._known_key(leader)
            return key if key.startswith(SPEECH) else None
        return None

    def _known_key(self, leader: Span) -> str:
        arrived = leader.start_ref if leader.kind == "voice_input" else leader.flags & _BEGUN
        cached = self._keys.get(leader)
        if cached is None or cached[0] != arrived:
            cached = self._keys[leader] = arrived, self._speech_key(leader)
        return cached[1]

    def _speech_key(self, turn: Span) -> str:
        ref = turn.start_ref if turn.flags & SpanFlag.STARTED else turn.end_ref
        speech = payloads.read(self._reader, ref).speech_id
        return SPEECH + speech if speech is not None else f"span {turn.span_id}"


def leader_of(span: Span) -> Span:
    """Return the span that stands for the turn of a span: the topmost below the session and its agents."""
    while span.kind != "voice_turn":
        above = span.parent
        if above is None or above.kind in ABOVE_TURNS:
            break
        span = above
    return span
