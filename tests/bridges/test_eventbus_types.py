"""Every type of event that Hive's EventBus has or had: what its data says is recorded, where it belongs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from etaoi_tui.sdk.bridges.eventbus_spans import _HANDLERS
from etaoi_tui.sdk.bridges.shared import epoch_ns
from tests.bridges.hive_bus import (
    FIRST_TYPES,
    NEWER_TYPES,
    SINCE_GONE,
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
MARKS = sorted({*FIRST_TYPES, *NEWER_TYPES, *SINCE_GONE, "of_a_version_to_come"} - _HANDLERS.keys())


@pytest.mark.parametrize("kind", MARKS)
async def test_a_type_without_a_span_of_its_own_is_a_mark_with_all_its_data(kind: str) -> None:
    data = DATA.get(kind, {"detail": kind, "number": 3})
    first = kind in FIRST_TYPES

    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheFirst(bus, "n") if first else NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say(kind, **data)
        await complete(bus, "e1")

    shown = await recorded(FirstBus() if first else NewestBus(), play)
    (root,) = shown.roots
    assert root.outline() == ["task main", ["sub_agent n", ["turn iteration 1", "llm model"]]]
    (mark,) = shown.one("turn").deltas
    assert mark == {"event": kind, "data": data}


@pytest.mark.parametrize("kind", MARKS)
async def test_what_comes_when_all_is_over_stands_beside_it(kind: str) -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        await complete(bus, "e1")
        await bus.emit(kind, "main", execution_id="e1", data=dict(DATA.get(kind, {"number": 3})))

    root, late = (await recorded(NewestBus(), play)).roots
    assert (late.kind, late.name, late.began) == ("task", kind, late.over)
    assert late.start["trace_id"] == root.start["trace_id"]
    assert late.payload["data"] == DATA.get(kind, {"number": 3})


def test_every_type_of_the_mapping_has_a_span() -> None:
    assert len(FIRST_TYPES) == 25 and len({*FIRST_TYPES, *NEWER_TYPES}) == 74
    assert _HANDLERS.keys() <= {*FIRST_TYPES, *NEWER_TYPES}


async def test_a_node_that_stalled_fails_though_it_says_that_it_is_complete() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_started")
        await node.say("node_stalled", reason="the same answer three times")
        await node.say("node_loop_completed", iterations=3)
        await complete(bus, "e1")

    node = (await recorded(NewestBus(), play)).one("sub_agent")
    assert (node.error, node.result["iterations"]) == ("the same answer three times", 3)


async def test_an_execution_that_is_cancelled_says_nothing_and_is_started_again() -> None:
    """The first version publishes nothing then: it is open until its stream stops or nobody listens."""

    async def play(bus: Any) -> None:
        await start(bus, "e1")
        await start(bus, "e2")
        await complete(bus, "e2")

    shown = await recorded(FirstBus(), play)
    assert [root.error for root in shown.roots] == ["span_end_synthesized_on_detach", None]


async def test_what_the_bus_adds_to_an_event_afterwards_changes_nothing_that_was_told() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        given = {"q": [1]}
        await node.say("tool_call_started", tool_use_id="t", tool_name="f", tool_input=given)
        given["q"].append(2)
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
