"""Events that voxagent declares and no version emits, and runs whose stream ends in odd ways."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.voxagent.models import tool_names, wire_messages
from etaoi_tui.sdk.voxagent.run import AgentRun
from tests.bridges.trees import Forest


def played(*events: dict[str, Any]) -> Forest:
    tracer = open_tracer(sink="memory")
    agent = SimpleNamespace(model_string="p:m", name="a")
    ended: list[bool] = []
    run = AgentRun(
        tracer, agent, None, 1_700_000_000_000_000_000, {"prompt": "x"}, {}, lambda: ended.append(True)
    )
    token = run.enter()
    try:
        run.asked_for(SimpleNamespace(id="t1", name="search", params={}))
        span = run.tool_started("search", {})
        for fields in events:
            run.saw(SimpleNamespace(run_id="r", **fields))
        run.tool_ended(span, "found")
        run.finished()
    finally:
        run.leave(token)
    run.finished()
    assert ended == [True]
    tracer.close()
    return Forest(tracer.sink.events)


def test_unknown_future_events() -> None:
    forest = played(
        {"event_type": "assistant_start"},
        {"event_type": "tool_output", "tool_call_id": "t1", "delta": "half"},
        {"event_type": "compaction_start", "message_count": 9, "token_count": 900},
        {"event_type": "compaction_end", "messages_removed": 5, "tokens_saved": 500},
        {"event_type": "brand_new", "detail": "d"},
    )
    (root,) = forest.roots
    assert root.outline() == ["turn a", "tool search", "middleware compaction"]
    tool, compaction = root.children
    assert tool.text() == "half"
    assert compaction.payload["message_count"] == 9
    assert compaction.result == {"messages_removed": 5, "tokens_saved": 500}
    assert [delta["event"] for delta in root.deltas] == ["assistant_start", "brand_new"]


def test_a_compaction_that_does_not_end_ends_with_its_run() -> None:
    (root,) = played({"event_type": "compaction_start", "message_count": 9}).roots
    assert root.children[1].error == "its run ended"


def test_messages_of_any_shape() -> None:
    blocks = [
        {"type": "text", "text": "look"},
        {"type": "image", "media_type": "image/png", "data": "aaaa"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"q": 1}},
    ]
    message = SimpleNamespace(role="assistant", content=blocks, tool_calls=None)
    assert wire_messages([message], "Be kind.") == [
        {"role": "system", "text": "Be kind."},
        {
            "role": "ai",
            "text": "look\n[image image/png]",
            "tool_calls": [{"name": "f", "args": {"q": 1}, "id": "t"}],
        },
    ]


def test_names_in_schemas_of_either_form() -> None:
    schemas = [{"function": {"name": "a"}}, {"name": "b"}, SimpleNamespace(name="c"), {}]
    assert tool_names(schemas) == ["a", "b", "c", "?"]
    assert tool_names(None) == []


def test_an_aborted_run_says_so() -> None:
    end = {"messages": [], "aborted": True, "timed_out": False}
    (root,) = played({"event_type": "run_end", **end}).roots
    assert root.error == "aborted"
    assert root.result == {"outputs": "", "aborted": True, "timed_out": False}


def test_an_error_goes_before_a_flag() -> None:
    end = {"messages": [], "aborted": True, "timed_out": True}
    (root,) = played({"event_type": "run_error", "error": "no luck"}, {"event_type": "run_end", **end}).roots
    assert root.error == "no luck"
