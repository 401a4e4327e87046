"""Real voxagent agents, watched."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from etaoi_tui.detail.pages.agent_card import card_document
from tests.bridges.real import check_that_all_end_alike, forest, played
from tests.bridges.trees import Forest
from tests.detail.pages import text_of
from tests.detail.recorded import Recorded

pytestmark = pytest.mark.real_clients

SCENARIOS = (
    "run_with_tools",
    "sub_agents",
    "rings",
    "failing_tools",
    "errors",
    "timeouts",
    "cancelled",
    "abandoned",
    "late_tools",
    "concurrent",
    "sync_runs",
    "toolsets",
    "code_mode",
    "usage",
    "own_instance_attribute",
    "no_trace",
    "inside_another",
    "beside_another",
    "detached_midway",
    "secrets",
)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_watching_changes_nothing(version: str, scenario: str) -> None:
    check_that_all_end_alike("voxagent", version, scenario)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_span_ends_inside_its_parent(version: str, scenario: str) -> None:
    forest("voxagent", version, scenario).nothing_dangles()


def test_no_scenario_is_forgotten(version: str) -> None:
    assert set(played("voxagent", version, "watched")) == set(SCENARIOS)


def test_run_and_stream_give_the_same_tree(version: str) -> None:
    tree = forest("voxagent", version, "run_with_tools")
    run, stream = tree.roots
    assert run.outline() == stream.outline()
    assert run.outline() == [
        "turn helper",
        "llm scripted:tools",
        "tool weather",
        "tool report",
        "llm scripted:tools",
    ]
    for root, prompt in ((run, "How is it in Oslo?"), (stream, "And now?")):
        assert root.payload["inputs"] == prompt
        assert root.result == {"outputs": "It is sunny.", "aborted": False, "timed_out": False}
        assert root.metadata["session_key"] == "chat-7"
        assert root.metadata["voxagent.model"] == "scripted:tools"
        run_id = root.metadata["run_id"]
        assert [delta["run_id"] for delta in root.deltas if "run_id" in delta] == [run_id]
    assert run.start["session_id"] == stream.start["session_id"] != tree.cards[0].start["session_id"]


def test_a_model_call_has_its_input_and_output(version: str) -> None:
    first, second = forest("voxagent", version, "run_with_tools").roots[0].children[::3]
    assert first.payload == {
        "input_messages": [
            {"role": "system", "text": "Be kind."},
            {"role": "human", "text": "How is it in Oslo?"},
        ],
        "model": "scripted:tools",
        "tools": ["weather", "report"],
    }
    calls = [
        {"name": "weather", "args": {"q": "Oslo"}, "id": "w1"},
        {"name": "report", "args": {"q": "x"}, "id": "r1"},
    ]
    assert first.text() == "Let me look."
    assert [delta["tool_call"] for delta in first.deltas if "tool_call" in delta] == calls
    assert first.result["response"] == {"role": "ai", "text": "Let me look.", "tool_calls": calls}
    assert first.result["ttft_ms"] > 0
    assert "usage" not in first.result
    assert second.payload["input_messages"][2:] == [
        {"role": "ai", "text": "Let me look.", "tool_calls": calls},
        {
            "role": "tool",
            "text": "sunny in Oslo",
            "name": "weather",
            "tool_call_id": "w1",
            "status": "success",
        },
        {
            "role": "tool",
            "text": '{"n": 1, "q": "x"}',
            "name": "report",
            "tool_call_id": "r1",
            "status": "success",
        },
    ]


def test_a_model_call_ends_before_its_tools_start(version: str) -> None:
    model, tool, *_ = forest("voxagent", version, "run_with_tools").roots[0].children
    assert model.over <= tool.began


def test_tools_have_input_output_and_call_id(version: str) -> None:
    tree = forest("voxagent", version, "run_with_tools").roots[0]
    weather, report = tree.children[1:3]
    assert (weather.json("input"), weather.payload["tool_call_id"]) == ({"q": "Oslo"}, "w1")
    assert weather.result["output"] == "sunny in Oslo"
    assert report.json("output") == {"n": 1, "q": "x"}


def test_dependencies_are_never_recorded(version: str) -> None:
    events = played("voxagent", version, "watched")["run_with_tools"]["events"]
    assert "do-not-record-me" not in json.dumps(events)


def test_the_secrets_of_an_agent_are_not_recorded(version: str) -> None:
    recorded = json.dumps(played("voxagent", version, "watched")["secrets"]["events"], ensure_ascii=False)
    assert "hunter2" not in recorded
    assert "12345" not in recorded
    assert "the key is ‹redacted› and ticket ‹redacted›" in recorded


def test_a_snapshot_shows_prompt_model_tools_and_sub_agents(version: str) -> None:
    tree = forest("voxagent", version, "sub_agents")
    top, middle, leaf = tree.cards
    card = top.payload
    assert (card["framework"], card["agent_name"], card["llm"]) == ("voxagent", "top", "scripted:top")
    assert [tool["name"] for tool in card["tools"]] == ["middle"]
    assert json.loads(card["tools"][0]["args_schema"])["required"] == ["task"]
    assert card["sub_agents"] == [
        {"name": "middle", "llm": "scripted:middle", "system_prompt": None, "tools": ["leaf"]}
    ]
    assert card["graph"]["edges"] == [{"src": "top", "dst": "top/middle"}]
    assert (middle.payload["agent_name"], leaf.payload["agent_name"]) == ("middle", "leaf")
    root = tree.roots[0]
    assert root.metadata["agent.context_id"] == top.start["span_id"]
    assert root.metadata["agent.context_hash"] == card["hash"]
    assert forest("voxagent", version, "run_with_tools").cards[0].payload["system_prompt"] == "Be kind."


def test_the_agents_page_names_the_sessions_of_its_runs(version: str) -> None:
    recorded = Recorded.of(played("voxagent", version, "watched")["run_with_tools"]["events"])
    spans = [span for trace in recorded.store.traces.values() for span in trace.spans]
    (snapshot,) = [span for span in spans if span.kind == "agent_context"]
    page = text_of(card_document(snapshot, [], recorded.payloads, 0.0, 80))
    assert "session key" in page and "chat-7" in page and "scripted:tools" in page


def test_sub_agents_nest_at_any_depth_and_keep_their_error(version: str) -> None:
    tree = forest("voxagent", version, "sub_agents")
    (root,) = tree.roots
    assert root.outline() == [
        "turn top",
        "llm scripted:top",
        [
            "tool middle",
            [
                "sub_agent middle",
                "llm scripted:middle",
                ["tool leaf", ["sub_agent leaf", "llm scripted:leaf"]],
                "llm scripted:middle",
            ],
        ],
        "llm scripted:top",
    ]
    assert tree.one("sub_agent", "leaf").error == "leaf broke"
    tool = tree.one("tool", "leaf")
    assert tool.error is None
    assert tool.result["output"] == "Sub-agent error: leaf broke"
    assert root.error is None


def test_the_output_of_voxagent_is_unchanged(version: str) -> None:
    assert "SUB-AGENT CALLED" in played("voxagent", version, "watched")["sub_agents"]["stdout"]


def test_agents_that_know_each_other_nest_as_deep_as_they_call(version: str) -> None:
    (root,) = forest("voxagent", version, "rings").roots
    names = []
    span = root
    while span is not None:
        names.append(span.name)
        inside = [child for tool in span.children if tool.kind == "tool" for child in tool.children]
        span = inside[0] if inside else None
    assert names == ["a", "b", "a", "b", "a", "b", "a", "b", "a"]


def test_failed_and_unknown_tools(version: str) -> None:
    for root in forest("voxagent", version, "failing_tools").roots:
        tools = {child.payload["tool_call_id"]: child for child in root.children if child.kind == "tool"}
        assert {key: tool.error for key, tool in tools.items()} == {
            "b1": "ValueError('no luck')",
            "b2": "ValueError('no hope')",
            "n1": "Unknown tool: nowhere",
        }
        assert tools["n1"].json("input") == {"q": "?"}
        assert tools["n1"].began == tools["n1"].over


def test_errors_of_models(version: str) -> None:
    roots = forest("voxagent", version, "errors").roots
    assert [root.error for root in roots] == ["rate limited"] * 2 + ["gone"] * 2 + ["nosuch"] * 2
    chunk, raised = roots[0].children[0], roots[2].children[0]
    assert (chunk.error, chunk.result["response"]["text"], chunk.text()) == ("rate limited", "half", "half")
    assert (raised.error, raised.result["response"]["text"]) == ("ConnectionError('gone')", "half")
    assert roots[4].children == []


def test_timeouts_are_recorded_and_interrupt_nothing(version: str) -> None:
    run, stream, model = forest("voxagent", version, "timeouts").roots
    for root in (run, stream):
        assert root.error == "timed out after 20 ms"
        assert root.result["timed_out"] is True
        slept, aborted = (child for child in root.children if child.kind == "tool")
        assert (slept.result["output"], slept.error) == ("slept to its end", None)
        assert (aborted.payload["tool_call_id"], aborted.error) == ("s2", "Aborted")
    assert model.children[0].error == "aborted: Timeout after 20ms"


def test_a_cancelled_run_closes_what_is_open(version: str) -> None:
    (root,) = forest("voxagent", version, "cancelled").roots
    assert root.error == "CancelledError()"
    assert next(child for child in root.children if child.kind == "tool").error == "CancelledError()"


def test_an_abandoned_stream_ends(version: str) -> None:
    abandoned, thrown = forest("voxagent", version, "abandoned").roots
    assert abandoned.error == "GeneratorExit()"
    assert abandoned.children[0].text() == "one"
    assert thrown.error == "thrown in"


def test_tools_that_come_late_are_watched_and_change_the_snapshot(version: str) -> None:
    tree = forest("voxagent", version, "late_tools")
    first_run, after = tree.roots
    assert next(child for child in first_run.children if child.kind == "tool").error == "Unknown tool: clock"
    assert next(child for child in after.children if child.kind == "tool").result["output"] == "12:00"
    first, second = tree.cards
    assert [tool["name"] for tool in first.payload["tools"]] == []
    assert [tool["name"] for tool in second.payload["tools"]] == ["clock"]
    assert after.metadata["agent.context_id"] == second.start["span_id"]


def test_runs_at_the_same_time_keep_apart(version: str) -> None:
    roots = forest("voxagent", version, "concurrent").roots
    assert sorted(root.payload["inputs"] for root in roots) == sorted(f"p{number}" for number in range(20))
    for root in roots:
        who = root.payload["inputs"]
        assert root.outline() == ["turn many", "llm scripted:many", "tool weather", "llm scripted:many"]
        assert root.children[0].text() == f"hello {who}"
        assert root.children[1].json("input") == {"q": who}
        assert root.result["outputs"] == f"answer {who}"
    assert len({root.start["trace_id"] for root in roots}) == 20


def test_run_sync_is_a_run(version: str) -> None:
    roots = forest("voxagent", version, "sync_runs").roots
    assert [root.payload["inputs"] for root in roots] == ["x", "y", "outside"]


def test_run_sync_in_a_tool_keeps_its_parent_though_it_runs_in_another_thread(version: str) -> None:
    asker = forest("voxagent", version, "sync_runs").roots[2]
    assert asker.outline() == [
        "turn agent",
        "llm scripted:asker",
        ["tool ask", ["sub_agent sync", "llm scripted:sync"]],
        "llm scripted:asker",
    ]


def test_tools_of_mcp_servers(version: str) -> None:
    tree = forest("voxagent", version, "toolsets")
    assert tree.cards[0].payload["mcp_servers"] == ["files"]
    for root in tree.roots:
        read, missing = (child for child in root.children if child.kind == "tool")
        assert (read.name, read.payload["tool_call_id"]) == ("files_read_file", "f1")
        assert read.json("input") == {"path": "a.txt"}
        assert read.result["output"] == "read-file a.txt"
        assert missing.error == "FileNotFoundError('missing')"


def test_tools_that_code_calls_are_inside_its_execution() -> None:
    first_run, after = forest("voxagent", "newest", "code_mode").roots
    for root in (first_run, after):
        (code,) = (child for child in root.children if child.kind == "tool")
        double, broken = code.children
        assert (code.name, double.name, broken.name) == ("execute_code", "double", "broken")
        assert (double.json("input"), double.json("output")) == ({"n": 4}, 8)
        assert broken.error == "ValueError('broken')"


def test_usage_is_read_where_a_chunk_has_it(version: str) -> None:
    (call,) = forest("voxagent", version, "usage").find("llm")
    assert call.result["usage"] == {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}


def test_agents_inside_other_spans_are_sub_agents(version: str) -> None:
    (root,) = forest("voxagent", version, "inside_another").roots
    assert root.outline() == [
        "task by hand",
        [
            "sub_agent outer",
            "llm scripted:outer",
            ["tool ask", ["sub_agent inner", "llm scripted:inner"]],
            "llm scripted:outer",
        ],
    ]


def test_an_agent_that_nobody_watches_is_not_recorded(version: str) -> None:
    """Though it uses the watched provider, and a tool object of the watched agent."""
    (root,) = forest("voxagent", version, "beside_another").roots
    assert root.payload["inputs"] == "seen"
    recorded = json.dumps(played("voxagent", version, "watched")["beside_another"]["events"])
    assert "not seen" not in recorded


def test_a_run_that_is_under_way_at_detach_is_followed_to_its_end(version: str) -> None:
    (root,) = forest("voxagent", version, "detached_midway").roots
    assert root.result["outputs"] == "went on"
    assert root.outline() == ["turn agent", "llm scripted:midway", "tool wait", "llm scripted:midway"]


def test_a_model_call_starts_when_the_model_was_called(version: str) -> None:
    for root in forest("voxagent", version, "concurrent").roots:
        first = root.children[0]
        assert first.began - root.began < timedelta(seconds=5)
        assert first.began <= first.over


def test_a_sink_that_raises_records_nothing(version: str) -> None:
    assert Forest(played("voxagent", version, "raising")["run_with_tools"]["events"]).roots == []
