"""Agents of other frameworks in Python, which OpenTelemetry watches."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from etaoi_collector.store.model import Status
from tests.livekit.recorded_run import environment
from tests.real import exporting
from tests.real.collecting import Collected
from tests.real.exporters import ENVIRONMENTS
from tests.real.exporting import WHERE, all_spans, ended, only_trace, outline, spans, spans_by_command
from tests.real_env import ROOT, real_env

pytestmark = [pytest.mark.real_clients, pytest.mark.timeout(900)]

PROGRAMS = Path(__file__).parent / "python"


def running(which: str, recording: Path) -> AbstractContextManager[Collected]:
    """Run an agent against a collector, which goes on until the block ends."""
    python = real_env("frameworks", *ENVIRONMENTS["frameworks"])
    return exporting.running([python, PROGRAMS / "frameworks.py", which, WHERE], recording)


def test_openai_agents_by_openinference(tmp_path: Path) -> None:
    recording = tmp_path / "run.msgpack"
    with running("openai-agents", recording) as collected:
        collected.wait_until(lambda: ended(collected, 8), "eight spans")
        assert outline(collected) == [
            "sub_agent:Agent workflow",
            "  middleware:Agent workflow",
            "    sub_agent:helper",
            "      middleware:turn",
            "        llm:generation",
            "        tool:look",
            "      middleware:turn",
            "        llm:generation",
        ]
        calls = [span.usage for span in all_spans(collected) if span.kind == "llm"]
        assert [(use.input_tokens, use.output_tokens) for use in calls if use is not None] == [(40, 7)] * 2
    (tool,) = (span for span in spans_by_command(recording, tmp_path / "state") if span["kind"] == "tool")
    assert (tool["input"], tool["output"]) == ({"where": "Paris"}, "nothing in Paris")


def test_langfuse(tmp_path: Path) -> None:
    with running("langfuse", tmp_path / "run.msgpack") as collected:
        collected.wait_until(lambda: ended(collected, 4), "four spans")
        assert outline(collected) == ["sub_agent:helper", "  llm:answering", "  tool:look", "  tool:fail"]
        by_name = spans(collected)
        usage = by_name["llm:answering"].usage
        assert usage is not None and (usage.input_tokens, usage.output_tokens) == (112, 5)
        assert by_name["tool:fail"].error == "nobody is there"


def test_anthropics_own_spans(tmp_path: Path) -> None:
    """Its counts include what came from the cache and went into it."""
    recording = tmp_path / "run.msgpack"
    with running("anthropic", recording) as collected:
        collected.wait_until(lambda: ended(collected, 2), "two spans")
        call = next(span for span in all_spans(collected) if span.kind == "llm")
        assert call.parent is spans(collected)["sub_agent:helper"]
        assert call.usage is not None
        assert (call.usage.input_tokens, call.usage.output_tokens) == (9312, 20)
    (model_call,) = (
        span for span in spans_by_command(recording, tmp_path / "state") if span["kind"] == "llm"
    )
    assert [message["role"] for message in model_call["input"]] == ["system", "user"]
    assert model_call["output"]["text"] == "It is not there."


def test_mcps_own_spans_of_two_processes(tmp_path: Path) -> None:
    """The server's spans hang below the agent's, though each process exports its own."""
    with running("mcp", tmp_path / "run.msgpack") as collected:
        collected.wait_until(lambda: ended(collected, 9), "nine spans")
        by_name = spans(collected)
        only_trace(collected)
        assert by_name["tool:look"].parent is by_name["tool:MCP send tools/call look"]
        assert by_name["tool:MCP send tools/call look"].parent is by_name["sub_agent:helper"]
        assert by_name["tool:fail"].status is Status.ERROR and by_name["tool:fail"].error == "tool_error"
        assert not collected.store.rejects


@pytest.mark.xdist_group("livekit")
def test_livekits_own_spans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call told by livekit-agents alone: its turns stand while the session goes on."""
    python = environment("newest")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{ROOT / 'collector'}")
    words = [python, PROGRAMS / "livekit_call.py", WHERE]
    with exporting.running(words, tmp_path / "run.msgpack") as collected:
        collected.wait_until(
            lambda: (
                "tool:find_order" in spans(collected)
                and "voice_session:agent_session" not in spans(collected)
            ),
            "a turn before the session's end",
        )
        collected.wait_until(
            lambda: "voice_session:agent_session" in spans(collected) and ended(collected, 15), "the session"
        )
        kinds = [span.kind for span in all_spans(collected)]
        assert (kinds.count("voice_turn"), kinds.count("voice_input"), kinds.count("llm")) == (2, 1, 2)
        only_trace(collected)
        assert not collected.store.rejects
