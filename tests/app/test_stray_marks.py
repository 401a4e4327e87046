"""Marks of asynchronous hooks, which the `etaoi` SDK leaves in a trace of their own beside the run."""

from __future__ import annotations

from tests.app.world import World, world

MARK = {"lc_probe": "awrap_model_call", "probe_label": "Guard.awrap_model_call"}


def leave_mark(w: World, trace_id: str | None = None) -> str:
    mark = w.scribe.start("middleware", metadata=MARK, trace_id=trace_id)
    w.scribe.end(mark)
    return mark.trace_id


async def test_following_and_opening_pass_over_them() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        root = w.scribe.start("sub_agent", "planner")
        w.scribe.end(w.scribe.start("llm", "asked", root))
        w.scribe.end(root)
        stray = leave_mark(w)
        leave_mark(w, stray)
        await w.tick(pilot)
        main = w.app.main
        (run,) = main.traces.rows.items
        assert run.roots[0].name == "planner"
        assert main.span_tree.rows.trace is run
        assert len(main.traces.rows.strays) == 1
        await pilot.press("1", "z")
        await w.tick(pilot)
        assert "+1 stray mark " in main.traces.render_line(0).text
        await pilot.press("f", "f")
        await w.tick(pilot)
        assert main.span_tree.rows.trace is run


async def test_where_nothing_else_came_they_are_shown() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        leave_mark(w)
        await w.tick(pilot)
        assert w.tree.row_count == 1
