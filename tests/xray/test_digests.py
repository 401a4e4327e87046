"""Recordings of the etaoi SDK: what it digested is shown as digested, its double probes as one step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etaoi_collector.store.model import Span
from etaoi_tui.detail.compare.diff_sections import diff_sections, in_words
from etaoi_tui.detail.compare.request_diff import compare
from etaoi_tui.detail.messages.request import Request, read_sent, read_snapshot, read_state
from etaoi_tui.detail.middleware.locate import call_of_orphan, hooks_of
from etaoi_tui.detail.middleware.probe_step import probe_step
from etaoi_tui.detail.middleware.request_chain import CallChain, build_chain
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.detail.span_document import describe_span
from tests.detail.pages import end, start, text_of
from tests.detail.recorded import CAPTURES, Recorded, load


@pytest.fixture(scope="module")
def agent() -> Recorded:
    return load("s01_create_agent")


def calls(recorded: Recorded) -> list[Span]:
    return [span for span in recorded.spans if span.kind == "llm"]


def evidence_of(recorded: Recorded, span: Span) -> SpanData:
    return SpanData(span, recorded.payloads, span.trace.ended_at)


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
    attached, why = call_of_orphan(evidence_of(agent, wrap.up))
    assert attached is call
    assert why


def test_the_snapshot_of_another_agent_is_not_used(agent: Recorded) -> None:
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
        document = describe_span(call, recorded.payloads, call.trace.ended_at)
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
    text = text_of(describe_span(call, recorded.payloads, 10.0), "request")
    assert "no change" in text
    assert "first 120 characters" in text
    assert "old end" not in text.partition("sent to the model")[0]


def test_what_was_sent_is_open_where_no_middleware_changed_it() -> None:
    from tests.xray.making import call_with_probe

    for sent, is_open in (("the same", True), ("another", False)):
        recorded = Recorded()
        recorded.send(*call_with_probe("the same", sent))
        (call,) = calls(recorded)
        sections = describe_span(call, recorded.payloads, 10.0).tab("request").sections
        (hook,) = [one for one in sections if one.key == "down0"]
        (whole,) = [one for one in sections if one.key == "sent"]
        assert (hook.open, whole.open) == (not is_open, is_open)


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURES.glob("*.msgpack")))
def test_every_page_of_a_digest_names_what_is_missing(name: str) -> None:
    recorded = load(name)
    for call in calls(recorded):
        chain = chain_of(recorded, call)
        wraps = [step for step in chain.down if step.recorded and "wrap_model_call" in step.label]
        if not wraps:
            continue
        text = " ".join(
            text_of(describe_span(call, recorded.payloads, call.trace.ended_at), "request").split()
        )
        assert "tell neither parameters nor tool schemas" in text
        for step in wraps:
            assert step.partial
            assert step.diff is not None
            assert step.diff.new.parameters is None
        unchanged = sum(step.diff is not None and step.diff.nothing for step in wraps)
        assert text.count("no change in what was recorded") == unchanged


def blocks(*texts: str) -> dict[str, Any]:
    """A system prompt as the etaoi SDK's probes carry it: each block cut at 2,000 characters."""
    cut = [text if len(text) <= 2_000 else f"{text[:2_000]}… [+{len(text) - 2_000}]" for text in texts]
    return {"blocks": [{"type": "text", "text": text, "cache_control": None} for text in cut]}


def with_system(*texts: str) -> Request:
    return read_snapshot({"system": blocks(*texts), "messages": [], "tools": []}, {})


def with_message(preview: str, length: int) -> Request:
    message = {"role": "human", "preview": preview, "len": length}
    return read_snapshot({"messages": [message], "tools": []}, {})


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (("x" * 5_000,), ("x" * 5_000,), False),
        (("x" * 5_000,), ("x" * 5_001,), True),
        (("x" * 5_000,), ("y" + "x" * 4_999,), True),
        (("x" * 2_000,), ("x" * 2_001,), True),
        (("a", "x" * 5_000, "tail"), ("a", "x" * 5_000, "tail"), False),
        (("short… [+3]",), ("short… [+3]",), False),
    ],
)
def test_a_system_prompt_that_was_cut_is_compared_as_far_as_it_is_known(
    before: tuple[str, ...], after: tuple[str, ...], changed: bool
) -> None:
    old, new = (
        read_snapshot({"system": blocks(*texts), "messages": [], "tools": []}, {})
        for texts in (before, after)
    )
    assert compare(old, new).system_changed is changed
    assert new.system_length == len("".join(after))
    assert "".join(after).startswith(new.system or "-")


def test_a_complete_prompt_does_not_differ_from_its_truncated_one() -> None:
    prompt = "x" * 3_000 + "secret tail"
    cut = with_system(prompt)
    sent = read_sent({"input_messages": [{"role": "system", "text": prompt}]}, {})
    assert not compare(cut, sent).system_changed
    other = read_sent({"input_messages": [{"role": "system", "text": f"{prompt}!"}]}, {})
    diff = compare(cut, other)
    assert diff.system_changed
    assert in_words(diff) == "system prompt +1 chars"
    diff_text = "\n".join(str(section.blocks) for section in diff_sections(diff, "d"))
    assert "secret tail" not in diff_text
    assert "only its first 2,000 characters were recorded" in diff_text


def test_a_message_that_the_sdk_cut_at_64_kib_is_no_edit() -> None:
    text = "y" * 70_000
    sent = read_sent(
        {"input_messages": [{"role": "human", "text": f"{text[:65_536]}… [truncated 4464 chars]"}]}, {}
    )
    assert sent.messages is not None
    assert (sent.messages[0].full_length, len(sent.messages[0].text)) == (70_000, 65_536)
    probe = read_snapshot(
        {"messages": [{"role": "human", "preview": text[:120], "len": 70_000}], "tools": []}, {}
    )
    assert not compare(probe, sent).messages_changed


def test_a_state_in_content_blocks_equals_its_digest() -> None:
    content = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    state, _ = read_state(json.dumps({"messages": [{"type": "human", "content": content}]}))
    assert state is not None
    assert not compare(state, with_message("onetwo", 6)).messages_changed


def state_probe(response: dict[str, Any]) -> Any:
    """A state hook's probe of the etaoi SDK, in its graph node."""
    request = {"keys": ["messages"], "messages": [{"role": "human", "preview": "hi", "len": 2, "id": "m1"}]}
    probe_payload = {"before": request, "after": request, "diff": {}, "response": response}
    probe = start(2, "middleware", probe_payload, 1, 1)
    probe["metadata"] = {"lc_probe": "before_model", "name": "Hook.before_model"}
    recorded = Recorded()
    recorded.send(start(1, "middleware", {"inputs": "{}"}, 0), probe, end(2, "middleware", {"diff": {}}, 1))
    span = next(span for span in recorded.spans if span.flags & 512)
    return probe_step(evidence_of(recorded, span))


def test_updates_that_the_sdk_did_not_record_are_not_shown_as_nothing() -> None:
    step = state_probe({"keys": ["messages"]})
    assert step.diff is None
    assert step.notes == ["It wrote messages to the state, in a shape that this SDK does not record."]
    step = state_probe({"repr": "Command(update={'messages': [...]})"})
    assert step.diff is None
    assert "as text only: Command(update=" in step.notes[0]
    pair = {"role": "tuple", "preview": "", "len": 0}
    step = state_probe({"keys": ["messages"], "messages": [pair]})
    assert "1 message of its update came in a shape that this SDK does not record" in step.notes[0]
