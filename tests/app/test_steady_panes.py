"""What stands on the screen does not move when something arrives, unless it is what arrived."""

from __future__ import annotations

import pytest

from tests.app.world import world


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (160, 45), (200, 60)])
async def test_turns_that_are_followed_move_no_pane(size: tuple[int, int]) -> None:
    async with world(size=size) as (w, pilot):
        scribe = w.scribe
        panes = []
        for _ in range(4):
            run = scribe.start(
                "sub_agent", "support", None, {"inputs": "hi"}, metadata={"thread_id": "chat-1"}
            )
            for _ in range(3):
                call = scribe.start("llm", "gpt-5", run)
                for words in ("Let me ", "look"):
                    scribe.say(call, words)
                    scribe.clock.advance(200_000)
                    await w.tick(pilot)
                    panes.append((w.tree.region, w.app.main.detail.region, w.app.main.traces.region))
                scribe.end(call, {"response": {"text": "Let me look"}})
                tool = scribe.start("tool", "find_order", run, {"input": "{}"})
                await w.tick(pilot)
                panes.append((w.tree.region, w.app.main.detail.region, w.app.main.traces.region))
                scribe.end(tool, {"output": "x"})
            scribe.end(run, {"outputs": "{}"})
            await w.tick(pilot)
        once = len(panes) // 4
        assert len(set(panes[2 * once :])) == 1, "the first turns show how much room a turn takes"
