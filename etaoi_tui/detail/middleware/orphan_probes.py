"""Gives marks that lost their parent to the graph node that sent them, where no other one can have.

Under asyncio the etaoi SDK forgets where it is once a run inside of a graph node has ended: the marks of
hooks that follow become roots of a trace that all runs share. Their time and their name is all that tells
where they belong. Every node that could have sent a mark is looked at; with two of them it stays unplaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf

from etaoi_collector.conventions import keys
from etaoi_collector.store.model import Span, SpanFlag, Trace
from etaoi_tui.detail.span_data import SpanData, as_text
from etaoi_tui.view.middleware.hooks import WRAP_HOOKS
from etaoi_tui.view.middleware.pairing import ProbePair, ProbePairing

_PROBE = int(SpanFlag.PROBE)
_SIBLINGS_READ = 400
_SPANS_LOOKED_AT = 40_000
_NODES_COMPARED = 200
_CAME_BACK = "it had lost its call; placed by its time: no other call came back then"
_WENT_DOWN = "it had lost its call; placed by its time: no other call was about to start then"
TOO_MANY = "the session has too many calls to look through"


@dataclass(slots=True)
class ProbeEvents:
    """The marks around the calls of one graph node.

    Attributes:
        chains: the hooks around each call, from the outermost, by the call's number.
        unplaced: marks that this node may have sent, and why that is not sure.
        asides: calls that a hook made for itself: its name, by the call's number.
        of_orphan: a call that each placed orphan is beside, by the orphan's number.
    """

    chains: dict[int, list[ProbePair]]
    unplaced: list[tuple[Span, str]] = field(default_factory=list)
    of_orphan: dict[int, Span] = field(default_factory=dict)
    asides: dict[int, str] = field(default_factory=dict)


def read_probe_events(data: SpanData, node: Span) -> ProbeEvents:
    """Read the marks that lie beside a node's calls, and those that lost it."""
    own = _Node(node)
    if not own.readable:
        return ProbeEvents({})
    orphans = _Orphans(data)
    if not orphans.spans or orphans.spans[0].started_at > own.end:
        own.read_until(inf, data)
        return ProbeEvents(own.brackets.chains, asides=own.brackets.asides)
    nodes = orphans.nodes_around(own)
    unplaced = _too_many(data, own, orphans) if nodes is None else _unplaced(data, own, nodes, orphans)
    own.read_until(inf, data)
    return ProbeEvents(own.brackets.chains, unplaced, _calls_beside(own), own.brackets.asides)


def node_of_orphan(data: SpanData) -> tuple[Span | None, str]:
    """Find the node that sent a mark without a parent; also says in words why, or why not."""
    orphan = data.span
    orphans = _Orphans(data)
    running = orphans.nodes_at(orphan.started_at)
    if running is None:
        return None, TOO_MANY
    if running:
        # All that run at one moment are compared with the same others.
        nodes = orphans.nodes_around(_Node(running[0]))
        if nodes is None:
            return None, TOO_MANY
        for span, down, fitting in _placed(data, nodes, orphans):
            if span is not orphan:
                continue
            if len(fitting) > 1:
                return None, _too_alike(fitting, down)
            if fitting:
                fitting[0].read_until(inf, data)
                call = _calls_beside(fitting[0]).get(orphan.number)
                if call is not None:
                    return call, "no other call fits its time"
    return None, "no call fits its time"


class _Node:
    """A graph node with calls: its marks, read as far as a moment."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.end = inf if span.ended_at is None else span.ended_at
        children = span.children or []
        self.readable = len(children) <= _SIBLINGS_READ
        self.items = children if self.readable else []
        self.at = 0
        self.brackets = ProbePairing()
        self.placed: list[tuple[Span, bool]] = []
        """The orphans it was given, and whether each went down."""
        self.calls: list[Span] = []

    def runs_at(self, moment: float) -> bool:
        return self.span.started_at <= moment <= self.end

    def read_until(self, moment: float, data: SpanData) -> None:
        while self.at < len(self.items) and self.items[self.at].started_at <= moment:
            span = self.items[self.at]
            self.at += 1
            if span.kind == "llm":
                self.calls.append(span)
                self.brackets.call(span)
            elif span.flags & _PROBE:
                mark = _read(data, span)
                if mark is None:
                    continue
                label, down = mark
                (self.brackets.down if down else self.brackets.up)(label, span)

    def may_have_sent(self, label: str, down: bool, at: float) -> bool:
        if down:
            return self.brackets.may_go_down(at)
        return self.brackets.may_return(label, at)


def _read(data: SpanData, span: Span) -> tuple[str, bool] | None:
    """Return (name, whether it went down) of a mark of a wrap hook; None for any other."""
    metadata = data.of(span).metadata
    if as_text(metadata.get(keys.LC_PROBE)) not in WRAP_HOOKS:
        return None
    label = as_text(metadata.get(keys.PROBE_LABEL)) or span.name
    return label, metadata.get(keys.PROBE_PHASE) == "pre_handler"


class _Orphans:
    """The marks without a parent in a call's session, and the nodes that may have sent them."""

    def __init__(self, data: SpanData) -> None:
        self.session = data.span.trace.session
        self.spans = [root for trace in self.session.traces for root in trace.roots if root.flags & _PROBE]
        self.spans.sort(key=lambda span: (span.started_at, span.number))
        self._nodes_in: dict[Trace, list[Span]] = {}
        self._looked_at = 0

    def nodes_at(self, moment: float) -> list[Span] | None:
        """Return the nodes with calls that ran at a moment; None if there is too much to look through."""
        return self._nodes(moment, moment)

    def nodes_around(self, own: _Node) -> list[_Node] | None:
        """Return every node that ran while this one did, or while one of those did, and so on."""
        begin, end = own.span.started_at, own.end
        while True:
            spans = self._nodes(begin, end)
            if spans is None or len(spans) > _NODES_COMPARED:
                return None
            first = min((span.started_at for span in spans), default=begin)
            last = max((inf if span.ended_at is None else span.ended_at for span in spans), default=end)
            if first >= begin and last <= end:
                return [own if span is own.span else _Node(span) for span in spans]
            begin, end = min(begin, first), max(end, last)

    def _nodes(self, begin: float, end: float) -> list[Span] | None:
        spans: list[Span] = []
        for trace in self.session.traces:
            if (
                not trace.model_calls
                or trace.started_at > end
                or (trace.ended_at < begin and not trace.running)
            ):
                continue
            nodes = self._nodes_in.get(trace)
            if nodes is None:
                self._looked_at += len(trace.spans)
                if self._looked_at > _SPANS_LOOKED_AT:
                    return None
                nodes = self._nodes_in[trace] = _nodes_with_calls(trace)
            spans += (
                node
                for node in nodes
                if node.started_at <= end and (node.ended_at is None or node.ended_at >= begin)
            )
        return list(dict.fromkeys(spans))


def _nodes_with_calls(trace: Trace) -> list[Span]:
    nodes = (span.parent for span in trace.spans if span.kind == "llm")
    return list(dict.fromkeys(node for node in nodes if node is not None and not node.flags & _PROBE))


def _too_many(data: SpanData, own: _Node, orphans: _Orphans) -> list[tuple[Span, str]]:
    return [
        (orphan, TOO_MANY)
        for orphan in orphans.spans
        if own.runs_at(orphan.started_at) and _read(data, orphan) is not None
    ]


def _unplaced(data: SpanData, own: _Node, nodes: list[_Node], orphans: _Orphans) -> list[tuple[Span, str]]:
    """Give orphans to nodes; return those that this one may have sent, and why that is not sure."""
    return [
        (orphan, _too_alike(fitting, down))
        for orphan, down, fitting in _placed(data, nodes, orphans)
        if len(fitting) > 1 and own in fitting
    ]


def _too_alike(fitting: list[_Node], down: bool) -> str:
    doing = "were about to start" if down else "came back"
    return f"it names no call, and {len(fitting)} calls {doing} around that time"


def _placed(
    data: SpanData, nodes: list[_Node], orphans: _Orphans
) -> Iterator[tuple[Span, bool, list[_Node]]]:
    """Yield each orphan, whether it went down, and the nodes that may have sent it; a single one gets it."""
    begin = min((node.span.started_at for node in nodes), default=inf)
    end = max((node.end for node in nodes), default=-inf)
    for orphan in orphans.spans:
        at = orphan.started_at
        if not begin <= at <= end:
            continue
        mark = _read(data, orphan)
        if mark is None:
            continue
        label, down = mark
        fitting = _fitting(data, nodes, label, down, at)
        if len(fitting) == 1:
            _give(fitting[0], orphan, label, down)
        yield orphan, down, fitting


def _fitting(data: SpanData, nodes: Iterable[_Node], label: str, down: bool, at: float) -> list[_Node]:
    result = []
    for node in nodes:
        if node.runs_at(at):
            node.read_until(at, data)
            if node.may_have_sent(label, down, at):
                result.append(node)
    return result


def _give(node: _Node, orphan: Span, label: str, down: bool) -> None:
    if down:
        node.brackets.down(label, orphan, _WENT_DOWN)
    else:
        node.brackets.up(label, orphan, _CAME_BACK)
    node.placed.append((orphan, down))


def _calls_beside(node: _Node) -> dict[int, Span]:
    """Name a call for each orphan: the one that it led to, or that it came back from."""
    result = {}
    for orphan, down in node.placed:
        at = orphan.started_at
        if down:
            call = next((c for c in node.calls if c.started_at >= at), None)
        else:
            call = next((c for c in reversed(node.calls) if c.started_at <= at), None)
        if call is not None:
            result[orphan.number] = call
    return result
