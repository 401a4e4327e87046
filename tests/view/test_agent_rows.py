"""What the row of an agent says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etaoi_collector.projections.question import question_of
from etaoi_tui.view.row_summaries import Summaries
from tests.detail.pages import end, span_id, start
from tests.detail.recorded import Recorded


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("It is\n  done.", "It is done."),
        (json.dumps({"messages": [{"type": "ai", "content": "Hello"}]}), "Hello"),
        ("", ""),
    ],
)
def test_an_agent_without_inner_spans_shows_its_answer(outputs: str, expected: str) -> None:
    recorded = Recorded()
    recorded.send(start(1, "task", {"inputs": json.dumps(["linter", "tester"])}))
    recorded.send(start(2, "sub_agent", {}, parent=1), end(2, "sub_agent", {"outputs": outputs}, parent=1))
    agent = recorded.store.find_span(span_id(2))
    assert agent is not None and Summaries(recorded.source).of(agent) == expected
    assert question_of(agent.trace, recorded.source) == "linter, tester"


@pytest.mark.parametrize(
    "asked",
    [
        {
            "input_messages": [
                {"role": "system", "text": "Be brief."},
                {"role": "user", "text": "Why is it blue?"},
            ]
        },
        {"prompts": ["Why is it blue?"], "n_prompts": 1},
        {"input_messages": "nothing", "prompts": [None, " ", "Why is it blue?"]},
    ],
)
def test_a_model_call_without_an_agent_is_summarized_by_its_question(asked: dict[str, Any]) -> None:
    recorded = Recorded()
    recorded.send(start(1, "llm", asked))
    call = recorded.store.find_span(span_id(1))
    assert call is not None and question_of(call.trace, recorded.source) == "Why is it blue?"
    assert Summaries(recorded.source).of_trace(call.trace) == "Why is it blue?"


def test_a_tools_text_begins_with_its_first_words() -> None:
    recorded = Recorded()
    recorded.send(start(1, "tool", {"input": json.dumps({"code": "\n\nprint(1)\nprint(2)"})}))
    tool = recorded.store.find_span(span_id(1))
    assert tool is not None and Summaries(recorded.source).of(tool).startswith('code="print(1)')
