"""What viewers make of payloads that the recordings do not hold: streams, cut state, strange shapes."""

from __future__ import annotations

import json
import uuid
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.projections.stream_assembly import ANSWER, Channel
from etaoi_collector.store.failures import origin_of
from etaoi_tui.detail import span_document as describing
from etaoi_tui.detail.compare.text_diff import pair_lines, unified
from etaoi_tui.detail.document.model import Document
from etaoi_tui.detail.kind_viewer import KindViewer
from etaoi_tui.detail.messages.chat import read_message, read_messages
from etaoi_tui.detail.pages.error import split_error
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.kinds.registry import KindRegistry
from tests.detail.pages import delta, end, lines_of, page_of, span_id, start, text_of
from tests.detail.recorded import Recorded

NOW = 1_767_323_100.0


def described(*events: Any, number: int = 1) -> Document:
    recorded = Recorded()
    recorded.send(*events)
    span = recorded.store.find_span(span_id(number))
    assert span is not None
    return describe_span(span, recorded.payloads, NOW)


REQUEST = {"input_messages": [{"role": "human", "text": "hi"}]}


def test_text_streams_into_the_response() -> None:
    document = described(
        start(1, "llm", REQUEST),
        delta(1, "llm", {"text": "Hello ", "at": 0}),
        delta(1, "llm", {"text": "thinking", "at": 0, "channel": "reasoning"}),
        delta(1, "llm", {"text": "world", "at": 6}),
    )
    text = text_of(document)
    assert document.live and "Hello world" in text and "streaming · 11 chars" in text
    assert "∴ reasoning" in text and "thinking" in text


def test_gaps_in_a_stream_show_with_their_length() -> None:
    document = described(
        start(1, "llm", REQUEST),
        delta(1, "llm", {"text": "Hello ", "at": 0}),
        delta(1, "llm", {"text": "again", "at": 18}),
    )
    assert "Hello ‹12 characters missing›again" in text_of(document)


def test_a_stream_is_read_once_however_often_it_is_looked_at() -> None:
    recorded = Recorded()
    recorded.send(start(1, "llm", REQUEST))
    text = ""
    for n in range(50):
        recorded.send(delta(1, "llm", {"text": f"{n} ", "at": len(text)}))
        text += f"{n} "
        span = recorded.store.find_span(span_id(1))
        assert span is not None
        assert "".join(lines_of(describe_span(span, recorded.payloads, NOW))).count("streaming") == 1
    stream_reads = recorded.source.reads
    assert stream_reads < 50 + 10


@given(st.text(min_size=1, max_size=60), st.data())
def test_pieces_in_any_order_with_repeats_join_right(text: str, data: st.DataObject) -> None:
    cuts = sorted({0, len(text), *data.draw(st.lists(st.integers(0, len(text)), max_size=6))})
    pieces = [(a, text[a:b]) for a, b in pairwise(cuts)]
    sent = data.draw(st.permutations(pieces + data.draw(st.lists(st.sampled_from(pieces), max_size=3))))
    channel = Channel()
    for at, piece in sent:
        channel.add(piece, at)
    assert channel.display_text == text and channel.missing == 0


def test_pieces_without_offsets_join_in_order_of_arrival() -> None:
    channel = Channel()
    for piece in ("a", "b", "c"):
        channel.add(piece, None)
    assert channel.display_text == "abc" and ANSWER == ""


def test_an_interrupted_answer_is_shown() -> None:
    document = described(
        start(1, "llm", REQUEST),
        delta(1, "llm", {"text": "half of", "at": 0}),
        end(1, "llm", {}, error="TimeoutError('no answer')"),
    )
    text = text_of(document)
    assert "half of" in text and "✗ TimeoutError" in text and "no answer" in text
    assert "this is what had streamed before" in text


def test_completion_models_name_what_is_not_recorded() -> None:
    assert "2 prompts" in text_of(described(start(1, "llm", {"n_prompts": 2})))


def test_truncated_state_is_shown_as_far_as_it_goes() -> None:
    state = json.dumps({"messages": [{"type": "human", "content": "first " + "x" * 50, "id": "1"}], "n": 1})
    text = text_of(described(start(1, "sub_agent", {"inputs": state[:60] + "… [truncated 70 chars]"})))
    assert "◉ user" in text and "first xxx" in text
    assert "cut by its sender: 70 more characters" in text


def test_commands_and_sends() -> None:
    outputs = json.dumps(
        [
            {
                "__type__": "Command",
                "goto": "tools",
                "update": {"messages": [{"type": "ai", "content": "on it"}]},
            }
        ]
    )
    text = text_of(
        described(start(1, "middleware", {"inputs": "{}"}), end(1, "middleware", {"outputs": outputs}))
    )
    assert "Command" in text and "tools" in text and "on it" in text


@pytest.mark.parametrize(
    ("value", "role", "text"),
    [
        ({"role": "human", "text": "hi"}, "user", "hi"),
        ({"type": "ai", "content": [{"type": "text", "text": "a"}, "b"]}, "assistant", "a\nb"),
        ({"role": "developer", "content": "be brief"}, "system", "be brief"),
        (["user", "hi"], "user", "hi"),
        ({"type": "human", "data": {"content": "hi", "type": "human"}}, "user", "hi"),
        ({"role": "tool", "preview": "abc", "len": 500}, "tool", "abc"),
        ({"role": "narrator", "text": "once"}, "narrator", "once"),
        ({"role": "human", "text": None}, "user", ""),
    ],
)
def test_messages_of_all_shapes(value: Any, role: str, text: str) -> None:
    message = read_message(value)
    assert message is not None and (message.role, message.text) == (role, text)


def test_values_that_are_no_message() -> None:
    for value in ("text", 1, None, {"a": 1}, ["user"], {"type": "text_delta"}, {"type": "x", "data": {}}):
        assert read_message(value) is None
    assert read_messages("x") is None and read_messages([{"a": 1}]) is None


def test_images_show_type_and_size_never_their_data() -> None:
    data = "QUJD" * 1_000
    for part in (
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"type": "image", "base64": data, "mime_type": "image/png"},
    ):
        payload = {"input_messages": [{"role": "human", "text": [part]}]}
        text = text_of(described(start(1, "llm", payload)))
        assert "‹image/png, 3.0 kB›" in text and "QUJDQUJD" not in text


def test_reasoning_is_folded_and_tool_results_name_their_tool() -> None:
    messages = [
        {
            "type": "ai",
            "content": [{"type": "thinking", "thinking": "hmm"}, {"type": "text", "text": "let me look"}],
            "tool_calls": [{"name": "look", "args": {"q": 1}, "id": "c1"}],
        },
        {"type": "tool", "content": "found", "tool_call_id": "c1", "status": "error"},
    ]
    document = described(start(1, "llm", {"input_messages": messages}))
    sections = {section.title: section for section in document.tabs[0].sections}
    assert not sections["reasoning"].open
    assert "tool look  ✗ error" in sections


def test_long_conversations_open_at_their_newest_messages() -> None:
    messages = [{"role": "human", "text": f"{n} " + "word " * 100} for n in range(40)]
    document = described(start(1, "llm", {"input_messages": messages}))
    group, *rest = document.tabs[0].sections
    assert (group.title, group.group, group.open) == ("39 earlier messages", True, False)
    assert [section.inside for section in rest[:40]] == [group.key] * 39 + [""]
    assert [section.open for section in rest[:40]] == [False] * 39 + [True]
    page = page_of(document)
    sections = [page.line(y).section for y in page.title_lines()]
    assert [section.key for section in sections if section] == [group.key, *(s.key for s in rest[39:])]
    opened = page_of(document, folds={group.key: True})
    assert len(opened.title_lines()) == len(document.tabs[0].sections)


@pytest.mark.parametrize("result", ["short", "long " * 1_000], ids=["short", "long"])
def test_a_call_opens_at_its_answer_below_the_last_question(result: str) -> None:
    calls = [{"name": "look", "args": {}, "id": f"c{n}"} for n in range(2)]
    messages = [
        {"role": "system", "text": "Be brief."},
        {"role": "user", "text": "Hello"},
        {"role": "assistant", "text": "Hello"},
        {"role": "user", "text": "Look twice"},
        {"role": "assistant", "text": "", "tool_calls": calls},
        {"role": "tool", "text": result, "tool_call_id": "c0"},
        {"role": "tool", "text": result, "tool_call_id": "c1"},
    ]
    response = {"role": "assistant", "text": "Twice the same."}
    document = described(start(1, "llm", {"input_messages": messages}), end(1, "llm", {"response": response}))
    visible = [section for section in document.tabs[0].sections if not section.inside]
    is_short = len(result) < 100
    assert [(section.title, section.open) for section in visible] == [
        ("system", False),
        ("4 earlier messages", False),
        ("tool look", is_short),
        ("tool look", is_short),
        ("response", True),
    ]


def test_ages_in_a_recording_are_by_its_end() -> None:
    recorded = Recorded()
    old, late = start(1, "llm", REQUEST), start(2, "llm", REQUEST)
    late |= {"trace_id": str(uuid.UUID(int=77)), "timestamp": "2026-01-02T05:10:00Z"}
    recorded.send(old, end(1, "llm", {}), late)
    span = recorded.store.find_span(span_id(1))
    assert span is not None
    document = describe_span(span, recorded.payloads, span.trace.ended_at)
    assert "2h ago" in text_of(document, "overview")


def test_digests_name_what_is_not_recorded() -> None:
    payload = {
        "before": {"messages": [], "tools": ["a", "b"], "model": {"name": "m", "provider": "p"}},
        "after": {
            "messages": [{"role": "human", "preview": "x" * 120, "len": 4_000}],
            "tools": ["b"],
            "model": {"name": "m2", "provider": "p"},
        },
        "diff": {},
    }
    text = text_of(
        described(start(1, "middleware", payload, lc_probe="wrap_model_call", probe_label="A.wrap"))
    )
    assert "4,000 chars" in text and "3,880 more characters not recorded" in text
    assert "- a" in text and "- model: m" in text and "+ model: m2" in text and "+ user" in text


def test_diffs_count_unchanged_messages() -> None:
    old = "\n".join(f"line {n}" for n in range(20))
    pairs = pair_lines(old, old.replace("line 10", "LINE 10"))
    lines = [(sign, "".join(text for text, _ in runs)) for sign, runs in unified(pairs)]
    assert ("-", "line 10") in lines and ("+", "LINE 10") in lines
    assert lines[0] == ("@", "7 lines the same") and lines[-1] == ("@", "6 lines the same")


@pytest.mark.parametrize(
    ("error", "split"),
    [
        ("ValueError('up\\nstream')", ("ValueError", "up\nstream")),
        ('KeyError("it\'s")', ("KeyError", "it's")),
        ("HTTPError(503, 'x')", ("HTTPError", "503, 'x'")),
        ("httpx.ReadTimeout: slow", ("", "httpx.ReadTimeout: slow")),
        ("ToolError: bad\nmore", ("ToolError", "bad\nmore")),
        ("tool_error", ("", "tool_error")),
    ],
)
def test_errors_split_into_type_and_message(error: str, split: tuple[str, str]) -> None:
    assert split_error(error) == split


def test_an_error_names_the_failure_that_it_came_from_and_lists_the_others_as_handled() -> None:
    recorded = Recorded()
    recorded.send(
        start(1, "sub_agent", {}),
        start(2, "middleware", {}, parent=1),
        start(3, "tool", {}, parent=2),
        start(4, "tool", {}, parent=2),
        end(4, "tool", {}, at=5, error="B('late')", parent=2),
        end(3, "tool", {}, at=3, error="A('early')", parent=2),
        end(2, "middleware", {}, at=6, error="A('early')", parent=1),
        end(1, "sub_agent", {}, at=7, error="A('early')"),
    )
    root = recorded.store.find_span(span_id(1))
    assert root is not None
    assert origin_of(root) is recorded.store.find_span(span_id(3))
    text = text_of(describe_span(root, recorded.payloads, 9.0))
    assert "where  ⚒ tool 3" in " ".join(text.split()).replace("where ⚒", "where  ⚒")
    assert "middleware 2 › tool 3" in text
    assert "Something inside failed and was handled" in text and "B: late" in text
    assert root.trace.errors == 2


def test_tracebacks_are_shown() -> None:
    error = "ValueError: boom\nTraceback (most recent call last):\n  File 'x', line 1"
    text = text_of(described(start(1, "tool", {"input": "{}"}), end(1, "tool", {}, error=error)))
    assert "traceback" in text and "File 'x', line 1" in text


def test_odd_spans_are_explained() -> None:
    overview = text_of(described(end(1, "tool", {"output": "x"})), "overview")
    assert "Its start never arrived" in overview
    overview = text_of(described(start(1, "tool", {}, at=5), end(1, "tool", {}, at=2)), "overview")
    assert "clock ran backwards" in overview


def test_a_viewer_that_fails_is_skipped_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: object) -> list[Any]:
        raise ValueError("odd payload")

    kinds = KindRegistry()
    kinds.add(KindViewer(kinds=("tool",), glyph="t", word="odd tools", tabs=fails, priority=1), "odd")
    monkeypatch.setattr(describing, "KINDS", kinds)
    document = described(start(1, "tool", {"input": '{"a": 1}'}), end(1, "tool", {"output": "x"}))
    assert document.notes == [
        "The view “odd tools” failed on this span (ValueError: odd payload); Raw has everything."
    ]
    assert "Arguments" in text_of(document) and '"node_kind": "tool"' in text_of(document, "raw")


STRANGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    *(
        "input_messages",
        "n_prompts",
        "response",
        "usage",
        "input",
        "output",
        "inputs",
        "outputs",
        "arguments",
    ),
    *("text", "model", "before", "after", "diff", "session_usage", "score", "error_event", "session_context"),
    *(
        "session_outcome",
        "audio_artifact",
        "agent_transcript",
        "transcript",
        "context_added",
        "handoff",
        "at",
    ),
    *("voice_agent_context", "tools", "graph", "middleware", "system_prompt", "is_interruption", "call_id"),
]
KINDS = [
    *("llm", "tool", "sub_agent", "middleware", "voice_session", "voice_turn", "voice_agent", "voice_input"),
    *("voice_output", "eou", "vad", "agent_context", "something_new"),
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_payload_breaks_a_page(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    payloads = st.dictionaries(st.sampled_from(KEYS), STRANGE, max_size=5) | STRANGE.map(
        lambda v: {"value": v}
    )
    metadata = {"lc_probe": "wrap_model_call"} if data.draw(st.booleans()) else {}
    recorded = Recorded()
    recorded.send(start(1, kind, data.draw(payloads), **metadata))
    recorded.send(delta(1, kind, data.draw(payloads)))
    if data.draw(st.booleans()):
        event = end(1, kind, data.draw(payloads), error=data.draw(st.none() | st.text(max_size=30)))
        event["voice_metrics"] = data.draw(st.none() | payloads)
        recorded.send(event)
    span = recorded.store.find_span(span_id(1))
    if span is None:
        return
    document = describe_span(span, recorded.payloads, NOW)
    assert document.notes == []
    for tab in document.tabs:
        assert not any("failed on this span" in line for line in lines_of(document, tab.key, 60))
