"""Which LangChain run is which span: shared by all handlers that speak to one destination.

Handlers may meet in one run (a process-wide one and an agent's own, or the same agent attached twice). The
first that reports a run owns it; the others see it here and stay silent, so nothing is sent twice.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import Any

import msgspec

from etaoi_tui.sdk.ids import AnyId
from etaoi_tui.sdk.tracer import SessionInfo, Span, Tracer

_GENERATION = 2048
"""How many ended runs are remembered at least, for children that start after their parent's end."""


class Run(msgspec.Struct, eq=False):
    """A run that has started and not ended."""

    span: Span
    owner: Any
    """The handler that reports it."""
    parent: Run | None
    agent: str | None
    """The agent that it belongs to."""
    context: Mapping[str, str] | None
    """Metadata that points to the agent's snapshot."""
    inherited_agent: str | None = None
    """The agent that its metadata names, which may be one further out."""
    graph: int = 0
    """What it has to do with graphs: see `etaoi_tui.sdk.langchain.agent_graphs`."""
    below: dict[int, Run] | None = None
    """Runs in it that have not ended, by key; None until there was one."""
    questions: list[Any] | None = None
    """What runs in it paused for."""
    first_token_ns: int = 0
    """When the first text, reasoning or tool call came."""
    usage: Mapping[str, Any] | None = None
    """The newest usage that a chunk of the stream told."""
    totals_run: bool = False
    """Whether each chunk tells the total so far; LangChain adds them up all the same."""
    reported_error_id: int = 0
    """Id of an exception that a run below has told in full: not to be told again on its way up."""
    tokens_by: Any = None
    """The handler, once its streamed text comes as tokens; protocol events would say the same again."""


def note_usage(run: Run, usage: Mapping[str, Any]) -> None:
    """Take in what one chunk of a stream tells of its usage.

    Pieces that are to be added up have an input once, in one of the chunks; running totals have it in each.
    """
    usage_so_far = run.usage
    if usage_so_far is not None:
        input_before, now = usage_so_far.get("input_tokens") or 0, usage.get("input_tokens") or 0
        grown = (usage.get("output_tokens") or 0) >= (usage_so_far.get("output_tokens") or 0)
        run.totals_run = 0 < input_before <= now and grown
        if not run.totals_run and not now:
            return  # a piece of the output: the input stays what it was
    run.usage = usage


class EndedRun(msgspec.Struct, eq=False, gc=False):
    """What a late child needs to know of its parent."""

    tracer: Tracer
    span_id: int
    trace_id: AnyId
    session: SessionInfo
    agent: str | None
    inherited_agent: str | None
    graph: int
    context: Mapping[str, str] | None

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

    __slots__ = (
        "__weakref__", "_new", "_old", "agent_graphs", "contexts", "cut_off", "graph_names", "graphs", "open",
        "sessions", "tool_sets", "waiting",
    )  # fmt: skip

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
        self.agent_graphs: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()
        """Whether a graph is an agent."""
        self.graph_names: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        """What graphs without a name of their own are called."""
        self.cut_off: dict[int, Run] = {}
        """Runs whose end was made up because what called them ended; a true end may still come."""
        self.waiting: dict[tuple[SessionInfo, str], int] = {}
        """Span ids of runs that wait for a person, by session and thread."""
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
            span, parent = run.span, run.parent
            self._new[key] = EndedRun(
                span.tracer,
                span.span_id,
                span.trace_id,
                span.session,
                run.agent,
                run.inherited_agent,
                run.graph,
                run.context,
            )
            if parent is not None and parent.below is not None:
                parent.below.pop(key, None)
        return run

    def cut_off_below(self, run: Run) -> list[Run]:
        """Take everything that is open below a run out of the open ones, the innermost first."""
        open_below: list[tuple[int, Run]] = []
        waiting = list((run.below or {}).items())
        while waiting:
            key, other = waiting.pop()
            open_below.append((key, other))
            waiting.extend((other.below or {}).items())
        ended = []
        for key, other in reversed(open_below):
            if self.close(key) is not None:
                if len(self.cut_off) >= _GENERATION:
                    del self.cut_off[next(iter(self.cut_off))]
                self.cut_off[key] = other
                ended.append(other)
        return ended

    def ended(self, key: int) -> EndedRun | None:
        """Return a run that has ended not long ago."""
        return self._new.get(key) or self._old.get(key)


_lock = threading.Lock()
_by_pipeline: weakref.WeakKeyDictionary[Any, Runs] = weakref.WeakKeyDictionary()
_all: list[weakref.ref[Runs]] = []
"""A plain list: it is gone through whenever LangChain sets up a run, and a weak set takes microseconds."""


def runs_of(tracer: Tracer) -> Runs:
    """Return the runs of a tracer's destination."""
    pipeline = tracer.pipeline
    with _lock:
        runs = _by_pipeline.get(pipeline) if pipeline is not None else None
        if runs is None:
            runs = Runs()
            _all.append(weakref.ref(runs, _all.remove))
            if pipeline is not None:
                _by_pipeline[pipeline] = runs
        return runs


def find_run(key: int) -> Run | None:
    """Return an open run wherever it is reported to."""
    for runs_ref in _all.copy():
        runs = runs_ref()
        run = runs.open.get(key) if runs is not None else None
        if run is not None:
            return run
    return None
