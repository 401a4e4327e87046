"""What is known of a run whose events are not in memory: a list of runs said so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from etaoi_collector.conventions.usage import Usage

MOST_NAMES = 64
"""Names of one sort that are kept of a run."""
LONGEST_NAME = 160
"""Characters that are kept of one."""


class ListedNames(Protocol):
    """What occurs in a run: bounded, see `MOST_NAMES` and `LONGEST_NAME`."""

    agents: list[str]
    tools: list[str]
    models: list[str]
    """Of model calls: the model, or the call's name where none is known."""
    other_names: list[str]
    """Names of spans of other kinds."""


class ListedRun(Protocol):
    """A run as its recording's catalogue tells it. Times are seconds since the epoch."""

    trace_id: str
    session_id: str
    number: int
    """Order of arrival in its recording."""
    name: str
    question: str
    agent: str
    status: str
    started_at: float
    ended_at: float
    events: int
    errors: int
    input_tokens: int
    output_tokens: int
    dropped: int
    waits_for: str | None
    thread: str | None
    user_id: str | None
    is_run: bool
    is_listed: bool
    only_infrastructure: bool
    context_tokens: int

    @property
    def details(self) -> ListedNames:
        """Return what occurs in it; read when somebody asks."""

    def paid_calls(self) -> Iterable[tuple[tuple[str, str, str], int, int, Usage]]:
        """Return its paid model calls, alike ones together.

        Returns:
            Model that answered, model that was asked and provider; when they began; how many; and what each
            of them used.
        """
