"""Every span of every recording is described, and says what its events say."""

from __future__ import annotations

import pytest

from etaoi_collector.projections.payload_reader import Missing, RecordedPayloads
from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.document.model import STYLES, Document
from etaoi_tui.detail.span_document import describe_span
from tests.detail.pages import lines_of, styles_in, text_of
from tests.detail.recorded import CAPTURES, Recorded, load

NAMES = sorted(path.stem for path in CAPTURES.glob("s*.msgpack"))


def describe_in(recorded: Recorded, span: Span) -> Document:
    return describe_span(span, recorded.payloads, span.trace.ended_at or 0.0)


@pytest.fixture(scope="module")
def agent() -> Recorded:
    return load("s01_create_agent")


@pytest.fixture(scope="module")
def voice() -> Recorded:
    return load("s09c_livekit_driven")


@pytest.mark.parametrize("name", NAMES)
def test_every_span_has_pages_without_a_failure(name: str) -> None:
    recorded = load(name)
    assert recorded.spans
    for span in recorded.spans:
        document = describe_in(recorded, span)
        assert document.notes == []
        assert document.tabs[0].key == document.default
        for tab in document.tabs:
            lines = lines_of(document, tab.key)
            assert len(lines) > 2, (span, tab.key)
            assert not any("failed on this span" in line for line in lines)
        assert set(styles_in(document)) <= {"", *STYLES}


def test_model_call(agent: Recorded) -> None:
    document = describe_in(agent, agent.find("llm"))
    assert [tab.key for tab in document.tabs] == [
        "messages",
        "overview",
        "request",
        "diff",
        "attributes",
        "raw",
    ]
    text = text_of(document)
    assert "✦ fake-gpt-5   ✓ ok   401ms   call 1 of 2   37→7 tok   " in text
    for words in ("▪ system", "You are a helpful order assistant.", "◉ user", "(guard) be brief"):
        assert words in text
    assert text.index("user=alice tier=gold") < text.index("be brief") < text.index("✦ response")
    assert '⚒ lookup_order  call_o1\n▎ {"order_id": 42}' in text
    overview = text_of(document, "overview")
    assert "from cache" in overview and "18   49%" in overview
    assert "17.5 tok/s" in overview and "fakeai" in overview
    assert "ls_temperature" in text_of(document, "attributes")
    assert '"kind": "span_end"' in text_of(document, "raw")


def test_tool_message_is_shown_as_what_it_is(agent: Recorded) -> None:
    text = text_of(describe_in(agent, agent.find("tool", "lookup_order")))
    assert '"status": "shipped"' in text and "additional_kwargs" not in text
    assert "✓ success" in text and "call_o1" in text


def test_an_error_has_its_message_and_location(agent: Recorded) -> None:
    root = next(s for s in agent.spans if s.kind == "sub_agent" and s.error)
    text = text_of(describe_in(agent, root))
    assert "✗ ValueError" in text and "upstream 503 for oslo" in text
    assert "⚒ flaky  tool call" in text and "tools › flaky" in text


def test_output_shows_only_new_messages(agent: Recorded) -> None:
    root = next(s for s in agent.spans if s.kind == "sub_agent" and not s.error and len(s.children or ()) > 3)
    text = text_of(describe_in(agent, root))
    assert text.count("And again please") == 1
    assert "‹1 message as in the input›" in text and "order 42 has shipped" in text


def test_probes_show_added_and_removed_lines(agent: Recorded) -> None:
    probes = [s for s in agent.spans if s.flags & SpanFlag.PROBE]
    texts = [text_of(describe_in(agent, span)) for span in probes]
    assert any("+ ## CURRENT STATE" in text and "34 → 72 chars (+38)" in text for text in texts)
    assert any("- flaky" in text for text in texts)
    assert any("It changed nothing" in text for text in texts)


def test_agent_snapshot(agent: Recorded) -> None:
    text = text_of(describe_in(agent, agent.find("agent_context")))
    assert "order_id  integer  required" in text
    assert "→ Guard.before_agent" in text and "⇢ tools" in text


def test_voice(voice: Recorded) -> None:
    session = text_of(describe_in(voice, voice.find("voice_session")))
    assert "LLMError" in session and "solved" in session and "helpful" in session
    turn_text = text_of(describe_in(voice, voice.find("voice_turn")))
    assert "hello there agent" in turn_text and "Hello from the agent" in turn_text
    waited = text_of(describe_in(voice, voice.find("eou")))
    assert "waited for end of speech  420ms" in waited
    spoken = text_of(describe_in(voice, voice.find("voice_output", "fake.TTS")))
    assert "800ms" in spoken and "first audio 120ms" in spoken
    agent_turn = next(s for s in voice.spans if s.deltas and s.kind == "voice_turn" and s.flags)
    assert any(
        "Interruption" in text_of(describe_in(voice, span)) and "93%" in text_of(describe_in(voice, span))
        for span in voice.spans
        if span.kind == "voice_turn"
    ), agent_turn


def test_lost_spans_are_labelled() -> None:
    recorded = load("s10a_sigkill")
    tool = recorded.find("tool")
    document = describe_in(recorded, tool)
    assert "◌ lost" in text_of(document)
    assert "never ended" in text_of(document, "overview")
    assert "It has not arrived." in text_of(document, "raw")


def test_missing_events_are_named_and_nothing_fails(agent: Recorded) -> None:
    class Nothing:
        def read(self, ref: int) -> Missing:
            return Missing("not kept: disk full")

    payloads = RecordedPayloads(Nothing())
    for span in agent.spans:
        document = describe_span(span, payloads, 0.0)
        assert any("disk full" in note for note in document.notes)
        for tab in document.tabs:
            assert lines_of(document, tab.key)
