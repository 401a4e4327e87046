"""What a person can do with model calls: see the request, compare, mark."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command

_BASES = {
    "before": "the call before",
    "step": "the same step of the run before",
    "marked": "the marked call",
}


@command(
    "diff.sides",
    keys=("s",),
    label="side by side",
    help="Show differences side by side, or below each other",
    group="What changed?",
    words="compare columns split",
)
def toggle_sides(at: Workspace) -> None:
    """Show edited text side by side, or below each other."""
    options = at.detail_controller.options
    options.toggle_sides()
    at.draw_detail_now()
    at.answer("Side by side, where there is room for it." if options.sides else "Below each other.")


@command(
    "call.request",
    keys=("r",),
    label="request",
    help="What the call was asked, middleware by middleware",
    group="What did the model get?",
    footer=5,
    words="prompt input messages sent system tools token",
)
def show_request(at: Workspace) -> None:
    """Open the tab Request of the call under the cursor."""
    _open_call_tab(at, "request")


@command(
    "call.diff",
    keys=("d",),
    label="diff",
    help="Compare the call with the one before; again: with others",
    group="What changed?",
    footer=5,
    words="compare change previous before prompt",
)
def show_diff(at: Workspace) -> None:
    """Compare the call under the cursor with another; pressed again, with the next thing there is."""
    if at.detail.tab == "diff" and at.detail.display and _selected_call(at) is not None:
        at.answer(f"Compared with {_BASES[at.detail_controller.options.next_base()]}.")
    _open_call_tab(at, "diff")


@command(
    "call.diff_step",
    keys=("R",),
    label="diff step",
    help="Compare the call with the same step of the run before",
    group="What changed?",
    words="compare run regression before",
)
def diff_step(at: Workspace) -> None:
    """Compare the call under the cursor with the same step of the agent's run before."""
    at.detail_controller.options.compare_with("step")
    _open_call_tab(at, "diff")


@command(
    "call.mark",
    keys=("m",),
    label="mark",
    help="Mark the call, to compare others with it",
    group="What changed?",
    words="compare remember",
)
def mark(at: Workspace) -> None:
    """Mark the call under the cursor, or forget the mark if it is that one."""
    options = at.detail_controller.options
    call = _selected_call(at)
    if call is None:
        at.answer("Only model calls can be marked.")
    elif options.marked is call:
        options.mark(None)
        at.answer("The mark is gone.")
    else:
        options.mark(call)
        at.answer("Marked. Go to another call and press D to compare the two.")
    at.span_tree.show_mark(options.marked)
    at.draw_detail_now()


@command(
    "call.diff_marked",
    keys=("D",),
    label="diff marked",
    help="Compare the call with the marked one",
    group="What changed?",
    words="compare change",
)
def diff_marked(at: Workspace) -> None:
    """Compare the call under the cursor with the marked one."""
    options = at.detail_controller.options
    if options.marked is None:
        at.answer("No call is marked: go to one and press m.")
    elif options.marked is _selected_call(at):
        at.answer("This is the marked call: go to another one.")
    else:
        options.compare_with("marked")
        _open_call_tab(at, "diff")


def _selected_call(at: Workspace) -> Span | None:
    span = at.selection.span
    return span if span is not None and span.kind == "llm" else None


def _open_call_tab(at: Workspace, tab: str) -> None:
    span = at.selection.span
    call = _call_around(at, span) if span is not None else None
    if call is None:
        at.answer("There is no model call (✦) near this row.")
        return
    if call is not span:
        at.go_to_span(call)
    at.draw_detail_now()
    if at.detail.open_tab(tab) and at.arrangement.mode == "narrow" and at.pane != "detail":
        at.arrangement.go_to("detail")


def _call_around(at: Workspace, span: Span) -> Span | None:
    """Return the call that a row is about, also of a probe event that has lost its parent."""
    from etaoi_tui.detail.middleware.locate import call_of_orphan, is_orphan
    from etaoi_tui.detail.span_data import SpanData
    from etaoi_tui.view.neighbouring_calls import call_near

    data = SpanData(span, at.payloads, at.now(span.trace))
    if is_orphan(data):
        call, _ = call_of_orphan(data)
        return call_near(call) if call is not None else None
    return call_near(span)
