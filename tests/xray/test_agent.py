"""The agent card, its graph, the conversation, and the ways from a message to what it came from."""

from __future__ import annotations

import re

import pytest

from etaoi_tui.detail.document.model import Table
from etaoi_tui.detail.graph.drawing import Edge, Node, draw_graph
from etaoi_tui.detail.messages.message_provenance import find_origin
from etaoi_tui.detail.pages.agent_card import card_document
from etaoi_tui.detail.pages.conversation import conversation_document
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.sdk.langchain.middleware import instrument
from etaoi_tui.text import cells
from tests.detail.pages import text_of
from tests.detail.recorded import load
from tests.xray import agents
from tests.xray.agents import Run


@pytest.fixture(scope="module")
def deep() -> Run:
    return agents.deep(instrument)


@pytest.fixture(scope="module")
def everything() -> Run:
    return agents.everything(instrument)


def card(run: Run, tab: str) -> str:
    snapshots = [span for span in run.recorded.spans if span.kind == "agent_context"]
    now = max(span.trace.ended_at for span in run.recorded.spans)
    return text_of(card_document(snapshots[0], snapshots[1:], run.recorded.payloads, now, 96), tab)


def test_tools_are_compared_with_their_use(deep: Run) -> None:
    text = card(deep, "tools")
    never = text.partition("Never called")[2].splitlines()[1]
    assert "read_file" in never
    assert "double" not in never
    assert text.index("⚒ double") < text.index("⚒ read_file")
    assert "1 call" in text


def test_middleware_lists_its_hooks_and_its_time(deep: Run) -> None:
    lines = card(deep, "middleware").splitlines()
    rewrites = next(line for line in lines if "Rewrites" in line)
    files = next(line for line in lines if "FilesystemMiddleware" in line)
    assert "wrap_model_call" in rewrites
    assert " 2 " in rewrites
    assert "–" in files


def test_the_agents_own_prompt_and_model_are_on_the_card(deep: Run) -> None:
    text = card(deep, "agent")
    assert "fake-gpt-5" in text
    assert "You plan." in text


def test_the_first_page_has_every_part_in_a_table_with_its_use_and_tokens(deep: Run) -> None:
    lines = [line.split() for line in card(deep, "agent").splitlines()]
    heads = [line for line in lines if line[:1] in (["model"], ["tool"], ["middleware"]) and len(line) > 3]
    assert [head[0] for head in heads] == ["model", "tool", "middleware"]
    assert {"calls", "failed", "in", "cached", "out", "cost", "time"} <= set(heads[0])
    (model,) = [line for line in lines if line[:1] == ["fake-gpt-5"]]
    assert model[1].isdigit() and model[1] != "0"
    (used,) = [line for line in lines if line[:1] == ["double"]]
    (never,) = [line for line in lines if line[:1] == ["read_file"]]
    assert used[1:3] == ["1", "–"] and never[1:5] == ["–"] * 4
    assert int(never[5].replace(",", "")) > 50 and never[6] == "file_path,"
    assert any(line[:1] == ["Rewrites"] for line in lines)


def test_a_tool_that_failed_stands_out_on_the_card() -> None:
    recorded = load("s01_create_agent")
    snapshot = next(span for span in recorded.spans if span.kind == "agent_context")
    now = max(span.trace.ended_at for span in recorded.spans)
    document = card_document(snapshot, [], recorded.payloads, now, 96)
    (section,) = [one for one in document.tabs[0].sections if one.key == "use.tools"]
    (table,) = section.blocks
    assert isinstance(table, Table)
    assert table.rows[0][:3] == (("flaky", "error"), "1", ("1", "error"))
    assert all(row[0][1] == "tag" and row[2] == ("–", "muted") for row in table.rows[1:])


def test_the_graph_counts_visits_and_names_its_loops(deep: Run) -> None:
    text = card(deep, "graph")
    assert "model ×2" in text
    assert "tools ×1" in text
    assert re.search(r"model ×2 │⇠─+╮", text)
    assert re.search(r"tools ×1 │─+╯", text)
    assert text.index("__start__") < text.index("model ×2") < text.index("tools ×1") < text.index("__end__")


def test_a_drawing_has_every_node_once_and_keeps_its_width() -> None:
    names = [f"node{n}" for n in range(9)]
    edges = [Edge("node0", name) for name in names[1:4]]
    edges += [
        Edge("node1", "node8"),
        Edge("node2", "node5"),
        Edge("node5", "node8"),
        Edge("node8", "node0", True),
    ]
    edges += [Edge("node3", "node3"), Edge("node6", "node7")]
    lines = draw_graph([Node(name, name) for name in names], edges, 90)
    assert lines is not None
    text = "\n".join("".join(piece for piece, _ in line) for line in lines)
    for name in names:
        assert text.count(f"│ {name} │") == 1
    assert all(cells(line) <= 90 for line in text.splitlines())
    assert re.search(r"│ node0 │⇠─+╮", text)
    assert re.search(r"│ node8 │─+╯", text)
    assert re.search(r"│ node3 │ ↺", text)


def test_a_loop_that_cannot_be_drawn_is_described_in_words() -> None:
    names = ["top", "left", "right", "low"]
    edges = [Edge("top", "left"), Edge("top", "right"), Edge("left", "low"), Edge("right", "low")]
    edges += [Edge("left", "top", True), Edge("right", "top")]
    lines = draw_graph([Node(name, name) for name in names], edges, 60)
    assert lines is not None
    text = "\n".join("".join(piece for piece, _ in line) for line in lines)
    assert "│ left │ ⇡ top" in text
    assert "│ right │ ↑ top" in text


def test_long_names_are_cut_before_a_graph_is_given_up() -> None:
    names = [f"A rather long name of a step in a graph, number {n}" for n in range(3)]
    edges = [Edge(names[0], names[1]), Edge(names[0], names[2])]
    nodes = [Node(name, name, count="×7") for name in names]
    wide, narrow = draw_graph(nodes, edges, 150), draw_graph(nodes, edges, 50)
    assert wide is not None
    assert narrow is not None
    assert f"│ {names[1]} ×7 │" in "\n".join("".join(t for t, _ in line) for line in wide)
    drawn = ["".join(text for text, _ in line) for line in narrow]
    assert max(map(cells, drawn)) <= 50
    assert "\n".join(drawn).count("… ×7 │") == 3


def test_a_graph_that_does_not_fit_is_not_drawn() -> None:
    nodes = [Node(f"{n}: a rather long name", f"{n}: a rather long name") for n in range(9)]
    assert draw_graph(nodes, [], 60) is None
    assert draw_graph([], [], 60) is None


def test_a_session_reads_as_a_conversation(everything: Run) -> None:
    (session,) = everything.recorded.store.sessions.values()
    document = conversation_document(session, everything.recorded.payloads, 0.0)
    text = text_of(document)
    assert text.index("What colour is 2 x 21?") < text.index("done, really")
    assert "3 calls" in text


def test_voice_sessions_are_conversations_too() -> None:
    recorded = load("s09a_livekit_text")
    sessions = recorded.store.sessions.values()
    text = "\n".join(text_of(conversation_document(s, recorded.payloads, 0.0)) for s in sessions)
    assert "user" in text
    assert "agent" in text and "get_invoice" in text


def test_a_message_leads_to_its_call_and_a_result_to_its_tool(everything: Run) -> None:
    last = everything.calls[-1]
    evidence = SpanData(last, everything.recorded.payloads, 0.0)
    document = describe_span(last, everything.recorded.payloads, 0.0)
    sections = document.tabs[0].sections
    result = next(s for s in sections if s.title.startswith("tool"))
    asked = next(s for s in sections if s.title == "assistant")
    tool = find_origin(evidence, result.target)
    call = find_origin(evidence, asked.target)
    assert tool is not None
    assert tool.name == "double"
    assert call is everything.calls[1]
    assert text_of(document, "messages").count("42") == 1, "a result stands with its tool, and nowhere else"
    assert find_origin(evidence, "tool:nobody") is None
