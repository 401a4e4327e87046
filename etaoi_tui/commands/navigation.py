"""Going somewhere: deeper and back, to errors, to other traces, to an agent or a conversation."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.store.model import Span, Trace
from etaoi_tui.screens.requests import RecordingChosen
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view import format as fmt
from etaoi_tui.view.command import command
from etaoi_tui.view.error_navigation import has_problem


@command(
    "pane.open",
    keys=("enter",),
    label="open",
    help="Open: run, then span, then detail",
    group="Go",
    footer=3,
    words="enter into details",
)
def open_deeper(at: Workspace) -> None:
    """Open what is under the cursor; on the first screen, the recording."""
    if at.arrangement.empty:
        recording = at.welcome.chosen
        if recording is not None:
            at.post_message(RecordingChosen(recording.path))
    elif at.pane == "detail":
        at.detail.toggle_section_at_cursor()
    elif at.pane == "traces":
        if not at.traces.open_row():
            at.arrangement.go_to("tree")
    elif at.conversation.is_shown:
        _open_what_was_said(at)
    else:
        at.draw_detail_now()
        at.arrangement.go_to("detail")


@command(
    "pane.back",
    keys=("escape",),
    label="back",
    help="Step back: search, detail, tree, runs",
    group="Go",
    footer=10,
)
def step_back(at: Workspace) -> None:
    """Leave the search, the zoom or the pane."""
    if at.search.active:
        at.search.close()
        at.arrangement.focus()
    elif at.arrangement.zoomed:
        at.arrangement.zoom()
    elif at.pane == "detail":
        at.arrangement.go_to("tree")
    elif at.pane == "tree" and at.conversation.is_shown:
        at.conversation.show(False)
    else:
        at.arrangement.go_to("traces")


@command(
    "error.next",
    keys=("e",),
    label="next error",
    help="Go to the failure that ended the run, to its other errors, and on into the next run",
    group="Why did it fail?",
    footer=4,
    words="why fail failed failure exception crash traceback red",
)
def go_to_next_error(at: Workspace) -> None:
    """Go to the failure that ended the run, or on to its next error."""
    _go_to_error(at, at.navigator.errors.next, 1)


@command(
    "error.previous",
    keys=("E",),
    label="previous error",
    help="Go to the error before, and on into the run before",
    group="Why did it fail?",
    words="why fail failed failure exception crash traceback red",
)
def go_to_previous_error(at: Workspace) -> None:
    """Go to the error before."""
    _go_to_error(at, at.navigator.errors.previous, -1)


@command(
    "trace.next",
    keys=("J", "ctrl+down"),
    label="next run",
    help="Go to the next run",
    group="Go",
    words="run below",
)
def go_to_next_trace(at: Workspace) -> None:
    """Go to the next run."""
    at.traces.step_run(1)


@command(
    "trace.previous",
    keys=("K", "ctrl+up"),
    label="previous run",
    help="Go to the previous run",
    group="Go",
    words="run above",
)
def go_to_previous_trace(at: Workspace) -> None:
    """Go to the run before."""
    at.traces.step_run(-1)


@command(
    "agent.show",
    keys=("a",),
    label="agent",
    help="Show the agent: its parts and what it did with them",
    group="What did the model get?",
    words="card graph tools prompt system model cost price token context middleware mcp",
)
def show_agent(at: Workspace) -> None:
    """Show the card of the agent that the span under the cursor belongs to."""
    from etaoi_tui.detail.document.model import Document
    from etaoi_tui.detail.pages.agent_card import card_document
    from etaoi_tui.screens.live_document_modal import LiveDocumentModal

    snapshots = list(at.span_tree.rows.context)
    if not snapshots:
        at.answer(
            "Nothing tells what this agent is; etaoi_tui.attach(agent) records its model, prompt and tools."
        )
        return
    first = _snapshot_of(at.selection.span, snapshots)
    snapshots = snapshots[first:] + snapshots[:first]

    def make(number: int, width: int) -> Document:
        snapshot = snapshots[number % len(snapshots)]
        others = [other for other in snapshots if other is not snapshot]
        trace = at.selection.trace or snapshot.trace
        return card_document(snapshot, others, at.payloads, at.now(trace), width)

    at.app.push_screen(LiveDocumentModal(make, "Agent", len(snapshots)), at.go_to_span_id)


@command(
    "conversation.show",
    keys=("c",),
    label="chat",
    help="Show the session as a conversation in the tree's place, or the tree again",
    group="What did the model get?",
    footer=8,
    words="chat messages transcript dialog user answer",
)
def show_conversation(at: Workspace) -> None:
    """Change between the conversation and the tree, at the same run."""
    if at.selection.trace is None:
        at.answer("There is no trace yet.")
        return
    at.conversation.show(not at.conversation.is_shown)
    at.arrangement.go_to_after_layout("tree")


@command(
    "follow.toggle",
    keys=("f",),
    label="follow",
    help="Follow what runs, or stop following",
    group="Where did the time go?",
    footer=9,
    words="live tail newest stream scroll",
)
def toggle_follow(at: Workspace) -> None:
    """Follow the newest span, or stop."""
    at.span_tree.follow(not at.span_tree.following)
    newest = at.traces.newest()
    if at.span_tree.following and newest is not None and newest is not at.selection.trace:
        at.selection.show(newest, by_hand=False)
    at.show_place()


def _open_what_was_said(at: Workspace) -> None:
    """Go to the span of what is under the conversation's cursor; fold or unfold what comes from none."""
    span = at.conversation.target
    if span is None:
        at.talk.toggle()
        return
    at.conversation.show(False)
    at.go_to_span(span)


def _go_to_error(at: Workspace, find: Callable[[Trace, Span | None], Span | None], runs: int) -> None:
    trace = at.selection.trace
    target = find(trace, at.selection.span) if trace is not None else None
    if target is None:
        for other in filter(has_problem, at.traces.runs_from_cursor(runs)):
            target = find(other, None)
            if target is not None:
                break
            if other.unread is not None:
                at.loader.show(other, lambda run: _go_to_error_in(at, run, find))
                return
        else:
            target = find(trace, None) if trace is not None else None
        if target is not None and target.trace is trace:
            at.answer(f"No error {'behind' if runs > 0 else 'before'} this, and none in another run.")
    if target is not None:
        at.go_to_span(target)
    else:
        at.answer(f"No errors in {fmt.count(at.traces.rows.runs, 'run')}.")


def _go_to_error_in(at: Workspace, run: Trace, find: Callable[[Trace, Span | None], Span | None]) -> None:
    """Go to the first or last error of a run that has been read meanwhile, if it is still the one shown."""
    target = find(run, None) if run is at.selection.trace else None
    if target is not None:
        at.go_to_span(target)


def _snapshot_of(span: Span | None, snapshots: list[Span]) -> int:
    """Return which snapshot is the one under the cursor, or that of the agent whose span it is."""
    if span is None:
        return 0
    if span in snapshots:
        return snapshots.index(span)
    if span.agent is not None:
        named = [n for n, snapshot in enumerate(snapshots) if snapshot.agent == span.agent]
        if named:
            return named[-1]
    return 0
