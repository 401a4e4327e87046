"""The help of a pane: what its keys do can be read at every size."""

from __future__ import annotations

import pytest

from etaoi_tui.commands import load_commands
from etaoi_tui.detail.document.model import Groups
from etaoi_tui.detail.layout.group_columns import group_lines
from etaoi_tui.screens.help import help_document
from etaoi_tui.view.command import Pane


@pytest.mark.parametrize("pane", ["traces", "tree", "detail"])
@pytest.mark.parametrize("width", [76, 140])
def test_no_key_takes_the_room_of_what_it_does(pane: Pane, width: int) -> None:
    document = help_document("", pane, load_commands())
    (block,) = [block for section in document.tabs[0].sections for block in section.blocks][1:]
    assert isinstance(block, Groups)
    rows = sum(len(rows) for _, rows in block.groups)
    names = max(len(name) for _, group in block.groups for name, _ in group)
    assert names < 20
    assert len(list(group_lines(block, width))) < 2 * rows
