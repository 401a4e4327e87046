"""Finding in all recordings."""

from __future__ import annotations

from etaoi_tui.screens.requests import RecordingChosen
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.command import command


@command(
    "find.everywhere",
    keys=("ctrl+f",),
    label="find everywhere",
    help="Find in all recordings",
    group="Find",
    words="search grep recordings all prompt text",
)
def find_everywhere(at: Workspace) -> None:
    """Search all recordings; what is chosen is shown here, or its recording is opened."""
    from etaoi_tui.screens.find_everywhere import FindEverywhere, FoundSpan

    dialog = FindEverywhere(at.found_text, stops_listening=at.is_live)

    def go(hit: FoundSpan | None) -> None:
        at.found_text = dialog.text
        if hit is None:
            return
        if hit.trace_id in at.store.traces and at.store.find_span(hit.span_id) is not None:
            at.go_to_span_id(hit.span_id)
        else:
            at.post_message(RecordingChosen(hit.file, hit.trace_id, hit.span_id))

    at.app.push_screen(dialog, go)
