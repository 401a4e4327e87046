"""Programs that other tracers watch, pointed at the collector by nothing but their settings."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from etaoi_collector.store.model import Status
from tests.real import exporting
from tests.real.collecting import Collected
from tests.real.exporters import ENVIRONMENTS
from tests.real.exporting import WHERE, ended, only_trace, spans
from tests.real_env import real_env

pytestmark = [pytest.mark.real_clients, pytest.mark.timeout(600)]

PROGRAM = Path(__file__).parent / "drivers" / "exporters.py"


def running(which: str, environment: str, tmp_path: Path) -> AbstractContextManager[Collected]:
    """Run a program against a collector, which goes on until the block ends."""
    python = real_env(environment, *ENVIRONMENTS[environment])
    return exporting.running([python, PROGRAM, which, WHERE], tmp_path / "run.msgpack")


@pytest.mark.parametrize("protocol", ["otel-http", "otel-grpc"])
def test_opentelemetry_in_python(protocol: str, tmp_path: Path) -> None:
    with running(protocol, "otel", tmp_path) as collected:
        collected.wait_until(lambda: ended(collected, 3), "three spans")
        by_name = spans(collected)
        agent, call, tool = by_name["sub_agent:helper"], by_name["llm:chat m"], by_name["tool:look"]
        assert call.parent is agent and tool.parent is agent
        assert call.usage is not None and (call.usage.input_tokens, call.usage.output_tokens) == (11, 3)
        assert tool.status is Status.ERROR and tool.error == "LookupError('nothing there')"
        assert not collected.store.rejects


def test_langsmith_is_live(tmp_path: Path) -> None:
    """A tool's row is there while the tool runs, which takes 0.4 s."""
    with running("langsmith", "langsmith", tmp_path) as collected:
        collected.wait_until(
            lambda: "tool:look" in spans(collected) and spans(collected)["tool:look"].ended_at is None,
            "an open row",
        )
        collected.wait_until(lambda: ended(collected, 3), "three ends")
        by_name = spans(collected)
        root = by_name["middleware:finder"]
        assert by_name["tool:look"].parent is root
        assert by_name["llm:FakeListChatModel"].parent is root
        assert only_trace(collected).status is Status.OK


def test_openinference_of_langchain(tmp_path: Path) -> None:
    with running("openinference", "openinference", tmp_path) as collected:
        collected.wait_until(lambda: ended(collected, 3), "three spans")
        by_name = spans(collected)
        assert by_name["tool:look"].parent is by_name["middleware:finder"]
        assert by_name["llm:FakeListChatModel"].parent is by_name["middleware:finder"]


def test_logfire_and_pydantic_ai_are_live(tmp_path: Path) -> None:
    """The agent's row is there before it ends: Logfire tells of spans that are pending."""
    with running("logfire", "logfire", tmp_path) as collected:
        collected.wait_until(
            lambda: (
                "sub_agent:helper" in spans(collected)
                and spans(collected)["sub_agent:helper"].ended_at is None
            ),
            "an open row",
        )
        collected.wait_until(lambda: ended(collected, 3), "the end")
        by_name = spans(collected)
        assert by_name["tool:look"].status is Status.OK
        assert any(span.kind == "llm" and span.usage is not None for span in by_name.values())
        assert not collected.store.rejects
