"""What the time axis of lanes stands for, and the lines above them."""

from __future__ import annotations

from enum import StrEnum

HEADER_LINES = 4


class LaneScale(StrEnum):
    """What the time axis of the lanes stands for."""

    GAP = "from the end of the user's speech"
    """All turns aligned where the user stops: heard gaps can be compared by eye."""
    TURN = "each turn from its beginning"
    CALL = "the whole call"
