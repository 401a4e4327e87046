"""The call at the same step of the run before: by its path from the root, then by what is most like it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from etaoi_collector.store.model import Span
from etaoi_tui.view.neighbouring_calls import (
    SPANS_WALKED,
    calls_of,
    node_of,
    run_of,
    runs_before,
    siblings_before,
)


def same_step(call: Span) -> tuple[Span | None, str]:
    """Return the call at the same step of the agent's run before this one, and in words which it is.

    A step is the n-th visit of a graph node, so that a retry does not shift those behind it; without a graph
    it is the n-th call.
    """
    budget = [SPANS_WALKED]
    run = run_of(call)
    mine = _steps(run, node_of(call))
    index = next((n for n, step in enumerate(mine) if call in step), None)
    if index is None:
        return None, "the run has too many steps to count"
    for earlier in chain(_at_same_place(run, budget), runs_before(run, budget)):
        theirs = [step for step in _steps(earlier, node_of(call)) if step]
        if not theirs:
            continue
        attempt = mine[index].index(call)
        step = theirs[min(index, len(theirs) - 1)]
        which_step = f"step {index + 1} of the run before"
        if index >= len(theirs):
            which_step = f"the run before has no step {index + 1}: this is its last, {len(theirs)}"
        return step[min(attempt, len(step) - 1)], which_step
    return None, "this agent has no run before this one"


def _steps(run: Span, node: Span | None) -> list[list[Span]]:
    """Return a run's calls by its visits to a graph node; each call by itself where there is no graph."""
    if node is None:
        return [[call] for call in calls_of(run)]
    visits = [
        child
        for child in (run.children or ())[:SPANS_WALKED]
        if (child.name, child.kind) == (node.name, node.kind)
    ]
    return [calls_of(visit) for visit in visits]


def _at_same_place(run: Span, budget: list[int]) -> Iterator[Span]:
    """Yield the runs that an agent inside others had at its place in earlier runs of the outermost one."""
    if run.parent is None:
        return
    path: list[tuple[str, str, int]] = []
    root = run
    while root.parent is not None:
        path.append((root.name, root.kind, _ordinal(root, budget)))
        root = root.parent
    path.reverse()
    for earlier in runs_before(root, budget):
        counterpart = _follow(earlier, path, budget) or _most_alike(earlier, path, budget)
        if counterpart is not None:
            yield counterpart


def _ordinal(span: Span, budget: list[int]) -> int:
    """Count a span's earlier siblings of its name and kind."""
    ordinal = 0
    for sibling in siblings_before(span):
        budget[0] -= 1
        if budget[0] <= 0:
            break
        ordinal += (sibling.name, sibling.kind) == (span.name, span.kind)
    return ordinal


def _follow(root: Span, path: list[tuple[str, str, int]], budget: list[int]) -> Span | None:
    """Go down a path from another root; None where it does not lead on."""
    span = root
    for name, kind, ordinal in path:
        remaining = ordinal
        for child in span.children or ():
            budget[0] -= 1
            if budget[0] <= 0:
                return None
            if (child.name, child.kind) == (name, kind):
                if remaining == 0:
                    span = child
                    break
                remaining -= 1
        else:
            return None
    return span


def _most_alike(root: Span, path: list[tuple[str, str, int]], budget: list[int]) -> Span | None:
    """Return the run of the same agent below a root whose path has most in common with another; the first."""
    wanted = [(name, kind) for name, kind, _ in path]
    best, best_span = -1, None
    stack: list[tuple[Span, int, bool]] = [(root, 0, True)]
    while stack and budget[0] > 0:
        span, common, on_path = stack.pop()
        budget[0] -= 1
        if span is not root and (span.name, span.kind) == wanted[-1] and common > best:
            best, best_span = common, span
        for child in reversed(span.children or ()):
            follows = on_path and common < len(wanted) and (child.name, child.kind) == wanted[common]
            stack.append((child, common + follows, follows))
    return best_span
