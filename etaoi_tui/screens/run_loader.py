"""Asks for the spans of the run that is shown, where a recording's runs are listed before they are read."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.sources.base import Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_tui.screens.conversation_controller import ConversationController
from etaoi_tui.screens.navigator import Navigator
from etaoi_tui.view.selection import Selection


def _newest_first(run: Trace) -> int:
    return -run.number


class RunLoader:
    """Lets runs that somebody looks at be read before others."""

    def __init__(
        self,
        source: Source,
        store: Store,
        selection: Selection,
        conversation: ConversationController,
        navigator: Navigator,
    ) -> None:
        """Make a loader.

        Args:
            source: What reads runs.
            store: What they are read into.
            selection: Its run is shown.
            conversation: Shows others with it.
            navigator: Goes to a run.
        """
        self._source = source
        self._store = store
        self._selection = selection
        self._conversation = conversation
        self._navigator = navigator
        self._requested: set[Trace] = set()
        """Runs that were asked for and are not all there."""
        self._then: tuple[Trace, Callable[[Trace], None]] | None = None

    def apply(self) -> None:
        """Ask for what is shown now; what is there, or was asked for, costs nothing."""
        trace = self._selection.trace
        if trace is None or trace.listed is None:
            self._then = None
            return
        runs = self._conversation.runs if self._conversation.is_shown else [trace]
        listed = {run for run in runs if run.listed is not None}
        wanted = {run for run in listed if not run.is_read}
        for run in sorted(wanted - self._requested, key=_newest_first):
            self._source.prefer(run.trace_id, self._is_held)
        self._requested = wanted
        if self._then is not None:
            run, then = self._then
            if run not in wanted:
                self._then = None
            if run in listed - wanted:
                then(run)

    def show(self, run: Trace, then: Callable[[Trace], None]) -> None:
        """Show a run, and do something once it is read; forgotten when something else is asked for."""
        self._navigator.go_to_run(run)
        self._then = run, then

    def _is_held(self, trace_id: str) -> bool:
        trace = self._store.traces.get(trace_id)
        return trace is not None and trace.events > 0
