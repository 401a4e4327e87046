"""Which LangChain run is which span: shared by all handlers that speak to one destination.

Handlers may meet in one run (a process-wide one and an agent's own, or the same agent attached twice). The
first that reports a run owns it; the others see it here and stay silent, so nothing is sent twice.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any

from etaoi_tui.sdk.tracer import SessionInfo, Span, Tracer

_GENERATION = 2048
"""How many ended runs are remembered at least, for children that start after their parent's end."""


class Run:
    """A run that has started and not ended."""

    __slots__ = (
        "agent",
        "context",
        "first_token_ns",
        "owner",
        "parent",
        "reported_error_id",
        "span",
        "tokens_by",
    )  # fmt: skip

    def __init__(self, span: Span, owner: Any, parent: Run | None, agent: str | None, context: Any) -> None:
        self.span = span
        self.owner = owner
        """The handler that reports it."""
        self.parent = parent
        self.agent = agent
        self.context: Mapping[str, str] | None = context
        """Metadata that points to the agent's snapshot."""
        self.first_token_ns = 0
        self.reported_error_id = 0
        """Id of an exception that a run below has told in full: not to be told again on its way up."""
        self.tokens_by: Any = None
        """The handler, once its streamed text comes as tokens; protocol events would say the same again."""


class EndedRun:
    """What a late child needs to know of its parent."""

    __slots__ = ("agent", "context", "session", "span_id", "trace_id", "tracer")

    def __init__(self, run: Run) -> None:
        span = run.span
        self.tracer = span.tracer
        self.span_id = span.span_id
        self.trace_id = span.trace_id
        self.session = span.session
        self.agent = run.agent
        self.context = run.context

    def as_parent(self) -> Span:
        """Return a span to start children under; it is not itself sent."""
        span = Span(
            self.tracer, self.span_id, self.trace_id, None, "middleware", "", self.session, 0,
            None, None, None, None, None, None, False,
        )  # fmt: skip
        span.state = 1
        return span


class Runs:
    """Open runs by LangChain's run id (as an int), and the newest ended ones."""

    __slots__ = ("__weakref__", "_new", "_old", "contexts", "graphs", "open", "sessions", "tool_sets")

    def __init__(self) -> None:
        self.open: dict[int, Run] = {}
        self._new: dict[int, EndedRun] = {}
        self._old: dict[int, EndedRun] = {}
        self.contexts: dict[Any, Mapping[str, str]] = {}
        """Metadata that points to an agent's snapshot, by session and name, or session and hash."""
        self.graphs: weakref.WeakKeyDictionary[Any, dict[Any, Mapping[str, str]]] = (
            weakref.WeakKeyDictionary()
        )
        """The same for graphs without a name, by graph and session."""
        self.sessions: dict[tuple[str | None, str], SessionInfo] = {}
        """Sessions that runs named, by user and by what they called it."""
        self.tool_sets: set[str] = set()
        """Digests of the sets of tool schemas that were sent. Only the sender's thread touches this."""

    def close(self, key: int) -> Run | None:
        """Take a run out of the open ones and remember it for late children; None if it was not open."""
        run = self.open.pop(key, None)
        if run is not None:
            if len(self._new) >= _GENERATION:
                self._old, self._new = self._new, {}
            self._new[key] = EndedRun(run)
        return run

    def ended(self, key: int) -> EndedRun | None:
        """Return a run that has ended not long ago."""
        return self._new.get(key) or self._old.get(key)

    def below(self, run: Run) -> list[tuple[int, Run]]:
        """Return the open runs that lie below a run, deepest last. Looks at every open run."""
        found = []
        for key, other in list(self.open.items()):
            above = other.parent
            while above is not None:
                if above is run:
                    found.append((key, other))
                    break
                above = above.parent
        return found


_lock = threading.Lock()
_by_pipeline: weakref.WeakKeyDictionary[Any, Runs] = weakref.WeakKeyDictionary()
_all: weakref.WeakSet[Runs] = weakref.WeakSet()


def runs_of(tracer: Tracer) -> Runs:
    """Return the runs of a tracer's destination."""
    pipeline = tracer.pipeline
    with _lock:
        runs = _by_pipeline.get(pipeline) if pipeline is not None else None
        if runs is None:
            runs = Runs()
            _all.add(runs)
            if pipeline is not None:
                _by_pipeline[pipeline] = runs
        return runs


def find_run(key: int) -> Run | None:
    """Return an open run wherever it is reported to."""
    for runs in list(_all):
        run = runs.open.get(key)
        if run is not None:
            return run
    return None
