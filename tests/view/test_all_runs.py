"""Searching all runs, counting what they have, naming filters, going from span to span, and jumping back."""

from __future__ import annotations

import random
from typing import Any

import pytest

from etaoi_collector.query import QueryError, parse_query
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span, Trace
from etaoi_collector.wire.codec import decode_frame
from etaoi_tui.view.jumps import MOST, JumpHistory, JumpTarget
from etaoi_tui.view.motions import next_span, previous_span
from etaoi_tui.view.runs.facets import Facets
from etaoi_tui.view.runs.saved_filters import read_filter
from etaoi_tui.view.runs.search import RunsSearch
from etaoi_tui.view.search import TraceSearch
from tests.generate import frame
from tests.scribe import Open, Scribe


class NothingKept:
    """Recorded bytes of no event."""

    def read(self, ref: int) -> object:
        return None


def put(store: Store, scribe: Scribe) -> None:
    written: list[dict[str, Any]] = scribe.take()
    if written:
        store.apply(decode_frame(frame(written)), -1, 1)


def grow(scribe: Scribe, chance: random.Random, open_spans: list[Open]) -> None:
    """Begin or end something somewhere."""
    if open_spans and chance.random() < 0.35:
        scribe.end(open_spans.pop(chance.randrange(len(open_spans))))
        return
    parent = chance.choice(open_spans) if open_spans and chance.random() < 0.8 else None
    kind = chance.choice(["llm", "tool", "sub_agent"])
    open_spans.append(scribe.start(kind, chance.choice(["red", "green", "blue"]), parent))


def hits_of(search: RunsSearch) -> dict[Trace, list[Span]]:
    return {trace: search.in_run(trace).hits for trace in search.matching_runs}


@pytest.mark.parametrize("seed", range(8))
def test_a_live_search_finds_the_same_as_a_new_search(seed: int) -> None:
    chance = random.Random(seed)
    store, scribe = Store(), Scribe(seed)
    query = parse_query("name=red !kind:llm")
    assert query is not None
    open_spans: list[Open] = []
    for _ in range(60):
        grow(scribe, chance, open_spans)
    put(store, scribe)
    store.drain_changes()
    search = RunsSearch(query, "", NothingKept(), list(store.traces.values()))
    toggled: set[Trace] = set()
    for _ in range(40):
        for trace in search.work(0.0 if chance.random() < 0.5 else 0.01):
            toggled ^= {trace}
        for _ in range(chance.randrange(8)):
            grow(scribe, chance, open_spans)
        put(store, scribe)
        search.apply(store.drain_changes())
    while not search.done:
        for trace in search.work(0.01):
            toggled ^= {trace}
    for trace in search.work(1.0):
        toggled ^= {trace}
    anew = {}
    for trace in store.traces.values():
        one = TraceSearch(trace, query, "", NothingKept())
        one.work(10)
        if one.hits:
            anew[trace] = one.hits
    assert hits_of(search) == anew
    assert set(search.matching_runs) == toggled == set(anew)


def test_runs_that_left_memory_are_not_found() -> None:
    store, scribe = Store(max_spans=50), Scribe("evict")
    query = parse_query("name=old")
    assert query is not None
    scribe.end(scribe.start("sub_agent", "old"))
    put(store, scribe)
    search = RunsSearch(query, "", NothingKept(), list(store.traces.values()))
    search.apply(store.drain_changes())
    search.work(1)
    assert len(search.matching_runs) == 1
    for _ in range(200):
        scribe.end(scribe.start("sub_agent", "new"))
        put(store, scribe)
    search.apply(store.drain_changes())
    search.work(1)
    assert not search.matching_runs


def in_tree_order(trace: Trace) -> list[Span]:
    spans: list[Span] = []
    stack = list(reversed(trace.roots))
    while stack:
        span = stack.pop()
        spans.append(span)
        stack.extend(reversed(span.children or []))
    return spans


@pytest.mark.parametrize("seed", range(6))
def test_motions_go_through_the_tree_in_its_order(seed: int) -> None:
    chance = random.Random(seed)
    store, scribe = Store(), Scribe(seed)
    root = scribe.start("sub_agent", "root")
    open_spans = [root]
    for _ in range(80):
        parent = chance.choice(open_spans)
        open_spans.append(scribe.start(chance.choice(["llm", "tool"]), "x", parent))
    put(store, scribe)
    (trace,) = store.traces.values()
    order = in_tree_order(trace)
    calls = [at for at, span in enumerate(order) if span.kind == "llm"]
    for at, span in enumerate(order):
        after = next((order[n] for n in calls if n > at), None)
        previous_call = next((order[n] for n in reversed(calls) if n < at), None)
        assert next_span(trace, span, lambda one: one.kind == "llm") is after
        assert previous_span(trace, span, lambda one: one.kind == "llm") is previous_call
    assert next_span(trace, None, lambda one: one.kind == "llm") is order[calls[0]]
    assert previous_span(trace, None, lambda one: one.kind == "llm") is order[calls[-1]]


def test_facets_count_runs_and_their_queries_find_as_many() -> None:
    chance = random.Random(1)
    store, scribe = Store(), Scribe("facets")
    for _ in range(30):
        root = scribe.start("sub_agent", chance.choice(["shop", "shop bot", 'odd "name"']))
        for _ in range(chance.randrange(5)):
            tool = scribe.start("tool", chance.choice(["find", "find_all", "(send)"]), root)
            scribe.end(tool, error=chance.choice([None, "ValueError('x')", "TimeoutError()"]))
        scribe.end(root)
    put(store, scribe)
    runs = list(store.traces.values())
    facets = Facets(runs)
    while not facets.done:
        facets.work(0.0)
    values = facets.values()
    assert {facet.field for facet in values} == {"kind", "agent", "tool", "err", "status"}
    for facet in values:
        query = parse_query(facet.query)
        assert query is not None
        search = RunsSearch(query, "", NothingKept(), runs)
        search.work(10)
        assert len(search.matching_runs) == facet.runs or '"name"' in facet.value, facet


def test_names_of_filters_expand_to_their_query() -> None:
    saved = {"slow": "dur>10s | err:", "worse": "@slow kind:tool"}
    assert read_filter("x @slow", saved).query == "x (dur>10s | err:)"
    assert read_filter("@worse", saved).query == "((dur>10s | err:) kind:tool)"
    saved_filter = read_filter("@new = @slow tool:a", saved)
    assert (saved_filter.name, saved_filter.body) == ("new", "@slow tool:a")
    assert saved_filter.query == "(dur>10s | err:) tool:a"
    assert read_filter("someone@example.org", saved).query == "someone@example.org"
    for text in ("@gone", "@slow2 x", "@a = @a", "@loop"):
        with pytest.raises(QueryError):
            read_filter(text, {**saved, "loop": "@pool", "pool": "@loop"})


def test_the_jump_list_is_bounded_and_skips_removed_spans() -> None:
    store, scribe = Store(), Scribe("jumps")
    for _ in range(3):
        scribe.start("sub_agent", "run")
    put(store, scribe)
    a, b, c = (JumpTarget(trace, None) for trace in store.traces.values())
    jumps = JumpHistory()
    for _ in range(MOST):
        jumps.leave(a)
        jumps.leave(b)
    assert jumps.back(c) == b
    assert jumps.forward(b) == c
    b.trace.spans.clear()
    assert jumps.back(c) == a, "what left memory is passed over"
    steps = 0
    at: JumpTarget | None = c
    while at is not None:
        at = jumps.back(at)
        steps += 1
    assert steps <= MOST + 1


def test_an_exact_name_matches_no_other_name() -> None:
    store, scribe = Store(), Scribe("names")
    spans = [scribe.start("tool", name) for name in ("find", "find_all", "Find")]
    put(store, scribe)
    query = parse_query("tool=find")
    assert query is not None
    stored_spans = [store.find_span(one.span_id) for one in spans]
    content: Any = None
    assert [query.matches(span, content) for span in stored_spans if span is not None] == [True, False, True]
