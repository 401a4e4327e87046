"""The chain that is shown equals what the model really got, for real agents under our SDK."""

from __future__ import annotations

from itertools import pairwise

import pytest

from etaoi_collector.store.model import Span
from etaoi_tui.detail.compare.call_diff import request_of
from etaoi_tui.detail.compare.diff_sections import in_words
from etaoi_tui.detail.compare.request_diff import compare
from etaoi_tui.detail.messages.request import Request
from etaoi_tui.detail.messages.tool_schemas import schemas_for
from etaoi_tui.detail.middleware.request_chain import CallChain, build_chain
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.sdk.langchain.middleware import instrument
from tests.xray import agents
from tests.xray.agents import Run
from tests.xray.models import Plain


def evidence_of(run: Run, call: Span) -> SpanData:
    return SpanData(call, run.recorded.payloads, call.trace.ended_at)


def chain_of(run: Run, call: Span) -> CallChain:
    evidence = evidence_of(run, call)
    return build_chain(evidence, schemas_for(evidence))


def received_texts(received: Plain) -> list[tuple[str, str]]:
    """What was said, as (role, text), as the model got it."""
    return [(message["role"], message["text"]) for message in received["messages"]]


def request_texts(request: Request) -> list[tuple[str, str]]:
    """Messages as (role, text), as the chain shows them; none of them may be a digest."""
    assert request.messages is not None
    assert not any(message.digest or message.cut for message in request.messages)
    front = [("system", request.system)] if request.system else []
    return [*front, *((m.role, m.text) for m in request.messages)]


def assert_adds_up(chain: CallChain, received: Plain) -> None:
    """What was sent is what the model got, and every step begins where the one before it ended."""
    tools = [tool["name"] for tool in received["tools"]]
    assert request_texts(chain.sent) == received_texts(received)
    assert [tool.name for tool in chain.sent.tools or []] == tools
    assert chain.sent.model == received["model"]
    wraps = [step for step in chain.down if "wrap_model_call" in step.label or not step.recorded]
    requests = [step.diff for step in wraps if step.diff is not None]
    for before, after in pairwise(requests):
        assert compare(before.new, after.old).messages_changed is False
    if requests:
        assert request_texts(requests[-1].new) == request_texts(chain.sent)
        assert [t.name for t in requests[-1].new.tools or []] == tools


@pytest.fixture(scope="module")
def everything() -> Run:
    return agents.everything(instrument)


def test_the_chain_of_every_call_ends_in_what_the_model_got(everything: Run) -> None:
    assert len(everything.calls) == len(everything.received) == 3
    for call, received in zip(everything.calls, everything.received, strict=True):
        assert_adds_up(chain_of(everything, call), received)


def test_each_step_shows_only_its_own_changes(everything: Run) -> None:
    first = chain_of(everything, everything.calls[0])
    did = {step.label: in_words(step.diff) for step in first.down if step.diff is not None}
    assert did == {
        "Notes.before_model": "+1 message",
        "Retries.wrap_model_call": "",
        "Rewrites.wrap_model_call": "1 edited, system prompt +13 chars",
        "polite.wrap_model_call": "system prompt +11 chars",
        "Selects.wrap_model_call": "−1 tool",
        "Switches.wrap_model_call": "",
    }
    last = chain_of(everything, everything.calls[-1])
    switch = next(step for step in last.down if step.label.startswith("Switches"))
    assert switch.diff is not None
    assert switch.diff.model == ("fake-gpt-5", "fake-small")


def test_a_second_attempt_has_its_own_chain(everything: Run) -> None:
    first, second = (chain_of(everything, call) for call in everything.calls[:2])
    retries = [next(s for s in chain.down if s.label.startswith("Retries")) for chain in (first, second)]
    assert [(step.attempt, step.attempts) for step in retries] == [(1, 2), (2, 2)]
    assert retries[0].diff is not None
    assert retries[0].diff.nothing
    assert retries[1].diff is not None
    assert in_words(retries[1].diff) == "+1 message"
    assert request_texts(second.sent)[-1] == ("user", "Second try.")


def test_the_response_chain_names_the_hook_that_changed_it(everything: Run) -> None:
    last = chain_of(everything, everything.calls[-1])
    wraps = [step for step in last.up if "wrap_model_call" in step.label]
    assert [step.label.partition(".")[0] for step in wraps] == [
        "Switches", "Selects", "polite", "Rewrites", "Retries",
    ]  # fmt: skip
    assert not any(step.response_changed for step in wraps)
    after = next(step for step in last.up if step.label == "Notes.after_model")
    assert after.diff is not None
    assert in_words(after.diff) == "1 edited"


def test_own_times_add_up_to_less_than_the_total(everything: Run) -> None:
    chain = chain_of(everything, everything.calls[-1])
    wraps = [step for step in chain.down if step.span is not None and "wrap" in step.label]
    own = sum(step.own_seconds or 0.0 for step in wraps)
    whole = wraps[0].span.duration(0.0)  # type: ignore[union-attr]
    call = everything.calls[-1].duration(0.0)
    assert whole is not None
    assert call is not None
    assert 0.0 < own <= whole - call + 1e-6


def test_a_compacted_history_is_labelled_compacted() -> None:
    run = agents.summarising(instrument)
    received = run.received[-1]
    call = run.calls[-1]
    assert received_texts(received)[0][0] == "system"
    chain = chain_of(run, call)
    assert_adds_up(chain, received)
    step = next(s for s in chain.down if s.label == "SummarizationMiddleware.before_model")
    assert step.diff is not None
    (compaction,) = step.diff.compactions
    assert len(compaction.removed) == 10
    assert len(compaction.added) == 1
    assert compaction.after < compaction.before
    assert "compacted 10 → 1" in in_words(step.diff)


def test_built_in_middleware_that_nobody_instrumented_is_named_and_not_blamed() -> None:
    run = agents.deep(instrument)
    for call, received in zip(run.calls, run.received, strict=True):
        chain = chain_of(run, call)
        assert_adds_up(chain, received)
        hidden = [step for step in chain.down if not step.recorded and step.span is None]
        assert hidden
        named = {name for step in hidden for name in step.hooks_hidden}
        assert "FilesystemMiddleware" in named
        assert "Rewrites" not in named
        assert all("Not instrumented" in step.notes[0] for step in hidden)


def test_without_instrumentation_the_changes_are_shown_as_one() -> None:
    run = agents.everything(lambda items: items)
    for call, received in zip(run.calls, run.received, strict=True):
        chain = chain_of(run, call)
        assert request_texts(chain.sent) == received_texts(received)
        assert not [step for step in chain.recorded if "wrap" in step.label]
        (hidden,) = (step for step in chain.down if step.span is None)
        assert hidden.hooks_hidden == ["Retries", "Rewrites", "polite", "Selects", "Switches"]
        assert hidden.diff is not None
        assert hidden.diff.system_changed
        assert [change.name for change in hidden.diff.tools] == ["shout"]
    before_model = next(s for s in chain_of(run, run.calls[0]).down if s.label == "Notes.before_model")
    assert before_model.diff is not None
    assert in_words(before_model.diff) == "+1 message"


def test_the_next_call_is_compared_with_the_one_before(everything: Run) -> None:
    second, third = everything.calls[1:]
    diff = compare(request_of(evidence_of(everything, second)), request_of(evidence_of(everything, third)))
    assert in_words(diff) == "+2 messages, −1 message, model fake-small"
    removed = [change.old for change in diff.messages if change.what == "removed"]
    assert [message.text for message in removed if message] == ["Second try."]
