"""What runs can be filtered by: the values that fields really have, and how many runs have each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from etaoi_collector.store.model import Span, Status, Trace

_SPANS_BETWEEN_LOOKS = 256
FIELDS = ("status", "agent", "model", "tool", "err", "thread", "kind")
"""In the order in which they are offered; each is a field of the query language."""


class Facet(NamedTuple):
    """A value of a field.

    Attributes:
        field: The field.
        value: The value as spans have it.
        runs: How many runs have a span with it.
    """

    field: str
    value: str
    runs: int

    @property
    def query(self) -> str:
        """The query that finds spans with this value."""
        by = ":" if self.field in ("status", "err", "kind") else "="
        text = self.value.replace('"', "*")
        plain = text and not any(one.isspace() or one in '()|&"' for one in text)
        return f"{self.field}{by}{text}" if plain else f'{self.field}{by}"{text}"'


class Facets:
    """Counts in slices: a million spans take a second.

    Args:
        runs: The runs that are looked through.

    Attributes:
        done: All of them were.
        runs: How many there are.
    """

    def __init__(self, runs: Sequence[Trace]) -> None:
        self.runs = len(runs)
        self.done = not runs
        self._ahead = iter(runs)
        self._counts: dict[str, Counter[str]] = {field: Counter() for field in FIELDS}
        self._members: list[Span] = []
        self._at = 0
        self._values: set[tuple[str, str]] = set()

    def work(self, budget: float) -> None:
        """Count on for at most ``budget`` seconds."""
        deadline = time.perf_counter() + budget
        while not self.done:
            for span in self._members[self._at : self._at + _SPANS_BETWEEN_LOOKS]:
                self._values.update(_values(span))
            self._at += _SPANS_BETWEEN_LOOKS
            if self._at >= len(self._members):
                self._next_run()
            if time.perf_counter() >= deadline:
                return

    def values(self) -> list[Facet]:
        """Return what was counted so far, by field, the most frequent first."""
        return [
            Facet(field, value, runs)
            for field in FIELDS
            for value, runs in sorted(self._counts[field].items(), key=lambda item: (-item[1], item[0]))
        ]

    def _next_run(self) -> None:
        for field, value in self._values:
            self._counts[field][value] += 1
        self._values.clear()
        trace = next(self._ahead, None)
        self._at = 0
        self._members = []
        if trace is None:
            self.done = True
            return
        self._members = trace.spans
        if trace.thread:
            self._values.add(("thread", trace.thread))


def _values(span: Span) -> list[tuple[str, str]]:
    status = span.status
    values = [("kind", span.kind)]
    if status is not Status.OK:
        values.append(("status", status.value))
    if span.kind == "tool":
        values.append(("tool", span.name))
    elif span.kind == "llm" and span.model:
        values.append(("model", span.model))
    agent = span.agent or (span.name if span.kind == "sub_agent" else None)
    if agent:
        values.append(("agent", agent))
    if status is Status.ERROR and span.error:
        values.append(("err", span.error.partition("(")[0].split(":")[0].strip()[:60]))
    return [pair for pair in values if pair[1]]
