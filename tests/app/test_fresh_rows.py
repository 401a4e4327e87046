"""Rows that are drawn once and kept: what they show must never be older than what is known."""

from __future__ import annotations

from tests.scribe import Scribe

from .world import world


async def test_a_finished_chain_of_middleware_shows_whether_it_is_open() -> None:
    async with world() as (w, pilot):
        root = w.scribe.start("sub_agent", "researcher")
        probes = []
        above = root
        for name in ("Outer", "Middle", "Inner"):
            metadata = {"lc_probe": "wrap_model_call", "probe_label": name}
            above = w.scribe.start("middleware", name, above, metadata=metadata)
            probes.append(above)
        w.scribe.end(w.scribe.start("llm", "gpt-5", above))
        for probe in (*reversed(probes), root):
            w.scribe.end(probe)
        await w.tick(pilot)
        assert "▸ ✦ gpt-5" in w.lines()[1]
        w.tree.move_to(1)
        w.tree.toggle()
        assert w.tree.cursor.span_id == probes[0].span_id
        assert "▾ ▤ Outer" in "".join(w.lines())
        w.tree.toggle()
        assert w.tree.cursor.kind == "llm"
        assert "▸ ✦ gpt-5" in w.lines()[1]


async def test_a_finished_row_gets_its_triangle_when_inner_steps_are_shown() -> None:
    async with world() as (w, pilot):
        root = w.scribe.start("sub_agent", "researcher")
        step = w.scribe.start("middleware", "inner step", root, metadata={"lc_chain_kind": "internal"})
        w.scribe.end(step)
        w.scribe.end(root)
        await w.tick(pilot)
        assert "▾" not in w.lines()[0]
        await pilot.press("x")
        assert "▾" in w.lines()[0]
        assert "inner step" in w.lines()[1]


async def test_a_finished_and_folded_row_counts_late_spans() -> None:
    async with world() as (w, pilot):
        root = w.scribe.start("sub_agent", "researcher")
        w.scribe.end(w.scribe.start("tool", "one", root))
        w.scribe.end(root)
        await w.tick(pilot)
        await pilot.press("g")
        w.tree.toggle()
        assert " +1" in w.lines()[0]
        w.scribe.end(w.scribe.start("tool", "two", root))
        await w.tick(pilot)
        assert " +2" in w.lines()[0]


async def test_a_turn_shows_its_transcript_whenever_it_arrives() -> None:
    async with world() as (w, pilot):
        root = w.scribe.start("sub_agent", "caller")
        turn = w.scribe.start("voice_turn", "turn 1", root)
        await w.tick(pilot)
        await pilot.press("v")
        speech = w.scribe.start("voice_input", "speech", turn)
        w.scribe.end(speech, {"transcript": "what changed in version two"})
        await w.tick(pilot)
        assert "what changed in version two" in w.lines()[w.line_of("turn 1")]
        w.scribe.end(turn)
        await w.tick(pilot)
        late = w.scribe.start("voice_turn", "turn 2", root)
        w.scribe.end(late)
        await w.tick(pilot)
        speech = w.scribe.start("voice_input", "speech", late)
        w.scribe.end(speech, {"transcript": "nothing at all"})
        await w.tick(pilot)
        assert "nothing at all" in w.lines()[w.line_of("turn 2")]


async def test_following_leaves_an_agent_that_was_killed() -> None:
    async with world() as (w, pilot):
        w.scribe.start("sub_agent", "killed")
        await w.tick(pilot)
        w.source.disconnect(1, at=w.time)
        w.time += 11
        await w.tick(pilot)
        w.scribe = Scribe("again", session_id=None)
        w.source.connect(2, at=w.time)
        w.scribe.start("sub_agent", "restarted")
        await w.tick(pilot)
        assert "restarted" in w.lines()[0]


async def test_inner_steps_nested_deeper_than_pythons_stack() -> None:
    async with world() as (w, pilot):
        above = root = w.scribe.start("sub_agent", "researcher")
        for number in range(3_000):
            above = w.scribe.start("middleware", f"s{number}", above, metadata={"lc_chain_kind": "internal"})
        w.scribe.start("tool", "at the bottom", above)
        w.scribe.end(root)
        await w.tick(pilot)
        assert "at the bottom" in w.lines()[1]
        await pilot.press("g", "x")
        await w.tick(pilot)
        assert "s0" in w.lines()[1]


async def test_a_trace_that_was_evicted_and_came_back_is_up_to_date() -> None:
    async with world(max_spans=5) as (w, pilot):
        root = w.scribe.start("sub_agent", "old")
        w.scribe.end(root)
        await w.tick(pilot)
        earlier_trace = w.tree.rows.trace
        for number in range(20):
            w.scribe.end(w.scribe.start("sub_agent", f"run {number}"))
        w.source.send(w.scribe.take())
        w.scribe.start("tool", "late", root)
        await w.tick(pilot)
        assert w.tree.rows.trace is not earlier_trace
        assert w.app.store.traces[w.tree.rows.trace.trace_id] is w.tree.rows.trace


async def test_turns_nested_deeper_than_pythons_stack() -> None:
    async with world() as (w, pilot):
        above = w.scribe.start("sub_agent", "caller")
        for number in range(2_000):
            above = w.scribe.start("voice_turn", f"turn {number}", above)
        await w.tick(pilot)
        await pilot.press("v", "g")
        assert "turn 0" in w.lines()[1]
