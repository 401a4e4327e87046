"""Which runs are listed, under which conversation, in which order, and what they add up to."""

from __future__ import annotations

import random
from typing import Any

import pytest

from etaoi_collector.pricing.book import price_book
from etaoi_collector.pricing.total import total_of_trace
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.trace_names import title
from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_collector.wire.codec import decode_frame
from etaoi_tui.view.runs.columns import columns, course, dollars, group_name, sums
from etaoi_tui.view.runs.figures import Figures, RunFigures
from etaoi_tui.view.runs.grouped_rows import GroupedRuns
from etaoi_tui.view.runs.groups import ALONE_SHOWN, NEWEST_SHOWN, Earlier, Group
from etaoi_tui.view.runs.rows import RunRows
from etaoi_tui.view.runs.sorted_rows import ORDERS, SortedRuns, make_rows
from tests.generate import frame
from tests.scribe import Open, Scribe

PROBE = {"lc_probe": "awrap_model_call", "probe_label": "Guard.awrap_model_call"}


class Agents:
    """Writes runs, and keeps rows that follow them."""

    def __init__(self) -> None:
        self.scribe = Scribe("runs")
        self.store = Store()
        self.totals = Totals()
        self.figures = RunFigures(self.totals)
        self.rows = GroupedRuns(self.store, self.figures)

    def begin(self, name: str, thread: str | None = None, session: str | None = None) -> Open:
        if session is not None:
            self.scribe.session_id = session
        return self.scribe.start("sub_agent", name, metadata={"thread_id": thread} if thread else {})

    def call(self, run: Open, tokens: int = 1_000, model: str = "gpt-4o-mini") -> Open:
        named = {"ls_model_name": model, "ls_provider": "openai"}
        call = self.scribe.start("llm", model, run, metadata=named)
        used = {"input_tokens": tokens, "output_tokens": 10}
        self.scribe.end(call, {"model_name": model, "usage": used, "response": {"text": "x"}})
        return call

    def tick(self, *also: RunRows) -> bool:
        written: list[dict[str, Any]] = self.scribe.take()
        if written:
            self.store.apply(decode_frame(frame(written)), -1, 1)
        changes = self.store.drain_changes()
        self.totals.apply(changes)
        for rows in also:
            rows.apply(changes)
        return self.rows.apply(changes)

    def lines(self, rows: RunRows | None = None) -> list[str]:
        return [row_label(item) for item in (rows or self.rows).items]

    def trace(self, run: Open) -> Trace:
        return self.store.traces[run.trace_id]


def row_label(item: Trace | Group | Earlier) -> str:
    if isinstance(item, Group):
        return f"= {group_name(item)} {len(item.runs)}"
    return f"+{item.group.hidden}" if isinstance(item, Earlier) else title(item)


def chat(agents: Agents, turns: int, thread: str = "chat") -> list[Open]:
    runs = []
    for number in range(turns):
        run = agents.begin(f"{thread}-{number}", thread)
        agents.scribe.end(run)
        runs.append(run)
    return runs


def test_turns_of_a_thread_stand_under_it_newest_on_top_and_earlier_ones_in_one_row() -> None:
    agents = Agents()
    chat(agents, 7)
    agents.begin("alone")
    agents.tick()
    newest = [f"chat-{number}" for number in range(6, 6 - NEWEST_SHOWN, -1)]
    assert agents.lines() == ["alone", "= chat 7", *newest, "+3"]
    chat(agents, 1)
    agents.tick()
    assert agents.lines()[:2] == ["= chat 8", "chat-0"] and agents.lines()[-1] == "alone"


def test_one_earlier_run_is_shown_and_not_counted() -> None:
    agents = Agents()
    chat(agents, NEWEST_SHOWN + 1)
    agents.tick()
    assert len(agents.rows) == NEWEST_SHOWN + 2


def test_threads_of_two_sessions_are_two_conversations() -> None:
    agents = Agents()
    for session in ("11111111-1111-4111-a111-111111111111", "22222222-2222-4222-a222-222222222222"):
        for _ in range(2):
            agents.begin("run", "same", session)
    agents.tick()
    assert agents.lines() == ["= same 2", "run", "run"] * 2


def test_a_thread_that_is_reported_late_moves_its_run() -> None:
    agents = Agents()
    chat(agents, 2)
    late = agents.begin("late")
    agents.tick()
    assert agents.lines() == ["late", "= chat 2", "chat-1", "chat-0"]
    agents.scribe.start("llm", "m", late, metadata={"thread_id": "chat"})
    agents.tick()
    assert agents.lines() == ["= chat 3", "late", "chat-1", "chat-0"]


def test_folding_and_unfolding() -> None:
    agents = Agents()
    agents.begin("other")
    runs = [agents.trace(run) for run in chat(agents, 9) if agents.tick() or True]
    group = agents.rows.group_of(runs[0])
    assert group is not None
    assert agents.rows.row(runs[0]) is None
    assert agents.rows.reveal(runs[0]) == 9
    agents.rows.set_folded(group, True)
    assert agents.lines() == ["= chat 9", "other"]
    assert agents.rows.row(runs[-1]) is None
    chat(agents, 1)
    agents.tick()
    assert agents.lines() == ["= chat 10", "other"], "what comes stays folded"
    agents.rows.fold_all(False)
    assert len(agents.rows) == 12
    agents.rows.fold_all(True)
    assert agents.lines() == ["= chat 10", "other"]


@pytest.mark.parametrize("others", [1, 3])
def test_a_single_conversation_has_more_rows(others: int) -> None:
    agents = Agents()
    chat(agents, ALONE_SHOWN + 7)
    agents.tick()
    assert len(agents.rows) == ALONE_SHOWN + 2
    assert agents.lines()[-1] == "+7"
    for number in range(others):
        agents.begin("other", f"other-{number}")
    agents.tick()
    assert len(agents.rows) == NEWEST_SHOWN + 2 + others
    assert agents.lines()[-1] == f"+{ALONE_SHOWN + 7 - NEWEST_SHOWN}"


def test_stepping_includes_folded_runs() -> None:
    agents = Agents()
    first = agents.begin("first")
    chat(agents, 6)
    last = agents.begin("last", "other")
    agents.tick()
    agents.rows.fold_all(True)
    visited = []
    at: Trace | None = agents.trace(last)
    while at is not None:
        visited.append(title(at))
        at = agents.rows.step(at, 1)
    assert visited == ["last", *(f"chat-{n}" for n in range(5, -1, -1)), "first"]
    at = agents.trace(first)
    back = []
    while at is not None:
        back.append(title(at))
        at = agents.rows.step(at, -1)
    assert back == visited[::-1]


def test_stray_probes_are_no_runs_until_they_belong_to_one() -> None:
    agents = Agents()
    mark = agents.scribe.start("middleware", metadata=PROBE)
    agents.scribe.end(mark)
    agents.tick()
    assert not len(agents.rows) and len(agents.rows.strays) == 1
    assert agents.rows.newest() is agents.trace(mark), (
        "where nothing else came, they are what there is to see"
    )
    agents.scribe.start("sub_agent", "planner", trace_id=mark.trace_id)
    agents.tick()
    assert agents.rows.items == [agents.trace(mark)] and not agents.rows.strays


def test_snapshots_are_no_runs() -> None:
    agents = Agents()
    agents.scribe.start("agent_context", "snapshot")
    agents.tick()
    assert not len(agents.rows) and not agents.rows.strays and agents.rows.newest() is None


@pytest.mark.parametrize("seed", range(5))
def test_updated_rows_and_sums_equal_rebuilt_ones(seed: int) -> None:
    """Whatever comes in whatever order: what was kept up to date equals what is worked out from nothing."""
    price_book().load()
    chance = random.Random(seed)
    agents = Agents()
    assert agents.figures.prices_came()
    lists: list[RunRows] = [make_rows(agents.store, agents.figures, order) for order in ORDERS]
    running: list[Open] = []
    for _ in range(120):
        what = chance.random()
        if what < 0.35 or not running:
            running.append(agents.begin(f"run-{len(running)}", chance.choice([None, "a", "b", "c"])))
        elif what < 0.75:
            agents.scribe.clock.advance(chance.randrange(1_000_000))
            agents.call(
                chance.choice(running), chance.randrange(5_000), chance.choice(["gpt-4o", "nobody-knows"])
            )
        elif what < 0.9:
            run = running.pop(chance.randrange(len(running)))
            agents.scribe.end(run, error="RuntimeError('x')" if chance.random() < 0.5 else None)
        elif agents.rows.items:
            group = agents.rows.group_of(chance.choice(list(agents.store.traces.values())))
            if group is not None:
                agents.rows.set_folded(group, chance.random() < 0.5)
        if chance.random() < 0.5:
            agents.tick(*lists)
    agents.tick(*lists)
    for order, rows in zip(ORDERS, lists, strict=True):
        anew = make_rows(agents.store, RunFigures(Totals()), order)
        assert anew.figures.prices_came()
        anew.fill(agents.store.traces.values())
        assert agents.lines(rows) == agents.lines(anew), order
        assert rows.items == anew.items or order == "time"
        assert rows.totals.figures[0] == anew.totals.figures[0]
        assert rows.totals.figures[2:] == anew.totals.figures[2:]
        assert rows.totals.figures.dollars == pytest.approx(anew.totals.figures.dollars)
        assert [rows.row(item) for item in rows.items] == list(range(len(rows)))
    spent = [total_of_trace(trace, wait=True) for trace in agents.store.traces.values()]
    figures = agents.rows.totals.figures
    assert figures.dollars == pytest.approx(sum(one.cost_usd or 0 for one in spent))
    assert figures.unpriced == sum(one.unpriced for one in spent) > 0
    assert figures.errors == sum(trace.errors for trace in agents.store.traces.values())


def test_a_filtered_list_shows_its_runs_and_is_updated() -> None:
    agents = Agents()
    runs = chat(agents, 6)
    agents.tick()
    matching: dict[Trace, None] = {agents.trace(runs[1]): None}
    rows = make_rows(agents.store, agents.figures, "time", only=matching.__contains__)
    rows.fill(matching)
    assert agents.lines(rows) == ["chat-1"]
    matching[agents.trace(runs[4])] = None
    rows.refresh(agents.trace(runs[4]))
    assert agents.lines(rows) == ["= chat 2", "chat-4", "chat-1"]
    del matching[agents.trace(runs[1])]
    rows.refresh(agents.trace(runs[1]))
    assert agents.lines(rows) == ["chat-4"]


def test_sorted_runs_move_when_their_number_grows() -> None:
    agents = Agents()
    rows = SortedRuns(agents.store, agents.figures, "tokens")
    small, large = agents.begin("small"), agents.begin("large")
    agents.call(small, 10)
    agents.call(large, 500)
    agents.tick(rows)
    assert agents.lines(rows) == ["large", "small"]
    agents.call(small, 900)
    agents.tick(rows)
    assert agents.lines(rows) == ["small", "large"]


def test_evicted_runs_are_not_listed() -> None:
    agents = Agents()
    agents.store = Store(max_spans=40)
    agents.rows = GroupedRuns(agents.store, agents.figures)
    for _ in range(10):
        chat(agents, 10)
        agents.tick()
    assert agents.rows.runs == len(agents.store.traces) < 60
    assert agents.rows.totals.runs == agents.rows.runs


def test_words_for_money_and_sums() -> None:
    assert dollars(Figures()) == ""
    assert dollars(Figures(unpriced=1)) == "$?"
    assert dollars(Figures(dollars=0.041, priced=2)) == "$0.041"
    assert dollars(Figures(dollars=0.041, priced=2, unpriced=1)) == "≥$0.041"
    assert sums(Figures(tokens=212_000, dollars=0.31, priced=9), 43) == "43 · 212k · $0.310"
    assert sums(Figures(), 3) == "3"


def test_the_trend_of_a_conversation_is_that_of_its_context() -> None:
    agents = Agents()
    for tokens in (100, 400, 800):
        agents.call(agents.begin("run", "chat"), tokens)
    agents.tick()
    group = agents.rows.group_of(next(iter(agents.store.traces.values())))
    assert group is not None
    assert course(group, agents.figures) == "▂▅█"


@pytest.mark.parametrize("width", [*range(10, 60), 79, 100, 124, 160, 200])
def test_columns_fill_the_line_and_leave_the_question_room(width: int) -> None:
    at = columns(width)
    cells = [at.state, at.agent, at.errors, at.tokens, at.cost, at.duration, at.clock]
    used = 3 + at.question + 1 + sum(cell + 1 for cell in cells if cell)
    if width >= 20:
        assert used <= width + 1
    assert at.question >= (20 if width >= 52 else 6)
