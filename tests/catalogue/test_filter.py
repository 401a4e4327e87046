"""A filter over runs that were not read: what their list tells is true, and what it does not tell is said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from etaoi_collector.projections.recorded_content import RecordedContent
from etaoi_collector.query import parse_query
from etaoi_collector.query.listed import listed_answer
from etaoi_collector.query.match import Query
from etaoi_collector.sources.catalogued import CataloguedSource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_tui.feed import Feed
from etaoi_tui.view.runs.search import RunsSearch
from tests.catalogue.making import read, write_run
from tests.catalogue.test_catalogued import opened, take_until
from tests.catalogue.test_find import native
from tests.catalogue.test_rows import folded

DECIDED_BY_LIST = [
    "err", "status:error", "agent:planner", "agent=researcher", "agent:nobody err", "agent:e tool:nothing",
    "tool:search", "tool:nothing", "tool=fetch_page | agent:x", "model:gpt", "gpt", "planner | nobody",
    "fetch", "thread:t",
]  # fmt: skip
NOT_DECIDED = [
    "out:nobody",
    "!err",
    "dur>1s",
    "in:order",
    "name:x",
    "status:ok",
    "kind:tool err",
    "err:timeout",
]


def parsed(text: str) -> Query:
    """A query."""
    query = parse_query("err:" if text == "err" else text)
    assert query is not None
    return query


def matching(query: Query, store: Store, content: RecordedContent) -> set[str]:
    """The runs of which a span matches."""
    return {
        trace.trace_id
        for trace in store.traces.values()
        if any(query.matches(span, content) for span in trace.spans if not span.placeholder)
    }


def test_the_answers_of_a_list_are_those_of_the_spans(tmp_path: Path) -> None:
    answers: dict[str, set[bool | None]] = {text: set() for text in (*DECIDED_BY_LIST, *NOT_DECIDED)}
    for path in sorted(native(tmp_path).iterdir()):
        store, reader = folded(path)
        read(tmp_path, path)
        content = RecordedContent(reader)
        source = opened(path, tmp_path)
        for text, trace_answers in answers.items():
            query = parsed(text)
            truth = matching(query, store, content)
            for row in source.rows:
                answer = listed_answer(query, row)
                assert answer is None or answer == (row.trace_id in truth), (path.name, text, row.name)
                trace_answers.add(answer)
        source.close()
    assert not [text for text in DECIDED_BY_LIST if not answers[text] - {None}]
    assert {answer for text in DECIDED_BY_LIST for answer in answers[text]} == {True, False, None}
    assert not [text for text in NOT_DECIDED if True in answers[text]]


def search(source: CataloguedSource, store: Store, text: str) -> RunsSearch:
    """Begin a search over what a list tells."""
    return RunsSearch(parsed(text), text, source, list(store.traces.values()))


def work(running: RunsSearch) -> list[Trace]:
    """Search to the end of what can be searched."""
    changed: list[Trace] = []
    deadline = time.monotonic() + 60
    while not running.done and time.monotonic() < deadline:
        changed += running.work(1.0)
    return changed


@pytest.fixture
def listed(tmp_path: Path) -> tuple[Path, CataloguedSource, Store]:
    path = write_run(tmp_path, events=6_000)
    read(tmp_path, path)
    source, store = opened(path, tmp_path), Store()
    take_until(source, store, lambda: bool(store.traces))
    assert store.events == 0
    return path, source, store


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        ("err", True),
        ("agent:planner", True),
        ("tool:search | err", True),
        ("nobody", False),
        ("dur>2s", False),
    ],
)
def test_a_filter_shows_listed_runs_at_once_and_others_as_they_are_read(
    listed: tuple[Path, CataloguedSource, Store], text: str, tells: bool
) -> None:
    path, source, store = listed
    plain, reader = folded(path)
    truth = matching(parsed(text), plain, RecordedContent(reader))
    running = search(source, store, text)
    assert set(work(running)) == set(running.matching_runs)
    if tells:
        assert {trace.trace_id for trace in running.matching_runs} == truth
        assert running.unknown == 0
    else:
        assert not running.matching_runs
        assert running.unknown == sum(row.is_run for row in source.rows)
    feed = Feed(source, store)
    while not feed.ended:
        running.apply(feed.tick(5.0, 0.0))
        running.work(1.0)
    work(running)
    assert {trace.trace_id for trace in running.matching_runs} == truth
    assert all(running.in_run(trace).hits for trace in running.matching_runs)
    assert running.unknown == 0
    source.close()


def test_runs_that_leave_memory_stay_in_the_filter(
    listed: tuple[Path, CataloguedSource, Store], tmp_path: Path
) -> None:
    path, source, _ = listed
    source.close()
    source, store = opened(path, tmp_path), Store(max_spans=400)
    take_until(source, store, lambda: bool(store.traces))
    running = search(source, store, "err")
    work(running)
    runs_before = set(running.matching_runs)
    assert len(runs_before) > 5
    feed = Feed(source, store)
    while not feed.ended:
        running.apply(feed.tick(5.0, 0.0))
        running.work(1.0)
    work(running)
    assert set(running.matching_runs) == runs_before
    assert any(not trace.spans for trace in runs_before)
    source.close()
