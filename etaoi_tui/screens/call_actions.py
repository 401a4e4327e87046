"""What a person can do with model calls and agents: compare, mark, follow a message to its origin, pages."""

from __future__ import annotations

from etaoi_collector.store.model import Span, Trace
from etaoi_tui.detail.document.model import Document
from etaoi_tui.detail.messages.message_provenance import find_origin
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.detail.view_options import Base
from etaoi_tui.screens.detail_controller import DetailController
from etaoi_tui.view.neighbouring_calls import call_near

MESSAGE_SECONDS = 3


class CallActions(DetailController):
    """The part of the main screen that knows of calls."""

    def show_trace(self, trace: Trace) -> None:
        """Show a trace in the tree."""
        raise NotImplementedError

    def do_call_request(self) -> None:
        """Open the tab Request of the call under the cursor."""
        self._open_call_tab("request")

    def do_call_diff(self) -> None:
        """Compare the call under the cursor with another; pressed again, with the next thing there is."""
        if self.detail.tab == "diff" and self.detail.display and self._call() is not None:
            self._tell_base(self.reading.next_base())
        self._open_call_tab("diff")

    def do_call_diff_step(self) -> None:
        """Compare the call under the cursor with the same step of the agent's run before."""
        self.reading.compare_with("step")
        self._open_call_tab("diff")

    def do_call_mark(self) -> None:
        """Mark the call under the cursor, or forget the mark if it is that one."""
        call = self._call()
        if call is None:
            self._tell("Only model calls can be marked.")
        elif self.reading.marked is call:
            self.reading.mark(None)
            self._tell("The mark is gone.")
        else:
            self.reading.mark(call)
            self._tell("Marked. Go to another call and press D to compare the two.")
        self.span_tree.show_mark(self.reading.marked)
        self.draw_detail_now()

    def do_call_diff_marked(self) -> None:
        """Compare the call under the cursor with the marked one."""
        marked = self.reading.marked
        if marked is None:
            self._tell("No call is marked: go to one and press m.")
        elif marked is self._call():
            self._tell("This is the marked call: go to another one.")
        else:
            self.reading.compare_with("marked")
            self._open_call_tab("diff")

    def do_diff_sides(self) -> None:
        """Show edited text side by side, or below each other."""
        self.reading.toggle_sides()
        self.draw_detail_now()
        self._tell("Side by side." if self.reading.sides else "Below each other.")

    def do_section_follow(self) -> None:
        """Go to the span that the section under the detail's cursor comes from."""
        section = self.detail.section_at_cursor
        target = section.target if section is not None else ""
        span = self._origin(target) if target else None
        if span is None:
            self._tell("Nothing else in the recording belongs to this section.")
            return
        self.go_to_span(span)

    def _origin(self, target: str) -> Span | None:
        shown = self.span_tree.cursor
        if ":" not in target or shown is None:
            return self.store.find_span(target)
        return find_origin(SpanData(shown, self._payloads, self.now(shown.trace)), target)

    def go_to_span(self, span: Span) -> None:
        """Show a span, in whichever trace it is."""
        root = span
        while root.parent is not None:
            root = root.parent
        if self.span_tree.following:
            self.span_tree.follow(False)
        if root.trace is not self.span_tree.rows.trace and span not in self.span_tree.rows.context:
            self.show_trace(root.trace)
        self.span_tree.select(span)

    def do_agent_show(self) -> None:
        """Show the card of the agent that the span under the cursor belongs to."""
        from etaoi_tui.detail.pages.agent_card import card_document
        from etaoi_tui.screens.live_document_modal import LiveDocumentModal

        snapshots = list(self.span_tree.rows.context)
        if not snapshots:
            self._tell("This trace names no agent snapshot.")
            return
        first = self._snapshot_at_cursor(snapshots)
        snapshots = snapshots[first:] + snapshots[:first]

        def make(number: int, width: int) -> Document:
            snapshot = snapshots[number % len(snapshots)]
            others = [other for other in snapshots if other is not snapshot]
            trace = self.span_tree.rows.trace or snapshot.trace
            return card_document(snapshot, others, self._payloads, self.now(trace), width)

        self.app.push_screen(LiveDocumentModal(make, "Agent", len(snapshots)), self._go_to)

    def do_conversation_show(self) -> None:
        """Show the session of the trace as a conversation."""
        from etaoi_tui.detail.pages.conversation import conversation_document
        from etaoi_tui.screens.live_document_modal import LiveDocumentModal

        trace = self.span_tree.rows.trace
        if trace is None:
            self._tell("There is no trace yet.")
            return

        def make(number: int, width: int) -> Document:
            return conversation_document(trace.session, self._payloads, self.now(trace), trace.thread)

        self.app.push_screen(LiveDocumentModal(make, "Conversation", 1), self._go_to)

    def _snapshot_at_cursor(self, snapshots: list[Span]) -> int:
        span = self.span_tree.cursor
        if span is None:
            return 0
        if span in snapshots:
            return snapshots.index(span)
        if span.agent is not None:
            named = [n for n, snapshot in enumerate(snapshots) if snapshot.agent == span.agent]
            if named:
                return named[-1]
        return 0

    def _go_to(self, span_id: str | None) -> None:
        span = self.store.find_span(span_id) if span_id else None
        if span is not None:
            self.go_to_span(span)

    def _call(self) -> Span | None:
        span = self.span_tree.cursor
        return span if span is not None and span.kind == "llm" else None

    def _open_call_tab(self, tab: str) -> None:
        span = self.span_tree.cursor
        call = self._call_around(span) if span is not None else None
        if call is None:
            self._tell("This is no model call: move the cursor to one (✦).")
            return
        if call is not span:
            self.go_to_span(call)
        self.draw_detail_now()
        if self.detail.open_tab(tab) and self._mode == "narrow" and self.pane != "detail":
            self.pane = "detail"
            self._focus_pane()

    def _call_around(self, span: Span) -> Span | None:
        """Return the call that a row is about, also of a mark that has lost its parent."""
        from etaoi_tui.detail.middleware.locate import call_of_orphan, is_orphan

        evidence = SpanData(span, self._payloads, self.now(span.trace))
        if is_orphan(evidence):
            found, _ = call_of_orphan(evidence)
            return call_near(found) if found is not None else None
        return call_near(span)

    def _tell_base(self, base: Base) -> None:
        words = {
            "before": "the call before",
            "step": "the same step of the run before",
            "marked": "the marked call",
        }
        self._tell(f"Compared with {words[base]}.")

    def _tell(self, text: str) -> None:
        self.app.notify(text, markup=False, timeout=MESSAGE_SECONDS)
