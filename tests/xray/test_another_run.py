"""Requests of two runs: ids that are made anew each time are no difference; what was said is."""

from __future__ import annotations

from typing import Any

from etaoi_tui.detail.compare.diff_sections import diff_sections, in_words
from etaoi_tui.detail.compare.request_diff import RequestDiff, compare, find_prefix_break
from etaoi_tui.detail.document.model import Diff, section_text
from etaoi_tui.detail.messages.request import Request, read_sent


def request(
    run: str, *, city: str = "Wien", result: str = "21 degrees and clear", answer: str = ""
) -> Request:
    """Return the request of a run that looks the weather up, with ids of its own."""
    call_id = f"call_{run}"
    call = {"name": "lookup", "args": {"city": city}, "id": call_id}
    messages: list[dict[str, Any]] = [
        {"role": "system", "text": "Be terse.", "id": f"s-{run}"},
        {"role": "user", "text": f"What is the weather in {city} on this day?", "id": f"u-{run}"},
        {"role": "assistant", "text": "", "tool_calls": [call], "id": f"a-{run}"},
        {"role": "tool", "text": result, "tool_call_id": call_id, "name": "lookup", "id": f"t-{run}"},
    ]
    if answer:
        messages.append({"role": "assistant", "text": answer, "id": f"b-{run}"})
    return read_sent({"input_messages": messages}, {}, {})


def whats(diff: RequestDiff) -> list[str]:
    return [change.what for change in diff.messages]


def test_random_ids_are_no_difference_between_runs() -> None:
    diff = compare(request("1"), request("2"), other_run=True)
    assert set(whats(diff)) == {"same"}
    assert diff.nothing
    assert in_words(diff) == ""
    # A provider's cache sees them all the same.
    broken = find_prefix_break(diff)
    assert broken is not None
    assert "another id of a tool call" in broken.why


def test_ids_count_within_a_run() -> None:
    diff = compare(request("1"), request("2"))
    assert "same" not in whats(diff)[1:]


def test_arguments_and_results_still_count() -> None:
    diff = compare(request("1"), request("2", city="Graz", result="17 degrees and rain"), other_run=True)
    assert [what for what in whats(diff) if what != "same"] == ["edited"] * 3
    text = "\n".join(section_text(section) for section in diff_sections(diff, "d"))
    assert "call_1" not in text
    assert "call_2" not in text
    for words in ('-⚒ lookup {"city": "Wien"}', '+⚒ lookup {"city": "Graz"}', "+17 degrees and rain"):
        assert words in text


def test_a_changed_message_is_one_block_whatever_came_beside_it() -> None:
    diff = compare(request("1"), request("2", city="Graz", answer="It rains."), other_run=True)
    assert whats(diff).count("edited") == 2
    assert whats(diff).count("added") == 1
    assert "removed" not in whats(diff)
    edited = next(s for s in diff_sections(diff, "d") if s.title == "~ user  edited")
    (block,) = edited.blocks
    assert isinstance(block, Diff)
    runs = [run for _, side in block.lines if not isinstance(side, str) for run in side]
    styles = {style: text for text, style in runs}
    assert styles["diff.removed.word"] == "Wien"
    assert styles["diff.added.word"] == "Graz"


def test_another_conversation_is_called_that() -> None:
    new = read_sent({"input_messages": [{"role": "user", "text": "Tell me a joke", "id": "x"}]}, {}, {})
    diff = compare(request("1"), new, other_run=True)
    assert diff.new_conversation
    assert not diff.compactions
    assert in_words(diff).startswith("a new conversation")
    titles = [section.title for section in diff_sections(diff, "d")]
    assert any(title.startswith("a new conversation") for title in titles)


def test_within_a_run_the_same_is_a_summary() -> None:
    new = read_sent({"input_messages": [{"role": "user", "text": "In short: warm", "id": "x"}]}, {}, {})
    diff = compare(request("1"), new)
    assert not diff.new_conversation
    assert len(diff.compactions) == 1


def test_a_conversation_that_goes_on_is_no_new_one() -> None:
    diff = compare(request("1"), request("1", answer="Warm."), other_run=True)
    assert not diff.new_conversation
    assert whats(diff).count("added") == 1
