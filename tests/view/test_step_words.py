"""What rows say of steps: where a graph went, what a step changed, which branch it is, what was found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.detail.viewers.retriever import retrieval_in_words
from etaoi_tui.kinds.step_text import run_words, step_words
from etaoi_tui.view.row_summaries import Summaries
from tests.detail.pages import end, span_id, start, text_of
from tests.detail.recorded import Recorded


def words(arguments: Any, returned: Any, *, branch: bool = False, inner: bool = False) -> str:
    inputs_and_outputs = [one if isinstance(one, str) else json.dumps(one) for one in (arguments, returned)]
    return step_words(inputs_and_outputs[0], inputs_and_outputs[1], branch=branch, inner=inner)


CASES: list[tuple[Any, Any, dict[str, bool], str]] = [
    ({"x": 1, "y": 2}, {"x": 1, "y": 3}, {}, "y=3"),
    ({}, {"a": 1, "b": "two", "c": [1], "d": None, "e": 5}, {}, 'a=1  b="two"  c=[1]  d=None  +1'),
    ({}, {"messages": [{"type": "ai", "content": "Hello there"}]}, {}, "messages: Hello there"),
    ({}, {"messages": [{"type": "ai", "content": "", "tool_calls": [{"name": "add"}]}]}, {}, "→ add"),
    ({}, {"messages": [["ai", "hi"]]}, {}, "messages: hi"),
    ({}, {"__type__": "Command", "goto": "decide", "update": {"x": 1}}, {}, "→ decide"),
    ({}, {"__type__": "Command", "goto": ["a", "b"]}, {}, "→ a, b"),
    ({"x": 0}, {"__type__": "Command", "update": {"x": 1}}, {}, "x=1"),
    ({}, [{"__type__": "Send", "node": "research", "arg": {}}] * 3, {"inner": True}, "→ research ×3"),
    ({}, [{"__type__": "Command", "goto": [{"__type__": "Send", "node": "n", "arg": 1}]}], {}, "→ n"),
    ({}, "research", {"inner": True}, "→ research"),
    ({}, "__end__", {"inner": True}, "→ end"),
    ({}, ["a", "b"], {"inner": True}, "→ a, b"),
    ({}, "true", {"inner": True}, "→ yes"),
    ({}, "research", {}, ""),
    ({"topic": "oil", "depth": 2}, {"notes": ["x"]}, {"branch": True}, 'topic="oil"  depth=2'),
    ({"topic": "oil"}, {"__type__": "Command", "goto": "end_it"}, {"branch": True}, 'topic="oil"  → end_it'),
    ({}, {"todos": [{"status": "completed"}, {"status": "pending"}]}, {}, "todos 1/2"),
    ({}, {"files": {"/a.md": "x", "/b.md": "y"}}, {}, "files /a.md, /b.md"),
    ({}, '{"broken": ', {}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "returned", "how", "expected"), CASES)
def test_steps_in_words(arguments: Any, returned: Any, how: dict[str, bool], expected: str) -> None:
    assert words(arguments, returned, **how) == expected


def test_a_run_is_summarized_by_its_answer() -> None:
    assert run_words('{"notes": ["x"], "final_report": "It is\\n42."}') == "It is 42."
    assert (
        run_words('{"messages": [{"type": "human", "content": "q"}, {"type": "ai", "content": "a"}]}') == "a"
    )
    assert run_words(None) == run_words("[1") == run_words('{"x": 1}') == ""


def test_retrievals_in_words() -> None:
    assert retrieval_in_words("who", None) == '"who"'
    assert retrieval_in_words("who", 0) == '"who" → nothing'
    assert retrieval_in_words("who", 1) == '"who" → 1 doc'
    assert retrieval_in_words("who", 1200) == '"who" → 1,200 docs'


DOCUMENTS = [
    {"text": "Oslo is the capital.", "metadata": {"source": "facts.md", "page": 3}, "score": 0.87},
    {"page_content": "Bergen lies west.", "metadata": {"relevance_score": 0.5}},
]


@pytest.mark.parametrize("mark", [{"etaoi_tui.kind": "retriever"}, {}])
def test_a_retriever_shows_its_query_and_its_documents(mark: dict[str, str]) -> None:
    recorded = Recorded()
    recorded.send(
        start(1, "middleware", {"inputs": "capital?"}, **mark),
        end(1, "middleware", {"outputs": json.dumps(DOCUMENTS), "documents": 2}),
    )
    span = recorded.store.find_span(span_id(1))
    assert span is not None
    assert Summaries(recorded.source).of(span) == '"capital?" → 2 docs'
    if mark:
        text = text_of(describe_span(span, recorded.payloads, 0.0))
        for phrase in (
            "capital?",
            "2 documents",
            "0.87",
            "facts.md",
            "Oslo is the capital.",
            "0.5",
            "Bergen lies west.",
        ):
            assert phrase in text


def test_parallel_branches_and_repeated_steps_are_distinguished() -> None:
    recorded = Recorded()
    branches = [(n, json.dumps({"topic": n}), json.dumps({"note": n})) for n in (1, 2, 3)]
    named = {"parent": 9, "name": "research"}
    recorded.send(
        start(9, "sub_agent", {}),
        *(start(n, "middleware", {"inputs": arguments}, at=1, **named) for n, arguments, _ in branches[:2]),  # type: ignore[arg-type]
        *(end(n, "middleware", {"outputs": outputs}, at=3, parent=9) for n, _, outputs in branches[:2]),
        start(3, "middleware", {"inputs": branches[2][1]}, at=4, **named),  # type: ignore[arg-type]
        end(3, "middleware", {"outputs": branches[2][2]}, at=5, parent=9),
    )
    summaries = Summaries(recorded.source)
    spans = [recorded.store.find_span(span_id(n)) for n in (1, 2, 3)]
    assert [summaries.of(span) for span in spans if span is not None] == ["topic=1", "topic=2", "note=3"]


def test_sent_branches_are_distinguished_though_they_do_not_overlap() -> None:
    """LangGraph says in a node's metadata that a ``Send`` started it; nodes without a wait do not overlap."""
    recorded = Recorded()
    recorded.send(start(9, "middleware", {"inputs": "{}"}, at=0))
    for n in (1, 2):
        for name, path in (("sent", f"('__pregel_push', {n}, False)"), ("looped", f"('__pregel_pull', {n})")):
            number = n if name == "sent" else n + 10
            arguments, returned = {"inputs": json.dumps({"topic": n})}, {"outputs": json.dumps({"note": n})}
            recorded.send(
                start(
                    number,
                    "middleware",
                    arguments,
                    parent=9,
                    at=2 * n,
                    name=name,
                    langgraph_path=path,
                ),
                end(number, "middleware", returned, at=2 * n + 1, parent=9),
            )
    summaries = [
        Summaries(recorded.source).of(span)
        for span in map(recorded.store.find_span, map(span_id, (1, 2, 11, 12)))
        if span
    ]
    assert summaries == ["topic=1", "topic=2", "note=1", "note=2"]


def test_the_page_of_a_run_begins_with_its_answer_its_list_and_its_files() -> None:
    state = {
        "question": "?",
        "final_report": "The answer is 42.",
        "todos": [{"content": "Read", "status": "completed"}, {"content": "Write", "status": "pending"}],
        "files": {"/a.md": {"content": ["# A", "text"]}, "/b.txt": "plain"},
    }
    recorded = Recorded()
    recorded.send(
        start(1, "middleware", {"inputs": '{"question": "?"}'}),
        end(1, "middleware", {"outputs": json.dumps(state)}),
    )
    span = recorded.store.find_span(span_id(1))
    assert span is not None
    document = describe_span(span, recorded.payloads, 0.0)
    titles = [section.title for section in document.tabs[0].sections]
    assert titles == ["Answer", "To do", "Files", "/a.md", "/b.txt", "Input", "Output"]
    text = text_of(document)
    assert "✓ Read" in text and "○ Write" in text and "1 of 2 done" in text
    assert '"files"' not in text and '"todos"' not in text
