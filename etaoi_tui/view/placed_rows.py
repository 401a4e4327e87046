"""Where the rows of a tree stand: which span each has, how deep it is, and which row a hidden one is in."""

from __future__ import annotations

from etaoi_collector.store.model import Span, SpanFlag, Trace
from etaoi_tui.view.depth_first import position
from etaoi_tui.view.middleware.folded_hooks import call_shown_for
from etaoi_tui.view.middleware.row_groups import head_of
from etaoi_tui.view.row_visibility import RowVisibility
from etaoi_tui.view.tree_scope import TreeScope

_PROBE = int(SpanFlag.PROBE)


class PlacedRows(RowVisibility):
    """The rows of one trace's tree.

    Attributes:
        spans: The span of each row, in depth-first order.
        depths: The indentation of each row, hidden ancestors not counted.
        version: Grows with everything that may change how many rows a span has below it, or what they say.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scope = TreeScope()
        self.context: list[Span] = []
        self.spans: list[Span] = []
        self.depths: list[int] = []
        self.version = 0
        self._snapshots = 0
        """Rows of agent snapshots before the trace's own; they fold into the run's head."""
        self._counts: dict[Span, int] = {}
        self._counted_at = -1

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def trace(self) -> Trace | None:
        """The trace whose rows these are."""
        return self.scope.trace

    def extent(self) -> tuple[float, float]:
        """Return the first and the last moment of the tree, in seconds since the epoch."""
        return self.scope.extent()

    def index(self, span: Span) -> int | None:
        """Return a span's row, or None when it has none (folded away, hidden, of another trace)."""
        if self._snapshots and span in self.context:
            return self.context.index(span)
        at = position(self.spans, span, self._snapshots)
        if at < len(self.spans) and self.spans[at] is span:
            return at
        return None

    def nearest(self, span: Span) -> int | None:
        """Return the row of a span, or of the one that stands for it, or of the ancestor that hides it."""
        above: Span | None = span
        while above is not None:
            row = self.index(above)
            if row is None and above.flags & _PROBE:
                head = head_of(above)
                row = self.index(head) if head is not None else None
                call = call_shown_for(head) if head is not None and row is None else None
                row = self.index(call) if call is not None else row
            if row is not None:
                return row
            above = above.parent
        return None

    def snapshot_of(self, span: Span) -> Span | None:
        """Return the newest agent snapshot that is folded into a row: into that of the run's head."""
        is_head = not self._snapshots and bool(self.spans) and self.spans[0] is span
        return self.context[-1] if is_head and self.context else None

    def parent_row(self, row: int) -> int | None:
        """Return the row of the nearest shown ancestor."""
        parent = self.spans[row].parent
        return None if parent is None else self.nearest(parent)

    def infrastructure_of(self, span: Span) -> int:
        """Count the spans of infrastructure that a row stands for: hidden below it, or around the first row.

        What lies below further rows is theirs. Counts up to a bound.
        """
        if self.show_internal or not span.trace.infrastructure:
            return 0
        if self._counted_at != self.version:
            self._counts.clear()
            self._counted_at = self.version
        count = self._counts.get(span)
        if count is None:
            count = self.count_infrastructure(span.children or ())
            first = self._snapshots
            if self.trace is not None and first < len(self.spans) and self.spans[first] is span:
                count += self.count_infrastructure(self.trace.roots)
            self._counts[span] = count
        return count

    # placing

    def _insert(self, span: Span) -> None:
        if self.hidden(span):
            return
        depth = 0
        above = span.parent
        while above is not None:
            if above in self.folded_spans and not self.hidden(above):
                return
            depth += not self.hidden(above)
            above = above.parent
        at = position(self.spans, span, self._snapshots)
        if at < len(self.spans) and self.spans[at] is span:
            return
        self.spans.insert(at, span)
        self.depths.insert(at, depth)

    def _collect(self, siblings: list[Span], depth: int, spans: list[Span], depths: list[int]) -> None:
        stack = [(span, depth) for span in reversed(siblings)]
        folded = self.folded_spans
        while stack:
            span, depth = stack.pop()
            below = depth
            if not self.hidden(span):
                spans.append(span)
                depths.append(depth)
                if span in folded:
                    continue
                below += 1
            if span.children:
                stack.extend([(child, below) for child in reversed(span.children)])
