"""The first line: a chip for each running agent; following what runs; the slowest tool."""

from __future__ import annotations

import re
from typing import Any

import pytest

from etaoi_tui.view.status import follow_words
from tests.app.world import World, world


def first_line(w: World) -> str:
    return str(w.app.main.status_bar.render_line(0).text)


def wait_for_person(w: World, name: str, question: str) -> Any:
    """A graph that stands still for somebody."""
    root = w.scribe.start("sub_agent", name, agent=name)
    w.scribe.end(root, error=f"GraphInterrupt((Interrupt(value='{question}', id='1'),))")
    return root


async def test_each_running_agent_shows_its_activity_and_its_key_goes_there() -> None:
    async with world(size=(200, 45)) as (w, pilot):
        scribe = w.scribe
        lead = scribe.start("sub_agent", "lead", agent="lead")
        reviewer = scribe.start("sub_agent", "reviewer", lead, agent="reviewer")
        tool = scribe.start("tool", "fetch_page", reviewer, {"input": '{"url": "https://example.org"}'})
        writer = scribe.start("sub_agent", "writer", agent="writer")
        call = scribe.start("llm", "gpt-5", writer)
        await w.tick(pilot)
        scribe.say(call, "The three changes that matter")
        await w.tick(pilot)
        w.time += 14.8
        await w.tick(pilot)
        line = first_line(w)
        assert "lead" not in line, "who waits for another agent does nothing itself"
        assert "reviewer ⚒ fetch_page 14.8s url=" in line
        assert "writer ✦ gpt-5" in line and "“The three changes that matter" in line
        assert "alt+1" in line and "alt+2" in line
        await pilot.press("alt+2")
        assert w.tree.cursor is w.app.store.find_span(call.span_id)
        await pilot.press("alt+1")
        assert w.tree.cursor is w.app.store.find_span(tool.span_id)
        await pilot.press("alt+7")
        assert "No agent has the number 7" in w.message
        await pilot.press("ctrl+o")
        assert w.tree.cursor is w.app.store.find_span(call.span_id)
        scribe.end(tool, {"output": "x"})
        scribe.end(reviewer)
        await w.tick(pilot)
        assert "reviewer" not in first_line(w)
        await pilot.press("alt+2")
        assert w.tree.cursor is w.app.store.find_span(call.span_id), "an agent keeps its number"


async def test_tokens_a_second_are_measured_while_text_streams() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        call = w.scribe.start("llm", "gpt-5")
        await w.tick(pilot)
        assert "tok/s" not in first_line(w)
        for _ in range(20):
            w.scribe.clock.advance(100_000)
            w.scribe.say(call, "word " * 4)  # 20 characters are 5 tokens
            await w.tick(pilot)
        assert "≈50.0 tok/s" in first_line(w)
        for _ in range(60):
            w.time += 0.1
            await w.tick(pilot)
        assert "≈0.0 tok/s" in first_line(w)


async def test_an_agent_that_waits_for_a_person_shows_its_question() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        wait_for_person(w, "dba", "May I drop the table?")
        await w.tick(pilot)
        assert "‖ dba waits for you" in first_line(w)
        assert "May I drop the table?" in first_line(w)
        await pilot.press("1", "alt+1")
        assert w.tree.rows.trace.roots[0].name == "dba"


async def test_counters_show_when_they_are_wrong() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        w.scribe.end(w.scribe.start("sub_agent", "root"))
        await w.tick(pilot)
        line = first_line(w)
        assert "live" in line
        assert not any(word in line for word in ("ev/s", "0 lost", "rec ", "client", "rejected"))
        w.source.send([{"kind": "nonsense"}])
        w.scribe.start("sub_agent", "running")
        await w.tick(pilot)
        assert "1 rejected" in first_line(w) and "running" in first_line(w)
        w.source.disconnect(at=w.time)
        w.time += 20
        await w.tick(pilot)
        await w.tick(pilot)
        assert "no agent is connected" in first_line(w)


async def test_follow_goes_to_the_streaming_call_then_the_longest_open_then_the_answer() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        scribe = w.scribe
        root = scribe.start("sub_agent", "root")
        slow, quick = scribe.start("tool", "slow", root), scribe.start("tool", "quick", root)
        await w.tick(pilot)
        assert w.tree.cursor.name == "slow"
        scribe.end(quick, {"output": "x"})
        hook = {"lc_probe": "after_model", "probe_label": "Guard.after_model"}
        scribe.end(scribe.start("middleware", None, root, metadata=hook))
        await w.tick(pilot)
        assert w.tree.cursor.name == "slow", "neither a finished sibling nor a hook"
        call = scribe.start("llm", "gpt-5", root)
        scribe.say(call, "words")
        await w.tick(pilot)
        assert w.tree.cursor.name == "gpt-5"
        scribe.end(slow, {"output": "x"})
        await w.tick(pilot)
        assert w.tree.cursor.name == "gpt-5"
        scribe.end(call, {"response": {"text": "words"}})
        scribe.end(scribe.start("middleware", None, root, metadata=hook))
        scribe.end(root)
        await w.tick(pilot)
        assert w.tree.cursor.name == "gpt-5", "the newest answer"


async def test_when_follow_is_off_the_line_shows_it_and_counts_new_spans() -> None:
    async with world(size=(160, 30)) as (w, pilot):
        scribe = w.scribe
        root = scribe.start("sub_agent", "root")
        for number in range(60):
            scribe.end(scribe.start("tool", f"tool-{number}", root))
        await w.tick(pilot)
        assert "follow" not in first_line(w)
        await pilot.press("2", "g")
        await w.tick(pilot)
        assert first_line(w).rstrip().endswith("follow off · f")
        for number in range(3):
            scribe.start("tool", f"new-{number}", root)
        await w.tick(pilot)
        assert first_line(w).rstrip().endswith("follow off · 3 new · f")
        await pilot.press("f")
        await w.tick(pilot)
        assert "follow off" not in first_line(w)
    assert follow_words(1_204) == "follow off · 1,204 new · f"


async def test_w_goes_to_the_slowest_tool_of_the_session_and_on() -> None:
    async with world() as (w, pilot):
        scribe = w.scribe
        for seconds in (1, 7, 3):
            root = scribe.start("sub_agent", "run")
            tool = scribe.start("tool", f"took-{seconds}", root)
            scribe.clock.advance(seconds * 1_000_000)
            scribe.end(tool, {"output": "x"})
            scribe.end(root)
        await w.tick(pilot)
        visited, messages = [], []
        for _ in range(4):
            await pilot.press("w")
            visited.append(w.tree.cursor.name)
            messages.append(w.message)
        assert visited == ["took-7", "took-3", "took-1", "took-7"]
        assert messages[:2] == [
            "took-7, 7.00s: the slowest of the conversation's tool calls.",
            "took-3, 3.00s: number 2 of the slowest of the conversation's tool calls.",
        ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 160, 200, 300])
async def test_chips_fit_any_width_and_never_displace_errors(width: int) -> None:
    async with world(size=(width, 24)) as (w, pilot):
        for number in range(12):
            root = w.scribe.start("sub_agent", f"agent-{number:02d}", agent="x")
            w.scribe.start("tool", "日本語のツール", root, {"input": '{"q": "日本語"}'})
        w.source.send([{"kind": "nonsense"}])
        await w.tick(pilot)
        line = w.app.main.status_bar.render_line(0)
        assert line.cell_length == width
        if width >= 60:
            assert "1 rejected" in line.text and "agent-00" in line.text


async def test_a_client_that_goes_takes_its_chips_and_brings_them_back() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        root = w.scribe.start("sub_agent", "victim", agent="victim")
        await w.tick(pilot)
        assert "victim" in first_line(w)
        w.source.disconnect(at=w.time)
        w.time += 11
        await w.tick(pilot)
        await w.tick(pilot)
        assert "victim" not in first_line(w) and not w.app.main.activity.running
        w.source.connect(2)
        w.scribe.say(root, "still here")
        w.source.send(w.scribe.take(), number=2)
        await w.tick(pilot)
        assert "victim" in first_line(w)


@pytest.mark.parametrize("width", range(60, 200, 7))
async def test_numbers_of_the_first_line_are_whole_or_not_there(width: int) -> None:
    async with world(size=(width, 24)) as (w, pilot):
        for number in range(4):
            run = w.scribe.start("sub_agent", f"agent-{number}", agent=f"agent-{number}")
            w.scribe.start("tool", "find_order", run)
        await w.tick(pilot)
        w.time += 123.0
        await pilot.press("g")
        await w.tick(pilot)
        line = first_line(w)
        since = [word for word in line.split() if word[0].isdecimal() and "m" in word]
        assert set(since) <= {"2m", "2m03s"} and "follow off" in line
        assert not re.search(r"\+\d  ?\S", line), "what is left out stands apart from what follows"


async def test_words_that_stream_begin_with_a_whole_word() -> None:
    async with world(size=(100, 24)) as (w, pilot):
        call = w.scribe.start("llm", "gpt-5", w.scribe.start("sub_agent", "writer", agent="writer"))
        for word in "The carrier has it since this morning and by the page of its depot it comes".split():
            w.scribe.say(call, f"{word} ")
            await w.tick(pilot)
            quoted_words = first_line(w).partition("“")[2].split("alt+")[0].split()
            assert set(quoted_words) <= set(
                "The carrier has it since this morning and by the page of its depot it comes".split()
            )


async def test_what_one_agent_says_moves_no_other_s_chip() -> None:
    async with world(size=(160, 24)) as (w, pilot):
        calls = []
        for name in ("reader", "writer", "critic"):
            calls.append(w.scribe.start("llm", "gpt-5", w.scribe.start("sub_agent", name, agent=name)))
        await w.tick(pilot)
        places = set()
        for words in ("a", " few words", " and many more of them, so that they do not fit"):
            w.scribe.say(calls[0], words)
            await w.tick(pilot)
            line = first_line(w)
            places.add((line.index("reader"), line.index("writer"), line.index("critic")))
        assert len(places) == 1 and "do not fit" in line


@pytest.mark.parametrize(("width", "named"), [(142, False), (220, True)])
async def test_words_go_before_the_key_where_room_is_short(width: int, named: bool) -> None:
    async with world(size=(width, 24)) as (w, pilot):
        for name in ("reader", "writer"):
            call = w.scribe.start("llm", "gpt-5-mini", w.scribe.start("sub_agent", name, agent=name))
            w.scribe.say(call, "It arrives by Thursday, they say")
        wait_for_person(w, "dba", "May I drop it?")
        await w.tick(pilot)
        line = first_line(w)
        assert ("alt+1" in line) is named and (
            "by Thursday" in line or "Thursday, they" in line or "they say" in line
        )
        assert "May I drop" in line
