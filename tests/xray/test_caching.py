"""Cache breakpoints in the system prompt, tools, messages and parameters: recorded and shown, not made up."""

from __future__ import annotations

from typing import Any

import pytest

from etaoi_tui.detail.compare.diff_sections import in_words
from etaoi_tui.detail.compare.request_diff import compare
from etaoi_tui.detail.messages.cache_breakpoints import Breakpoint, breakpoint_words, read_breakpoints
from etaoi_tui.detail.messages.chat import Message
from etaoi_tui.detail.messages.request import Request
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.sdk.langchain.cache_breakpoints import cache_breakpoints
from tests.detail.pages import text_of
from tests.xray.recorders import MODES, ObservedRun, under_ours

either_way = pytest.mark.parametrize("mode", MODES)


def received_markers(observed: ObservedRun, call: int = 0) -> dict[str, str]:
    """What each step of a call's way down did, in words."""
    steps = observed.chain(observed.calls[call]).down
    return {step.label.partition(".")[0]: in_words(step.diff) for step in steps if step.diff is not None}


@either_way
def test_each_cache_marker_names_where_it_was_set(mode: str) -> None:
    observed = under_ours("caching", mode)
    words = received_markers(observed)
    assert words["Caches"] == "1 edited, +3 cache breakpoints"
    assert words["CachesInPlace"] == (
        "cache breakpoint at message 2, block 2 of 2 changed, cache breakpoint at message 1, block 2 of 2"
    )
    assert words["Rewrites"] == "system prompt +13 chars, −3 cache breakpoints"
    text = text_of(describe_span(observed.calls[0], observed.payloads, 1e12), "request")
    for line in (
        "+ cache breakpoint at tool shout: ephemeral",
        "+ cache breakpoint in the system prompt: ephemeral",
        "+ cache breakpoint at message 2, block 2 of 2: ephemeral, 1h",
        "- cache breakpoint at message 2, block 2 of 2: ephemeral, 1h",
        "+ cache breakpoint at message 2, block 2 of 2: ephemeral",
    ):
        assert line in text


@either_way
def test_the_providers_own_middleware_marks_what_is_really_sent(mode: str) -> None:
    observed = under_ours("caching_by_the_provider", mode)
    for call, received in zip(observed.calls, observed.received, strict=True):
        chain = observed.chain(call)
        payload = received["payload"]
        control = {"type": "ephemeral", "ttl": "1h"}
        assert payload["cache_control"] == payload["tools"][-1]["cache_control"] == control
        assert payload["system"][-1]["cache_control"] == control
        assert sorted(map(str, chain.sent.breakpoints or ())) == [
            "at tool shout: ephemeral, 1h",
            "for the whole request: ephemeral, 1h",
            "in the system prompt: ephemeral, 1h",
        ]


def request_with(texts: list[str], *points: Breakpoint) -> Request:
    messages = [Message("user", text, message_id=text) for text in texts]
    return Request(messages, "", breakpoints=list(points), tools=[], parameters={}, source="snapshot")


def at(index: int) -> Breakpoint:
    return Breakpoint("messages", index, control="ephemeral")


def test_a_marker_that_goes_with_its_message_did_not_move() -> None:
    old = request_with(["a", "b"], at(1))
    assert compare(old, request_with(["new", "a", "b"], at(2))).breakpoints is None
    moved = compare(old, request_with(["a", "b", "c"], at(2)))
    assert in_words(moved) == "+1 message, cache breakpoint at message 3, −cache breakpoint at message 2"


def test_a_marker_of_a_removed_message_is_removed_even_if_another_took_its_place() -> None:
    diff = compare(request_with(["a", "b"], at(1)), request_with(["a", "other words"], at(1)))
    assert diff.breakpoints is not None
    assert in_words(diff).endswith(
        "cache breakpoint at message 2, −cache breakpoint at message 2, which is gone"
    )


def test_many_markers_are_summarized() -> None:
    assert breakpoint_words([], [at(6)]) == "cache breakpoint at message 7"
    assert breakpoint_words([at(0)], []) == "−cache breakpoint at message 1"
    assert breakpoint_words([], [at(0), at(1)]) == "+2 cache breakpoints"


@pytest.mark.parametrize(
    "markers", [None, 3, "x", [None], [{"in": "nowhere"}], [{"in": []}], {"in": "tools"}]
)
def test_invalid_values_are_no_markers(markers: Any) -> None:
    assert read_breakpoints(markers) == []


def test_invalid_fields_of_a_marker_are_shown_unchanged() -> None:
    (point,) = read_breakpoints([{"in": "messages", "index": -3, "block": "x", "control": [1]}])
    assert str(point) == "at message 1: [1]"


def test_markers_of_both_apis_are_found() -> None:
    breakpoints = cache_breakpoints(
        [{"type": "text", "text": "s"}, {"cachePoint": {"type": "default"}}],
        ["plain", [{"type": "text", "text": "m", "cache_control": {"type": "ephemeral"}}], None],
        [{"function": {"name": "f", "cache_control": {"type": "ephemeral"}}}, {"name": "g"}],
        {},
    )
    assert [(mark["in"], mark.get("index"), mark.get("block")) for mark in breakpoints] == [
        ("tools", 0, None), ("system", None, 1), ("messages", 1, 0),
    ]  # fmt: skip
