"""Rows: the line under the cursor is lit from edge to edge."""

from __future__ import annotations

from tests.app.world import world


async def test_the_cursors_row_has_no_holes() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        root = w.scribe.start("sub_agent", "run")
        w.scribe.end(w.scribe.start("tool", "short", root))
        w.scribe.end(root)
        await w.tick(pilot)
        await pilot.press("g", "j")
        await pilot.pause()
        row = w.tree.render_line(w.line_of("short") + 1)
        lit = {
            segment.style.bgcolor for segment in list(row)[:-1] if segment.style and not segment.style.reverse
        }
        assert len(lit) == 1 and lit != {w.tree.look("").bgcolor}


async def test_sixteen_colours_stay_readable_under_the_cursor() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        root = w.scribe.start("sub_agent", "run")
        w.scribe.end(w.scribe.start("llm", "asked", root))
        w.scribe.end(root)
        w.app.theme = "ansi-dark"
        await w.tick(pilot)
        await pilot.press("g", "j")
        await pilot.pause()
        row = list(w.tree.render_line(w.line_of("asked") + 1))[:-1]
        assert "asked" in "".join(segment.text for segment in row)
        assert len({segment.style.color for segment in row if segment.style and segment.text.strip()}) == 1
