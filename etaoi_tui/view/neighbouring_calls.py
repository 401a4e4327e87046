"""The model calls around a call: those of the same agent, before it and after it.

Walks from the call outwards, so that the cost follows what is found and not what was recorded; every walk has
a bound, and says so when it stopped there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from operator import attrgetter

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.view.middleware.pairing import bracket_of

_order = attrgetter("started_at", "number")

_INNER = int(SpanFlag.INTERNAL) | int(SpanFlag.PROBE)

SPANS_WALKED = 20_000
"""Spans that one look backwards passes at most."""

JUST_BEFORE = "the agent's call before"

CALLS_COLLECTED = 400
"""Calls of an agent that are drawn in one line at most; the newest."""


def run_of(call: Span) -> Span:
    """Return the agent's run that a span belongs to: the nearest ancestor that is no inner step."""
    above = call.parent
    outermost = call
    while above is not None:
        outermost = above
        if above.kind == "sub_agent" or not above.flags & _INNER:
            return above
        above = above.parent
    return outermost


def surroundings_version(call: Span) -> int:
    """Number what a call's pages show of the spans around it: its middleware, and the steps of its agent."""
    version = 0
    above = call.parent
    if call.kind == "tool":
        while above is not None and above.flags & SpanFlag.PROBE:
            version += above.version
            above = above.parent
        return version
    if call.kind != "llm":
        return 0
    while above is not None:
        version += above.version
        if above.kind == "sub_agent" or not above.flags & _INNER:
            version += len(above.children or ())
            break
        above = above.parent
    return version


def node_of(call: Span) -> Span | None:
    """Return the graph's node in which a call ran: the step of its agent's run, outside its middleware."""
    below, above = call, call.parent
    while above is not None:
        if above.kind == "sub_agent" or not above.flags & _INNER:
            break
        below, above = above, above.parent
    return (
        below
        if below is not call and below.kind == "middleware" and not below.flags & SpanFlag.PROBE
        else None
    )


def siblings_before(span: Span) -> Iterator[Span]:
    """Yield a span's earlier siblings, the nearest first."""
    siblings = _siblings(span)
    for at in range(bisect_left(siblings, _order(span), key=_order) - 1, -1, -1):
        yield siblings[at]


def siblings_after(span: Span) -> Iterator[Span]:
    """Yield a span's later siblings, the nearest first."""
    siblings = _siblings(span)
    for at in range(bisect_left(siblings, _order(span), key=_order), len(siblings)):
        if siblings[at] is not span:
            yield siblings[at]


def previous_call(call: Span) -> tuple[Span | None, str]:
    """Return the agent's call before this one, and in words where it was found."""
    run = run_of(call)
    budget = [SPANS_WALKED]
    previous = _beside(call, run, budget, siblings_before)
    if previous is not None:
        return previous, JUST_BEFORE
    if budget[0] <= 0:
        return None, "the call before is too far back to look for"
    for earlier in runs_before(run, budget):
        previous = _last_call(earlier, budget, inside=True)
        if previous is not None:
            return previous, "the last call of this agent's run before"
    return None, "the agent's first call"


def calls_of(run: Span, most: int = CALLS_COLLECTED) -> list[Span]:
    """Return the newest calls of an agent's run in order, those of agents inside it left out."""
    spans: list[Span] = []
    stack = list(run.children or ())
    spans_read = 0
    while stack and len(spans) < most and spans_read < SPANS_WALKED:
        span = stack.pop()
        spans_read += 1
        if span.kind == "llm":
            spans.append(span)
        elif span.kind != "sub_agent" and span.children:
            stack += span.children
    spans.reverse()
    return spans


def runs_before(run: Span, budget: list[int]) -> Iterator[Span]:
    """Yield earlier runs of the same agent in the session, the newest first."""
    same = run.name, run.kind
    if run.parent is not None:
        for sibling in siblings_before(run):
            budget[0] -= 1
            if budget[0] <= 0:
                return
            if (sibling.name, sibling.kind) == same:
                yield sibling
    traces = run.trace.session.traces
    for trace in reversed(traces):
        budget[0] -= 1
        if budget[0] <= 0:
            return
        if trace.number >= run.trace.number:
            continue
        for candidate in reversed(trace.roots[-16:] if run.parent is None else trace.spans):
            budget[0] -= 1
            if budget[0] <= 0:
                return
            if (candidate.name, candidate.kind) == same and candidate.started_at <= run.started_at:
                yield candidate


def call_near(span: Span) -> Span | None:
    """Return the model call that a row is about.

    That is a call itself; the newest one that middleware ran around, or an agent made; of a hook that names
    none, the agent's next call; of everything else the agent's call before it, which asked for it.
    """
    if span.kind == "llm":
        return span
    beside = bracket_of(span).calls if span.kind == "middleware" and span.flags & SpanFlag.PROBE else []
    nearest = next(iter([*calls_of(span, 1)[-1:], *beside[-1:]]), None)
    budget = [SPANS_WALKED]
    if nearest is None:
        nearest = _last_call(span, budget, inside=True)
    ways = (siblings_before, siblings_after)
    for way in reversed(ways) if span.kind == "middleware" else ways:
        if nearest is None:
            nearest = _beside(span, run_of(span), budget, way)
    return nearest


def _beside(span: Span, run: Span, budget: list[int], way: Callable[[Span], Iterator[Span]]) -> Span | None:
    """Return the nearest call of a run before or after a span."""
    below = span
    while below is not run:
        for sibling in way(below):
            nearest = _last_call(sibling, budget)
            if nearest is not None or budget[0] <= 0:
                return nearest
        if below.parent is None:
            break
        below = below.parent
    return None


def _last_call(span: Span, budget: list[int], *, inside: bool = False) -> Span | None:
    stack = [span]
    while stack and budget[0] > 0:
        current = stack.pop()
        budget[0] -= 1
        if current.kind == "llm":
            return current
        if (current.kind != "sub_agent" or (inside and current is span)) and current.children:
            stack += current.children
    return None


def _siblings(span: Span) -> list[Span]:
    if span.parent is not None:
        return span.parent.children or []
    return span.trace.roots
