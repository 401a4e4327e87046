"""Runs of many threads whose questions begin alike: each row of the list shows what is its own."""

from __future__ import annotations

import pytest

from tests.app.world import world

SECTIONS = ("costs", "staff", "travel", "rent", "energy", "legal", "audit", "sales")


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (160, 45), (200, 60)])
async def test_rows_of_runs_that_begin_alike_differ(size: tuple[int, int]) -> None:
    async with world(size=size) as (w, pilot):
        for number, section in enumerate(SECTIONS):
            asked = f"Summarise the quarterly report of the northern region, section {section}"
            thread = {"thread_id": f"user-{number // 2}"}
            run = w.scribe.start(
                "sub_agent", "writer", None, {"inputs": f'{{"input": "{asked}"}}'}, metadata=thread
            )
            w.scribe.end(run)
        await w.tick(pilot)
        await pilot.press("1")
        await w.tick(pilot)
        runs = w.app.main.traces
        list_text = "\n".join(runs.render_line(y).text for y in range(runs.size.height))
        assert all(section in list_text for section in SECTIONS), list_text
