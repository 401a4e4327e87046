"""Budgets: dollars or tokens that a run or a conversation should not take more of, in ``config.toml``.

::

    [budget]
    run_dollars = 0.5
    run_tokens = 200_000
    session_dollars = 5
    session_tokens = 1_000_000

One that is crossed is coloured where its sum stands, and said once while it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from etaoi_collector.projections.trace_names import title
from etaoi_collector.store.model import Trace
from etaoi_tui.view import format as fmt
from etaoi_tui.view.runs.columns import group_name
from etaoi_tui.view.runs.figures import Figures
from etaoi_tui.view.runs.groups import Group


class Budgets(msgspec.Struct, frozen=True):
    """What a person allows; None for as much as it takes."""

    run_dollars: float | None = None
    run_tokens: float | None = None
    session_dollars: float | None = None
    session_tokens: float | None = None

    def __bool__(self) -> bool:
        return self != NO_BUDGETS

    def of_run(self, dollars: float | None, tokens: int) -> str:
        """Return what a run crossed, as ``over $0.50``; empty if nothing."""
        return _crossed(self.run_dollars, self.run_tokens, dollars, tokens)

    def of_session(self, dollars: float | None, tokens: int) -> str:
        """Return what the runs of a conversation crossed together; empty if nothing."""
        return _crossed(self.session_dollars, self.session_tokens, dollars, tokens)


NO_BUDGETS = Budgets()


def _crossed(
    most_dollars: float | None, most_tokens: float | None, dollars: float | None, tokens: int
) -> str:
    if most_dollars is not None and dollars is not None and dollars > most_dollars:
        return f"over {fmt.dollars(most_dollars)}"
    if most_tokens is not None and tokens > most_tokens:
        return f"over {fmt.tokens(most_tokens)} tokens"
    return ""


def read_budgets(table: Mapping[str, Any], problem: Callable[[str, str], None]) -> Budgets:
    """Read the table ``[budget]``.

    Args:
        table: Its entries.
        problem: Is told the key of an entry that is not understood, and what is wrong with it.
    """
    budgets = Budgets()
    names = Budgets.__struct_fields__
    for key, value in table.items():
        if key not in names:
            problem(key, f'"{key}" is no budget; there are {", ".join(names)}')
        elif isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
            problem(key, "a budget is a number of dollars or tokens")
        else:
            budgets = replace(budgets, **{key: value})
    return budgets


class BudgetWatch:
    """Says once of every run and conversation that it crossed its budget.

    Args:
        budgets: What is allowed.
        figures: Tells what a run came to so far.
        group_of: Finds a run's conversation.
    """

    def __init__(
        self,
        budgets: Budgets,
        figures: Callable[[Trace], Figures],
        group_of: Callable[[Trace], Group | None],
    ) -> None:
        self._budgets = budgets
        self._figures = figures
        self._group_of = group_of
        self._warned: set[object] = set()

    def crossed(self, trace: Trace) -> str:
        """Return what a run crossed; empty if nothing."""
        if not self._budgets:
            return ""
        figures = self._figures(trace)
        return self._budgets.of_run(figures.dollars if figures.priced else None, figures.tokens)

    def crossed_together(self, trace: Trace) -> str:
        """Return what the runs of a run's conversation crossed together; empty if nothing."""
        group = self._group_of(trace) if self._budgets else None
        if group is None:
            return ""
        figures = group.totals.figures
        return self._budgets.of_session(figures.dollars if figures.priced else None, figures.tokens)

    def look(self, traces: Iterable[Trace]) -> list[str]:
        """Return a sentence for each budget that was crossed by these runs since the last look."""
        if not self._budgets:
            return []
        sentences = []
        groups: dict[Group, None] = {}
        for trace in traces:
            figures = self._figures(trace)
            crossed = self._budgets.of_run(figures.dollars, figures.tokens)
            if crossed and trace.trace_id not in self._warned:
                self._warned.add(trace.trace_id)
                sentences.append(f"{title(trace)} took {_spending_words(figures)}: {crossed}")
            group = self._group_of(trace)
            if group is not None:
                groups[group] = None
        for group in groups:
            figures = group.totals.figures
            crossed = self._budgets.of_session(figures.dollars, figures.tokens)
            if crossed and group.key not in self._warned:
                self._warned.add(group.key)
                runs = fmt.count(len(group.runs), "run")
                sentences.append(f"{group_name(group)}: {runs} took {_spending_words(figures)}: {crossed}")
        return sentences


def _spending_words(figures: Figures) -> str:
    dollars = fmt.cost(figures.dollars if figures.priced else None, figures.unpriced)
    return f"{fmt.tokens(figures.tokens)} tokens" + (f", {dollars}" if dollars else "")
