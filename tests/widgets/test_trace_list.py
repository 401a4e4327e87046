"""The list of traces in a flood: drawn now and then, never left behind, and at once for a person."""

from __future__ import annotations

from typing import Any

from tests.app.world import World, world


def _flood(w: World, traces: int = 20) -> None:
    for number in range(traces):
        w.scribe.end(w.scribe.start("sub_agent", f"run {number}"))


def _watch(w: World) -> list[int]:
    """Collect the lines that the list is asked for."""
    drawn: list[int] = []
    traces = w.app.main.traces
    render_line = traces.render_line

    def watched(y: int) -> Any:
        drawn.append(y)
        return render_line(y)

    traces.render_line = watched  # type: ignore[method-assign]
    return drawn


async def test_a_flood_is_drawn_now_and_then_and_then_as_it_is() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        w.scribe.start("sub_agent", "still running")
        await w.tick(pilot)
        await pilot.press("g")
        drawn = _watch(w)
        with_drawing = 0
        for _ in range(14):
            drawn.clear()
            _flood(w)
            await w.tick(pilot)
            with_drawing += bool(drawn)
        assert 2 <= with_drawing <= 6
        drawn.clear()
        await w.tick(pilot)
        assert set(drawn) == set(range(w.app.main.traces.size.height)), "all of it, once the flood is over"


async def test_few_new_traces_are_drawn_with_each_tick() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        _flood(w, 3)
        await w.tick(pilot)
        drawn = _watch(w)
        for _ in range(5):
            drawn.clear()
            _flood(w, 3)
            await w.tick(pilot)
            assert drawn


async def test_a_key_draws_a_list_that_is_held_back() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        _flood(w)
        await w.tick(pilot)
        await pilot.press("1", "j")
        await pilot.pause()
        drawn = _watch(w)
        for _ in range(2):
            _flood(w)
            await w.tick(pilot)
        drawn.clear()
        await pilot.press("j")
        await pilot.pause()
        assert set(drawn) == set(range(w.app.main.traces.size.height))


async def test_a_trace_that_goes_on_is_drawn_anew() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        root = w.scribe.start("sub_agent", "going on")
        w.scribe.end(root)
        await w.tick(pilot)

        def lines() -> str:
            traces = w.app.main.traces
            return "\n".join(traces.render_line(y).text for y in range(traces.size.height))

        assert "✗1" not in lines()
        w.scribe.end(w.scribe.start("tool", "late", root), error="it broke")
        await w.tick(pilot)
        assert "✗1" in lines()
