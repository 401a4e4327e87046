"""Pages over the screen begin with what they have to say."""

from __future__ import annotations

import pytest

from etaoi_tui.widgets.detail_pane import DetailPane
from tests.app.world import world


@pytest.mark.parametrize("key", ["question_mark", "exclamation_mark"])
async def test_a_page_begins_with_a_title_under_the_cursor(key: str) -> None:
    async with world(size=(120, 40)) as (w, pilot):
        w.scribe.end(w.scribe.start("sub_agent", "run"))
        await w.tick(pilot)
        await pilot.press(key)
        await pilot.pause()
        pane = w.app.screen.query_one(DetailPane)
        for _ in range(3):
            section = pane.section_at_cursor
            first = pane.render_line(pane.cursor_line + 1).text
            assert section is not None and section.title in first
            await pilot.press("right")
            await pilot.pause()
