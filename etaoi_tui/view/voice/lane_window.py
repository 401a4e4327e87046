"""What the time axis of the lanes spans."""

from __future__ import annotations

from etaoi_tui.view.voice.call_model import VoiceCall
from etaoi_tui.view.voice.lane import gap_window
from etaoi_tui.view.voice.lane_scale import LaneScale


def lane_window(call: VoiceCall, scale: LaneScale, now: float, newest_at: float) -> tuple[float, float]:
    """Choose the first and the last moment of the axis.

    Args:
        call: With at least one turn.
        scale: What the axis means: seconds around the end of the user's speech, seconds of a turn, or of the
            call, in seconds since the epoch.
        now: The present by the call's clock.
        newest_at: When something of the session happened last.
    """
    newest = call.groups[-1].turn
    if scale is LaneScale.GAP:
        worst = call.figures.statistics.of("heard gap")
        bounds = [worst.max] if worst is not None else []
        waits = newest.waits_for(now) if newest is not None else None
        return gap_window([*bounds, waits or 0.0])
    if scale is LaneScale.TURN:
        runs = newest is not None and newest.end is None
        so_far = now - newest.start if newest is not None and runs else 0.0
        return 0.0, max(call.figures.longest, so_far) or 1.0
    first = call.groups[0].turn
    start = first.start if first is not None else call.groups[0].order[0]
    return start, max(now, newest_at)
