"""The voice lanes on the main screen: they stand where the tree stands, on the same moment."""

from __future__ import annotations

from dataclasses import replace

from etaoi_collector.store.model import Changes, Session, Span, Trace
from etaoi_tui.commands.registry import BY_ID, Action
from etaoi_tui.detail.document.model import Document
from etaoi_tui.screens.call_actions import CallActions
from etaoi_tui.screens.panes import OF_CALLS, ScreenContext
from etaoi_tui.text import printable
from etaoi_tui.view.voice.call_model import VoiceCall, is_call
from etaoi_tui.view.voice.lane import LaneScale
from etaoi_tui.view.voice.linked_runs import LinkedRuns
from etaoi_tui.view.voice.model import Turn

_CALLS_KEPT = 4
_SECONDS = 3


class VoiceActions(CallActions):
    """The part of the main screen that knows of voice calls.

    The tree's cursor follows the lanes' and the other way round, so that search, errors, copying and the
    detail work on the lanes as on the tree, and a change between the two stays on the same moment.
    """

    def __init__(self, shown: ScreenContext) -> None:
        super().__init__(shown)
        self._calls: dict[Session, VoiceCall] = {}
        self._runs: LinkedRuns | None = None
        self._lanes_wanted = True
        """The person wants lanes where there is a call; the tree otherwise."""
        self._following_lanes = False
        self._described: Turn | None = None
        self._described_call = -1

    # what is shown

    def show_voice_of(self, trace: Trace | None) -> None:
        """Follow the trace that is shown: its call's lanes, unless the person wants the tree."""
        call = self._call_of(trace)
        self.lanes.show_call(call, trace)
        span = self.span_tree.cursor
        if call is not None and span is not None:
            self.lanes.show_span(span)
        self._set_lanes(call is not None and self._lanes_wanted)
        if call is not None and self.limits_problem is not None:
            self.app.notify(printable(self.limits_problem), severity="warning", timeout=8, markup=False)
            self.limits_problem = None

    def apply_to_lanes(self, changes: Changes, frame: int) -> None:
        """Bring the lanes to the state of the store; a session may turn out to be a call."""
        trace = self.span_tree.rows.trace
        if trace is not None and self.lanes.call is None and trace in changes.traces:
            if self._call_of(trace) is not None:
                self.show_voice_of(trace)
        speeches = self._runs.apply(changes) if self._runs is not None else ()
        for call in self._calls.values():
            call.found_runs(speeches)
            if call is not self.lanes.call:
                call.apply(changes)
        self.lanes.apply(changes)
        if self.in_lanes:
            self.lanes.animate_running(frame)
            self._see_late_news()

    def _see_late_news(self) -> None:
        """Describe the turn, or the call, under the cursor again when more came for it after its end."""
        turn = self.lanes.turn_at_cursor if self.lanes.on_turn else None
        call = self.lanes.call
        if turn is None and call is not None and not call.unfolded and call.version != self._described_call:
            self._described_call = call.version
            self._shown_detail = (self._shown_detail[0], -1)
            self._cursor_rests()
        if turn is not None and not turn.running and turn is not self._described:
            self._described = turn
            self._shown_detail = (self._shown_detail[0], -1)
            self._cursor_rests()

    def _call_of(self, trace: Trace | None) -> VoiceCall | None:
        if trace is None or not _belongs_to_call(trace):
            return None
        call = self._calls.get(trace.session)
        if call is None:
            if self._runs is None:
                self._runs = LinkedRuns(self.source, self.store.traces.values())
            call = self._calls[trace.session] = VoiceCall(trace.session, self.source, self._runs)
            if len(self._calls) > _CALLS_KEPT:
                del self._calls[next(iter(self._calls))]
        return call

    def _set_lanes(self, shown: bool) -> None:
        if shown != self.in_lanes:
            self.set_class(shown, "-lanes")
            self.call_after_refresh(self._focus_pane)

    # cursors

    def lanes_cursor_moved(self) -> None:
        """Take the tree's cursor, and the detail, along."""
        span = self.lanes.span_at_cursor
        trace = self.span_tree.rows.trace
        if span is None and trace is not None:
            span = next((root for root in trace.roots[:8] if root.kind == "voice_session"), None)
        if span is not None and span is not self.span_tree.cursor:
            self._following_lanes = True
            self.span_tree.select(span)
        self._cursor_rests()

    def tree_cursor_moved(self) -> None:
        """Take the lanes' cursor along when something else than the lanes moved the tree's."""
        if self._following_lanes:
            self._following_lanes = False
            return
        span = self.span_tree.cursor
        if span is None or span is self.lanes.span_at_cursor:
            return
        if self.span_tree.following:
            self.lanes.show_span(span)
        else:
            self.lanes.open_at(span)

    def describe_turn(self, span: Span) -> Document | None:
        """Describe the turn of a span: if it is one, or while the lanes' cursor stands on the whole turn."""
        call = self.lanes.call
        if call is None:
            return None
        if span.kind == "voice_session":
            from etaoi_tui.detail.pages.voice_call import describe_voice_call

            return describe_voice_call(
                call, span, self._payloads, self.now(span.trace), self.limits, self.reading
            )
        if not (span.kind == "voice_turn" or (self.in_lanes and self.lanes.on_turn)):
            return None
        group = call.group_of(span)
        if group is None:
            return None
        present = self.now(span.trace)
        turn = call.turn(group, present)
        number = call.index(group) + 1
        leader = span if span.kind == "voice_turn" else group.leaders[0]
        # Not before somebody looks: it brings all viewers with it.
        from etaoi_tui.detail.pages.voice_turn import describe_voice_turn

        return describe_voice_turn(turn, number, leader, self._payloads, present, self.limits, self.reading)

    def footer_actions(self) -> list[Action]:
        """Put the keys of a call into the footer, behind the three that every pane has first."""
        actions = super().footer_actions()
        if self.pane == "detail" or (self.lanes.call is None and self._turn_of_run() is None):
            return actions
        toggle = replace(BY_ID["voice.toggle"], label="tree" if self.in_lanes else "lanes")
        if not self.in_lanes:
            return [*actions[:3], toggle, *actions[3:]]
        axis = replace(BY_ID["voice.axis"], label="axis")
        rest = [action for action in actions[3:] if action.id not in OF_CALLS]
        return [*actions[:3], toggle, BY_ID["voice.worst"], *rest[:2], axis, *rest[2:]]

    # actions

    def do_voice_toggle(self) -> None:
        """Change between lanes and tree."""
        if self.lanes.call is None:
            turn = self._turn_of_run()
            if turn is None:
                self._say("This is no voice session: it has no lanes.")
            else:
                self._lanes_wanted = True
                self.go_to_span(turn)
            return
        run = self.lanes.run_at_cursor if self.in_lanes else None
        if run is not None:
            self.go_to_span(run)
            return
        if not self.in_lanes:
            span = self.span_tree.cursor
            if span is not None:
                self.lanes.open_at(span)
        self._lanes_wanted = not self.in_lanes
        self._set_lanes(self._lanes_wanted)
        self.pane = "tree"
        self.call_after_refresh(self._focus_pane)

    def _turn_of_run(self) -> Span | None:
        """Return the turn of a call that the run under the cursor worked for."""
        span = self.span_tree.cursor
        speech = self._runs.speech_of(span) if self._runs is not None and span is not None else None
        if speech is None:
            return None
        groups = (call.group_of_speech(speech) for call in self._calls.values())
        return next((group.leaders[0] for group in groups if group is not None and group.leaders), None)

    def do_voice_worst(self) -> None:
        """Go to the turn with the longest heard gap."""
        if self.lanes.call is None:
            self._say("This is no voice session.")
            return
        self._lanes_wanted = True
        self._set_lanes(True)
        self.pane = "tree"
        if self.span_tree.following:
            self.span_tree.follow(False)
        if not self.lanes.go_to_worst():
            self._say("No turn of this call has told how long its silence was.")

    def do_voice_axis(self) -> None:
        """Give the lanes' time axis another meaning."""
        if not self.in_lanes:
            self._say("The time axis changes in the voice lanes (v).")
            return
        scale = self.lanes.next_scale()
        words = {
            LaneScale.GAP: "Turns stand aligned where the user stops speaking.",
            LaneScale.TURN: "Each turn from its beginning, all on one scale.",
            LaneScale.CALL: "One axis for the whole call.",
        }
        self._say(words[scale])

    def _say(self, text: str) -> None:
        self.app.notify(text, markup=False, timeout=_SECONDS)


def _belongs_to_call(trace: Trace) -> bool:
    """Whether a trace is the call itself, and not another run of the same session."""
    if not is_call(trace.session):
        return False
    kinds = {span.kind for span in (*trace.roots[:8], *trace.members[:8])}
    return any(kind.startswith("voice_") or kind in ("eou", "vad") for kind in kinds)
