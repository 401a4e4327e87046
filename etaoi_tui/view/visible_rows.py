"""Which spans of a tree have a row, in which order and how deep: folding, plumbing, growth in place.

A trace's tree follows parent links across traces, because a voice turn is a trace of its own under its
session. Every operation that a key press or a tick needs costs what it touches, not what was recorded; only
folding, unfolding and switching plumbing rebuild what they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from etaoi_collector.store.model import Changes, Span, SpanFlag, Trace
from etaoi_tui.view.depth_first import after_subtree
from etaoi_tui.view.middleware.folded_hooks import heads_near
from etaoi_tui.view.middleware.row_groups import events_beside, hooks_near
from etaoi_tui.view.noise import may_change
from etaoi_tui.view.opening_folds import folds_to_fit
from etaoi_tui.view.placed_rows import PlacedRows

_INTERNAL = int(SpanFlag.INTERNAL)
_PROBE = int(SpanFlag.PROBE)

MANY = 200
"""New spans in one tick from which a rebuild of a small tree is cheaper than inserting one by one."""

_ROWS_A_SPAN = 500
"""Rows that can be made anew in the time of inserting one."""


class TreeRows(PlacedRows):
    """The rows of one trace's tree, as it grows and is folded."""

    def __init__(self) -> None:
        super().__init__()
        self.touched: list[Span] = []
        """The spans of this tree among those that the last `apply` was told of, with and without rows."""
        self.opens_to = 0
        """Lines that what is unfolded opens to at most, the rest of it folded; 0 for as many as there are."""
        self._folds_kept: set[Span] = set()
        """What is folded while not everything is shown, and the other way round."""

    def show(self, trace: Trace | None, *, context: Iterable[Span] = ()) -> None:
        """Switch to another trace.

        Args:
            trace: The trace to show, or None for no rows.
            context: Agent snapshots that the trace's spans name; they stand above its roots.
        """
        self.scope.trace = trace
        self.context = list(context)
        self.folded_spans.clear()
        self.open_chains.clear()
        self.revealed.clear()
        self._folds_kept.clear()
        self.rebuild()

    def rebuild(self) -> None:
        """Make all rows anew."""
        self.version += 1
        self.spans, self.depths = [], []
        trace = self.trace
        if trace is None:
            return
        self.scope.measure()
        self.has_calls = _has_calls(trace)
        self._snapshots = len(self.context) if self.show_internal else 0
        if self._snapshots:
            self.spans += self.context
            self.depths += [0] * self._snapshots
        self._collect(trace.roots, 0, self.spans, self.depths)

    def apply(self, changes: Changes) -> bool:
        """Take in what the store says has changed.

        Returns:
            True when rows were made anew, so that nothing a caller knows about row numbers holds.
        """
        self.touched = []
        trace = self.trace
        if trace is None:
            return False
        # In a flood most of what changes stands in other trees, and is looked at only here.
        in_this_tree: dict[Span, bool] = {}
        added = self.scope.spans_inside(changes.added, in_this_tree)
        changed = self.scope.spans_inside(changes.changed, in_this_tree)
        self.touched = added + changed
        if changes.restructured and any(self.scope.concerns(other) for other in changes.restructured):
            self.rebuild()
            return True
        self.scope.grow(changes)
        if self.has_calls is not _has_calls(trace):
            self.rebuild()
            return True
        session = trace.session
        if any(other.session is session for other in changes.traces):
            self.version += 1
        if len(added) > MANY + len(self.spans) // _ROWS_A_SPAN:
            self.rebuild()
            return True
        noisy = self._may_be_noise()
        # Before anything is put under them: depths count the rows that stand above.
        removed = self._fold_noise(noisy)
        for span in added:
            self._insert(span)
        if not self.show_internal:
            if any(self._moved(event) for span in added for event in events_beside(span)):
                self.rebuild()
                return True
            for span in changed:
                if any(self._moved(hook) for hook in hooks_near(span)):
                    self.rebuild()
                    return True
                if span.flags & (_INTERNAL | _PROBE) and span.error is not None:
                    if span.children is not None and self.index(span) is None:
                        self.rebuild()
                        return True
                    self._insert(span)
        if any(self._moved(span) for span in noisy):
            self.rebuild()
            return True
        return removed

    def _may_be_noise(self) -> list[Span]:
        """Return the spans whose row may come or go with what was touched."""
        if self.show_internal:
            return []
        around = dict.fromkeys(one for span in self.touched for one in may_change(span))
        heads = dict.fromkeys(head for span in self.touched for head in heads_near(span))
        return [*(one for one in around if not one.flags & _PROBE), *heads]

    def _fold_noise(self, noisy: list[Span]) -> bool:
        """Take away the rows of what turned out to be noise; True if there was any."""
        removed = False
        for span in noisy:
            row = self.index(span) if self.hidden(span) and span not in self.folded_spans else None
            if row is not None:
                self._remove(row)
                removed = True
        return removed

    def _remove(self, row: int) -> None:
        """Take one row away; what stands below it moves up a level."""
        for below in range(row + 1, after_subtree(self.spans, row)):
            self.depths[below] -= 1
        del self.spans[row], self.depths[row]
        self.version += 1

    # folding

    def set_folded(self, span: Span, folded: bool) -> bool:
        """Fold or unfold one span's children in place.

        Returns:
            True when that changed anything.
        """
        if folded == (span in self.folded_spans) or (folded and not self.has_children(span)):
            return False
        row = self.index(span)
        self.version += 1
        if folded:
            self.folded_spans.add(span)
        else:
            self.folded_spans.discard(span)
        if row is None:
            return True
        if folded:
            last = after_subtree(self.spans, row)
            del self.spans[row + 1 : last]
            del self.depths[row + 1 : last]
        else:
            spans: list[Span] = []
            depths: list[int] = []
            if self.opens_to:
                self.folded_spans |= folds_to_fit(self, span.children or (), self.opens_to) or set()
            self._collect(span.children or [], self.depths[row] + 1, spans, depths)
            self.spans[row + 1 : row + 1] = spans
            self.depths[row + 1 : row + 1] = depths
        return True

    def fold_to_fit(self, room: int) -> bool:
        """Fold what makes a finished run fit into so many lines, unless somebody folded by hand; True if any.

        A run that still grows is left open: what is new must not hide.
        """
        trace = self.trace
        if trace is None or trace.running or self.folded_spans or self.show_internal or room < 1:
            return False
        folds = folds_to_fit(self, trace.roots, room) if len(self.spans) > room else None
        if folds is None:
            return False
        self.folded_spans = folds
        self.rebuild()
        return True

    def fold_all(self) -> None:
        """Fold every span that has children, the roots left open."""
        self.folded_spans = {span for span in self._all() if span.children and span.parent is not None}
        self.rebuild()

    def unfold_all(self) -> None:
        """Unfold everything."""
        self.folded_spans.clear()
        self.rebuild()

    def unfold_one_level(self) -> None:
        """Unfold the outermost folded spans."""
        outermost = [span for span in self.spans if span in self.folded_spans]
        self.folded_spans.difference_update(outermost)
        self.rebuild()

    def fold_one_level(self) -> None:
        """Fold the innermost open spans."""
        open_depth = max(
            (
                depth
                for depth, span in zip(self.depths, self.spans, strict=True)
                if span not in self.folded_spans and self.has_children(span)
            ),
            default=None,
        )
        if open_depth is None:
            return
        for depth, span in zip(self.depths, self.spans, strict=True):
            if depth == open_depth and self.has_children(span):
                self.folded_spans.add(span)
        self.rebuild()

    def reveal(self, span: Span) -> int | None:
        """Unfold what hides a span and return its row; its nearest shown ancestor's, if it is plumbing."""
        above = span.parent
        outermost: Span | None = None
        while above is not None:
            if above in self.folded_spans:
                self.folded_spans.discard(above)
                outermost = above
            above = above.parent
        noise = not span.flags & (_INTERNAL | _PROBE) and self.hidden(span)
        if noise:
            self.revealed.add(span)
        if outermost is not None or noise:
            self.rebuild()
        return self.nearest(span)

    def set_plumbing(self, visible: bool) -> None:
        """Show everything there is, or fold it as before."""
        if visible is not self.show_internal:
            self.folded_spans, self._folds_kept = self._folds_kept, self.folded_spans
        self.show_internal = visible
        self.rebuild()

    # middleware

    def set_chain_open(self, span: Span, is_open: bool) -> None:
        """Give the hooks of a chain rows of their own, or let one row stand for all of them."""
        head = self.chain_head(span)
        if head is None:
            return
        if is_open:
            self.open_chains.add(head)
        else:
            self.open_chains.discard(head)
        self.rebuild()

    def _moved(self, hook: Span) -> bool:
        """Whether a hook has a row though another one stands for it now, or the other way round."""
        return self.hidden(hook) == (self.index(hook) is not None) and not self.folded_above(hook)

    def _all(self) -> Iterator[Span]:
        stack = list(self.trace.roots) if self.trace is not None else []
        while stack:
            span = stack.pop()
            yield span
            if span.children:
                stack.extend(span.children)


def _has_calls(trace: Trace) -> bool:
    return bool(trace.model_calls or trace.tool_calls)
