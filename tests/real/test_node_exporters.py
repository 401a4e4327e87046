"""Programs in JavaScript that other tracers watch: the AI SDK, LangSmith with LangGraph, Langfuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from etaoi_collector.store.model import Status
from tests.launcher.launching import launch
from tests.node_env import NodeProject, node_project
from tests.real.exporting import WHERE, all_spans, ended, outline, running, spans, spans_by_command

pytestmark = [
    pytest.mark.real_clients,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("node_exporters"),
]

NODE = Path(__file__).parent / "node"
TWO_RUNS = [
    "sub_agent:finder",
    "  middleware:step 1",
    "    llm:chat fake-1",
    "    tool:look",
    "  middleware:step 2",
    "    llm:chat fake-1",
    "sub_agent:leaver",
    "  middleware:step 1",
    "    llm:chat fake-1",
]


@pytest.fixture(scope="module")
def ai_sdk() -> NodeProject:
    """The AI SDK and OpenTelemetry."""
    return node_project(NODE / "ai_sdk")


def test_the_ai_sdk_by_its_own_exporter(tmp_path: Path, ai_sdk: NodeProject) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{WHERE}", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    recording = tmp_path / "run.msgpack"
    with running([ai_sdk.node, ai_sdk.program, "exported"], recording, variables) as collected:
        collected.wait_until(lambda: ended(collected, 9), "nine spans")
        assert outline(collected) == TWO_RUNS
        assert not collected.store.rejects
        steps = [span for span in all_spans(collected) if span.name.startswith("step")]
        assert all(step.is_folded_away for step in steps)
        calls = [span.usage for span in all_spans(collected) if span.kind == "llm"]
        assert [(use.input_tokens, use.output_tokens) for use in calls if use is not None] == [
            (40, 7),
            (60, 5),
            (9, 2),
        ]
    shown_spans = spans_by_command(recording, tmp_path / "state")
    first, second, _ = (span for span in shown_spans if span["kind"] == "llm")
    assert [message["role"] for message in first["input"]] == ["system", "user"]
    assert [message["role"] for message in second["input"]] == ["system", "user", "assistant", "tool"]
    assert first["usage"]["cache_read"] == 30
    (tool,) = (span for span in shown_spans if span["kind"] == "tool")
    assert (tool["input"], tool["output"]) == ({"where": "Paris"}, "nothing in Paris")


def test_the_ai_sdk_below_the_launcher(tmp_path: Path, ai_sdk: NodeProject) -> None:
    """Without an exporter of its own: what is put into Node tells its spans."""
    ran = launch(tmp_path, ai_sdk.node, ai_sdk.program, cwd=ai_sdk.program.parent)
    assert ran.code == 0, ran.err
    assert len(ran.spans()) == len(TWO_RUNS)
    assert all(span["ended_at"] is not None for span in ran.spans())


def test_a_step_of_the_ai_sdk_is_seen_when_it_starts(tmp_path: Path, ai_sdk: NodeProject) -> None:
    """The process dies within the tool; only what had told its start can be there."""
    ran = launch(tmp_path, ai_sdk.node, ai_sdk.program, "die", cwd=ai_sdk.program.parent)
    assert ran.code == 3, ran.err
    assert {span["name"]: span["ended_at"] is None for span in ran.spans()} == {
        "finder": True,
        "step 1": True,
        "chat fake-1": False,
        "look": True,
    }


def test_langsmith_and_langgraph_are_live(tmp_path: Path) -> None:
    """A tool's row is there while the tool runs, which takes 1.5 s."""
    project = node_project(NODE / "langsmith")
    variables = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": f"http://{WHERE}",
        "LANGSMITH_API_KEY": "x",
    }
    with running([project.node, project.program], tmp_path / "run.msgpack", variables) as collected:
        collected.wait_until(
            lambda: "tool:look" in spans(collected) and spans(collected)["tool:look"].ended_at is None,
            "an open row",
        )
        collected.wait_until(lambda: ended(collected, 7), "seven ends")
        assert outline(collected) == [
            "middleware:find",
            "  middleware:finder",
            "    middleware:__start__",
            "    middleware:model",
            "      llm:FakeListChatModel",
            "    middleware:tools",
            "      tool:look",
        ]
        assert not collected.store.rejects


def test_langfuse(tmp_path: Path) -> None:
    project = node_project(NODE / "langfuse")
    variables = {
        "LANGFUSE_BASE_URL": f"http://{WHERE}",
        "LANGFUSE_PUBLIC_KEY": "x",
        "LANGFUSE_SECRET_KEY": "y",
    }
    with running([project.node, project.program], tmp_path / "run.msgpack", variables) as collected:
        collected.wait_until(lambda: ended(collected, 4), "four spans")
        assert outline(collected) == ["sub_agent:helper", "  llm:answering", "  tool:look", "  tool:fail"]
        by_name = spans(collected)
        usage = by_name["llm:answering"].usage
        assert usage is not None and (usage.input_tokens, usage.output_tokens) == (112, 5)
        assert by_name["tool:fail"].status is Status.ERROR
        assert by_name["tool:fail"].error == "nobody is there"
        assert by_name["tool:look"].status is Status.OK
