"""What traces, sessions, models, agents and single spans came to, kept up to date from what changes.

A trace is priced when somebody first asks for it, and the spans of a tree get sums when somebody first asks
for one of them; from then on `Totals.apply` costs what changed and not what was recorded. It stands here and
not in the viewer because JSON, ``tail`` and the bus tell the same sums. Whoever folds a store has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

import msgspec

from etaoi_collector.pricing.total import Total, prices_ready, total_of_call
from etaoi_collector.store.model import Changes, Session, Span, Trace

AGENT = "sub_agent"
"""The kind of span that an agent's run is."""


_Passed = dict[Span, tuple[Total, Total | None]]
"""What is to be added to spans and to all above them: in all, and the part that agents below had."""


class SpanTotals(msgspec.Struct, frozen=True):
    """What a span came to.

    Attributes:
        own: Its own model calls: all at and below it but for those of agents below.
        below: Those of the agents below it; of a model call, the calls inside it.
        together: Both.
    """

    own: Total
    below: Total
    together: Total


class _Call(msgspec.Struct, gc=False, eq=False):
    """What a counted model call added to which sums."""

    total: Total
    model: str
    agent: str
    parent: Span | None = None
    """The span whose sums it is in; None while it is in those of its trace only."""


class _Node:
    """The sums of a span with model calls below it."""

    __slots__ = ("agents", "is_agent", "parent", "together")

    def __init__(self, span: Span) -> None:
        self.parent = span.parent
        self.is_agent = span.kind == AGENT
        self.together = Total()
        """All model calls below it."""
        self.agents: Total | None = None
        """Those of agents below it; None while there are none."""

    def add(self, together: Total, agents: Total | None, sign: int = 1) -> None:
        self.together.add(together, sign)
        if agents is not None:
            if self.agents is None:
                self.agents = Total()
            self.agents.add(agents, sign)

    @property
    def of_agents(self) -> Total | None:
        """What of it the span above counts as its agents': all of it, if this is one."""
        return self.together if self.is_agent else self.agents


class _Parts:
    """The sums of one trace by what its calls have in common.

    Attributes:
        models: Sums by model; a call without a known model stands under its name.
        agents: Sums by the name of the agent that called; "" where nothing tells.
    """

    __slots__ = ("agents", "models")

    def __init__(self, calls: Iterable[_Call]) -> None:
        self.models: dict[str, Total] = {}
        self.agents: dict[str, Total] = {}
        for call in calls:
            self.count(call, 1)

    def count(self, call: _Call, sign: int) -> None:
        """Add a call to the sums, or take it away."""
        for sums, key in ((self.models, call.model), (self.agents, call.agent)):
            total = sums.get(key)
            if total is None:
                total = sums[key] = Total()
            total.add(call.total, sign)
            if not total:
                del sums[key]


class _Ledger:
    """The sums of one trace.

    Attributes:
        total: All its model calls.
        calls: What each added.
        in_tree: Whether spans have sums of their own.
    """

    __slots__ = ("_parts", "calls", "in_tree", "total")

    def __init__(self) -> None:
        self.total = Total()
        self.calls: dict[Span, _Call] = {}
        self._parts: _Parts | None = None
        self.in_tree = False

    @property
    def parts(self) -> _Parts:
        """The sums by model and agent, kept from the first question on: most runs show the total only."""
        if self._parts is None:
            self._parts = _Parts(self.calls.values())
        return self._parts

    def count(self, call: _Call, sign: int) -> None:
        """Add a call to the sums, or take it away."""
        self.total.add(call.total, sign)
        if self._parts is not None:
            self._parts.count(call, sign)


class Totals:
    """The sums of one store.

    Args:
        wait: Load prices at once, which takes half a second; else calls have no price until they are there.
    """

    def __init__(self, *, wait: bool = False) -> None:
        self._wait = wait
        self._ledgers: dict[Trace, _Ledger] = {}
        self._sessions: dict[Session, Total] = {}
        self._nodes: dict[Span, _Node] = {}
        self._prices_known = prices_ready()
        self.version = 0
        """Grows whenever any sum may have changed."""

    # questions

    def of_trace(self, trace: Trace) -> Total:
        """Return what the model calls of a trace came to."""
        return self._ledger(trace).total

    def of_run(self, trace: Trace) -> Total:
        """Return what a trace came to with the traces that hang in its tree: the turns of a voice session."""
        if not trace.hung:
            return self.of_trace(trace)
        total = Total()
        for one in tree_of(trace):
            total.add(self.of_trace(one))
        return total

    def of_session(self, session: Session) -> Total:
        """Return what all traces of a session came to."""
        total = self._sessions.get(session)
        if total is None:
            total = Total()
            for trace in session.traces:
                total.add(self._ledger(trace).total)
            self._sessions[session] = total
        return total

    def by_model(self, trace: Trace) -> Mapping[str, Total]:
        """Return what a trace came to, by model."""
        return self._ledger(trace).parts.models

    def by_agent(self, trace: Trace) -> Mapping[str, Total]:
        """Return what a trace came to, by the name of the agent that called; "" where nothing tells."""
        return self._ledger(trace).parts.agents

    def of_span(self, span: Span) -> SpanTotals | None:
        """Return what a span and everything below it came to; None if no model call is there."""
        if not self._ledger(span.trace).in_tree:
            self._take_tree(span.trace)
        node = self._nodes.get(span)
        call = self._ledger(span.trace).calls.get(span)
        if call is not None:
            below = node.together if node is not None else Total()
            together = call.total.without(Total())
            together.add(below)
            return SpanTotals(call.total, below, together)
        if node is None or not node.together:
            return None
        below = node.agents or Total()
        return SpanTotals(node.together.without(below), below, node.together)

    def of_call(self, span: Span) -> Total | None:
        """Return what a model call itself came to; None if it reports no usage, or is none."""
        call = self._ledger(span.trace).calls.get(span)
        return call.total if call is not None else None

    def below(self, span: Span) -> Total | None:
        """Return what all model calls below a span came to; None if there are none."""
        if not self._ledger(span.trace).in_tree:
            self._take_tree(span.trace)
        node = self._nodes.get(span)
        return node.together if node is not None else None

    @property
    def prices_known(self) -> bool:
        """Whether prices were there at the last look; until then no call has one."""
        return self._prices_known

    # what changes

    def apply(self, changes: Changes) -> None:
        """Take in what changed in the store."""
        ready = prices_ready()
        if ready != self._prices_known:
            self._prices_known = ready
            self._price_again()
        ledgers, nodes = self._ledgers, self._nodes
        if self._sessions:
            for trace in changes.traces:
                if trace.session in self._sessions and trace not in ledgers:
                    self._ledger(trace)
        if not ledgers:
            return
        self._move(
            span
            for span in chain(changes.moved, changes.changed)
            if span in nodes or (span.usage is not None and span.trace in ledgers)
        )
        counted: dict[Span, None] = {}
        for span in chain(changes.added, changes.changed):
            if span.usage is not None and span.trace in ledgers:
                counted[span] = None
        if counted:
            self._count(counted)
        for span in chain(changes.added, changes.moved):
            above = span.parent
            if above is not None and above.trace is not span.trace:
                ledger = ledgers.get(above.trace)
                if ledger is not None and ledger.in_tree:
                    self._take_tree(span.trace)
        for trace in changes.restructured:
            if trace in ledgers and not trace.spans:
                self._drop(trace)

    def _price_again(self) -> None:
        self.version += 1
        for ledger in self._ledgers.values():
            self._count(ledger.calls)

    def _ledger(self, trace: Trace) -> _Ledger:
        ledger = self._ledgers.get(trace)
        if ledger is None:
            ledger = self._ledgers[trace] = _Ledger()
            self._count(trace.calls)
        return ledger

    def _count(self, spans: Iterable[Span]) -> None:
        """Count calls of known traces anew, wherever they are counted."""
        passed: _Passed = {}
        for span in list(spans):
            ledger = self._ledgers[span.trace]
            session = self._sessions.get(span.trace.session)
            previous = ledger.calls.get(span)
            after = _Call(total_of_call(span, wait=self._wait), span.model or span.name, span.agent or "")
            change = after.total
            if previous is not None:
                ledger.count(previous, -1)
                change = after.total.without(previous.total)
                after.parent = previous.parent
            elif ledger.in_tree:
                after.parent = span.parent
            ledger.calls[span] = after
            ledger.count(after, 1)
            if session is not None:
                session.add(change)
            if after.parent is not None:
                _pass(passed, after.parent, change, None)
        self.version += 1
        self._add_above(passed)

    def _take_tree(self, trace: Trace) -> None:
        """Give the spans of a trace, and of those that hang in it, sums of their own."""
        passed: _Passed = {}
        for one in tree_of(trace):
            ledger = self._ledger(one)
            if ledger.in_tree:
                continue
            ledger.in_tree = True
            for span, call in ledger.calls.items():
                call.parent = span.parent
                if call.parent is not None:
                    _pass(passed, call.parent, call.total, None)
        self._add_above(passed)

    def _move(self, spans: Iterable[Span]) -> None:
        """Take spans that hang elsewhere, or came to be an agent, from the sums above, and add them anew."""
        moved: dict[Span, tuple[_Node | None, _Call | None]] = {}
        for span in spans:
            node = self._nodes.get(span)
            ledger = self._ledgers.get(span.trace)
            call = ledger.calls.get(span) if ledger is not None and ledger.in_tree else None
            if (call is not None and call.parent is not span.parent) or (
                node is not None and (node.parent, node.is_agent) != (span.parent, span.kind == AGENT)
            ):
                moved[span] = node, call
        if not moved:
            return
        # All are taken away before any is added: old and new links together could form a ring.
        passed = _passed_up(moved.values(), -1)
        for node, call in moved.values():
            if node is not None:
                node.parent = None
            if call is not None:
                call.parent = None
        self._add_above(passed)
        for span, (node, call) in moved.items():
            if node is not None:
                node.parent, node.is_agent = span.parent, span.kind == AGENT
            if call is not None:
                call.parent = span.parent
        self._add_above(_passed_up(moved.values(), 1))
        self.version += 1

    def _add_above(self, passed: _Passed) -> None:
        """Add sums to spans and to all above them, each once, those below before those above.

        Args:
            passed: What is added to a span itself: all of it, and the part that agents below it had.
        """
        nodes = self._nodes
        waiting: dict[Span, int] = {}
        """Spans by how many of those right below them are still to be added up."""
        for span in passed:
            at: Span | None = span
            while at is not None and at not in waiting:
                waiting[at] = 0
                node = nodes.get(at)
                if node is None:
                    node = nodes[at] = _Node(at)
                at = node.parent
        for span in waiting:
            above = nodes[span].parent
            if above is not None:
                waiting[above] += 1
        ready = [span for span, below in waiting.items() if not below]
        while ready:
            span = ready.pop()
            node = nodes[span]
            together, agents = passed.pop(span)
            node.add(together, agents)
            if not node.together:
                del nodes[span]
            above = node.parent
            if above is not None:
                _pass(passed, above, together, together if node.is_agent else agents)
                waiting[above] -= 1
                if not waiting[above]:
                    ready.append(above)

    def _drop(self, trace: Trace) -> None:
        """Forget a trace that left memory."""
        ledger = self._ledgers[trace]
        passed: _Passed = {}
        for call in ledger.calls.values():
            if call.parent is not None:
                _pass(passed, call.parent, call.total, None, -1)
        self._add_above(passed)
        session = self._sessions.get(trace.session)
        if session is not None:
            session.add(ledger.total, -1)
            if not trace.session.traces:
                del self._sessions[trace.session]
        del self._ledgers[trace]
        self.version += 1


def tree_of(trace: Trace) -> list[Trace]:
    """Return a trace and all that hang in its tree."""
    traces = {trace: None}
    waiting = [trace]
    while waiting:
        for one in waiting.pop().hung or ():
            if one not in traces:
                traces[one] = None
                waiting.append(one)
    return list(traces)


def _passed_up(moved: Iterable[tuple[_Node | None, _Call | None]], sign: int) -> _Passed:
    """Return what spans that move give to those above them, or take away from them."""
    passed: _Passed = {}
    for node, call in moved:
        if node is not None and node.parent is not None:
            _pass(passed, node.parent, node.together, node.of_agents, sign)
        if call is not None and call.parent is not None:
            _pass(passed, call.parent, call.total, None, sign)
    return passed


def _pass(
    passed: _Passed,
    to: Span,
    together: Total,
    agents: Total | None,
    sign: int = 1,
) -> None:
    """Put something on what a span is to get."""
    entry = passed.get(to)
    overall, of_agents = entry if entry is not None else (Total(), None)
    overall.add(together, sign)
    if agents is not None:
        if of_agents is None:
            of_agents = Total()
        of_agents.add(agents, sign)
    passed[to] = overall, of_agents
