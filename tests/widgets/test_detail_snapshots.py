"""What a streaming model call and a middleware probe look like."""

from __future__ import annotations

from typing import Any

import pytest

from etaoi_tui.detail.document.model import Document
from etaoi_tui.detail.span_document import describe_span
from tests.detail.pages import delta, span_id, start
from tests.detail.recorded import Recorded
from tests.widgets.test_detail_pane import PaneApp

NOW = 1_767_323_052.3


class ShowingApp(PaneApp):
    def __init__(self, document: Document, theme: str) -> None:
        super().__init__()
        self._shown = document
        self._theme_name = theme

    def on_mount(self) -> None:
        self.theme = self._theme_name
        self.pane.focus()
        self.pane.show(self._shown)


def streaming_call() -> Document:
    messages = [
        {"role": "system", "text": "You are a careful researcher.\n" + "Rule. " * 300},
        {
            "role": "human",
            "text": "What changed in **v2**?\n- the API\n- the `config` file\n\n日本語も折り返す。",
        },
        {
            "role": "ai",
            "text": "Let me search.",
            "tool_calls": [
                {"name": "search", "args": {"query": "v2", "filters": {"after": None}}, "id": "c1"}
            ],
        },
        {"role": "tool", "text": '{"hits": [{"title": "Release v2", "score": 0.93}]}', "tool_call_id": "c1"},
    ]
    recorded = Recorded()
    recorded.send(
        start(1, "llm", {"input_messages": messages}),
        delta(1, "llm", {"text": "They want a list.", "at": 0, "channel": "reasoning"}),
        delta(1, "llm", {"text": "1. **Streaming** by default\n2. A new ", "at": 0}),
        delta(1, "llm", {"text": "without YAML", "at": 50}),
    )
    span = recorded.store.find_span(span_id(1))
    assert span is not None
    return describe_span(span, recorded.payloads, NOW)


def probe() -> Document:
    tools = ["search", "write", "delete"]
    payload = {
        "before": {"system": {"text": "Be brief.\nBe kind."}, "messages": [], "tools": tools},
        "after": {
            "system": {"text": "Be brief.\nToday is Monday."},
            "messages": [{"role": "human", "preview": "remember the budget", "len": 19}],
            "tools": tools[:2],
        },
        "diff": {},
    }
    recorded = Recorded()
    recorded.send(
        start(1, "middleware", payload, lc_probe="wrap_model_call", probe_label="Guard.wrap_model_call")
    )
    span = recorded.store.find_span(span_id(1))
    assert span is not None
    return describe_span(span, recorded.payloads, NOW)


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
def test_streaming_call(snap_compare: Any, theme: str) -> None:
    assert snap_compare(ShowingApp(streaming_call(), theme), terminal_size=(80, 36))


def test_probe(snap_compare: Any) -> None:
    assert snap_compare(ShowingApp(probe(), "textual-dark"), terminal_size=(80, 24))
