"""What a person can do with a voice call."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command
from etaoi_tui.view.voice.lane import LaneScale

_SCALES = {
    LaneScale.GAP: "Turns stand aligned where the user stops speaking.",
    LaneScale.TURN: "Each turn from its beginning, all on one scale.",
    LaneScale.CALL: "One axis for the whole call.",
}


@command(
    "voice.toggle",
    keys=("v",),
    label="voice",
    help="Show voice lanes, or the span tree, at the same moment",
    group="Where did the time go?",
    words="audio call turns latency tree",
)
def toggle_lanes(at: Workspace) -> None:
    """Change between lanes and tree."""
    voice = at.voice
    if voice.call is None:
        turn = voice.turn_of_run()
        if turn is None:
            at.answer("This is no voice session: it has no lanes.")
        else:
            voice.lanes_wanted = True
            at.go_to_span(turn)
        return
    run = at.lanes.run_at_cursor if at.in_lanes else None
    if run is not None:
        at.go_to_span(run)
        return
    span = at.selection.span
    if not at.in_lanes and span is not None:
        at.lanes.open_at(span)
    voice.show_lanes(not at.in_lanes)
    at.arrangement.go_to_after_layout("tree")


@command(
    "voice.worst",
    keys=("w",),
    label="worst turn",
    help="Go to the turn with the longest heard gap",
    group="Where did the time go?",
    words="slow slowest latency silence wait",
)
def go_to_worst_turn(at: Workspace) -> None:
    """Go to the turn with the longest heard gap."""
    if at.voice.call is None:
        at.answer("This is no voice session.")
        return
    at.voice.show_lanes(True)
    at.arrangement.go_to_after_layout("tree")
    at.release_follow()
    if not at.lanes.go_to_worst():
        at.answer("No turn of this call has told how long its silence was.")


@command(
    "voice.axis",
    keys=("X",),
    label="time axis",
    help="Align turns, or show each whole, or all of the call",
    group="Where did the time go?",
    words="zoom time scale",
)
def change_axis(at: Workspace) -> None:
    """Give the lanes' time axis another meaning."""
    if at.in_lanes:
        at.answer(_SCALES[at.lanes.next_scale()])
    else:
        at.answer("The time axis changes in the voice lanes (v).")
