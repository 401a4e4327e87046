"""What a row says of middleware is what its page says: hooks, attempts, own time, effect, tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_tui.detail.messages.tool_schemas import schemas_for
from etaoi_tui.detail.middleware.request_chain import CallChain, build_chain
from etaoi_tui.detail.middleware.request_page import chain_summary
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.view.middleware.effect import Effect, middleware_chain, recorded_effect
from etaoi_tui.view.middleware.row_groups import is_head_of_several
from etaoi_tui.view.row_summaries import Summaries
from tests.detail.recorded import CAPTURES, Recorded, load
from tests.scribe import Scribe
from tests.store.histories import event, opened
from tests.view.test_chains import mark
from tests.xray.recorders import under_ours
from tests.xray.scenes import SCENES

RECORDINGS = sorted(path.stem for path in CAPTURES.glob("*.msgpack"))
LATER = re.compile(r" · \d+ state hooks?.*| · in all: .*")
"""What the page adds to what the row says."""


def chains(spans: list[Span], payloads: RecordedPayloads) -> Iterator[tuple[Span, SpanData, CallChain]]:
    """Yield each row that stands for hooks around a call, with the page of its call."""
    for head in spans:
        if is_head_of_several(head):
            call = middleware_chain(head).call
            if call is not None:
                data = SpanData(call, payloads, 0.0)
                yield head, data, build_chain(data, schemas_for(data))


def compare_rows_with_pages(spans: list[Span], payloads: RecordedPayloads, source: object) -> int:
    """Hold every row against its page; returns how many there were."""
    summaries = Summaries(source)  # type: ignore[arg-type]
    number = 0
    for head, data, page in chains(spans, payloads):
        number += 1
        around = [step for step in page.down if step.recorded and step.wraps]
        chain = middleware_chain(head)
        assert [step.span for step in around] == chain.hooks
        times = [step.own_seconds for step in around if step.own_seconds is not None]
        assert chain.seconds == pytest.approx(sum(times))
        total = Effect()
        for step in around:
            assert step.span is not None
            row_effect = recorded_effect(step.span, summaries)
            # A probe event of the etaoi SDK has no breakpoints of messages and tools, on either side.
            if step.diff is not None and row_effect is not None:
                summary, worked_out = (replace(one, breakpoints=False) for one in (row_effect, step.effect))
                assert summary == worked_out
            total.add(step.effect)
        name, words = summaries.chain(head)
        summary = LATER.sub("", chain_summary(data, page))
        assert summary == f"{name.partition(' ×')[0]} · {words}"
    return number


@pytest.mark.parametrize("name", RECORDINGS)
def test_recordings(name: str) -> None:
    recorded = load(name)
    number = compare_rows_with_pages(recorded.spans, recorded.payloads, recorded.source)
    assert number > 0 or name != "s01_create_agent"


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("name", sorted(SCENES))
def test_agents_under_our_sdk(name: str, mode: str) -> None:
    observed = under_ours(name, mode)
    compare_rows_with_pages(observed.spans, observed.payloads, observed.payloads.source)


def test_a_hook_that_changes_what_is_no_message_says_so() -> None:
    recorded, scribe = Recorded(), Scribe("settings")
    probe = {"lc_probe": "wrap_model_call", "probe_label": "Fallback.wrap_model_call"}
    diff = {
        "model_changed": {"before": {"name": "a"}, "after": {"name": "b"}},
        "tool_choice_changed": {"before": None, "after": "any"},
        "tools_changed": [{"before": {"name": "t"}, "after": {"name": "t", "description": "d"}}],
        "tools_reordered": True,
        "messages_changed": [{"id": "1", "before": {"len": 50}, "after": {"len": 10}}],
        "system_added": [{"type": "text", "text": "same", "cache_control": {"type": "ephemeral"}}],
        "system_removed": [{"type": "text", "text": "same", "cache_control": None}],
    }
    hook = scribe.start("middleware", "Fallback.wrap_model_call", metadata=probe)
    scribe.delta(hook, {"probe_phase": "pre_handler", "after": {}, "diff": diff})
    recorded.send(*scribe.take())
    (span,) = recorded.spans
    effect = recorded_effect(span, Summaries(recorded.source))
    assert effect is not None and effect.characters == -40
    words = "≈−10 tokens · 1 edited, another model, parameters, 1 tool edited, reordered, cache breakpoints"
    assert effect.in_words() == words == Summaries(recorded.source).of(span)


def test_time_between_probe_events_counts_the_hooks_and_no_call() -> None:
    """A hook that tries again is not charged with the time of the first call."""
    store = Store()
    opened(store)
    node = {"lc_chain_kind": "graph_node", "name": "model"}
    events = [
        event("span_start", "root", 0, node_kind="sub_agent"),
        event("span_start", "node", 10, parent="root", node_kind="middleware", metadata=node),
        mark("a1", "A", 11, down=True),
        mark("b1", "B", 13, down=True),
        event("span_start", "call1", 14, parent="node", node_kind="llm"),
        event("span_end", "call1", 50, parent="node", node_kind="llm", error="E()"),
        mark("b2", "B", 52, down=True),
        event("span_start", "call2", 53, parent="node", node_kind="llm"),
        event("span_end", "call2", 90, parent="node", node_kind="llm"),
        mark("b3", "B", 94),
        mark("a2", "A", 99),
    ]
    store.apply(events, 0, 1)
    (trace,) = store.traces.values()
    (head,) = [span for span in trace.spans if is_head_of_several(span)]
    chain = middleware_chain(head)
    assert chain.attempts == 2 and chain.is_rough
    # A: 10 to 11, 94 to 99; B: 50 to 52, 90 to 94.
    assert chain.seconds == pytest.approx(1 + 5 + 2 + 4)
