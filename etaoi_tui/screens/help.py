"""Explains the pane that had the keys: what it shows, every glyph, and every key that works in it."""

from __future__ import annotations

import re

from textual.widget import Widget

from etaoi_collector import query
from etaoi_tui.detail.document.model import Block, Document, Groups, KeyValues, Section, Tab, Text
from etaoi_tui.screens.document_modal import DocumentModal
from etaoi_tui.view.command import Command, CommandTable, Pane, readable
from etaoi_tui.view.legend import legend

_KEYS_NAMED = 4
"""Keys of a command that are each named."""

_TWO_COLUMNS = 70
"""Cells from which signs, which need few words, stand in two columns."""


class Help(DocumentModal):
    """A page over the screen."""

    TITLE_TEXT = "help"
    DEFAULT_CSS = """
    Help Vertical { width: 144; height: 90%; }
    """

    def __init__(self, explained: Widget, pane: Pane, commands: CommandTable) -> None:
        """Make a page.

        Args:
            explained: The widget whose ``HELP`` says what it shows.
            pane: Its pane, for the keys.
            commands: All there are.
        """
        super().__init__(help_document(explained.HELP or "", pane, commands))


def help_document(explanation: str, pane: Pane, commands: CommandTable) -> Document:
    """Make the help of a pane.

    Args:
        explanation: What the pane shows, in sentences.
        pane: Whose keys are listed.
        commands: All there are.
    """
    tabs = [
        Tab("keys", "Keys", lambda: [_about(explanation), _keys(commands.in_pane(pane))]),
        Tab("signs", "Signs", _signs),
        Tab("search", "Search", lambda: [Section("search", "What / understands", _search())]),
    ]
    return Document(key=f"help:{pane}", headline=[], tabs=tabs)


def _about(explanation: str) -> Section:
    # Broken into lines for the source code; the page has a width of its own.
    paragraphs = [" ".join(paragraph.split()) for paragraph in explanation.strip().split("\n\n")]
    return Section("about", "This pane", [Text("\n\n".join(paragraphs))])


def _keys(commands: list[Command]) -> Section:
    groups: dict[str, list[tuple[str, str]]] = {}
    for command in commands:
        keys = "  ".join(map(readable, command.keys)) or ":"
        if len(command.keys) > _KEYS_NAMED:
            keys = command.shown_key
        groups.setdefault(command.group, []).append((keys, command.help))
    return Section("keys", "Keys, by question", [Groups(list(groups.items()))])


def _signs() -> list[Section]:
    return [Section("signs", "What the signs mean", [Groups(legend(), two_columns=_TWO_COLUMNS)])]


def _search() -> list[Block]:
    """The language's own description: its examples beside what they mean, then the rest."""
    body = (query.__doc__ or "").split("::", 1)[-1].strip("\n")
    examples, _, rest = body.partition("\n\n")
    rows = []
    for line in examples.splitlines():
        # Examples stand two blanks apart, too; what they mean begins behind the widest gap.
        gap = max(re.finditer(r" {2,}", line.strip()), key=lambda blank: len(blank[0]))
        rows.append((line.strip()[: gap.start()], line.strip()[gap.end() :]))
    return [KeyValues(rows), Text("\n" + " ".join(rest.split()))]
