"""A large run opens folded to what fits; names of models are short, and still tell models apart."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.store import Store
from etaoi_tui.view.model_names import ModelNames, without_build
from etaoi_tui.view.visible_rows import TreeRows
from tests.store.histories import event, opened


def grown(events: list[Any]) -> TreeRows:
    store = Store()
    opened(store)
    store.apply(events, 0, 1)
    rows = TreeRows()
    rows.show(next(iter(store.traces.values())))
    return rows


def agents(count: int, calls: int, *, error_in: int = -1) -> list[Any]:
    """A run of agents with calls each, all ended."""
    events = [event("span_start", "run", 0, node_kind="sub_agent")]
    for agent in range(count):
        name = f"agent{agent}"
        events.append(event("span_start", name, 1 + agent, parent="run", node_kind="sub_agent"))
        for call in range(calls):
            inner = f"{name}.{call}"
            at = 1 + agent + call / 100
            failed = {"error": "ValueError('x')"} if agent == error_in and call == 0 else {}
            events.append(event("span_start", inner, at, parent=name, node_kind="llm"))
            events.append(event("span_end", inner, at + 0.01, parent=name, node_kind="llm", **failed))
        events.append(event("span_end", name, 1.9 + agent, parent="run", node_kind="sub_agent"))
    events.append(event("span_end", "run", 100, node_kind="sub_agent"))
    return events


def test_a_large_run_opens_to_what_fits_and_the_failure_is_in_it() -> None:
    rows = grown(agents(10, 30, error_in=7))
    assert len(rows) == 311
    assert rows.fold_to_fit(42)
    assert len(rows) == 41
    failed = next(span for span in rows.spans if span.name == "agent7.0")
    assert failed.error is not None
    assert [span.name for span in rows.spans if span.parent is rows.spans[0]] == [
        f"agent{n}" for n in range(10)
    ]


def test_trees_that_fit_and_running_trees_open_unfolded() -> None:
    assert not grown(agents(3, 3)).fold_to_fit(40)
    running = grown(agents(10, 30)[:-1])
    assert not running.fold_to_fit(20)
    assert len(running) == 311


def test_rows_that_the_user_folded_stay_folded() -> None:
    rows = grown(agents(10, 30))
    rows.set_folded(rows.spans[1], True)
    assert not rows.fold_to_fit(20)


def test_the_key_that_shows_everything_unfolds_and_folds_again() -> None:
    rows = grown(agents(10, 30))
    assert rows.fold_to_fit(20)
    folded = len(rows)
    rows.set_plumbing(True)
    assert len(rows) == 311
    rows.set_plumbing(False)
    assert len(rows) == folded


def test_unfolding_opens_no_more_than_fits() -> None:
    rows = grown(agents(10, 30))
    assert rows.fold_to_fit(12)
    assert len(rows) == 11
    rows.opens_to = 12
    rows.set_folded(rows.spans[1], False)
    assert len(rows) == 41, "its calls have nothing below them that could be folded"


@given(st.randoms(use_true_random=False), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_any_tree_fits_and_every_span_can_be_reached(dice: random.Random, room: int) -> None:
    names = ["run"]
    events = [event("span_start", "run", 0, node_kind="sub_agent")]
    for number in range(dice.randrange(0, 60)):
        parent = dice.choice(names[-5:])
        names.append(f"n{number}")
        kind = dice.choice(["llm", "tool", "sub_agent", "middleware"])
        events.append(event("span_start", names[-1], 1 + number, parent=parent, node_kind=kind))
        events.append(event("span_end", names[-1], 2 + number, parent=parent, node_kind=kind))
    events.append(event("span_end", "run", 100, node_kind="sub_agent"))
    rows = grown(events)
    everything = list(rows.spans)
    top = sum(not rows.hidden(child) for child in rows.spans[0].children or ())
    if rows.fold_to_fit(room):
        assert len(rows) <= max(room, 1 + len(everything)) and (len(rows) <= room or room <= 1 + top)
    for span in everything:
        row = rows.reveal(span)
        assert row is not None and rows.spans[row] is span


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("gpt-5", "gpt-5"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "claude-3-7-sonnet"),
        ("openrouter/qwen/qwen3-235b-a22b-2507:free", "qwen3-235b-a22b-2507"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("models/gemini-2.5-pro-preview-06-05", "gemini-2.5-pro"),
        ("claude-3-opus@20240229", "claude-3-opus"),
        ("accounts/fireworks/models/", "accounts/fireworks/models/"),
    ],
)
def test_a_models_name_omits_its_build(name: str, short: str) -> None:
    assert without_build(name) == short


def test_two_models_never_share_a_name() -> None:
    names = ModelNames()
    assert names.short("gpt-4o-mini-2024-07-18") == "gpt-4o-mini"
    assert names.short("gpt-4o-mini-2025-01-01") == "gpt-4o-mini-2025-01-01"
    assert names.short("gpt-4o-mini-2024-07-18") == "gpt-4o-mini"
