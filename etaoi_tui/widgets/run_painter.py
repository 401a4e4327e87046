"""Draws runs and conversations as lines of the list, in the columns that the width has room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len

from etaoi_collector.projections.trace_names import title
from etaoi_collector.store.model import Status, Trace
from etaoi_tui.text import fit, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.budget import NO_BUDGETS
from etaoi_tui.view.glyphs import SPINNER, STATUS_GLYPHS, STATUS_STYLES
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.runs import columns as cols
from etaoi_tui.view.runs.figures import Figures, RunFigures
from etaoi_tui.view.runs.groups import Earlier, Group
from etaoi_tui.widgets.row_view import Piece
from etaoi_tui.widgets.styles import StyleTable

LOOKS: StyleTable = {
    "trace-list--header": "color: $quiet; background: $surface; text-style: bold",
    "trace-list--header:focus": "color: $focus-line",
    "trace-list--question": "color: $ink; text-style: bold",
    "trace-list--group": "color: $ink; text-style: bold",
    "trace-list--agent": "color: $quiet",
    "trace-list--muted": "color: $quiet",
    "trace-list--running": "color: $running; text-style: bold",
    "trace-list--ok": "color: $quiet",
    "trace-list--error": "color: $failure; text-style: bold",
    "trace-list--over": "color: $attention; text-style: bold",
    "trace-list--warning": "color: $attention",
}


class RunPainter:
    """Draws the rows of the list.

    Args:
        summaries: Tells what a run was asked.
        figures: Tells what it came to.
        now: The present for a run, in seconds since the epoch.

    Attributes:
        frame: Number of the spinner's picture.
        budgets: What runs and conversations should not take more of.
        doing: Tells in a few words what a running run does now.
    """

    def __init__(self, summaries: Summaries, figures: RunFigures, now: Callable[[Trace], float]) -> None:
        self.frame = 0
        self.budgets = NO_BUDGETS
        self.doing: Callable[[Trace], str] = _nothing
        self._summaries = summaries
        self._figures = figures
        self._now = now

    def draw_run(
        self, trace: Trace, width: int, *, inside: bool, beside: Sequence[Trace] = ()
    ) -> list[Piece]:
        """Draw a run.

        Args:
            trace: The run.
            width: Cells of the line.
            inside: It stands under its conversation.
            beside: The runs in the rows above and below, which it should not look like.
        """
        at = cols.columns(width)
        status, now, figures = trace.status, self._now(trace), self._figures.of(trace)
        running = status is Status.RUNNING
        glyph = SPINNER[self.frame % 4] if running else STATUS_GLYPHS[status]
        look = f"trace-list--{STATUS_STYLES[status]}"
        indent = "  " if inside else ""
        pieces: list[Piece] = [(f"{indent} {glyph} ", look)]
        if at.state:
            pieces.append((fit(cols.state_words(status, figures), at.state) + " ", look))
        room = max(at.question - len(indent), 4)
        failures, _ = _failures(figures)
        agent_cells = at.agent
        if failures and not at.errors:
            room -= len(failures) + 1
        elif agent_cells:
            agent_cells -= _beyond(failures, at)
        else:
            room -= _beyond(failures, at)
        if self.budgets and not at.cost:
            room -= 3
        dropped = (trace.unread or trace).dropped
        lost = f"⚠{dropped:,} lost " if dropped else ""
        if lost:
            # Whatever it came to: what is shown of it is not all.
            pieces.append((lost, "trace-list--warning"))
            room -= len(lost)
        agent = cols.agent_on_call(trace)
        words = self._summaries.of_trace(trace)
        if agent and not at.agent:
            words = f"{agent} {words}"
        words = cols.question_cell(trace, words, max(room, 1), map(self._summaries.of_trace, beside))
        dim = trace.only_infrastructure
        question_style = "trace-list--muted" if dim else "trace-list--question"
        if status is Status.PAUSED:
            question_style = "trace-list--warning"
        pieces.append((fit(words, max(room, 1)) + " ", question_style))
        if at.agent:
            doing = self.doing(trace) if running else ""
            agent_look = "trace-list--running" if doing else "trace-list--agent"
            name = one_line(doing or agent or title(trace), agent_cells)
            pieces.append((fit(name if name != words else "", agent_cells) + " ", agent_look))
        crossed = self.budgets.of_run(figures.dollars if figures.priced else None, figures.tokens)
        pieces += self._numbers(at, figures, bool(crossed))
        if self.budgets and not at.cost:
            pieces.append(("$! " if crossed else "   ", "trace-list--over"))
        took = fmt.trace_duration(trace, now)
        took_look = "trace-list--running" if running else "trace-list--muted"
        pieces.append((fit(took, at.duration, "right"), took_look))
        if at.clock:
            pieces.append(
                (" " + fit(cols.began(trace, now, at.clock), at.clock, "right"), "trace-list--muted")
            )
        return pieces

    def draw_group(self, group: Group, width: int) -> list[Piece]:
        """Draw a conversation with the sums of its runs."""
        at = cols.columns(width)
        figures = group.totals.figures
        runs = f" {fmt.count(len(group.runs), 'run')}" if at.cost else f" {len(group.runs):,}"
        fold = "▸" if group.folded else "▾"
        if not at.cost:
            return self._narrow_group(group, figures, width, f" {fold} ", runs)
        room = at.question + (at.state + 1 if at.state else 0)
        beyond = _beyond(_failures(figures)[0], at)
        beside = at.agent - beyond if at.agent else 0
        room -= 0 if at.agent else beyond
        course = cols.course(group, self._figures, min(cols.COURSE_RUNS, beside or 8))
        if course and not beside:
            beside = len(course)
            room -= beside + 1
        name = cols.group_name(group)
        if beside and cell_len(name) + len(runs) > room:
            room += beside + 1
            beside = 0
        name = one_line(name, max(room - len(runs), 4))
        pieces: list[Piece] = [
            (f" {fold} ", "trace-list--muted"),
            (name, "trace-list--group"),
            (fit(runs, max(room - cell_len(name), 0)) + " ", "trace-list--muted"),
        ]
        if beside:
            pieces.append((fit(course, beside) + " ", "trace-list--muted"))
        pieces += self._numbers(at, figures, self._is_over(figures))
        pieces.append((fit(_active(figures), at.duration, "right"), "trace-list--running"))
        if at.clock:
            newest = group.newest
            began = cols.began(newest, self._now(newest), at.clock)
            pieces.append((" " + fit(began, at.clock, "right"), "trace-list--muted"))
        return pieces

    def draw_earlier(self, earlier: Earlier, width: int) -> list[Piece]:
        """Draw the row that stands for a conversation's earlier runs."""
        group = earlier.group
        pieces: list[Piece] = [(f"     {fmt.count(group.hidden, 'earlier run')}", "trace-list--muted")]
        if group.hidden_failures:
            pieces.append((f"  ✗ {group.hidden_failures:,} failed", "trace-list--error"))
        return pieces

    def _is_over(self, figures: Figures) -> bool:
        """Whether a conversation crossed its budget."""
        return bool(self.budgets.of_session(figures.dollars if figures.priced else None, figures.tokens))

    def _numbers(self, at: cols.Columns, figures: Figures, over: bool) -> list[Piece]:
        pieces: list[Piece] = []
        failures, failures_look = _failures(figures)
        if at.errors:
            pieces.append((failures.rjust(at.errors) + " ", failures_look))
        elif failures:
            pieces.append((failures + " ", failures_look))
        if at.tokens:
            look = "trace-list--over" if over else "trace-list--muted"
            pieces.append((fit(cols.tokens(figures), at.tokens, "right") + " ", look))
        if at.cost:
            cost = cols.dollars(figures)
            look = "trace-list--warning" if "?" in cost or "≥" in cost else "trace-list--muted"
            if over:
                look = "trace-list--over"
            pieces.append((fit(cost, at.cost, "right") + " ", look))
        return pieces

    def _narrow_group(self, group: Group, figures: Figures, width: int, fold: str, runs: str) -> list[Piece]:
        """Draw a conversation where there are no columns: as much as fits behind its name, from the right."""
        spent_look = "trace-list--over" if self._is_over(figures) else "trace-list--muted"
        remaining = width - len(fold) - len(runs) - 10
        tail: list[Piece] = []
        for text, look in (
            _failures(figures),
            (cols.dollars(figures), spent_look),
            (cols.tokens(figures), spent_look),
            (cols.course(group, self._figures, 6), "trace-list--muted"),
        ):
            if text and len(text) + 1 <= remaining:
                remaining -= len(text) + 1
                tail.append((" " + text, look))
        used = len(fold) + len(runs) + sum(len(text) for text, _ in tail) + 1
        name = one_line(cols.group_name(group), max(width - used, 4))
        gap = max(width - used - cell_len(name), 0)
        return [
            (fold, "trace-list--muted"),
            (name, "trace-list--group"),
            (runs + " " * gap, "trace-list--muted"),
            *reversed(tail),
        ]


def _failures(figures: Figures) -> Piece:
    """Return the failures by cause; red is for those that were not handled."""
    words, is_open = cols.failures(figures)
    return words, "trace-list--error" if is_open else "trace-list--muted"


def _beyond(failures: str, at: cols.Columns) -> int:
    """Return the cells that failures take beyond their column: half of a number is another number."""
    return max(len(failures) - at.errors, 0) if at.errors else 0


def _active(figures: Figures) -> str:
    """Say how many runs of a conversation run or wait."""
    running = f"{SPINNER[0]}{figures.running}" if figures.running else ""
    waiting = f"{STATUS_GLYPHS[Status.PAUSED]}{figures.waiting}" if figures.waiting else ""
    return " ".join(filter(None, (running, waiting)))


def _nothing(trace: Trace) -> str:
    return ""
