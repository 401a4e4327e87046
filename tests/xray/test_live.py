"""The pages while the agent still runs: after every single event they can be read, and only grow truer."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage

from etaoi_tui.detail.middleware.request_chain import build_chain
from etaoi_tui.detail.pages.agent_card import card_document
from etaoi_tui.detail.pages.conversation import conversation_document
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.sdk.attach import attach
from etaoi_tui.sdk.langchain.middleware import instrument
from tests.detail.pages import text_of
from tests.detail.recorded import Recorded
from tests.xray import agents


def events_of_a_run(monkeypatch: Any) -> list[Any]:
    events: list[Any] = []

    def keep(agent: Any, received: Any, asked: Any = None) -> Any:
        handle = attach(agent, sink="memory")
        agent.invoke(asked or {"messages": [HumanMessage("What colour is 2 x 21?", id="m1")]})
        handle.detach()
        events.extend(handle.sink.events)

    monkeypatch.setattr(agents, "record", keep)
    agents.everything(instrument)
    return events


def test_every_page_can_be_read_after_every_event(monkeypatch: Any) -> None:
    recorded = Recorded()
    step_counts: list[int] = []
    for event in events_of_a_run(monkeypatch):
        recorded.send(event)
        calls = [span for span in recorded.spans if span.kind == "llm"]
        for call in calls[-1:]:
            document = describe_span(call, recorded.payloads, call.started_at + 1)
            assert not document.notes
            for tab in ("request", "diff", "overview"):
                assert "This page failed" not in text_of(document, tab)
            chain = build_chain(SpanData(call, recorded.payloads, call.started_at + 1))
            assert len([step for step in chain.down if step.span is not None]) >= 5
            step_counts.append(len(chain.up))
        for snapshot in [span for span in recorded.spans if span.kind == "agent_context"]:
            text_of(card_document(snapshot, [], recorded.payloads, snapshot.started_at + 1, 80), "graph")
        for session in recorded.store.sessions.values():
            assert text_of(conversation_document(session, recorded.payloads, 0.0))
    assert min(step_counts) == 0
    assert max(step_counts) >= 5


def test_a_running_node_stands_out(monkeypatch: Any) -> None:
    recorded = Recorded()
    events = events_of_a_run(monkeypatch)
    last = max(
        n for n, event in enumerate(events) if event["node_kind"] == "llm" and event["kind"] == "span_start"
    )
    recorded.send(*events[: last + 1])
    snapshot = recorded.find("agent_context")
    document = card_document(snapshot, [], recorded.payloads, snapshot.started_at + 1, 96)
    assert document.live
    text = text_of(document, "graph")
    assert "║ model ×2 ║" in text
