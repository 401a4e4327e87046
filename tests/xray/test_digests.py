"""Recordings of the etaoi SDK: what it digested is shown as digested, its double probes as one step."""

from __future__ import annotations

import pytest

from etaoi_collector.model import Span
from etaoi_tui.detail.describe import describe
from etaoi_tui.detail.evidence import Evidence
from etaoi_tui.detail.probes import call_of_orphan, hooks_of
from etaoi_tui.detail.request_chain import CallChain, build_chain
from tests.detail.pages import text_of
from tests.detail.recorded import CAPTURES, Recorded, load


@pytest.fixture(scope="module")
def agent() -> Recorded:
    return load("s01_create_agent")


def calls(recorded: Recorded) -> list[Span]:
    return [span for span in recorded.spans if span.kind == "llm"]


def evidence_of(recorded: Recorded, span: Span) -> Evidence:
    return Evidence(span, recorded.payloads, span.trace.ended_at)


def chain_of(recorded: Recorded, call: Span) -> CallChain:
    return build_chain(evidence_of(recorded, call))


def test_two_sibling_probes_are_one_step(agent: Recorded) -> None:
    first = calls(agent)[0]
    wraps = hooks_of(evidence_of(agent, first)).wraps
    assert [wrap.down.name for wrap in wraps] == ["SharedState.wrap_model_call", "TrimTools.wrap_model_call"]
    for wrap in wraps:
        assert wrap.up is not None
        assert wrap.up is not wrap.down
        assert wrap.down.started_at <= first.started_at <= wrap.up.started_at
    chain = chain_of(agent, first)
    assert [step.label for step in chain.down] == [
        "Guard.before_agent",
        "Guard.before_model",
        "SharedState.wrap_model_call",
        "TrimTools.wrap_model_call",
    ]
    assert [step.changed for step in chain.down] == [False, True, True, False]
    assert all(step.own_is_rough for step in chain.down if step.own_seconds is not None)


def test_state_probes_are_read_with_their_response(agent: Recorded) -> None:
    step = chain_of(agent, calls(agent)[0]).down[1]
    assert step.diff is not None
    (added,) = (change.new for change in step.diff.messages if change.what == "added")
    assert added is not None
    assert added.text == "(guard) be brief"


def test_a_probe_that_lost_its_parent_is_placed_when_only_one_call_fits(agent: Recorded) -> None:
    call = calls(agent)[-1]
    (wrap,) = hooks_of(evidence_of(agent, call)).wraps
    assert wrap.up is not None
    assert wrap.up.parent is None
    assert "placed by its time" in wrap.placed
    found, why = call_of_orphan(evidence_of(agent, wrap.up))
    assert found is call
    assert why


def test_another_agents_snapshot_is_not_taken_for_this_agents(agent: Recorded) -> None:
    call = calls(agent)[-1]
    assert evidence_of(agent, call).metadata["agent.context_id"]
    chain = chain_of(agent, call)
    assert all(step.recorded for step in chain.down)


def test_nothing_is_claimed_of_what_lies_behind_a_digest(agent: Recorded) -> None:
    for call in calls(agent):
        chain = chain_of(agent, call)
        for step in chain.down:
            if step.diff is None:
                continue
            for message in (*(step.diff.old.messages or ()), *(step.diff.new.messages or ())):
                assert len(message.text) <= 120 or not message.digest
        # The call itself is whole.
        assert not any(m.digest for m in chain.sent.messages or ())
        # Only what a probe says it changed is shown as changed.
        assert not [s for s in chain.down if not s.recorded and s.span is None and s.changed]


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURES.glob("*.msgpack")))
def test_every_call_of_every_recording_has_both_pages(name: str) -> None:
    recorded = load(name)
    for call in calls(recorded):
        document = describe(call, recorded.payloads, call.trace.ended_at)
        if document.default == "voice":
            continue  # a measurement of a call, not the call
        for tab in ("request", "diff"):
            assert "This page failed" not in text_of(document, tab)
        assert not [note for note in document.notes if "failed on this span" in note]


def test_long_messages_say_that_they_are_digests() -> None:
    from tests.xray.making import call_with_probe

    recorded = Recorded()
    long_before, long_after = "x" * 120 + "old end", "x" * 120 + "new end"
    recorded.send(*call_with_probe(long_before, long_after))
    (call,) = calls(recorded)
    text = text_of(describe(call, recorded.payloads, 10.0), "request")
    assert "no change" in text
    assert "first 120 characters" in text
    assert "old end" not in text.partition("sent to the model")[0]
