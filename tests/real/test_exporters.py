"""Programs that other tracers watch, pointed at the collector by nothing but their settings."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from etaoi_collector.store.model import Span, Status, Trace
from tests.real.collecting import Collected, collecting
from tests.real.exporters import ENVIRONMENTS
from tests.real_env import real_env

pytestmark = [pytest.mark.real_clients, pytest.mark.timeout(600)]

PROGRAM = Path(__file__).parent / "drivers" / "exporters.py"


@contextmanager
def running(which: str, environment: str, tmp_path: Path) -> Iterator[Collected]:
    """Run a program against a collector, which goes on until the block ends."""
    python = real_env(environment, *ENVIRONMENTS[environment])
    with collecting(tmp_path / "run.msgpack") as collected:
        where = urlsplit(collected.url).netloc
        with subprocess.Popen(
            [str(python), str(PROGRAM), which, where],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as program:
            yield collected
            told, _ = program.communicate(timeout=120)
        assert program.returncode == 0 and "Error" not in told and "WARNING" not in told, told


def spans(collected: Collected) -> dict[str, Span]:
    """All spans by their names."""
    return {
        f"{span.kind}:{span.name}": span
        for trace in collected.store.traces.values()
        for span in trace.members
        if not span.placeholder
    }


def ended(collected: Collected, count: int) -> bool:
    found = spans(collected)
    return len(found) >= count and all(span.ended_at is not None for span in found.values())


def only_trace(collected: Collected) -> Trace:
    (trace,) = collected.store.traces.values()
    return trace


@pytest.mark.parametrize("protocol", ["otel-http", "otel-grpc"])
def test_opentelemetry_in_python(protocol: str, tmp_path: Path) -> None:
    with running(protocol, "otel", tmp_path) as collected:
        collected.wait_until(lambda: ended(collected, 3), "three spans")
        found = spans(collected)
        agent, call, tool = found["sub_agent:helper"], found["llm:chat m"], found["tool:look"]
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
        found = spans(collected)
        root = found["middleware:finder"]
        assert found["tool:look"].parent is root
        assert found["llm:FakeListChatModel"].parent is root
        assert only_trace(collected).status is Status.OK


def test_openinference_of_langchain(tmp_path: Path) -> None:
    with running("openinference", "openinference", tmp_path) as collected:
        collected.wait_until(lambda: ended(collected, 3), "three spans")
        found = spans(collected)
        assert found["tool:look"].parent is found["middleware:finder"]
        assert found["llm:FakeListChatModel"].parent is found["middleware:finder"]


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
        found = spans(collected)
        assert found["tool:look"].status is Status.OK
        assert any(span.kind == "llm" and span.usage is not None for span in found.values())
        assert not collected.store.rejects
