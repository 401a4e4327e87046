"""What a person can do with a voice call."""

from __future__ import annotations

from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.text import one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.command import command
from etaoi_tui.view.voice.lane_scale import LaneScale

_TOOL_CELLS = 24
"""Of a tool's name, in an answer in the footer."""
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
    if at.conversation.is_shown:
        at.conversation.show(False)
        voice.show_lanes(voice.call is not None)
        return
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
    label="slowest",
    help="Go to the slowest turn of a call, elsewhere to the slowest tools of the conversation",
    group="Where did the time go?",
    words="slow slowest latency silence wait",
)
def go_to_worst_turn(at: Workspace) -> None:
    """Go to the turn with the longest heard gap; in a conversation without calls to its slowest tool."""
    if at.voice.call is None:
        _go_to_slowest_tool(at)
        return
    at.conversation.show(False)
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


def _go_to_slowest_tool(at: Workspace) -> None:
    """Go to the slowest tool call of the conversation; from there to the next slowest, and around."""
    trace = at.selection.trace
    calls = at.slowest_tools.of(trace) if trace is not None else []
    if not calls:
        at.answer("No tool call of this conversation has ended.")
        return
    last_shown = at.slowest_tools.last_shown
    goes_on = last_shown in calls and last_shown is at.selection.span
    number = (calls.index(last_shown) + 1) % len(calls) if last_shown is not None and goes_on else 0
    at.slowest_tools.last_shown = calls[number]
    at.go_to_span(calls[number])
    rank = "the slowest" if number == 0 else f"number {number + 1} of the slowest"
    took = calls[number].duration(at.now(calls[number].trace))
    name = one_line(calls[number].name, _TOOL_CELLS)
    at.answer(f"{name}, {fmt.duration(took)}: {rank} of the conversation's tool calls.")
