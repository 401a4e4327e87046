"""What rows and pages say of a call: its middleware in a line, its agent's context, tokens, what failed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from etaoi_collector.conventions.usage import WITHOUT_CACHE, Usage
from etaoi_collector.pricing.book import price_book
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store.model import Span
from etaoi_tui.app import ViewerApp
from etaoi_tui.detail import span_document as describing
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.view.middleware.effect import Effect, Entry, LengthChange, RecordedDiff
from etaoi_tui.view.middleware.tokens import characters_a_token
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.sparkline import context_trend
from etaoi_tui.view.visible_rows import TreeRows
from tests.app.world import world
from tests.detail.pages import text_of
from tests.detail.recorded import CAPTURES, Recorded, load
from tests.scribe import Scribe
from tests.xray.test_keys import page_text


def first_call(recorded: Recorded) -> Span:
    return min((s for s in recorded.spans if s.kind == "llm"), key=lambda span: span.started_at)


def test_the_probe_events_of_the_etaoi_sdk_are_in_the_row_of_their_call_with_what_they_came_to() -> None:
    recorded = load("s01_create_agent")
    call = first_call(recorded)
    rows = TreeRows()
    rows.show(call.trace)
    names = [span.name for span in rows.spans]
    at = rows.index(call)
    assert at is not None
    assert names.count("TrimTools.wrap_model_call") == 0
    head = rows.chain_head(call)
    assert head is not None
    assert rows.index(head) is None
    summaries = Summaries(recorded.source)
    assert summaries.effect_of_hooks(call, head) == "prompt ≈+10 tok"
    name, words = summaries.chain(head)
    assert name == "2 middleware"
    assert words == "≈+10 tokens · ≈1ms · system prompt"
    assert summaries.chain(head, 36) == (name, "≈+10 tok ≈1ms prompt")
    hidden = [span for span in call.parent.children or () if span.name == head.name][-1]  # type: ignore[union-attr]
    assert rows.nearest(hidden) == at
    rows.set_chain_open(call, True)
    summaries_of_probes = [
        summaries.of(span) for span in rows.spans if span.name.endswith("wrap_model_call")
    ][:4]
    assert [words[:1] for words in summaries_of_probes] == ["↓", "↓", "↑", "↑"]


def test_sizes_and_the_time_stand_in_front_where_a_row_is_cut() -> None:
    total = Effect()
    diff = RecordedDiff(
        messages_added=[Entry(len=400), Entry(len=848)],
        tools_removed=[Raw(b"\xa1a")],
        system_text_delta=LengthChange(before_len=10, after_len=10),
        system_text_changed=True,
    )
    total.add(diff.effect)
    assert total.in_words(spent="18ms") == "+2 messages · ≈+312 tokens · 18ms · −1 tool, system prompt"
    assert Effect().in_words(spent="1ms") == "no change · 1ms"
    assert Effect().in_words() == ""


def test_the_context_of_an_agents_calls_counts_what_came_from_a_cache() -> None:
    recorded, scribe = Recorded(), Scribe("context")
    root = scribe.start("sub_agent", "helper")
    for fresh, cached in ((1_000, 0), (10, 1_990), (10, 3_990)):
        call = scribe.start("llm", "m", root, {"input_messages": []})
        usage = {"input_tokens": fresh, "output_tokens": 5, "cache_read_input_tokens": cached}
        scribe.end(call, {"response": {"role": "ai", "text": "."}, "usage": usage})
    recorded.send(*scribe.take())
    (agent,) = [span for span in recorded.spans if span.kind == "sub_agent"]
    assert (agent.children or [])[1].usage == Usage(10, 5, None, 1_990, input_rule=WITHOUT_CACHE)
    assert context_trend(agent) == "context ▃▅█ 4.0k"


def test_tools_count_as_characters_where_tokens_are_estimated() -> None:
    recorded, scribe = Recorded(), Scribe("tokens")
    schema = {"type": "object", "properties": {"text": {"type": "string", "description": "x" * 3_000}}}
    payload = {
        "input_messages": [{"role": "human", "text": "y" * 1_000}],
        "tool_schemas": [{"name": "t", "description": "", "args_schema": schema}],
    }
    started = scribe.start("llm", "m", payload=payload)
    scribe.end(started, {"usage": {"input_tokens": 1_000, "output_tokens": 1}})
    recorded.send(*scribe.take())
    call = first_call(recorded)
    ratio = characters_a_token(call, SpanData(call, recorded.payloads, 0.0).read_event)
    assert 4.0 < ratio < 4.3


def test_a_window_is_known_from_data_or_said_to_be_unknown() -> None:
    price_book().load()
    recorded, scribe = Recorded(), Scribe("windows")
    payload = {"input_messages": [{"role": "human", "text": "y" * 4_000}]}
    for model in ("gpt-4", "nobody-knows-this-model"):
        call = scribe.start("llm", model, payload=payload, metadata={"ls_model_name": model})
        scribe.end(call, {"model": model})
    recorded.send(*scribe.take())
    texts = [text_of(describe_span(span, recorded.payloads, 0.0), "overview") for span in recorded.spans]
    assert "≈1,000 of 8,192 tokens (12%)" in texts[0]
    assert "from genai-prices" in texts[0]
    assert "≈1,000 tokens, window unknown" in texts[1]
    assert "estimated: the call reports no usage" in texts[1]


def test_a_title_and_an_error_that_cannot_be_shown_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = load("s01_create_agent")

    def broken(*_: Any) -> Any:
        raise ValueError("odd payload")

    monkeypatch.setattr(describing, "headline", broken)
    monkeypatch.setattr(describing, "error_sections", broken)
    document = describe_span(first_call(recorded), recorded.payloads, 0.0)
    assert "The title line failed on this span (ValueError: odd payload)" in document.notes[0]
    assert "What is known of its error cannot be shown" in text_of(document)


async def test_r_on_a_hooks_row_opens_the_request_of_its_call() -> None:
    async with world(size=(130, 50)) as (w, pilot):
        scribe = w.scribe
        mark = {
            "lc_probe": "wrap_model_call",
            "probe_label": "A.wrap_model_call",
            "name": "A.wrap_model_call",
        }
        root = scribe.start("sub_agent", "helper")
        node = scribe.start("middleware", "model", root, metadata={"lc_chain_kind": "graph_node"})
        scribe.start("middleware", "A", node, metadata={**mark, "probe_phase": "pre_handler"})
        call = scribe.start("llm", "gpt", node, {"input_messages": [{"role": "human", "text": "hello"}]})
        scribe.end(call, {"response": {"role": "ai", "text": "ok"}})
        await w.tick(pilot)
        w.tree.follow(False)
        assert [span.kind for span in w.tree.rows.spans] == ["sub_agent", "llm"]
        scribe.start("middleware", "A", node, metadata=mark)
        await w.tick(pilot)
        assert len(w.tree.rows) == 2
        assert "▸ ✦ gpt" in w.lines()[1]
        w.tree.move_to(1)
        await pilot.press("right")
        assert [span.kind for span in w.tree.rows.spans] == [
            "sub_agent",
            "middleware",
            "llm",
            "middleware",
        ]
        assert w.tree.cursor is w.tree.rows.spans[1]
        await pilot.press("r")
        await w.tick(pilot)
        assert w.tree.cursor.span_id == call.span_id
        assert "raw request" in page_text(w.app.main.detail)


async def test_r_on_a_mark_that_lost_its_parent_opens_the_request_of_its_call() -> None:
    source = ReplaySource(CAPTURES / "s01_create_agent.msgpack")
    app = ViewerApp(source, theme="textual-dark", automatic=False)
    try:
        async with app.run_test(size=(130, 50)) as pilot:
            while not app.feed.ended:
                app.tick()
            await pilot.pause()
            lost = next(
                t.roots[0] for t in app.store.traces.values() if t.roots[0].name.endswith("model_call")
            )
            app.main.show_trace(lost.trace)
            app.main.span_tree.select(lost)
            await pilot.press("r")
            call = app.main.span_tree.cursor
            assert call is not None
            assert call.kind == "llm"
            assert call.trace is not lost.trace
            assert app.main.detail.tab == "request"
    finally:
        source.close()
