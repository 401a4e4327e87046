"""Real loomcycle clients against a server in the same process, watched."""

from __future__ import annotations

import json

import pytest

from etaoi_collector.conventions.event_rows import SAID_BY, SEVERITY, WARNING
from etaoi_collector.wire.metadata_keys import APPROXIMATE_END
from etaoi_tui.sdk.ids import bridge_uuid, session_uuid
from tests.bridges.real import check_that_all_end_alike, forest, played
from tests.bridges.trees import SpanNode

pytestmark = pytest.mark.real_clients

SCENARIOS = (
    "stream",
    "spelled_as_documented",
    "sub_agents",
    "history",
    "refusals",
    "endings",
    "abandoned",
    "other_types",
    "batch",
    "concurrent",
    "inside_a_span",
    "users",
    "no_trace",
    "batch_with_states",
    "nobody_there",
    "interactive",
    "operator",
)
ONE_RUN = ["turn finder", "llm model", "tool HTTP", "tool Read", "llm m-1"]
ABANDONED = "cancelled: the stream was left before its end; the run may go on"
SILENT = "ended without done (cancelled?)"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_watching_changes_nothing(version: str, scenario: str) -> None:
    check_that_all_end_alike("loomcycle", version, scenario)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_span_ends(version: str, scenario: str) -> None:
    for span in forest("loomcycle", version, scenario).all():
        assert span.end is not None


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_secrets_are_never_recorded(version: str, scenario: str) -> None:
    assert "SECRET" not in json.dumps(played("loomcycle", version, "watched")[scenario]["events"])


def test_no_scenario_is_forgotten(version: str) -> None:
    assert set(played("loomcycle", version, "watched")) == set(SCENARIOS)


def test_a_run_has_the_same_ids_however_it_is_reached(version: str) -> None:
    root = forest("loomcycle", version, "stream").roots[0]
    assert root.start["trace_id"] == str(bridge_uuid("loomcycle", "run", "run_1"))
    assert root.start["span_id"] == str(bridge_uuid("loomcycle", "root", "run_1"))
    assert root.start["session_id"] == str(session_uuid("s_1"))
    assert root.start["user_id"] == "u1"
    ids = {key: root.metadata[key] for key in ("run_id", "agent_id", "session_id", "user_id")}
    assert ids == {"run_id": "run_1", "agent_id": "a_1", "session_id": "s_1", "user_id": "u1"}


def test_a_run_is_a_turn_with_model_calls_and_tools(version: str) -> None:
    tree = forest("loomcycle", version, "stream")
    assert [root.outline() for root in tree.roots] == [ONE_RUN] * 3
    root = tree.roots[0]
    assert root.payload["inputs"] == "Find it."
    assert root.result["outputs"] == "Found."
    assert root.result["stop_reason"] == "end_turn"
    assert root.result["total_usage"]["input_tokens"] == 30
    assert "usage" not in root.result


def test_a_prompt_that_can_be_read_once_reaches_server_and_span(version: str) -> None:
    once = forest("loomcycle", version, "stream").roots[1]
    assert once.payload["inputs"] == "Find it."
    assert once.children[0].payload["input_messages"] == [{"role": "human", "text": "Find it."}]


def test_a_model_call_has_all_its_fields(version: str) -> None:
    first, http, read, second = forest("loomcycle", version, "stream").roots[0].children
    assert first.text() == "I will look."
    assert first.text("reasoning") == "hm "
    retry = {"provider": "p", "attempt": 1, "wait_ms": 20, "reason": "exponential backoff"}
    assert {"retry": retry} in first.deltas
    assert first.result["response"]["text"] == "I will look."
    assert first.result["response"]["reasoning"] == "hm "
    assert [call["name"] for call in first.result["response"]["tool_calls"]] == ["HTTP", "Read"]
    assert first.result["model"] == "m-1"
    assert first.result["usage"] == {
        "input_tokens": 10,
        "output_tokens": 4,
        "total_tokens": 14,
        "cache_read_input_tokens": 3,
    }
    assert [message["role"] for message in second.payload["input_messages"]] == [
        "human",
        "ai",
        "tool",
        "tool",
    ]
    assert second.began == http.over >= read.over


def test_usage_is_counted_once(version: str) -> None:
    root = forest("loomcycle", version, "stream").roots[0]
    used = [span.result["usage"]["input_tokens"] for span in root.all() if "usage" in span.result]
    assert used == [10, 20]


def test_tools_have_input_output_error_and_widened_hosts(version: str) -> None:
    _, http, read, _ = forest("loomcycle", version, "stream").roots[0].children
    assert http.json("input") == {"url": "https://x.test/a?key=1"}
    assert (http.result["output"], http.error, http.payload["tool_call_id"]) == ("200 OK", None, "tu_1")
    assert read.error == "no such file"
    (widened,) = (delta["host_widened"] for delta in http.deltas)
    assert (widened["url"], widened["hosts_added"]) == ("https://x.test/a", ["x.test"])


def test_a_continued_session_has_its_agent_and_its_conversation(version: str) -> None:
    first, _, continued = forest("loomcycle", version, "stream").roots
    assert continued.name == "finder"
    assert continued.start["session_id"] == first.start["session_id"]
    messages = continued.children[0].payload["input_messages"]
    assert [message["role"] for message in messages] == ["human", "ai", "tool", "tool", "ai", "human"]
    assert messages[-1]["text"] == "And?"


def test_documented_names_missing_ids_and_missing_usage(version: str) -> None:
    (root,) = forest("loomcycle", version, "spelled_as_documented").roots
    assert root.outline() == ["turn old", "llm model", "tool Run", "tool Ghost", "llm model"]
    model, run, placeholder, _ = root.children
    assert (run.result["output"], run.error) == ("ok", None)
    assert placeholder.json("input") == {}
    assert "usage" not in model.result
    assert model.over <= run.over
    assert (root.result["stop_reason"], root.error) == ("max_iterations", None)


def test_sub_agents_with_their_inside(version: str) -> None:
    (root,) = forest("loomcycle", version, "sub_agents").roots
    inside = ["llm model", "tool Read", "llm m-2"]
    assert root.outline() == [
        "turn boss",
        "llm model",
        ["tool Agent", ["sub_agent digger", *inside]],
        ["tool Agent", ["sub_agent l", *inside], ["sub_agent r", *inside]],
        "llm m-1",
    ]
    digger, left, right = (span for span in root.all() if span.kind == "sub_agent")
    assert (digger.payload["inputs"], digger.result["outputs"]) == ("dig", "dug")
    assert (left.payload["inputs"], left.result["outputs"], left.error) == (
        "left",
        "went left",
        None,
    )
    assert (right.error, right.parent and right.parent.error) == ("stuck", None)
    runs = [
        next(delta["run_id"] for delta in span.deltas if "run_id" in delta) for span in (digger, left, right)
    ]
    assert runs == ["crun_1", "crun_2", "crun_3"]
    assert {"system_prompt": "You are the boss."} in root.deltas


def check_imported(root: SpanNode, first: str) -> None:
    model, tool, second = (child for child in root.children if not child.is_row)
    assert model.payload["input_messages"] == [
        {"role": "system", "text": "Be brief."},
        {"role": "human", "text": "Do it."},
    ]
    assert model.result["response"]["text"] == first
    assert model.result["usage"]["cache_read_input_tokens"] == 2
    assert model.text() == ""
    assert (tool.json("input"), tool.result["output"]) == ({"p": 1}, "read")
    assert second.result["response"]["text"] == "done."


def test_history_has_its_own_times(version: str) -> None:
    _, first, second = forest("loomcycle", version, "history").roots
    check_imported(first, "first")
    at = 1_700_000_000
    assert [first.began.timestamp(), first.over.timestamp()] == [at, at + 6]
    inside = [span for span in first.children if not span.is_row]
    assert [span.began.timestamp() - at for span in inside] == [1, 2, 4]
    assert [span.over.timestamp() - at for span in inside] == [3, 4, 6]
    assert second.error == SILENT
    assert first.start["session_id"] == second.start["session_id"] == str(session_uuid("old"))
    assert first.start["trace_id"] == str(bridge_uuid("loomcycle", "run", "run_a"))
    assert [row.name for row in first.rows()] == ["provider_fallback"]


def test_history_of_a_watched_run_adds_only_the_system_prompt(version: str) -> None:
    sub_agent = forest("loomcycle", version, "history").roots[0]
    assert sub_agent.outline() == ["turn seen", *ONE_RUN[1:]]
    assert sub_agent.deltas == [{"system_prompt": "Be brief."}]


def test_refusals_and_broken_connections(version: str) -> None:
    roots = forest("loomcycle", version, "refusals").roots
    errors = [root.error for root in roots]
    assert errors[:5] == [
        "InvalidArgumentError: unknown agent",
        "BackpressureError: queue full",
        "AgentIDInUseError: agent_id in use",
        "UnavailableError: server gone",
        "SessionNotFoundError: session not found",
    ]
    assert all(error and error.startswith("TypeError: ") for error in errors[5:])
    assert [child.error for child in roots[3].children] == ["UnavailableError: server gone"] * 2


def test_other_final_events_than_done(version: str) -> None:
    error, silent, context, empty = forest("loomcycle", version, "endings").roots
    assert error.error == error.children[0].error == "model broke"
    assert error.children[0].result["response"]["text"] == "half"
    assert [span.error for span in silent.all()] == [SILENT] * 3
    assert context.error == "context canceled"
    assert empty.error == SILENT


def test_streams_that_are_abandoned_or_cancelled(version: str) -> None:
    abandoned, cancelled, *_ = forest("loomcycle", version, "abandoned").roots
    assert abandoned.error == abandoned.children[0].error == ABANDONED
    assert cancelled.error == "CancelledError()"


def test_streams_that_came_later() -> None:
    _, _, again, other, configured = forest("loomcycle", "newest", "abandoned").roots
    assert again.start["trace_id"] == str(bridge_uuid("loomcycle", "run", "run_1"))
    assert again.start["span_id"] != str(bridge_uuid("loomcycle", "root", "run_1"))
    assert (again.name, again.result["outputs"]) == ("long", "two")
    assert other.start["span_id"] == str(bridge_uuid("loomcycle", "root", "run_77"))
    assert configured.outline()[1:] == ONE_RUN[1:]


def rows(version: str, scenario: str = "other_types") -> dict[str, SpanNode]:
    (root,) = forest("loomcycle", version, scenario).roots
    return {row.name: row for row in root.rows()}


def test_unknown_event_types_are_rows(version: str) -> None:
    row_of = rows(version)
    assert row_of["provider_fallback"].json("inputs") == {"text": "p2"}
    assert row_of["provider_fallback"].metadata[SEVERITY] == WARNING
    assert row_of["brand_new"].json("inputs") == {"text": "what?"}
    assert row_of["after_done"].json("inputs") == {"text": "late"}


def test_newer_types_show_their_fields() -> None:
    row_of = rows("newest")
    assert row_of["limit"].json("inputs")["used"] == 5
    assert row_of["limit"].metadata[SEVERITY] == WARNING
    assert row_of["awaiting_children"].json("inputs")["child_run_ids"] == ["c1", "c2"]


def test_a_run_waits_for_slots_people_and_verdicts_and_its_model_does_not() -> None:
    (root,) = forest("loomcycle", "newest", "interactive").roots
    assert root.waits == [
        "a run slot (user_cap, place 2)",
        "",
        "a slot of p",
        "",
        "your next message",
        "",
        "your verdict on its answer",
    ]
    asked, answered = root.children and [child for child in root.children if child.kind == "llm"]
    assert asked.waits == ["a slot of p", ""]
    # Each wait took a second; no call has one in it.
    assert asked.result["ttft_ms"] < 900
    assert (answered.over - answered.began).total_seconds() < 0.9
    assert (answered.began - asked.over).total_seconds() > 0.9
    assert answered.payload["input_messages"][-1] == {"role": "human", "text": "Oslo"}
    assert (answered.name, answered.result["model"]) == ("m-9", "m-9")
    row_of = rows("newest", "interactive")
    assert (row_of["steer"].metadata[SAID_BY], row_of["steer"].payload["text"]) == ("user", "Oslo")
    assert row_of["hook_decision"].metadata[SEVERITY] == WARNING
    assert row_of["queued"].metadata["lc_chain_kind"] == "internal"
    assert root.error == "held"
    assert root.result["error_info"] == {"category": "business", "description": "late"}


def test_calls_that_a_program_makes_on_a_run_are_rows_of_the_run() -> None:
    forest_ = forest("loomcycle", "newest", "operator")
    root = next(root for root in forest_.roots if root.kind == "turn")
    row_of = {row.name: row for row in root.rows()}
    assert row_of["run_input"].json("inputs") == {
        "run_id": "run_1", "text": "faster", "model": "m-2", "by": "this program",
    }  # fmt: skip
    assert row_of["run_input"].metadata[SAID_BY] == "user"
    assert row_of["review_run"].metadata[SEVERITY] == WARNING and row_of["review_run"].json("inputs")["error"]
    assert root.waits == ["somebody to resume the runtime", ""]
    everything = json.dumps(played("loomcycle", "newest", "watched")["operator"]["events"])
    assert "pause_runtime" in everything and "publish_channel" in everything
    assert "SECRET-payload" not in everything
    decision = next(root for root in forest_.roots if root.kind == "llm")
    assert decision.result["model"] == "judge-2" and "0.9" in decision.result["response"]["text"]
    assert decision.result["usage"]["input_tokens"] == 7


def test_batches(version: str) -> None:
    whole, once, broken, argument = forest("loomcycle", version, "batch").roots
    assert whole.outline() == ["task batch of 3", "sub_agent a", "sub_agent b", "sub_agent bad"]
    done, _, bad = whole.children
    # All outcomes are reported at the end of the batch; one alone has its end.
    assert [child.metadata.get(APPROXIMATE_END) for child in whole.children] == ["1"] * 3
    assert done.payload["inputs"] == "Find it."
    assert (done.result["outputs"], done.result["status"]) == ("a did it", "completed")
    assert done.result["total_usage"]["output_tokens"] == 6
    assert "usage" not in done.result
    assert {"usage": done.result["total_usage"]} in done.deltas
    assert (bad.error, bad.result["status"]) == ("it broke", "failed")
    assert {"run_id": "brun_0", "agent_id": "ba_0", "session_id": "bs_0"} in done.deltas
    assert [child.payload["inputs"] for child in once.children] == ["Find it."] * 2
    assert broken.error == "ValueError: half read"
    assert argument.error is not None and argument.error.startswith("TypeError")


def test_run_states_find_the_agents_of_a_batch(version: str) -> None:
    (task,) = forest("loomcycle", version, "batch_with_states").roots
    assert task.outline() == ["task batch of 2", "sub_agent a", "sub_agent b"]
    first, second = task.children
    assert first.deltas[0] == {"run_id": "brun_0", "agent_id": "ba_0"}
    assert second.deltas[0]["run_id"] == "brun_1"
    assert (first.result["status"], first.error) == ("completed", None)
    # A run state reported the end of the first; nothing reported the second.
    assert APPROXIMATE_END not in first.metadata and first.over < second.over
    assert second.metadata[APPROXIMATE_END] == "1"


def test_a_server_that_is_away(version: str) -> None:
    (root,) = forest("loomcycle", version, "nobody_there").roots
    assert root.error is not None and root.error.startswith("UnavailableError: ")


def test_runs_at_the_same_time_with_the_same_tool_ids(version: str) -> None:
    roots = forest("loomcycle", version, "concurrent").roots
    assert len(roots) == 8
    for root in roots:
        number = int(root.name[1:])
        model, tool = root.children
        assert model.text() == f"hi {number}"
        assert (tool.json("input"), tool.result["output"]) == ({"n": number}, f"r{number}")


def test_a_run_inside_a_span_is_part_of_its_tree(version: str) -> None:
    (root,) = forest("loomcycle", version, "inside_a_span").roots
    assert root.outline() == ["task by hand", ["sub_agent inner", *ONE_RUN[1:]]]


def test_runs_that_others_start(version: str) -> None:
    early, late, mine = forest("loomcycle", version, "users").roots
    assert (early.error, early.began.timestamp()) == ("cancelled", 1_700_000_000)
    assert late.outline() == ["turn late", "sub_agent kid"]
    assert (late.error, late.result["status"]) == (None, "completed")
    assert late.deltas == [{"status": "queued"}, {"status": "running"}]
    assert late.children[0].error == "kid broke"
    assert late.start["user_id"] == "u1"
    assert mine.outline() == ["turn mine", *ONE_RUN[1:]]
    assert any(delta.get("inputs") == "Find it." for delta in mine.deltas)


def test_runs_name_a_snapshot_of_their_agent(version: str) -> None:
    story = forest("loomcycle", version, "stream")
    (card,) = story.cards
    agent = card.payload
    assert (agent["framework"], agent["agent_name"], agent["llm"]) == (
        "loomcycle",
        "finder",
        {"model": "m-1"},
    )
    assert [tool["name"] for tool in agent["tools"]] == ["HTTP", "Read"]
    card_id = card.start["span_id"]
    first, *others = story.roots
    assert first.snapshots == [card_id]
    assert [root.metadata["agent.context_id"] for root in others] == [card_id] * len(others)
    prompted = forest("loomcycle", version, "history")
    payloads = [one.payload for one in prompted.cards if one.name == "seen"]
    assert payloads[-1]["system_prompt"] == "Be brief."
