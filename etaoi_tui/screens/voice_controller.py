"""The calls that are known, and whether lanes or the tree show the selected one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.sources.base import Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Session, Span, Trace
from etaoi_tui.screens.arrangement import Arrangement
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.view.voice.thresholds import Thresholds
from etaoi_tui.view.voice.voice_kinds import is_call
from etaoi_tui.widgets.voice_lanes import VoiceLanes

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Document
    from etaoi_tui.detail.view_options import ViewOptions
    from etaoi_tui.view.voice.call_model import VoiceCall
    from etaoi_tui.view.voice.linked_runs import LinkedRuns
    from etaoi_tui.view.voice.model import Turn

_CALLS_KEPT = 4


class VoiceController:
    """Finds the call of the selected trace, and describes its turns.

    The lanes follow the selection and the other way round, so that search, errors, copying and the detail
    work on the lanes as on the tree, and a change between the two stays on the same moment.
    """

    def __init__(
        self,
        selection: Selection,
        lanes: VoiceLanes,
        arrangement: Arrangement,
        store: Store,
        source: Source,
        now: Callable[[Trace], float],
        limits: Thresholds,
    ) -> None:
        """Watch a selection.

        Args:
            selection: Whose trace may be a call.
            lanes: Show the call.
            arrangement: Puts lanes or tree in their place.
            store: Holds the traces.
            source: Reads payloads.
            now: The present for a trace, in seconds since the epoch.
            limits: What counts as slow.
        """
        self.lanes_wanted = True
        """The person wants lanes where there is a call; the tree otherwise."""
        self._selection = selection
        self._lanes = lanes
        self._arrangement = arrangement
        self._store = store
        self._source = source
        self._now = now
        self._limits = limits
        self._calls: dict[Session, VoiceCall] = {}
        self._runs: LinkedRuns | None = None
        self._described: Turn | None = None
        self._described_call = -1
        selection.watch(self._selection_changed)

    @property
    def call(self) -> VoiceCall | None:
        """The call that is shown."""
        return self._lanes.call

    def _selection_changed(self, change: SelectionChange) -> None:
        if change.trace:
            self.show_call_of(self._selection.trace)

    def show_call_of(self, trace: Trace | None) -> None:
        """Show a trace's call in lanes, unless the person wants the tree or it is none."""
        call = self._call_of(trace)
        self._lanes.show_call(call, trace)
        span = self._selection.span
        if call is not None and span is not None:
            self._lanes.show_span(span)
        self._arrangement.show_lanes(call is not None and self.lanes_wanted)

    def show_lanes(self, wanted: bool) -> None:
        """Show lanes, or the tree, and remember that the person wants that."""
        self.lanes_wanted = wanted
        self._arrangement.show_lanes(wanted)

    def apply(self, changes: Changes, frame: int) -> bool:
        """Bring the lanes to the state of the store; a session may turn out to be a call.

        Returns:
            Whether more is known of the turn or the call under the cursor than its detail tells.
        """
        trace = self._selection.trace
        new_call: VoiceCall | None = None
        if trace is not None and self.call is None and trace in changes.traces:
            was_known = trace.session in self._calls
            if self._call_of(trace) is not None:
                self.show_call_of(trace)
                new_call = None if was_known else self.call
        speeches = self._runs.apply(changes) if self._runs is not None else ()
        for call in self._calls.values():
            call.found_runs(speeches)
            if call is not self.call:
                call.apply(changes)
        # A call that was made just now was made of what changed.
        self._lanes.apply(changes if new_call is None else Changes())
        if not self._arrangement.in_lanes:
            return False
        self._lanes.animate_running(frame)
        return self._has_late_news()

    def _has_late_news(self) -> bool:
        """Whether more came for the turn, or the call, under the cursor after its end."""
        news = False
        turn = self._lanes.turn_at_cursor if self._lanes.on_turn else None
        call = self.call
        if turn is None and call is not None and not call.unfolded and call.version != self._described_call:
            self._described_call = call.version
            news = True
        if turn is not None and not turn.running and turn is not self._described:
            self._described = turn
            news = True
        return news

    def turn_of_run(self) -> Span | None:
        """Return the turn of a call that the selected run worked for."""
        span = self._selection.span
        speech = self._runs.speech_of(span) if self._runs is not None and span is not None else None
        if speech is None:
            return None
        groups = (call.group_of_speech(speech) for call in self._calls.values())
        return next((group.leaders[0] for group in groups if group is not None and group.leaders), None)

    def describe(self, span: Span, payloads: RecordedPayloads, options: ViewOptions) -> Document | None:
        """Describe the turn of a span: if it is one, or while one is selected in the lanes as a whole."""
        call = self.call
        if call is None:
            return None
        present = self._now(span.trace)
        if span.kind == "voice_session":
            from etaoi_tui.detail.pages.voice_call import describe_voice_call

            return describe_voice_call(call, span, payloads, present, self._limits, options)
        whole_turn = self._arrangement.in_lanes and self._selection.turn is not None
        group = call.group_of(span) if span.kind == "voice_turn" or whole_turn else None
        if group is None:
            return None
        # Not before somebody looks: it brings all viewers with it.
        from etaoi_tui.detail.pages.voice_turn import describe_voice_turn

        turn = call.turn(group, present)
        leader = span if span.kind == "voice_turn" else group.leaders[0]
        return describe_voice_turn(
            turn, call.index(group) + 1, leader, payloads, present, self._limits, options
        )

    def _call_of(self, trace: Trace | None) -> VoiceCall | None:
        if trace is None or not _belongs_to_call(trace):
            return None
        call = self._calls.get(trace.session)
        if call is None:
            from etaoi_tui.view.voice.call_model import VoiceCall  # not needed for the first screen
            from etaoi_tui.view.voice.linked_runs import LinkedRuns

            if self._runs is None:
                self._runs = LinkedRuns(self._source, self._store.traces.values())
            call = self._calls[trace.session] = VoiceCall(trace.session, self._source, self._runs)
            if len(self._calls) > _CALLS_KEPT:
                del self._calls[next(iter(self._calls))]
        return call


def _belongs_to_call(trace: Trace) -> bool:
    """Whether a trace is the call itself, and not another run of the same session."""
    if not is_call(trace.session):
        return False
    kinds = {span.kind for span in (*trace.roots[:8], *trace.spans[:8])}
    return any(kind.startswith("voice_") or kind in ("eou", "vad") for kind in kinds)
