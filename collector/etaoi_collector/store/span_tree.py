"""Keeps the tree: who is below whom, in start order, without rings, and where something failed below."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from etaoi_collector.store.failures import failed, passed_on_by
from etaoi_collector.store.model import Span, SpanFlag, Trace
from etaoi_collector.store.state import ERROR_BELOW, INTERNAL, PASSED_ON, WARNING_BELOW, StoreState

_order = attrgetter("started_at", "number")
_number = attrgetter("number")


class SpanLinks:
    """The links between the spans that are held."""

    def __init__(self, state: StoreState) -> None:
        self._state = state

    def new_span(self, span_id: str, trace: Trace, at: float) -> Span:
        """Make a span that stands nowhere yet."""
        state = self._state
        span = Span(span_id, trace, started_at=at, number=state.next_span)
        state.next_span += 1
        state.span_count += 1
        trace.spans.append(span)
        return span

    def stand_in(self, span_id: str, trace: Trace, at: float) -> Span:
        """Put a span of which nothing is known yet among its trace's roots."""
        placeholder = self.new_span(span_id, trace, at)
        trace.placeholders += 1
        placeholder.version = 1
        insert(trace.roots, placeholder)
        self._state.changes.added.append(placeholder)
        return placeholder

    def put(self, span: Span, at: float, parent_id: str | None) -> None:
        """Give a span its start time and its place: under its parent, among siblings in start order."""
        if span.version == 0:
            span.started_at = at
            self.link(span, parent_id)
            return
        self.unlink(span)
        span.started_at = at
        if span.flags & SpanFlag.PARENT_CYCLE:
            insert(span.trace.roots, span)
        else:
            self.link(span, span.declared_parent_id or parent_id)

    def link(self, span: Span, parent_id: str | None) -> None:
        """Put a span under the parent that its event names, or among its trace's roots."""
        state = self._state
        trace = span.trace
        parent: Span | None = None
        if parent_id is not None:
            span.declared_parent_id = parent_id
            parent = state.spans.get(parent_id)
            if parent is None:
                parent = state.spans[parent_id] = self.stand_in(parent_id, trace, span.started_at)
            elif parent.trace is not trace and parent.flags & SpanFlag.ID_CLASH:
                parent = state.clashing.get(parent_id, {}).get(trace.trace_id, parent)
            if (span.children is not None or parent is span) and self._cut_ring(span, parent):
                return
        if parent is None:
            insert(trace.roots, span)
        else:
            span.parent = parent
            if parent.trace is not trace:
                _hang(trace, parent.trace)
            if parent.children is None:
                parent.children = [span]
            else:
                insert(parent.children, span)
            if _failed(span):
                self.error_below(parent)
            if parent.error is not None:
                self.attribute_error(parent)
            if span.kind == "sub_agent":
                self.merge_agent_node(span, parent)
        if span.version == 0:
            span.version = 1
            state.changes.added.append(span)
        else:
            state.changes.moved[span] = None
            self._restructured(trace, parent)

    def unlink(self, span: Span) -> None:
        """Take a span from where it stands."""
        parent = span.parent
        siblings = span.trace.roots if parent is None else parent.children
        if siblings is not None and _remove(siblings, span, _order):
            if parent is not None and not siblings:
                parent.children = None
            self._state.changes.moved[span] = None
            self._restructured(span.trace, parent)
        span.parent = None
        if parent is not None and parent.error is not None:
            self.attribute_error(parent)

    def rehome(self, placeholder: Span, trace: Trace) -> None:
        """A ghost's own event arrived and belongs to another trace than the child that first named it."""
        self.unlink(placeholder)
        old = placeholder.trace
        _remove(old.spans, placeholder, _number)
        old.placeholders -= 1
        placeholder.trace = trace
        trace.spans.insert(bisect_left(trace.spans, placeholder.number, key=_number), placeholder)
        trace.placeholders += 1
        insert(trace.roots, placeholder)
        for child in placeholder.children or ():
            if child.trace is not trace:
                _hang(child.trace, trace)
        changes = self._state.changes
        changes.restructured[old] = None
        changes.restructured[trace] = None
        changes.traces[old] = None

    def clash(self, existing: Span, trace: Trace, at: float) -> Span:
        """Return the span of a trace whose id another trace uses as well, made if need be."""
        span_id = existing.span_id
        clashes = self._state.clashing.setdefault(span_id, {})
        clashing = clashes.get(trace.trace_id)
        if clashing is None:
            # A ghost at first, because children move to it before its own event is taken in.
            clashing = self.stand_in(span_id, trace, at)
            clashing.flags |= SpanFlag.ID_CLASH
            existing.flags |= SpanFlag.ID_CLASH
            clashes[trace.trace_id] = clashing
            self._state.changed(existing)
            for child in _children_in(existing, trace):
                self.unlink(child)
                self.link(child, span_id)
            self.child_error_removed(existing)
        return clashing

    def error_below(self, span: Span | None) -> None:
        """Mark everything above a span that failed."""
        changed = self._state.changes.changed
        while span is not None and not span.flags & ERROR_BELOW:
            span.flags |= ERROR_BELOW
            span.version += 1
            changed[span] = None
            span = span.parent

    def warning_below(self, span: Span | None) -> None:
        """Mark everything above a warning."""
        while span is not None and not span.flags & WARNING_BELOW:
            span.flags |= WARNING_BELOW
            span = span.parent

    def attribute_error(self, span: Span) -> None:
        """Note that a failed span may pass on what failed inside it, or does not any more."""
        self._state.unattributed[span] = None

    def settle_errors(self) -> None:
        """Find out below which noted spans nothing failed any more, and what others of them only passed on of
        what failed inside them; that counts there.

        Once for all events that came together: each of many children asks for it.
        """
        recovered = self._state.recovered
        for noted in recovered:
            above: Span | None = noted
            while above is not None and above.flags & ERROR_BELOW and not _failed_below(above):
                above.flags &= ~ERROR_BELOW
                self._state.changed(above)
                above = above.parent
        recovered.clear()
        unattributed = self._state.unattributed
        for span in unattributed:
            if failed(span):
                passed_on = passed_on_by(span) is not None
                if passed_on != bool(span.flags & PASSED_ON):
                    span.flags ^= PASSED_ON
                    span.trace.errors += -1 if passed_on else 1
                    self._state.changed(span)
        unattributed.clear()

    def forget_error(self, span: Span) -> None:
        """A span's failure is taken back: it did not fail."""
        if not span.flags & PASSED_ON:
            span.trace.errors -= 1
        span.flags &= ~PASSED_ON
        span.error = None
        self.child_error_removed(span.parent)

    def merge_agent_node(self, agent: Span, node: Span) -> None:
        """Fold the graph's node away that does nothing but run an agent of its name.

        Between the two may be the function that calls the agent, as teams with a supervisor have it.
        """
        if node.name == agent.name:
            self._fold_away(node)
            return
        around = node.parent
        if around is not None and around.name == agent.name and around.children == [node]:
            self._fold_away(node)
            self._fold_away(around)

    def _fold_away(self, node: Span) -> None:
        if node.kind == "middleware" and not node.flags & INTERNAL:
            node.flags |= INTERNAL
            self._state.changed(node)
            self._state.changes.restructured[node.trace] = None

    def child_error_removed(self, span: Span | None) -> None:
        """A child was taken from a span: what is left below it may have failed nowhere."""
        if span is not None:
            self._state.recovered[span] = None

    def _cut_ring(self, span: Span, parent: Span) -> bool:
        """Keep parent links free of rings: the member with the smallest id becomes a root that says so.

        Returns:
            True when linking ``span`` under ``parent`` would have closed a ring, and has been dealt with.
        """
        if not _is_below(parent, span):
            return False
        ring = [span]
        above: Span | None = parent
        while above is not None and above is not span:
            ring.append(above)
            above = above.parent
        cut = min(ring, key=lambda member: member.span_id)
        cut.flags |= SpanFlag.PARENT_CYCLE
        if cut is not span:
            above = cut.parent
            self.unlink(cut)
            insert(cut.trace.roots, cut)
            self._state.changed(cut)
            self.link(span, span.declared_parent_id)
            self.child_error_removed(above)
        else:
            insert(span.trace.roots, span)
            if span.version == 0:
                span.version = 1
                self._state.changes.added.append(span)
        return True

    def _restructured(self, trace: Trace, parent: Span | None) -> None:
        restructured = self._state.changes.restructured
        restructured[trace] = None
        if parent is not None:
            restructured[parent.trace] = None


def insert(siblings: list[Span], span: Span) -> None:
    """Insert by start time; equal starts stand in order of arrival."""
    if not siblings or siblings[-1].started_at < span.started_at:
        siblings.append(span)
    else:
        siblings.insert(bisect_right(siblings, (span.started_at, span.number), key=_order), span)


def _children_in(span: Span, trace: Trace) -> list[Span]:
    """Return the children of a span that belong to a trace, from the shorter of two lists."""
    children = span.children or []
    if len(children) <= len(trace.spans):
        return [child for child in children if child.trace is trace]
    return [member for member in trace.spans if member.parent is span]


def _is_below(span: Span, top: Span) -> bool:
    """Whether ``top`` is a span or stands above it.

    The way up and the tree below are walked in step, and whichever ends first decides: what comes to hang at
    the end of a long chain is mostly small, and what has much below it mostly comes to hang near a root.
    """
    above: Span | None = span
    below = list(top.children or ())
    while above is not None:
        if above is top:
            return True
        if not below:
            return False
        below += below.pop().children or ()
        above = above.parent
    return False


def _hang(trace: Trace, above: Trace) -> None:
    """Note that spans of one trace hang below spans of another."""
    if above.hung is None:
        above.hung = {}
    above.hung[trace] = None


def _failed(span: Span) -> bool:
    """Whether a span failed, or something below it did."""
    return bool(span.flags & ERROR_BELOW) or failed(span)


def _failed_below(span: Span) -> bool:
    return any(map(_failed, span.children or ()))


def _remove(ordered: list[Span], span: Span, key: Callable[[Span], Any]) -> bool:
    """Take a span out of a list that is in the order of a key; False when it is not there."""
    at = bisect_left(ordered, key(span), key=key)
    if at < len(ordered) and ordered[at] is span:
        del ordered[at]
        return True
    return False
