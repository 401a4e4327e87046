"""What hides a span of a tree: a fold, or that it is plumbing, noise, or a hook that another stands for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.view.middleware.folded_hooks import call_shown_for, hooks_shown_by
from etaoi_tui.view.middleware.row_groups import head_of, is_head_of_several
from etaoi_tui.view.noise import is_noise

_INTERNAL = int(SpanFlag.INTERNAL)
_PROBE = int(SpanFlag.PROBE)
_ERROR_BELOW = int(SpanFlag.ERROR_BELOW)
_INFRASTRUCTURE = int(SpanFlag.INFRASTRUCTURE)

_COUNTED = 5_000
"""Hidden spans below one row that are counted."""

_LOOKED_INTO = 1_000
"""Hidden spans that are looked into before a row counts as one that unfolds."""


class RowVisibility:
    """What a person folded and opened in one tree, and what has no row of its own.

    Attributes:
        show_internal: Whether everything has a row.
        folded_spans: Spans whose children are folded away.
        open_chains: Outermost hooks of chains whose hooks have rows of their own.
        revealed: Spans that have a row because somebody went to them.
        has_calls: Whether the run called a model or a tool; in one that did not, no step is noise.
    """

    def __init__(self) -> None:
        self.show_internal = False
        self.folded_spans: set[Span] = set()
        self.open_chains: set[Span] = set()
        self.revealed: set[Span] = set()
        self.has_calls = False

    def folded(self, span: Span) -> bool:
        """Whether the span's children are folded away."""
        return span in self.folded_spans

    def chain_open(self, span: Span) -> bool:
        """Whether the hooks inside a chain's outermost one have rows of their own."""
        return span in self.open_chains

    def is_chain(self, span: Span) -> bool:
        """Whether a row stands for a chain of middleware: the outermost hook's, or the call's."""
        return self.chain_head(span) is not None

    def chain_head(self, span: Span) -> Span | None:
        """Return the outermost of the hooks that a row stands for; None if it stands for no others."""
        if self.show_internal:
            return None
        if span.flags & _PROBE:
            return span if span in self.open_chains or is_head_of_several(span) else None
        head = hooks_shown_by(span)
        return None if head in self.open_chains else head

    def unfolds(self, span: Span) -> bool:
        """Whether anything can unfold under the span, or beside it."""
        return self.is_chain(span) or (span.children is not None and self.has_children(span))

    def has_children(self, span: Span) -> bool:
        """Whether anything can unfold under the span."""
        ways = [iter(span.children or ())]
        for _ in range(_LOOKED_INTO):
            child = next(ways[-1], None)
            if child is None:
                ways.pop()
                if not ways:
                    return False
            elif not self.hidden(child):
                return True
            elif child.children:
                ways.append(iter(child.children))
        return True

    def hidden_below(self, span: Span, most: int = 1_000) -> int:
        """Count the rows that a folded span hides, up to a bound, so that a row can say how many."""
        count = 0
        stack = list(span.children or ())
        while stack and count < most:
            child = stack.pop()
            count += not self.hidden(child)
            stack.extend(child.children or ())
        return count

    def hidden(self, span: Span) -> bool:
        """Whether a span is plumbing, noise, or a hook that another row stands for: no row of its own."""
        if self.show_internal or span in self.revealed:
            return False
        if not span.flags & (_INTERNAL | _PROBE):
            return self.has_calls and is_noise(span)
        if span.flags & _INFRASTRUCTURE and not span.is_folded_away:
            return False
        if span.flags & _PROBE:
            head = head_of(span)
            if head is not None and head in self.open_chains:
                return False
            if head is span and call_shown_for(span) is None:
                return False
        return span.error is None or bool(span.flags & _ERROR_BELOW)

    def folded_above(self, span: Span) -> bool:
        """Whether a fold hides a span."""
        above = span.parent
        while above is not None:
            if above in self.folded_spans and not self.hidden(above):
                return True
            above = above.parent
        return False

    def count_infrastructure(self, spans: Iterable[Span]) -> int:
        """Count spans of infrastructure that have no row, in and below some; up to a bound."""
        count = 0
        waiting = list(islice(spans, _COUNTED))
        for _ in range(_COUNTED):
            if not waiting:
                break
            span = waiting.pop()
            if self.hidden(span):
                count += bool(span.flags & _INFRASTRUCTURE)
                waiting.extend(span.children or ())
        return count
