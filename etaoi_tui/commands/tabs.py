"""Moving about in the detail: tabs, sections, and where a section comes from."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import Pane, command

_DETAIL: tuple[Pane, ...] = ("detail",)


@command(
    "tab.right",
    keys=("right", "l", "right_curly_bracket"),
    label="tab",
    help="Next tab",
    group="Tabs",
    panes=_DETAIL,
    footer=2,
    key_label="←→",
)
def open_tab_right(at: Workspace) -> None:
    """Open the tab to the right."""
    at.detail.next_tab()


@command(
    "tab.left",
    keys=("left", "h", "left_curly_bracket"),
    label="tab",
    help="Previous tab",
    group="Tabs",
    panes=_DETAIL,
)
def open_tab_left(at: Workspace) -> None:
    """Open the tab to the left."""
    at.detail.previous_tab()


@command(
    "section.next",
    keys=("full_stop",),
    label="section",
    help="Next section",
    group="Tabs",
    panes=_DETAIL,
    footer=5,
    key_label=". ,",
)
def go_to_next_section(at: Workspace) -> None:
    """Go to the next section."""
    at.detail.next_section()


@command(
    "section.previous",
    keys=("comma",),
    label="section",
    help="Previous section",
    group="Tabs",
    panes=_DETAIL,
)
def go_to_previous_section(at: Workspace) -> None:
    """Go to the section before."""
    at.detail.previous_section()


@command(
    "section.follow",
    keys=("p",),
    label="origin",
    help="Go to the span a message came from",
    group="What did the model get?",
    panes=_DETAIL,
    footer=6,
    words="origin source message sender",
)
def go_to_origin(at: Workspace) -> None:
    """Go to the span that the section under the detail's cursor comes from."""
    section = at.detail.section_at_cursor
    span = _origin(at, section.target) if section is not None and section.target else None
    if span is None:
        at.answer("Nothing else in the recording belongs to this section.")
    else:
        at.go_to_span(span)


def _origin(at: Workspace, target: str) -> Span | None:
    from etaoi_tui.detail.messages.message_provenance import find_origin
    from etaoi_tui.detail.span_data import SpanData

    span = at.selection.span
    if ":" not in target or span is None:
        return at.store.find_span(target)
    return find_origin(SpanData(span, at.payloads, at.now(span.trace)), target)


@command(
    "markdown.toggle",
    keys=("M",),
    label="source",
    help="Show Markdown as it was written, or as it reads",
    group="Tabs",
    words="markdown raw plain text format",
)
def toggle_markdown(at: Workspace) -> None:
    """Show Markdown as it was written, or as it reads."""
    at.detail.toggle_source()
    at.answer("Markdown as it was written." if at.detail.shows_source else "Markdown as it reads.")
