"""Every sign that is drawn is explained in the help, and no sign is explained that nothing draws."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import etaoi_tui
from etaoi_tui.commands import load_commands
from etaoi_tui.detail.document.model import Groups, section_text
from etaoi_tui.detail.messages.chat import OTHER_ROLE, ROLE_GLYPHS
from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.screens.help import help_document
from etaoi_tui.view.glyphs import STATUS_GLYPHS
from etaoi_tui.view.legend import legend
from etaoi_tui.view.voice.labels import MARKS
from etaoi_tui.view.voice.lane import GLYPHS as STAGES
from etaoi_tui.view.voice.thresholds import GLYPHS as LEVELS

DRAWING_ROOMS = ("view", "detail", "kinds", "screens", "widgets", "commands")
LINES = frozenset("─│├┤┬┴┼╭╮╯╰═║╔╗╚╝▎▏•⏎")
"""Frames, bars of a chat, bullets and the name of a key: nobody asks what they mean."""
PARTS = {"▂▄▆▇": "▁", "◑◒◓": "◐", "▉▊▋▍": "█"}
"""Steps between signs that are explained: of a course, of what turns, of a bar's end."""


def words_of(source: str) -> Iterator[str]:
    """Yield all texts in a module but its docstrings."""
    tree = ast.parse(source)
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and node.value is not None
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def signs_drawn() -> dict[str, str]:
    """Return every sign in the code that draws, with a file that has it."""
    root = Path(etaoi_tui.__file__).parent
    return {
        sign: str(path.relative_to(root))
        for room in DRAWING_ROOMS
        for path in sorted((root / room).rglob("*.py"))
        if path.name != "legend.py"
        for text in words_of(path.read_text(encoding="utf-8"))
        for sign in text
        if not sign.isascii() and unicodedata.category(sign) in ("So", "Sm", "Sk", "Pi", "Pf", "Po")
    }


def signs_explained() -> set[str]:
    return {sign for _, rows in legend() for signs, _ in rows for sign in signs if not sign.isalnum()}


def test_every_sign_that_is_drawn_is_in_the_help() -> None:
    explained = signs_explained() | LINES | {step for steps in PARTS for step in steps}
    quotes = set("“”…–·")
    missing = {sign: where for sign, where in signs_drawn().items() if sign not in explained | quotes}
    assert not missing
    assert signs_explained() >= set(PARTS.values())


def test_every_sign_of_the_tables_is_in_the_help() -> None:
    tables = {
        *STATUS_GLYPHS.values(),
        *(sign for sign, _ in KINDS.legend()),
        *MARKS.values(),
        *STAGES.values(),
        *LEVELS.values(),
        *ROLE_GLYPHS.values(),
        OTHER_ROLE[0],
    } - {" "}
    assert tables <= signs_explained()
    help_text = "\n".join(
        section_text(section)
        for tab in help_document("", "detail", load_commands()).tabs
        if tab.key == "signs"
        for section in tab.sections
    )
    assert all(sign in help_text for sign in {*tables, "$?", "≥", "≈", "▒"})


def test_the_help_explains_no_sign_that_is_never_drawn() -> None:
    everywhere = "".join(
        text
        for path in Path(etaoi_tui.__file__).parent.rglob("*.py")
        if path.name != "legend.py"
        for text in words_of(path.read_text(encoding="utf-8"))
    )
    assert {sign for sign in signs_explained() if not sign.isspace()} <= set(everywhere)


def test_signs_stand_in_two_columns_on_the_smallest_screen() -> None:
    (signs,) = [tab for tab in help_document("", "tree", load_commands()).tabs if tab.key == "signs"]
    (block,) = [block for section in signs.sections for block in section.blocks]
    assert isinstance(block, Groups) and block.two_columns <= 72
