"""Short hooks before and after the agent or the model: those that changed something have a row."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.world import World, world

NO_CHANGE: list[dict[str, Any]] = [
    {},
    {"messages_count_delta": 0, "messages_added": [], "system_text_changed": False, "model_changed": None},
]


def state_hook(w: World, root: Any, name: str, diff: dict[str, Any]) -> None:
    """A graph's node that runs a hook, as our SDK sends them."""
    node = w.scribe.start("middleware", name, root, metadata={"lc_chain_kind": "graph_node"})
    metadata = {"lc_probe": name.partition(".")[2], "probe_label": name}
    hook = w.scribe.start("middleware", None, node, {"before": {}}, metadata=metadata)
    w.scribe.end(hook, {"response": {"none": not diff}, "diff": diff})
    w.scribe.end(node, {"outputs": "{}"})


async def _lines(w: World, pilot: Any, diff: dict[str, Any], hook: str = "Guard.before_model") -> list[str]:
    root = w.scribe.start("sub_agent", "researcher")
    state_hook(w, root, hook, diff)
    w.scribe.end(w.scribe.start("llm", "gpt-5", root), {"response": {"text": "done"}})
    w.scribe.end(root)
    await w.tick(pilot)
    return [line for line in w.lines() if "Guard" in line]


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        ({"messages_added": [{"len": 40}]}, "+1 message"),
        ({"messages_removed": [{"len": 40}, {"len": 40}], "messages_added": [{"len": 8}]}, "−1 message"),
        ({"keys_set": ["todos"]}, "sets todos"),
        ({"keys_set": ["todos", "plan", "seen"]}, "sets todos +2"),
        ({"system_text_changed": True}, "system prompt"),
    ],
)
@pytest.mark.parametrize("hook", ["Guard.before_model", "Guard.aafter_agent"])
async def test_a_hook_that_changed_the_state_keeps_its_row_and_names_the_change(
    diff: dict[str, Any], words: str, hook: str
) -> None:
    async with world(size=(160, 45), live=False) as (w, pilot):
        (line,) = await _lines(w, pilot, diff, hook)
        assert "<1ms" in line and f"▤ {hook} {words}" in line


@pytest.mark.parametrize("diff", NO_CHANGE)
async def test_a_short_hook_that_changed_nothing_has_no_row(diff: dict[str, Any]) -> None:
    async with world(size=(160, 45), live=False) as (w, pilot):
        assert await _lines(w, pilot, diff) == []
        await pilot.press("x")
        assert any("Guard" in line for line in w.lines())


async def test_its_row_stays_while_it_arrives_piece_by_piece() -> None:
    async with world(size=(160, 45)) as (w, pilot):
        root = w.scribe.start("sub_agent", "researcher")
        w.scribe.end(w.scribe.start("llm", "gpt-5", root), {"response": {"text": "done"}})
        for diff in ({"keys_set": ["todos"]}, {}):
            node = w.scribe.start(
                "middleware", "Guard.after_model", root, metadata={"lc_chain_kind": "graph_node"}
            )
            metadata = {"lc_probe": "after_model", "probe_label": "Guard.after_model"}
            hook = w.scribe.start("middleware", None, node, {"before": {}}, metadata=metadata)
            await w.tick(pilot)
            w.scribe.end(hook, {"diff": diff})
            await w.tick(pilot)
            w.scribe.end(node)
            await w.tick(pilot)
        (line,) = [line for line in w.lines() if "Guard" in line]
        assert "sets todos" in line


async def test_the_name_of_a_hook_is_truncated_before_its_change() -> None:
    async with world(size=(80, 24), live=False) as (w, pilot):
        (line,) = await _lines(w, pilot, {"keys_set": ["todos"]}, "GuardOfThePlansOfAll.before_model")
        assert "▤ GuardOfThePlan" in line and "… sets todos" in line
