"""Real agents to a real collector over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage

from etaoi_collector.store.model import SpanFlag, Status
from etaoi_tui.sdk.attach import attach
from etaoi_tui.sdk.langchain.middleware import instrument
from tests.sdk.langchain.models import ScriptedModel, calls
from tests.sdk.langchain.programs import PROGRAMS, Guard, double, politeness
from tests.sdk.test_collector import Watching


@pytest.fixture
def watching() -> Iterator[Watching]:
    viewer = Watching()
    yield viewer
    viewer.collector.stop(60)


def url_of(viewer: Watching) -> str:
    return f"ws://127.0.0.1:{viewer.port}/ingest"


def all_spans(viewer: Watching) -> list[Any]:
    return [span for trace in viewer.store.traces.values() for span in trace.spans]


def test_an_agent_is_in_the_store_whole_nested_and_streamed(watching: Watching) -> None:
    model = ScriptedModel(answers=[calls(("double", {"number": 3})), "It is six."])
    agent = create_agent(model, [double], middleware=instrument([Guard(), politeness()]), name="orders")
    with attach(agent, server_url=url_of(watching)) as handle:
        list(agent.stream({"messages": [HumanMessage("double three")]}, stream_mode="messages"))
        assert handle.flush(60)
    watching.until(lambda: len(all_spans(watching)) >= 18)
    spans = all_spans(watching)
    assert {span.status for span in spans} == {Status.OK}
    assert not watching.rejects
    models = [span for span in spans if span.kind == "llm"]
    assert [span.parent.name for span in models] == ["polite.wrap_model_call"] * 2
    assert all(span.parent.flags & SpanFlag.PROBE for span in models)
    assert all(span.model == "fake-gpt-5" and span.ttft is not None for span in models)
    assert any(span.deltas for span in models)


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_the_collector_refuses_nothing_of_any_program(name: str, watching: Watching) -> None:
    handles: list[Any] = []
    PROGRAMS[name](lambda agent: handles.append(attach(agent, server_url=url_of(watching))), instrument)
    for handle in handles:
        assert handle.flush(60)

    def finished() -> bool:
        spans = all_spans(watching)
        return bool(spans) and all(span.status is not Status.RUNNING for span in spans)

    watching.until(finished)
    assert not watching.rejects
    for handle in handles:
        handle.detach()
