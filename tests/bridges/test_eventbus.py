"""Hive's EventBus, in its first and its newest shape: the trees that its events make."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest

from etaoi_collector.conventions.event_rows import SEVERITY, WARNING
from etaoi_collector.conventions.hive.fold import STOPPED
from etaoi_collector.conventions.hive.nodes import UNSAID
from etaoi_collector.store.model import Status, status_of_error
from etaoi_tui.sdk.ids import bridge_uuid, session_uuid
from tests.bridges.hive_bus import FirstBus, NewestBus, NodeOfTheFirst, NodeOfTheNewest
from tests.bridges.plays import BOTH, LOOP, Play, complete, one_loop, play_first, recorded, start


@BOTH
async def test_an_execution_is_a_tree(bus_class: type[FirstBus], play: Play) -> None:
    tree = await recorded(bus_class(), play)
    tree.nothing_dangles()
    (root,) = tree.roots
    assert root.outline() == ["task main", LOOP]
    assert root.json("inputs") == {"topic": "cats"}
    assert root.json("outputs") == {"page": "ok"}
    assert root.start["trace_id"] == str(bridge_uuid("hive", "execution", "e1"))
    assert root.start["session_id"] == str(bridge_uuid("hive", "stream", "main"))
    assert root.metadata["execution_id"] == "e1"
    first, _, again = root.children[0].children[0].children
    assert (first.text(), first.text("reasoning")) == ("I look", "hm ")
    assert first.result["response"] == {"role": "ai", "text": "I look"}
    assert 0 < first.result["ttft_ms"] < 10_000
    assert again.text() == "done"
    search, save = tree.find("tool")
    assert (search.json("input"), search.result["output"], search.error) == ({"q": "x"}, "found x", None)
    assert save.error == "disk full"
    assert first.over <= search.began
    assert again.began == search.over
    assert root.children[0].result["iterations"] == 2


async def test_a_requested_session_holds_all_streams() -> None:
    tree = await recorded(FirstBus(), play_first, session_id="mine")
    assert {span.start["session_id"] for span in tree.all()} == {str(session_uuid("mine"))}


@pytest.mark.parametrize("node_class", [NodeOfTheFirst, NodeOfTheNewest])
async def test_the_same_node_in_executions_at_the_same_time(node_class: Any) -> None:
    """In the first version only the publisher's task tells them apart."""

    async def run(bus: Any, name: str) -> None:
        await start(bus, name)
        node = (
            NodeOfTheFirst(bus, "writer")
            if node_class is NodeOfTheFirst
            else node_class(bus, "writer", "main", name)
        )
        for kind, data in (
            ("node_loop_started", {}),
            ("node_loop_iteration", {"iteration": 1}),
            ("llm_text_delta", {"content": name, "snapshot": name}),
            ("tool_call_started", {"tool_use_id": "t", "tool_name": "f", "tool_input": name}),
            ("tool_call_completed", {"tool_use_id": "t", "tool_name": "f", "result": name}),
            ("node_loop_completed", {"iterations": 1}),
        ):
            await node.say(kind, **data)
            await asyncio.sleep(0)
        await complete(bus, name)

    async def play(bus: Any) -> None:
        await asyncio.gather(*(run(bus, f"e{number}") for number in range(5)))

    tree = await recorded(FirstBus() if node_class is NodeOfTheFirst else NewestBus(), play)
    tree.nothing_dangles()
    assert len(tree.roots) == 5
    for root in tree.roots:
        name = root.metadata["execution_id"]
        assert root.outline() == [
            "task main",
            ["sub_agent writer", ["turn iteration 1", "llm model", "tool f"]],
        ]
        (model,) = (span for span in root.all() if span.kind == "llm")
        (tool,) = (span for span in root.all() if span.kind == "tool")
        assert (model.text(), tool.result["output"]) == (name, name)


async def test_a_node_loops_twice_and_one_that_never_ends() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheFirst(bus, "n")
        await node.say("node_loop_started")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("node_loop_started")
        await node.say("node_stalled", reason="no progress")
        await complete(bus, "e1")

    (root,) = (await recorded(FirstBus(), play)).roots
    first, second = root.children
    assert first.error == UNSAID
    assert second.error == "no progress"
    assert root.error is None


async def test_failures_pauses_and_stops() -> None:
    async def play(bus: Any) -> None:
        for name in ("failed", "paused", "stopped"):
            await start(bus, name, name)
            await NodeOfTheNewest(bus, "n", name, name).say("node_loop_started")
        await bus.emit("execution_failed", "failed", execution_id="failed", data={"error": "boom"})
        await bus.emit("execution_paused", "paused", execution_id="paused", data={"reason": "asks"})
        await bus.emit("execution_resumed", "paused", execution_id="paused")
        await complete(bus, "paused", "paused")
        await bus.emit("stream_stopped", "stopped")

    failed, paused, stopped = (await recorded(NewestBus(), play)).roots
    assert [span.error for span in failed.all()] == ["boom"] * 2
    node = paused.children[0]
    assert paused.waits == node.waits == ["go on: asks", ""]
    assert [row.name for row in paused.rows()] == ["execution_paused", "execution_resumed"]
    assert paused.error is None
    assert [span.error for span in stopped.all()] == [STOPPED] * 2
    assert status_of_error(STOPPED) is Status.CANCELLED


async def test_text_for_the_client_is_the_models_only_if_nothing_else_is() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("client_output_delta", content="hello ", snapshot="hello ")
        await node.say("client_output_delta", content="you", snapshot="hello you")
        await node.say("node_loop_iteration", iteration=2)
        await node.say("llm_text_delta", content="inner", snapshot="inner")
        await node.say("client_output_delta", content="outer", snapshot="hello yououter")
        await node.say("node_loop_completed")
        await complete(bus, "e1")

    tree = await recorded(NewestBus(), play)
    assert [call.text() for call in tree.find("llm")] == ["hello you", "inner"]
    assert tree.one("sub_agent").text("client") == "outer"


async def test_a_snapshot_that_begins_anew_is_another_model_call() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheFirst(bus, "n")
        await node.say("node_loop_iteration", iteration=1)
        for content, snapshot in (("a", "a"), ("b", "ab"), ("c", "c"), ("d", "cd")):
            await node.say("llm_text_delta", content=content, snapshot=snapshot)
        await complete(bus, "e1")

    assert [call.text() for call in (await recorded(FirstBus(), play)).find("llm")] == ["ab", "cd"]


TURN = {
    "model": "m",
    "stop_reason": "end",
    "input_tokens": 10,
    "output_tokens": 5,
    "cached_tokens": 4,
    "cost_usd": 0.0,
}
USAGE = {
    "input_tokens": 10,
    "output_tokens": 5,
    "total_tokens": 15,
    "input_token_details": {"cache_read": 4},
}


async def test_usage_is_the_turns_unless_it_had_one_model_call() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("llm_text_delta", content="a", snapshot="a")
        await node.say("llm_turn_complete", **TURN)
        await node.say("node_loop_iteration", iteration=2)
        await node.say("tool_call_started", tool_use_id="t", tool_name="f")
        await node.say("tool_call_completed", tool_use_id="t", tool_name="f", result="r")
        await node.say("llm_text_delta", content="b", snapshot="b")
        await node.say("llm_turn_complete", **{**TURN, "cost_usd": 0.25})
        await complete(bus, "e1")

    tree = await recorded(NewestBus(), play)
    one, many = tree.find("turn")
    assert one.deltas == []
    assert one.children[0].result["usage"] == USAGE
    assert "cost_usd" not in one.children[0].result
    assert [call.result.get("usage") for call in many.children if call.kind == "llm"] == [None, None]
    (last_delta,) = many.deltas
    assert (last_delta["usage"], last_delta["cost_usd"], last_delta["model"]) == (USAGE, 0.25, "m")


async def test_a_silent_model_call_is_found_by_the_context_usage_before_it() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        for number in (1, 2):
            for batch in ("a", "b"):
                await node.say("tool_call_started", tool_use_id=f"{number}{batch}", tool_name="f")
            for batch in ("a", "b"):
                await node.say(
                    "tool_call_completed", tool_use_id=f"{number}{batch}", tool_name="f", result=""
                )
            await bus.emit(
                "context_usage_updated", "main", node_id="n", data={"trigger": "post_tool_results"}
            )
        await complete(bus, "e1")

    tree = await recorded(NewestBus(), play)
    assert [child.kind for child in tree.one("turn").children if not child.is_row] == [
        "llm",
        "tool",
        "tool",
        "llm",
        "tool",
        "tool",
    ]


async def test_compaction_is_middleware() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("context_compaction_started", usage_before=0.9)
        await bus.emit("context_compacted", "main", node_id="n", data={"usage_after": 0.3})
        await node.say("context_compacted", usage_after=0.2)
        await complete(bus, "e1")

    whole, alone = (await recorded(NewestBus(), play)).find("middleware", "context compaction")
    assert (whole.json("inputs"), whole.json("outputs")) == ({"usage_before": 0.9}, {"usage_after": 0.3})
    assert alone.json("outputs") == {"usage_after": 0.2}


async def test_workers_end_with_their_report() -> None:
    async def play(bus: Any) -> None:
        await start(bus, "q1", "queen")
        for worker in ("w1", "w2", "w3"):
            await one_loop(NodeOfTheNewest(bus, "writer", f"worker:{worker}", None))
            await bus.emit(
                "execution_completed", f"worker:{worker}", data={"worker_id": worker, "success": True}
            )
        reports = (("w1", "success"), ("w2", "failed"))
        for worker, status in reports:
            data = {"worker_id": worker, "status": status, "summary": f"{worker} says", "error": "no luck"}
            await bus.emit("subagent_report", f"worker:{worker}", data=data)
        await NodeOfTheNewest(bus, "writer", "worker:w1", None).say(
            "llm_text_delta", content="late", snapshot="late"
        )
        await complete(bus, "q1", "queen")
        await one_loop(NodeOfTheNewest(bus, "writer", "worker:w4", None))
        await bus.emit("subagent_report", "queen", data={"worker_id": "w4", "status": "timeout"})

    tree = await recorded(NewestBus(), play)
    queen, alone = tree.roots
    one, two, three = queen.children
    late = one.children.pop()
    assert [worker.outline() for worker in queen.children] == [
        [f"sub_agent {name}", *LOOP[1:]] for name in ("w1", "w2", "w3")
    ]
    assert (one.error, one.result["outputs"]) == (None, "w1 says")
    assert two.error == "no luck"
    assert any(delta.get("data", {}).get("success") is True for delta in two.deltas)
    assert three.error == UNSAID
    assert (late.is_row, late.name) == (True, "llm_text_delta")
    assert (alone.kind, alone.error) == ("sub_agent", "timeout")


async def test_a_node_without_an_execution_has_a_root_of_its_own() -> None:
    async def play(bus: Any) -> None:
        await one_loop(NodeOfTheFirst(bus, "writer"))
        await one_loop(NodeOfTheFirst(bus, "writer"))

    tree = await recorded(FirstBus(), play)
    assert [root.outline() for root in tree.roots] == [["task writer", LOOP]] * 2
    tree.nothing_dangles()


async def test_everything_else_is_a_row() -> None:
    odd = object()

    async def play(bus: Any) -> None:
        await start(bus, "e1")
        node = NodeOfTheNewest(bus, "n", "main", "e1")
        await node.say("node_loop_iteration", iteration=1)
        await node.say("judge_verdict", action="RETRY")
        await node.say("never_heard_of", anything=odd)
        await bus.emit("goal_progress", "elsewhere", data={"progress": 0.5})
        await complete(bus, "e1")
        await bus.emit("constraint_violation", "main", execution_id="", data={"constraint_id": "c"})
        await bus.emit("state_changed", "main", execution_id="e1", data={"key": "k"})
        elsewhere = contextvars.Context()
        await asyncio.create_task(bus.emit("credentials_required", "ui"), context=elsewhere)

    tree = await recorded(NewestBus(), play)
    root, ui = tree.roots
    assert [row.name for row in tree.one("turn").rows()] == ["judge_verdict", "never_heard_of"]
    progress, violation, state = root.rows()
    assert (progress.name, progress.json("inputs")) == ("goal_progress", {"progress": 0.5})
    assert (violation.name, state.name) == ("constraint_violation", "state_changed")
    assert violation.metadata[SEVERITY] == WARNING and SEVERITY not in state.metadata
    assert violation.began == violation.over
    assert (ui.name, ui.metadata["lc_chain_kind"]) == ("credentials_required", "internal")
    assert ui.start["trace_id"] != root.start["trace_id"]
