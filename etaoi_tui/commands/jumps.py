"""Back and forward through jumps, and from span to span of one kind."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.store.model import Span
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command
from etaoi_tui.view.motions import next_span, previous_span


@command(
    "jump.back",
    keys=("ctrl+o",),
    label="back",
    help="Go back to where you were before a jump, in any run",
    group="Go",
    words="return previous place history",
)
def go_back(at: Workspace) -> None:
    """Go back to where the person was before the last jump."""
    at.release_follow()
    if not at.navigator.go_back(forward=False):
        at.answer("There is no jump to go back from.")


@command(
    "jump.forward",
    keys=("alt+o",),
    label="forward",
    help="Go forward again through jumps",
    group="Go",
    words="return next place history",
)
def go_forward(at: Workspace) -> None:
    """Go forward to where the person went back from."""
    at.release_follow()
    if not at.navigator.go_back(forward=True):
        at.answer("There is no jump to go forward to.")


@command("call.next", keys=("right_parenthesis",), label="next call", help="Next model call", group="Go")
def go_to_next_call(at: Workspace) -> None:
    """Go to the next model call of the run."""
    _go(at, 1, _is_call, "model call")


@command(
    "call.previous", keys=("left_parenthesis",), label="call before", help="Previous model call", group="Go"
)
def go_to_previous_call(at: Workspace) -> None:
    """Go to the model call before."""
    _go(at, -1, _is_call, "model call")


@command("tool.next", keys=("greater_than_sign",), label="next tool", help="Next tool call", group="Go")
def go_to_next_tool(at: Workspace) -> None:
    """Go to the next tool call of the run."""
    _go(at, 1, _is_tool, "tool call")


@command(
    "tool.previous", keys=("less_than_sign",), label="tool before", help="Previous tool call", group="Go"
)
def go_to_previous_tool(at: Workspace) -> None:
    """Go to the tool call before."""
    _go(at, -1, _is_tool, "tool call")


@command("agent.next", keys=("b",), label="next agent", help="Next agent in the run", group="Go")
def go_to_next_agent(at: Workspace) -> None:
    """Go to the next agent of the run."""
    _go(at, 1, _is_agent, "agent")


@command("agent.previous", keys=("B",), label="agent before", help="Previous agent in the run", group="Go")
def go_to_previous_agent(at: Workspace) -> None:
    """Go to the agent before."""
    _go(at, -1, _is_agent, "agent")


@command(
    "turn.next",
    keys=("u",),
    label="next turn",
    help="Next turn of the conversation or the call",
    group="Go",
    words="later run newer answer",
)
def go_to_next_turn(at: Workspace) -> None:
    """Go to the next turn: of a voice call, else the later run of the conversation."""
    _go_to_turn(at, 1)


@command(
    "turn.previous",
    keys=("U",),
    label="turn before",
    help="Previous turn of the conversation or the call",
    group="Go",
    words="earlier run older",
)
def go_to_previous_turn(at: Workspace) -> None:
    """Go to the turn before."""
    _go_to_turn(at, -1)


def _is_call(span: Span) -> bool:
    return span.kind == "llm" and not span.is_folded_away


def _is_tool(span: Span) -> bool:
    return span.kind == "tool" and not span.is_folded_away


def _is_agent(span: Span) -> bool:
    return span.kind in ("sub_agent", "voice_agent") and not span.is_folded_away


def _is_voice_turn(span: Span) -> bool:
    return span.kind == "voice_turn"


def _go(at: Workspace, way: int, wanted: Callable[[Span], bool], what: str) -> None:
    """Go to the next span of a kind, and behind the last one to the first.

    Who follows a run stands at its last call, and asks for the third one as somebody at its head does.
    """
    trace = at.selection.trace
    if trace is None:
        return
    step = next_span if way > 0 else previous_span
    target = step(trace, at.selection.span, wanted)
    around = target is None
    if target is None:
        target = step(trace, None, wanted)
    if target is None:
        at.answer(f"This run has no {what}.")
    elif target is at.selection.span:
        at.answer(f"This is the run's only {what}.")
    else:
        at.go_to_span(target)
        if around:
            end, other_end = ("end", "first") if way > 0 else ("beginning", "last")
            at.answer(f"Round the {end} of the run: its {other_end} {what}.")


def _go_to_turn(at: Workspace, way: int) -> None:
    trace = at.selection.trace
    if trace is None:
        return
    if at.voice.call is not None:
        _go(at, way, _is_voice_turn, "turn")
        return
    other = at.traces.turn_beside(trace, way)
    if other is None:
        at.answer(f"This is the {'last' if way > 0 else 'first'} turn of its conversation.")
    else:
        at.release_follow()
        at.navigator.go_to_run(other)
