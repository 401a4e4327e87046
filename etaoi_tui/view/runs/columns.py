"""Which columns the list of runs has at a width, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile

import msgspec

from etaoi_collector.pricing.run_totals import context_tokens
from etaoi_collector.projections.trace_names import title
from etaoi_collector.store.model import Status, Trace
from etaoi_tui.text import ELLIPSIS, cells, crop, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.runs.figures import Figures, RunFigures
from etaoi_tui.view.runs.groups import Group
from etaoi_tui.view.sparkline import sparkline

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DAY = 86_400.0
_ROOTS = 4
_LONGEST_QUESTION = 240
"""Cells of a question in which it may differ from another."""
_LONGEST_WORD = 16
"""Letters of a word that is shown whole although only its end tells it from another."""
_PARTS = 64
"""Newest parts of a call among which its agent is looked for."""
COURSE_RUNS = 16
"""Newest runs of a conversation that its sparkline is made of."""


class Columns(msgspec.Struct, frozen=True):
    """Cells of each column, without the blank before it; 0 for one that is not there.

    Attributes:
        state: The state in a word, behind its glyph.
        question: What was asked.
        agent: Who was asked, or what it does now.
        errors: Failures by cause.
        tokens: Tokens.
        cost: Dollars.
        duration: How long it took.
        clock: When it began.
    """

    state: int
    question: int
    agent: int
    errors: int
    tokens: int
    cost: int
    duration: int
    clock: int


GLYPH = 3
"""Cells of the state's glyph with a blank on either side."""


def columns(width: int) -> Columns:
    """Return the columns of a line of that many cells."""
    state = 13 if width >= 124 else 0
    agent = 28 if width >= 124 else 22 if width >= 100 else 14 if width >= 72 else 0
    errors = 4 if width >= 52 else 0
    tokens = 6 if width >= 60 else 0
    cost = 8 if width >= 52 else 0
    clock = 8 if width >= 100 else 5 if width >= 68 else 0
    fixed = (state, agent, errors, tokens, cost, fmt.DURATION_CELLS, clock)
    used = GLYPH + sum(cells + 1 for cells in fixed if cells) + 1
    return Columns(state, max(width - used, 6), agent, errors, tokens, cost, fmt.DURATION_CELLS, clock)


def group_name(group: Group) -> str:
    """Return what a conversation is called: its thread, or what its first run is."""
    name = group.thread
    if name is None:
        return title(group.runs[0])
    return name[:8] if _UUID.fullmatch(name) else name


def course(group: Group, figures: RunFigures, most: int = COURSE_RUNS) -> str:
    """Return how the context of a conversation's runs grew, or else what they cost, as a sparkline.

    Empty with fewer than two runs that report either.
    """
    runs = group.runs[-most:]
    numbers: list[float | None] = [context_tokens(run) for run in runs]
    if sum(number is not None for number in numbers) < 2:
        costs = [figures.of(run) for run in runs]
        numbers = [cost.dollars if cost.priced else None for cost in costs]
    if sum(number is not None for number in numbers) < 2:
        return ""
    return sparkline(numbers)


def dollars(figures: Figures) -> str:
    """Say what something cost: ``$0.041``; ``$?`` if no price is known, ``≥`` if some are not."""
    return fmt.cost(figures.dollars if figures.priced else None, figures.unpriced)


def tokens(figures: Figures) -> str:
    """Say how many tokens something took; nothing where nobody told."""
    return fmt.tokens(figures.tokens) if figures.tokens else ""


def failures(figures: Figures) -> tuple[str, bool]:
    """Say how many failures there were by cause: ``✗2``; ``(✗2)`` if the runs with them all ended well.

    Returns:
        The words, and whether any of the failures ended a run or may do so yet.
    """
    open_failures = figures.errors - figures.handled
    if open_failures:
        return f"✗{open_failures:,}", True
    return (f"(✗{figures.handled:,})" if figures.handled else ""), False


def state_words(status: Status, figures: Figures) -> str:
    """Say how a run is doing: ``error``; ``ok, 2 handled`` where failures did not end it."""
    return f"{status.value}, {figures.handled:,} handled" if figures.handled else status.value


def agent_on_call(trace: Trace) -> str:
    """Return the agent that spoke last on a voice call; empty for any other run."""
    for root in trace.roots[:_ROOTS]:
        if root.kind == "voice_session":
            agents = (
                child for child in reversed((root.children or ())[-_PARTS:]) if child.kind == "voice_agent"
            )
            return next((agent.name for agent in agents if agent.name), "")
    return ""


def began(trace: Trace, now: float, cells: int) -> str:
    """Say when a run began: the time of day, or the date if that is another day."""
    if now - trace.started_at >= _DAY:
        return fmt.timestamp(trace.started_at)[5:10]
    return fmt.clock(trace.started_at)[:cells]


def sums(figures: Figures, runs: int) -> str:
    """Say what several runs came to: ``43 · 212k · $0.31``."""
    return " · ".join(filter(None, (f"{runs:,}", tokens(figures), dollars(figures))))


def hidden_runs(figures: Figures, runs: int) -> str:
    """Say what is in a list that is not on the screen: ``17 runs $0.42``; nothing for a single run."""
    return " ".join(filter(None, (fmt.count(runs, "run"), dollars(figures)))) if runs > 1 else ""


def question_cell(trace: Trace, words: str, room: int, beside: Iterable[str] = ()) -> str:
    """Return what a run was asked, or else what it is called.

    Where it is cut and begins as a question beside it does, what they share is left out in the middle:
    ``Summarise the…report-07 for the board``.

    Args:
        trace: The run.
        words: What it was asked.
        room: Cells there are.
        beside: What the runs in the rows above and below were asked.
    """
    short = one_line(words, room) or one_line(title(trace), room)
    if not short.endswith(ELLIPSIS):
        return short
    text = one_line(words, _LONGEST_QUESTION)
    shared = [_shared(text, one_line(other, _LONGEST_QUESTION)) for other in beside]
    shared = [n for n in shared if n < len(text) and cells(text[:n]) >= room - 1]
    if not shared:
        return short
    differs = min(shared)
    word = text.rfind(" ", 0, differs) + 1
    tail = text[word if differs - word < _LONGEST_WORD else differs :]
    lead = max(room - 1 - cells(tail), room // 3)
    beginning = crop(text, lead + 1)
    return beginning + crop(tail, room - cells(beginning))


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
