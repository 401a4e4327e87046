"""Makes the first line of the screen from what source, store and panes say."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.store.model import Changes
from etaoi_tui.feed import Feed
from etaoi_tui.screens.workspace import Workspace
from etaoi_tui.view.status import StatusLine, follow_words, status_line
from etaoi_tui.view.trace_clock import EventRate
from etaoi_tui.view.trace_counts import TraceCounts


class StatusReporter:
    """Keeps what the line needs from tick to tick.

    Args:
        main: Whose panes it tells of.
        feed: What takes from the source.
        clock: The present, in seconds since the epoch.
    """

    def __init__(self, main: Workspace, feed: Feed, clock: Callable[[], float]) -> None:
        self._main = main
        self._feed = feed
        self._clock = clock
        self._rate = EventRate()
        self._trace_counts = TraceCounts(main.store)

    def apply(self, changes: Changes) -> None:
        """Take in what a tick changed."""
        self._trace_counts.apply(changes)

    def line(self, frame: int) -> StatusLine:
        """Return the line as it is now.

        Args:
            frame: Number of the spinner's picture.
        """
        main, source = self._main, self._main.source
        trace = main.selection.trace
        session = None if trace is None else trace.session
        return status_line(
            source.status(),
            main.store,
            session,
            traces=0 if session is None else self._trace_counts[session],
            notices=source.notices,
            rate=self._rate.at(self._clock(), main.store.events),
            behind=self._feed.behind,
            chips=main.now_line.chips() if source.live else (),
            follow=self._follow_words(),
            hidden_runs=main.traces.hidden_words if main.arrangement.hides_list else "",
            frame=frame,
            growing=source.live and not self._feed.behind,
            ended=self._feed.ended,
        )

    def _follow_words(self) -> str:
        tree = self._main.span_tree
        comes = self._main.is_live and not self._main.arrangement.empty
        return follow_words(tree.new_below) if comes and not tree.following else ""
