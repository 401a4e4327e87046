"""Finds the middleware of a model call in the tree, in every shape that SDKs record it.

Our SDK nests a span per hook around the call. The etaoi SDK sends two marks per hook as siblings of the call,
one before it went down and one after it came back; under asyncio the second loses its parent and ends up as a
root of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etaoi_collector.model import Mark, Span
from etaoi_tui.detail.calls import node_of, siblings_after, siblings_before
from etaoi_tui.detail.evidence import Evidence, as_map, as_text

WRAP_HOOKS = ("wrap_model_call", "awrap_model_call")
BEFORE_HOOKS = ("before_model", "before_agent", "abefore_model", "abefore_agent")
AFTER_HOOKS = ("after_model", "after_agent", "aafter_model", "aafter_agent")

_PROBE = int(Mark.PROBE)
_SIBLINGS_READ = 400
_ROOTS_LOOKED_AT = 2_000
_CALLS_LOOKED_AT = 20_000


@dataclass(slots=True)
class Wrap:
    """One wrap hook around a call.

    Attributes:
        down: The span that tells what it was given and sent down.
        up: The span that tells what it returned: the same one under our SDK; None if it is not known.
        nested: True under our SDK.
        placed: How the second mark was found, where it had lost its parent.
    """

    down: Span
    up: Span | None
    nested: bool
    placed: str = ""


@dataclass(slots=True)
class Hooks:
    """Everything that ran around one call."""

    before: list[Span]
    """Graph nodes of state hooks in front of the call, in order."""
    wraps: list[Wrap]
    """From the outermost to the innermost."""
    after: list[Span]
    """Graph nodes of state hooks behind the call, in order."""
    unplaced: list[tuple[Span, str]]
    """Marks that may belong to the call, and why that is not sure."""
    node: Span | None


def hooks_of(evidence: Evidence) -> Hooks:
    """Find what ran around a model call."""
    call = evidence.span
    node = node_of(call)
    wraps = _nested(call)
    unplaced: list[tuple[Span, str]] = []
    if not wraps:
        wraps, unplaced = _siblings(evidence)
    before = _state_nodes(siblings_before(node), BEFORE_HOOKS)[::-1] if node is not None else []
    after = _state_nodes(siblings_after(node), AFTER_HOOKS) if node is not None else []
    return Hooks(before, wraps, after, unplaced, node)


def hook_name(span: Span) -> str:
    """Return the hook that a span's name ends with."""
    return span.name.rpartition(".")[2]


def _nested(call: Span) -> list[Wrap]:
    found: list[Wrap] = []
    above = call.parent
    while above is not None and above.marks & _PROBE and hook_name(above) in WRAP_HOOKS:
        found.append(Wrap(above, above, True))
        above = above.parent
    found.reverse()
    return found


def _state_nodes(spans: Iterator[Span], hooks: tuple[str, ...]) -> list[Span]:
    found = []
    for span in spans:
        if span.kind != "middleware" or hook_name(span) not in hooks:
            break
        found.append(span)
    return found


@dataclass(slots=True)
class _Open:
    """A mark that went down and has not come back."""

    label: str
    down: Span
    call_since: bool
    wraps: list[Wrap]
    """The hook in the chain of each call that ran below it."""


def _siblings(evidence: Evidence) -> tuple[list[Wrap], list[tuple[Span, str]]]:
    """Read the marks beside a call as brackets: what is open when the call starts is its chain."""
    call = evidence.span
    if call.parent is None:
        return [], []
    siblings = call.parent.children or []
    if len(siblings) > _SIBLINGS_READ:
        return [], []
    stack: list[_Open] = []
    mine: list[Wrap] = []
    for span in siblings:
        if span.kind == "llm":
            for entry in stack:
                entry.call_since = True
                if span is call:
                    wrap = Wrap(entry.down, None, False)
                    mine.append(wrap)
                    entry.wraps.append(wrap)
            continue
        if not span.marks & _PROBE:
            continue
        metadata = evidence.of(span).metadata
        if as_text(metadata.get("lc_probe")) not in WRAP_HOOKS:
            continue
        label = as_text(metadata.get("probe_label")) or span.name
        at = next((n for n in range(len(stack) - 1, -1, -1) if stack[n].label == label), None)
        if metadata.get("probe_phase") == "pre_handler":
            if at is not None and stack[at].call_since:
                del stack[at:]  # it calls its handler once more
            stack.append(_Open(label, span, False, []))
        elif at is not None:
            for wrap in stack[at].wraps:
                wrap.up = span
            del stack[at:]
    unplaced: list[tuple[Span, str]] = []
    if any(wrap.up is None for wrap in mine) and call.ended_at is not None:
        unplaced = _place_orphans(evidence, mine)
    return mine, unplaced


def _place_orphans(evidence: Evidence, wraps: list[Wrap]) -> list[tuple[Span, str]]:
    """Give marks that lost their parent to this call, where no other call can have sent them."""
    call = evidence.span
    until = call.parent.ended_at if call.parent is not None else None
    unplaced: list[tuple[Span, str]] = []
    begin = call.ended_at or 0.0
    for orphan in _orphans(call, begin, until):
        metadata = evidence.of(orphan).metadata
        label = as_text(metadata.get("probe_label")) or orphan.name
        wanted = next((w for w in reversed(wraps) if w.up is None and w.down.name == label), None)
        if wanted is None:
            continue
        context = "agent.context_id"
        if metadata.get(context) and metadata.get(context) != evidence.metadata.get(
            context, metadata[context]
        ):
            continue
        others = _calls_returning_at(call, orphan.started_at)
        if others is None:
            unplaced.append((orphan, "the session has too many calls to look through"))
        elif others:
            told = f"{len(others) + 1} calls came back around that time"
            unplaced.append((orphan, f"it names no call, and {told}"))
        else:
            wanted.up = orphan
            wanted.placed = "it had lost its call; placed by its time: no other call came back then"
    return unplaced


def _orphans(call: Span, begin: float, until: float | None) -> list[Span]:
    found: list[Span] = []
    seen = 0
    for trace in reversed(call.trace.session.traces):
        if trace.ended_at < begin or (until is not None and trace.started_at > until):
            continue
        for root in trace.roots:
            seen += 1
            if seen > _ROOTS_LOOKED_AT:
                return found
            if (
                root.marks & _PROBE
                and begin <= root.started_at
                and (until is None or root.started_at <= until)
            ):
                found.append(root)
    found.sort(key=lambda span: (span.started_at, span.number))
    return found


def _calls_returning_at(call: Span, at: float) -> list[Span] | None:
    """Return the other calls whose hooks may have been running at a moment; None if there are too many."""
    found = []
    seen = 0
    for trace in call.trace.session.traces:
        if trace.started_at > at or trace.ended_at < at:
            continue
        for span in trace.members:
            seen += 1
            if seen > _CALLS_LOOKED_AT:
                return None
            if span.kind != "llm" or span is call or span.ended_at is None or span.ended_at > at:
                continue
            parent = span.parent
            if parent is not None and (parent.ended_at is None or parent.ended_at >= at):
                found.append(span)
    return found


def call_of_orphan(evidence: Evidence) -> tuple[Span | None, str]:
    """Find the call that a mark without a parent belongs to.

    Returns:
        The call, or None; and why, in words.
    """
    orphan = evidence.span
    candidates = []
    seen = 0
    for trace in orphan.trace.session.traces:
        if trace.started_at > orphan.started_at or trace.ended_at < orphan.started_at:
            continue
        for span in trace.members:
            seen += 1
            if seen > _CALLS_LOOKED_AT:
                return None, "the session has too many calls to look through"
            if span.kind == "llm" and span.ended_at is not None and span.ended_at <= orphan.started_at:
                parent = span.parent
                if parent is not None and (parent.ended_at is None or parent.ended_at >= orphan.started_at):
                    candidates.append(span)
    if not candidates:
        return None, "no call was coming back at that time"
    if len(candidates) > 1:
        return None, f"it names no call, and {len(candidates)} calls came back around that time"
    return candidates[0], "the only call that was coming back at that time"


def is_orphan(evidence: Evidence) -> bool:
    """Whether a span is a wrap hook's mark without a parent."""
    span = evidence.span
    return (
        span.parent is None
        and bool(span.marks & _PROBE)
        and as_text(as_map(evidence.metadata).get("lc_probe")) in WRAP_HOOKS
    )
