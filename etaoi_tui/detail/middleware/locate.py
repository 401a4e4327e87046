"""Finds the middleware of a model call in the tree, in every shape that SDKs record it.

Our SDK nests a span per hook around the call. The etaoi SDK sends two marks per hook as siblings of the call,
one before it went down and one after it came back; under asyncio some of them lose their parent, see
`etaoi_tui.detail.middleware.orphan_probes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etaoi_collector.conventions import keys
from etaoi_collector.projections.payload_reader import Missing
from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.middleware.orphan_probes import node_of_orphan, read_probe_events
from etaoi_tui.detail.span_data import SpanData, as_map, as_text, payload_fields, seconds
from etaoi_tui.view.middleware.hooks import AFTER_HOOKS, BEFORE_HOOKS, WRAP_HOOKS, hook_name
from etaoi_tui.view.middleware.pairing import ProbePair
from etaoi_tui.view.neighbouring_calls import node_of, siblings_after, siblings_before

_PROBE = int(SpanFlag.PROBE)


@dataclass(slots=True)
class LocatedHooks:
    """Everything that ran around one call."""

    before: list[Span]
    """Graph nodes of state hooks in front of the call, in order."""
    wraps: list[ProbePair]
    """From the outermost to the innermost."""
    after: list[Span]
    """Graph nodes of state hooks behind the call, in order."""
    unplaced: list[tuple[Span, str]]
    """Marks that may belong to the call, and why that is not sure."""
    node: Span | None
    made_by: str = ""
    """The hook that made the call for itself; then nothing else is told here."""


def hooks_of(data: SpanData) -> LocatedHooks:
    """Find what ran around a model call."""
    call = data.span
    node = node_of(call)
    made_by = _calling_hook(data)
    wraps = _nested(call)
    unplaced: list[tuple[Span, str]] = []
    if not wraps and not made_by:
        wraps, unplaced, made_by = _siblings(data)
    if made_by:
        return LocatedHooks([], [], [], [], None, made_by)
    state_hooks = _state_nodes(siblings_before(node), BEFORE_HOOKS)[::-1] if node is not None else []
    after = _state_nodes(siblings_after(node), AFTER_HOOKS) if node is not None else []
    return LocatedHooks(state_hooks, wraps, after, unplaced, node)


def _nested(call: Span) -> list[ProbePair]:
    pairs: list[ProbePair] = []
    above = call.parent
    while above is not None and above.flags & _PROBE and hook_name(above) in WRAP_HOOKS:
        inside = sum(child.kind == "llm" for child in above.children or ())
        pairs.append(ProbePair(above, above, True, calls_inside=inside))
        above = above.parent
    pairs.reverse()
    return pairs


def _state_nodes(spans: Iterator[Span], hooks: tuple[str, ...]) -> list[Span]:
    result = []
    for span in spans:
        if span.kind != "middleware" or hook_name(span) not in hooks:
            break
        result.append(span)
    return result


def _calling_hook(data: SpanData) -> str:
    """Name the hook that made a call for itself, where the tree shows it; empty if none did."""
    call = data.span
    above, direct = call.parent, True
    while above is not None and above.kind == "middleware":
        hook = hook_name(above)
        if hook in BEFORE_HOOKS or hook in AFTER_HOOKS:
            return above.name
        if above.flags & _PROBE and hook in WRAP_HOOKS:
            return "" if direct and _passed_on(data.of(above), call) else above.name
        above, direct = above.parent, False
    return ""


def _passed_on(probe: SpanData, call: Span) -> bool:
    """Whether a hook had called the rest of the chain when a call right inside of it began."""
    sent = [
        seconds(delta.get("timestamp"))
        for delta in probe.deltas
        if not isinstance(delta, Missing) and payload_fields(delta).get(keys.PROBE_PHASE) == "pre_handler"
    ]
    gaps = probe.deltas_left_out or any(isinstance(delta, Missing) for delta in probe.deltas)
    return bool(gaps) or any(at is None or at <= call.started_at for at in sent)


def _siblings(data: SpanData) -> tuple[list[ProbePair], list[tuple[Span, str]], str]:
    """Read the marks beside a call, and tell which of those that lost their place may be its own."""
    call = data.span
    if call.parent is None or not call.parent.children:
        return [], [], ""
    marks = read_probe_events(data, call.parent)
    if call.number in marks.asides:
        return [], [], marks.asides[call.number]
    wraps = marks.chains.get(call.number, [])
    open_hooks = {wrap.down.name for wrap in wraps if wrap.up is None}
    previous_end = _previous_end(call)
    unplaced = [
        (orphan, why)
        for orphan, why in marks.unplaced
        if (orphan.started_at <= call.started_at and orphan.started_at >= previous_end)
        or (orphan.name in open_hooks and call.ended_at is not None and orphan.started_at >= call.ended_at)
    ]
    return wraps, unplaced, ""


def _previous_end(call: Span) -> float:
    """Return when the call before this one in its node ended, or when the node began."""
    previous_call = next((span for span in siblings_before(call) if span.kind == "llm"), None)
    if previous_call is not None and previous_call.ended_at is not None:
        return previous_call.ended_at
    return call.parent.started_at if call.parent is not None else call.started_at


def call_of_orphan(data: SpanData) -> tuple[Span | None, str]:
    """Find the call that a mark without a parent belongs to.

    Returns:
        The call, or None; and why, in words.
    """
    return node_of_orphan(data)


def is_orphan(data: SpanData) -> bool:
    """Whether a span is a wrap hook's mark without a parent."""
    span = data.span
    return (
        span.parent is None
        and bool(span.flags & _PROBE)
        and as_text(as_map(data.metadata).get("lc_probe")) in WRAP_HOOKS
    )
