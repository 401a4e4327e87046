"""What holds the panes: where two edges stand side by side, that of the pane behind can be dragged, too."""

from __future__ import annotations

from textual import events
from textual.containers import Horizontal

from etaoi_tui.widgets.detail_pane import DetailPane
from etaoi_tui.widgets.divider import Divider


class PaneArea(Horizontal):
    """Panes, and the dividers between them."""

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Let a divider be held by the edge of the pane behind it, where no tab stands."""
        at = event.screen_offset
        divider = next((one for one in self.query(Divider) if one.touches(at)), None)
        if divider is not None and not any(pane.has_tab_at(at) for pane in self.query(DetailPane)):
            self.screen.clear_selection()  # a press on a pane begins one
            divider.take_hold(at)
