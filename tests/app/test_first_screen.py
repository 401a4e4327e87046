"""A recording's first picture shows its first rows: nothing empty is drawn before them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from etaoi_tui.app import ViewerApp
from tests.app.world import FedSource
from tests.generate import Scribe, agent_trace


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
async def test_the_first_picture_of_a_recording_has_its_rows(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = FedSource(live=False)
    source.connect()
    scribe = Scribe("first")
    agent_trace(scribe, "researcher")
    source.send(scribe.take())
    app = ViewerApp(source)
    rows_at_first_layout: list[int] = []
    refresh: Callable[..., Any] = type(app.main)._refresh_layout

    def record_picture(screen: Any, *args: Any, **kwargs: Any) -> Any:
        rows_at_first_layout.append(len(app.main.span_tree.rows))
        return refresh(screen, *args, **kwargs)

    monkeypatch.setattr(type(app.main), "_refresh_layout", record_picture)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        tree = app.main.span_tree
        assert rows_at_first_layout[0] == len(tree.rows) > 3
        tree_text = "\n".join(tree.render_line(y).text for y in range(tree.size.height))
        assert "researcher" in tree_text
