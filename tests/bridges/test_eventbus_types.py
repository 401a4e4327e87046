"""Every type of event that Hive's EventBus has or had: what its data says is recorded, where it belongs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from etaoi_collector.conventions.event_rows import SAID_BY, SAID_TO, SEVERITY, WARNING, event_in_words
from etaoi_collector.conventions.hive.event_types import EVENT_TYPES, Display
from etaoi_tui.sdk.bridge_support.shared import epoch_ns
from tests.bridges.hive_bus import (
    FIRST_TYPES,
    NEWER_TYPES,
    REMOVED_TYPES,
    FirstBus,
    NewestBus,
    NodeOfTheFirst,
    NodeOfTheNewest,
)
from tests.bridges.plays import complete, recorded, start

DATA: dict[str, dict[str, Any]] = {
    "state_changed": {"key": "page", "old_value": 1, "new_value": [2], "scope": "shared"},
    "goal_progress": {"progress": 0.4, "criteria_status": {"done": False}},
    "constraint_violation": {"constraint_id": "c1", "description": "too long"},
    "stream_started": {"entry_point": "main"},
    "client_input_requested": {"prompt": "Which?", "questions": [{"id": "q", "prompt": "?"}]},
    "node_internal_output": {"content": "inner"},
    "node_input_blocked": {"prompt": "waits"},
    "custom": {"custom_type": "node_compaction", "level": "light", "usage_before": 0.9},
    "payment_required": {"message": "upgrade", "upstream_status": 402},
    "judge_verdict": {"action": "RETRY", "feedback": "more", "judge_type": "implicit", "iteration": 1},
    "node_retry": {"retry_count": 1, "max_retries": 3, "error": "overloaded"},
    "node_tool_doom_loop": {"description": "the same call again"},
    "loop_state_changed": {"activity": "awaiting_user", "park_reason": "asked"},
    "client_reasoning": {"reasoning": "because", "inner_turn": 0},
    "worker_completed": {"worker_id": "w", "success": True, "tokens_used": 5, "latency_ms": 7},
    "execution_resurrected": {"attempt": 1, "max_resurrections": 3, "error": "died", "resume_from": "n"},
    "task_created": {"session_id": "s", "task": {"id": "t", "title": "do"}},
    "output_key_set": {"key": "page"},
    "edge_traversed": {"source_node": "a", "target_node": "b", "edge_condition": "on_success"},
}
ALL_TYPES = sorted({*FIRST_TYPES, *NEWER_TYPES, *REMOVED_TYPES})
ROWS = sorted(
    kind
    for kind in (*ALL_TYPES, "of_a_version_to_come")
    if EVENT_TYPES.get(kind, Display.ROW) not in (Display.SPAN, Display.TEXT)
)


def severity(kind: str) -> str | None:
    return WARNING if EVENT_TYPES.get(kind) is Display.WARNING else None


@pytest.mark.parametrize("kind", ROWS)
async def test_a_type_without_a_span_of_its_own_is_a_row_with_all_its_data(kind: str) -> None:
    data = DATA.get(kind, {"detail": kind, "number": 3})
    first = kind in FIRST_TYPES

    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheFirst(bus, "n") if first else NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say(kind, **data)
        await complete(bus, "e1")

    tree = await recorded(FirstBus() if first else NewestBus(), play)
    tree.nothing_dangles()
    (root,) = tree.roots
    assert root.outline() == ["task main", ["sub_agent n", ["turn iteration 1", "llm model"]]]
    (row,) = tree.one("turn").rows()
    assert (row.name, row.metadata["event"], row.json("inputs")) == (kind, kind, data)
    assert row.began == row.over and row.error is None
    assert row.metadata.get(SEVERITY) == severity(kind)
    folded = EVENT_TYPES.get(kind) is Display.NOISE or kind == "loop_state_changed"
    assert (row.metadata.get("lc_chain_kind") == "internal") is folded
    if not folded:
        assert event_in_words(kind, data)


@pytest.mark.parametrize("kind", ROWS)
async def test_late_events_are_rows_of_the_span_that_ended(kind: str) -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        await complete(bus, "e1")
        await bus.emit(kind, "main", execution_id="e1", data=dict(DATA.get(kind, {"number": 3})))

    (root,) = (await recorded(NewestBus(), play)).roots
    (late,) = root.rows()
    assert (late.kind, late.name, late.began) == ("middleware", kind, late.over)
    assert late.json("inputs") == DATA.get(kind, {"number": 3})
    assert root.waits == []


@pytest.mark.parametrize("kind", [kind for kind in ROWS if kind != "node_stalled"])
async def test_events_outside_of_any_execution_are_no_run(kind: str) -> None:
    async def play(bus: Any) -> None:
        await bus.emit(kind, "elsewhere", data=dict(DATA.get(kind, {"number": 3})))

    (row,) = (await recorded(NewestBus(), play)).roots
    assert (row.is_row, row.metadata["lc_chain_kind"]) == (True, "internal")


@pytest.mark.parametrize("kind", sorted(set(ALL_TYPES) - set(ROWS)))
@pytest.mark.parametrize("data", [{}, {"content": 5, "snapshot": [], "tool_use_id": {}, "usage": "much"}])
async def test_events_without_data_do_no_harm(kind: str, data: dict[str, Any]) -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say(kind, **data)
        await bus.emit(kind, "main", data=data)
        await bus.emit(kind, "worker:w", data=data)
        await complete(bus, "e1")

    tree = await recorded(NewestBus(), play)
    assert tree.roots[0].name == "main" and all(len(span.ends) == 1 for span in tree.all())


def test_every_type_of_every_version_is_in_the_table() -> None:
    assert len(FIRST_TYPES) == 25 and len({*FIRST_TYPES, *NEWER_TYPES}) == 74
    assert EVENT_TYPES.keys() - {"escalation_received"} >= {*FIRST_TYPES, *NEWER_TYPES}
    assert EVENT_TYPES.keys() <= set(ALL_TYPES)


async def test_a_stall_that_a_node_recovers_from_is_a_warning_and_no_failure() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_started")
        await node.say("node_stalled", reason="the same answer three times")
        await node.say("node_loop_completed", iterations=3)
        await complete(bus, "e1")

    node = (await recorded(NewestBus(), play)).one("sub_agent")
    assert (node.error, node.result["iterations"]) == (None, 3)
    (row,) = node.rows()
    assert row.metadata[SEVERITY] == WARNING


async def test_waiting_for_a_person_is_no_work_of_the_model() -> None:
    wait: list[datetime] = []

    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_started")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("client_output_delta", content="Which city?", snapshot="Which city?")
        await node.say("client_input_requested", questions=[{"id": "c", "prompt": "Which city?"}])
        wait.append(datetime.now(UTC))
        await asyncio.sleep(0.05)
        wait.append(datetime.now(UTC))
        await node.say("client_input_received", content="Oslo")
        await node.say("client_output_delta", content="Oslo it is", snapshot="Which city?Oslo it is")
        await node.say("node_loop_completed", iterations=1)
        await complete(bus, "e1")

    tree = await recorded(NewestBus(), play)
    tree.nothing_dangles()
    asked, answered = tree.find("llm")
    assert (asked.text(), answered.text()) == ("Which city?", "Oslo it is")
    assert asked.over <= wait[0] and wait[1] <= answered.began
    assert answered.payload["input_messages"] == [{"role": "human", "text": "Oslo"}]
    assert answered.metadata[SAID_TO] == "user"
    node, root = tree.one("sub_agent"), tree.roots[0]
    assert node.waits == root.waits == ["Which city?", ""]
    input_row = next(row for row in tree.one("turn").rows() if row.name == "client_input_received")
    assert (input_row.metadata[SAID_BY], input_row.payload["text"]) == ("user", "Oslo")


@pytest.mark.parametrize(
    ("kind", "data", "what", "end"),
    [
        ("client_input_requested", {}, "your answer", "client_input_received"),
        ("client_input_requested", {"prompt": "Sure?"}, "Sure?", "llm_text_delta"),
        ("client_credential_form_requested", {"title": "GitHub"}, "credentials: GitHub", "tool_call_started"),
        ("escalation_requested", {"reason": "stuck"}, "the queen: stuck", "escalation_received"),
        (
            "loop_state_changed",
            {"activity": "awaiting_user", "park_reason": "asked"},
            "asked",
            "loop_state_changed",
        ),
        ("execution_paused", {"reason": "by the operator"}, "go on: by the operator", "execution_resumed"),
    ],
)
async def test_every_way_to_wait_and_to_go_on(kind: str, data: dict[str, Any], what: str, end: str) -> None:
    wait: list[datetime] = []

    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say(kind, **data)
        wait.append(datetime.now(UTC))
        await asyncio.sleep(0.05)
        wait.append(datetime.now(UTC))
        more: dict[str, Any] = {"activity": "executing"} if end == "loop_state_changed" else {}
        await node.say(end, content="x", snapshot="x", tool_use_id="t", **more)
        await node.say("llm_text_delta", content="done", snapshot="done")
        await node.say("node_loop_completed", iterations=1)
        await complete(bus, "e1")

    tree = await recorded(NewestBus(), play)
    tree.nothing_dangles()
    assert tree.one("sub_agent").waits == tree.roots[0].waits == [what, ""]
    assert all(call.over <= wait[0] or wait[1] <= call.began for call in tree.find("llm"))


async def test_an_unfinished_wait_is_labelled_at_the_end() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_started")
        await node.say("client_input_requested", prompt="Really?")

    tree = await recorded(NewestBus(), play)
    assert tree.roots[0].waits == ["Really?"]


async def test_the_models_name_is_on_its_calls() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        for iteration in (1, 2):
            await node.say("node_loop_iteration", iteration=iteration)
            await node.say("llm_text_delta", content="a", snapshot="a")
            await node.say("llm_text_delta", content="b", snapshot="b")
            await node.say("llm_turn_complete", model="claude", input_tokens=1, output_tokens=1)
        await complete(bus, "e1")

    tree = await recorded(NewestBus(), play)
    calls = tree.find("llm")
    assert [call.name for call in calls] == ["model", "model", "claude", "claude"]
    assert all({"model": "claude"} in call.deltas for call in calls)


async def test_a_cancelled_execution_without_an_event_is_started_again() -> None:
    """The first version publishes nothing then: it is open until its stream stops or nobody listens."""

    async def play(bus: Any) -> None:
        await start(bus, "e1")
        await start(bus, "e2")
        await complete(bus, "e2")

    tree = await recorded(FirstBus(), play)
    assert [root.error for root in tree.roots] == ["span_end_synthesized_on_detach", None]


async def test_changing_an_event_afterwards_does_not_change_what_was_recorded() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        payload = {"q": [1]}
        await node.say("tool_call_started", tool_use_id="t", tool_name="f", tool_input=payload)
        payload["q"].append(2)
        await node.say("tool_call_completed", tool_use_id="t", tool_name="f", result="r")
        await complete(bus, "e1")

    tool = (await recorded(NewestBus(), play)).one("tool")
    assert tool.json("input") == {"q": [1]}
    assert json.loads(tool.payload["input"]) == {"q": [1]}


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_a_time_without_a_zone_is_local() -> None:
    naive = datetime(2026, 2, 3, 12, 0)
    assert epoch_ns(naive) == 1_770_087_600 * 10**9
    assert epoch_ns("2026-02-03T03:00:00") == 1_770_087_600 * 10**9
    assert epoch_ns("2026-02-03T12:00:00+09:00") == 1_770_087_600 * 10**9
    assert epoch_ns("soon") is epoch_ns(None) is None
