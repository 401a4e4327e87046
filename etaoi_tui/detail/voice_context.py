"""What is known of a voice call beside the span that is described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etaoi_tui.view.voice.call_model import VoiceCall
    from etaoi_tui.view.voice.model import Turn
    from etaoi_tui.view.voice.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class VoiceContext:
    """What is known of the voice call that a span belongs to, besides the span.

    Attributes:
        limits: What counts as slow.
        call: The call of a session's span.
        turn: The turn of a turn's span.
        number: The turn's place in the call, from 1.
    """

    limits: Thresholds
    call: VoiceCall | None = None
    turn: Turn | None = None
    number: int = 0
