"""Draws spans as lines: the columns, the name under its ancestors, and a bar on the axis."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from rich.cells import cell_len

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace
from etaoi_tui.text import crop_start, fit, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.bars import bar
from etaoi_tui.view.budget import NO_BUDGETS
from etaoi_tui.view.call_numbers import CALL_NUMBERS
from etaoi_tui.view.column import COLUMNS, RowContext
from etaoi_tui.view.command import PANE_KEYS
from etaoi_tui.view.glyphs import span_glyph
from etaoi_tui.view.model_names import ModelNames
from etaoi_tui.view.noise import changed_state, wrapper_name
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.run_title import run_title
from etaoi_tui.view.runs.figures import Figures
from etaoi_tui.view.search import TraceSearch
from etaoi_tui.view.timeline import Axis, label, ticks
from etaoi_tui.view.visible_rows import TreeRows
from etaoi_tui.widgets.row_view import Piece
from etaoi_tui.widgets.span_tree_style import kind_look

DEEPEST_INDENT = 24
"""Levels drawn as steps; deeper ones share a number, so that names stay readable."""

_WRAPPER = 24
"""Cells of the name of a step that is folded into its only call."""

_HOOK = 14
"""Cells that the name of a hook keeps beside what it changed."""

_WORDS_BESIDE = 12
"""Cells of a call's own words beside which the effect of its hooks is said."""

_ENDED = int(SpanFlag.ENDED)
_WARNING = int(SpanFlag.WARNING)
_EVENT = int(SpanFlag.EVENT)
_ERROR_BELOW = int(SpanFlag.ERROR_BELOW)


_WORDS_STYLES = {Status.ERROR: "span-tree--error", Status.PAUSED: "span-tree--warning"}
"""Looks of the words behind a name, where they say what is wrong or what is waited for."""


_BAR_LOOKS = {"blank": "", "waiting": "span-tree--warning", "live": "span-tree--running"}
"""Looks of the parts of a bar that do not have the colour of its kind."""


class SpanPainter:
    """Draws the rows of a tree; what it draws with is set by the tree."""

    def __init__(
        self,
        rows: TreeRows,
        summaries: Summaries,
        now: Callable[[Trace], float],
        totals: Totals | None = None,
    ) -> None:
        """Make a painter.

        Args:
            rows: The rows, for what is folded.
            summaries: Where the words behind a name come from.
            now: The present for a trace, in seconds since the epoch.
            totals: What spans took; None for sums of its own, which are those of the moment it is made.
        """
        self.rows = rows
        self.axis = Axis(0.0, 1.0, 1)
        """The time axis of all bars."""
        self.search: TraceSearch | None = None
        """Hits of this search are lit, everything else is dimmed."""
        self.marked: Span | None = None
        """The call that others are compared with."""
        self.budgets = NO_BUDGETS
        self.conversation: Callable[[Trace], Figures | None] = _alone
        """What all runs of a run's conversation came to; None for one that stands alone."""
        """What a run should not take more of."""
        self.frame = 0
        """Which picture of the spinner running rows show."""
        self.columns = COLUMNS
        """What stands left of the names."""
        COLUMNS.load()
        self.context = RowContext(summaries, rows.folded, totals or Totals())
        self._model_names = ModelNames()
        self._summaries = summaries
        self._now = now

    def draw_header(self, width: int) -> list[Piece]:
        """Draw the trace's sums and the axis."""
        trace = self.rows.trace
        if trace is None:
            return [(" " * width, "span-tree--header")]
        layout = self.columns.layout(width)
        bar_width = layout.bars
        title_width = layout.left_cells + layout.names
        total = self.context.totals.of_run(trace)
        crossed = self.budgets.of_run(total.cost_usd, total.tokens) or self._crossed_together(trace)
        over = f"  {crossed}" if crossed else ""
        key = f" {PANE_KEYS['tree']} "
        room = title_width - len(key) - len(over)
        head = key + run_title(trace, self.context.totals, self._now(trace), room)
        head = fit(head, title_width - len(over)).rstrip()
        pieces: list[Piece] = [(head, "span-tree--title"), (over, "span-tree--over")]
        pieces.append((" " * (title_width - cell_len(head) - len(over)), "span-tree--title"))
        if bar_width:
            cells = [" "] * bar_width
            for cell, seconds in ticks(self.axis):
                text = label(seconds)
                if cell + len(text) < bar_width:
                    cells[cell : cell + len(text)] = text
            pieces.append((" " + "".join(cells), "span-tree--header"))
        used = sum(cell_len(text) for text, _ in pieces)
        pieces.append((" " * max(width - used, 0), "span-tree--header"))
        return pieces

    def _crossed_together(self, trace: Trace) -> str:
        figures = self.conversation(trace) if self.budgets else None
        if figures is None:
            return ""
        crossed = self.budgets.of_session(figures.dollars if figures.priced else None, figures.tokens)
        return f"conversation {crossed}" if crossed else ""

    def depends_on(self, span: Span, width: int) -> Hashable:
        """Return what the columns of a row show that does not come from its own span."""
        return self.columns.depends_on(span, width, self.context)

    def effect_of_hooks(self, call: Span) -> str | None:
        """Return what the hooks changed that a call's row stands for; None where it stands for none."""
        head = self.rows.chain_head(call)
        return None if head is None or head is call else self._summaries.effect_of_hooks(call, head)

    def draw(self, span: Span, depth: int, width: int) -> list[Piece]:
        """Draw a span.

        Args:
            span: One of the rows.
            depth: How many ancestors stand above it.
            width: Cells of the line.
        """
        status = span.status
        layout = self.columns.layout(width)
        trace = self.rows.trace
        context = self.context
        context.now = self._now(trace) if trace is not None else 0.0
        context.frame = self.frame
        searching = self.search
        dimmed = searching is not None and span not in searching
        hit = searching is not None and not dimmed
        pieces: list[Piece] = []
        for column in layout.columns:
            text, look = self.columns.cell(column, span, context)
            pieces.append((text, "span-tree--dim" if dimmed else f"span-tree--{look}" if look else ""))
        pieces.extend(self._label(span, depth, status, dimmed, hit, layout.names))
        if layout.bars:
            pieces.append((" ", ""))
            pieces.extend(self._bar(span, status, context.now, dimmed))
        return pieces

    def _label(
        self, span: Span, depth: int, status: Status, dimmed: bool, hit: bool, width: int
    ) -> list[Piece]:
        indent = min(depth, DEEPEST_INDENT, max(width // 4 - 2, 0))
        pieces: list[Piece] = [("│ " * indent, "span-tree--guide")] if indent else []
        if indent < depth:
            pieces.append((f"⋯{depth} ", "span-tree--muted"))
        folded = self.rows.folded(span)
        head = self.rows.chain_head(span)
        if head is not None or self.rows.unfolds(span):
            closed = folded or (head is not None and not self.rows.chain_open(head))
            pieces.append(("▸ " if closed else "▾ ", "span-tree--fold"))
        else:
            pieces.append(("  ", ""))
        kind = "span-tree--dim" if dimmed else "span-tree--" + kind_look(span.kind)
        pieces.append((span_glyph(span) + " ", kind))
        remaining = width - sum(cell_len(text) for text, _ in pieces)
        chain = head is span and not folded and not self.rows.chain_open(span)
        chain_words = self._summaries.chain(span, remaining) if chain else None
        shown_name = self._model_names.short(span.name) if span.kind == "llm" else span.name
        room = remaining
        if span.kind == "middleware" and changed_state(span):
            room = max(remaining - cell_len(self._summaries.of(span)) - 1, min(_HOOK, remaining))
        name = one_line(chain_words[0] if chain_words else shown_name or _nameless(span), max(room, 1))
        if span.placeholder or not span.name or span.flags & _WARNING:
            name_look = "span-tree--warning"
        elif status is Status.ERROR:
            name_look = "span-tree--error"
        else:
            name_look = kind
        if dimmed:
            name_look = "span-tree--dim"
        elif hit:
            name_look = "span-tree--hit"
        pieces.append((name, name_look))
        remaining -= cell_len(name)
        extra = []
        if not self.rows.show_internal and (wrapper := wrapper_name(span)):
            extra.append((f" ‹ {one_line(wrapper, _WRAPPER)}", "span-tree--muted"))
        if span is self.marked:
            extra.append((" ◈ marked", "span-tree--marked"))
        if folded:
            hidden = self.rows.hidden_below(span)
            extra.append((f" +{hidden}", "span-tree--muted"))
            if span.flags & _ERROR_BELOW:
                handled = status is Status.OK
                extra.append((" ✗ handled", "span-tree--muted") if handled else (" ✗", "span-tree--error"))
        number = CALL_NUMBERS.of(span)
        if number is not None and number[0] > 1:
            extra.append((f" call {number[0]:,}", "span-tree--muted"))
        if span.ttft is not None and span.kind == "llm":
            extra.append((f" ttft {fmt.duration(span.ttft)}", "span-tree--muted"))
        infrastructure = self.rows.infrastructure_of(span)
        if infrastructure:
            extra.append((f" +{fmt.count(infrastructure, 'infrastructure span')}", "span-tree--muted"))
        snapshot = self.rows.snapshot_of(span)
        if snapshot is not None and "tool" in self._summaries.of(snapshot):
            extra.append((f" ▣ {self._summaries.of(snapshot)}", "span-tree--muted"))
        for text, text_look in extra:
            if remaining > len(text):
                pieces.append((text, "span-tree--dim" if dimmed else text_look))
                remaining -= len(text)
        muted = "span-tree--dim" if dimmed else "span-tree--muted"
        effect = self.effect_of_hooks(span) or ""
        if remaining < len(effect) + _WORDS_BESIDE:
            effect = ""
        remaining -= len(effect) + 1 if effect else 0
        if remaining > 4:
            if chain_words is not None:
                pieces.append((" " + one_line(chain_words[1], remaining - 1), muted))
            else:
                pieces.extend(self._words(span, status, dimmed, remaining))
        used = sum(cell_len(text) for text, _ in pieces)
        if used + len(effect) < width:
            pieces.append((" " * (width - used - len(effect)), ""))
        if effect:
            pieces.append((effect, muted))
        return pieces

    def _words(self, span: Span, status: Status, dimmed: bool, width: int) -> list[Piece]:
        snippet_pieces = self._snippet(span, width - 1) if not dimmed else None
        if snippet_pieces is not None:
            return snippet_pieces
        words = self._summaries.of(span)
        if not words:
            return []
        if span.tail and not span.flags & _ENDED:
            # The newest words matter: show the end of the text, not its beginning.
            tail = crop_start(one_line(words.replace("\n", " "), 4_000), width - 3)
            return [(f" {tail}▌", "span-tree--dim" if dimmed else "span-tree--streamed")]
        look = _WORDS_STYLES.get(status, "span-tree--muted")
        return [(" " + one_line(words, width - 1), "span-tree--dim" if dimmed else look)]

    def _snippet(self, span: Span, width: int) -> list[Piece] | None:
        """Draw what the search found in a span; None where a row says what it always does."""
        snippets = self.search.snippets if self.search is not None else None
        snippet = snippets.of(span) if snippets is not None else None
        if snippets is None or snippet is None:
            return None
        side = f" {snippet[0]}: "
        before, match, behind = snippets.cut(snippet[1], width - len(side))
        muted = "span-tree--muted"
        return [(side + before, muted), (match, "span-tree--hit"), (behind, muted)]

    def _bar(self, span: Span, status: Status, now: float, dimmed: bool) -> list[Piece]:
        axis = self.axis
        if span.placeholder or not axis.width:
            return []
        if dimmed:
            look = "span-tree--dim"
        elif status is Status.ERROR:
            look = "span-tree--bar-error"
        else:
            look = "span-tree--bar-" + kind_look(span.kind)
        looks = _BAR_LOOKS if not dimmed else {}
        return [(text, looks.get(part, look)) for text, part in bar(span, status, axis, now)]


def _alone(trace: Trace) -> None:
    return None


def _nameless(span: Span) -> str:
    return "not arrived" if span.placeholder else span.kind or "span"
