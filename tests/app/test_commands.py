"""A command is one new file; the table that keys, footer, help and palette are made from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import etaoi_tui.commands as folder
from etaoi_tui.commands import load_commands
from etaoi_tui.screens.palette_entries import palette_entries
from etaoi_tui.view.command import CommandTable, command, commands_of

from .world import world

RECIPE = """
from etaoi_tui.commands import command

@command("span.shout", keys=("ctrl+t",), label="shout", help="Say the span's name aloud", footer=2)
def shout(workspace):
    workspace.answer(workspace.selection.span.name.upper())
"""


@pytest.fixture
def new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A family of commands in a file of its own."""
    (tmp_path / "zz_shouting.py").write_text(RECIPE)
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    yield
    sys.modules.pop("etaoi_tui.commands.zz_shouting", None)


async def test_a_new_file_is_all_that_a_command_needs(new_file: Any) -> None:
    async with world() as (w, pilot):
        w.scribe.end(w.scribe.start("sub_agent", "researcher"))
        await w.tick(pilot)
        await pilot.press("2", "ctrl+t")
        await pilot.pause()
        assert w.message == "RESEARCHER"
        w.app.main.footer.say_nothing()
        assert "^t shout" in w.app.main.footer.render_line(0).text
        assert "span.shout" in {entry.id for entry in palette_entries(w.app.main, [])}
        await pilot.press("question_mark")
        await pilot.pause()
        page = "\n".join(w.app.screen.pane.render_line(y).text for y in range(w.app.screen.pane.size.height))
        assert "Why did it fail?" in page


def test_two_commands_of_one_name_are_refused() -> None:
    @command("a.b", keys=("a",), label="a", help="A")
    @command("a.b", keys=("b",), label="b", help="B")
    def both(workspace: object) -> None: ...

    module = type(sys)("both")
    both.__module__ = "both"
    module.both = both  # type: ignore[attr-defined]
    assert [one.keys for one in commands_of(module)] == [("a",), ("b",)]
    with pytest.raises(ValueError, match=r"'a\.b'"):
        CommandTable(commands_of(module))


BROKEN = {
    "zz_broken.py": "import nothing_of_this_name",
    "zz_torn.py": "def half(",
    "zz_rival.py": """
from etaoi_tui.commands import command

@command("mine.search", keys=("slash", "ctrl+t"), label="mine", help="Search my way", key_label="/")
@command("span.search", keys=("f9",), label="other", help="Of an id that is taken")
def mine(workspace):
    workspace.answer("MINE")
""",
}


async def test_invalid_entries_of_a_commands_file_are_named_and_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = load_commands()
    assert usual.problems == ()
    searching = next(one for one in usual if "slash" in one.keys)
    for name, code in BROKEN.items():
        (tmp_path / name).write_text(code.replace("span.search", searching.id))
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    try:
        table = load_commands()
        assert {one.id for one in table} == {"mine.search", *(one.id for one in usual)}
        assert table["mine.search"].keys == ("ctrl+t",) and table["mine.search"].shown_key == "^t"
        assert table[searching.id] == searching
        broken, *rival, torn = table.problems
        assert "zz_broken" in broken and "nothing_of_this_name" in broken
        assert "zz_torn" in torn and "SyntaxError" in torn
        assert any(f"'{searching.id}' is left out" in one for one in rival)
        assert any(f"'/' is no key of 'mine.search': it is that of '{searching.id}'" in one for one in rival)
        async with world(size=(160, 40)) as (w, pilot):
            await pilot.press("ctrl+t")
            await pilot.pause()
            assert w.message == "MINE"
            await pilot.press("exclamation_mark")
            await pilot.pause()
            pane = w.app.screen.pane
            page = "\n".join(pane.render_line(y).text for y in range(pane.size.height))
            assert "Left out of commands and settings" in page and "zz_torn" in page
    finally:
        sys.modules.pop("etaoi_tui.commands.zz_rival", None)


def test_a_key_that_is_reassigned_is_removed_from_its_old_command() -> None:
    commands = load_commands().with_keys({"voice.worst": ("e", "f5")})
    assert commands["voice.worst"].keys == ("e", "f5")
    assert commands["error.next"].keys == ()
    assert commands["error.next"].shown_key == ""
    assert commands["error.previous"].keys == ("E",)
    for pane in ("traces", "tree", "detail"):
        keys = [key for one in commands.in_pane(pane) for key in one.keys]  # type: ignore[arg-type]
        assert len(keys) == len(set(keys))
