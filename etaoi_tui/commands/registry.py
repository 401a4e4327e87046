"""Every command of the viewer, once: bindings, footer, help and palette are made from this list.

An action's id is stable: it names the action in a user's keymap, in the palette and in tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Pane = Literal["traces", "tree", "detail"]
EVERYWHERE: tuple[Pane, ...] = ("traces", "tree", "detail")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person can do.

    Attributes:
        id: Stable name, ``noun.verb``.
        keys: Textual key names; the first is shown.
        label: A word or two for the footer.
        help: What it does, for help, tooltip and palette.
        group: Heading under which help lists it.
        panes: Where it applies.
        footer: Footer rank; 0 keeps it out, lower numbers are dropped last when space is short.
        key_label: How the keys read for a person; made from the first key when empty.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: str
    panes: tuple[Pane, ...] = EVERYWHERE
    footer: int = 0
    key_label: str = ""

    @property
    def shown_key(self) -> str:
        """The key as a person reads it."""
        return self.key_label or readable(self.keys[0])


_READABLE = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "plus": "+",
    "underscore": "_",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "exclamation_mark": "!",
    "full_stop": ".",
    "comma": ",",
    "space": "space",
    "enter": "⏎",
    "escape": "esc",
    "ctrl+l": "^l",
    "ctrl+q": "^q",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "f1": "F1",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "tab": "tab",
}

_TREE: tuple[Pane, ...] = ("tree",)
_DETAIL: tuple[Pane, ...] = ("detail",)
_NOT_DETAIL: tuple[Pane, ...] = ("traces", "tree")
_FOLDING: tuple[Pane, ...] = ("tree", "detail")

ACTIONS: tuple[Action, ...] = (
    Action("cursor.down", ("down", "j"), "move", "Move down", "Move", footer=1, key_label="↑↓"),
    Action("cursor.up", ("up", "k"), "up", "Move up", "Move", key_label="↑ k"),
    Action("cursor.page_down", ("pagedown", "ctrl+d"), "page", "Half a screen down", "Move"),
    Action("cursor.page_up", ("pageup", "ctrl+u"), "page", "Half a screen up", "Move"),
    Action("cursor.first", ("home", "g"), "first", "Go to the first row", "Move"),
    Action("cursor.last", ("end", "G"), "last", "Go to the last row", "Move"),
    Action("fold.in", ("left", "h"), "fold", "Fold, or go to the parent", "Fold", _TREE, 2, "←→"),
    Action("fold.out", ("right", "l"), "unfold", "Unfold, or go to the first child", "Fold", _TREE),
    Action("fold.toggle", ("space",), "fold", "Fold or unfold", "Fold", _FOLDING),
    Action("fold.all", ("left_square_bracket",), "fold all", "Fold everything", "Fold", _FOLDING),
    Action("fold.none", ("right_square_bracket",), "unfold all", "Unfold everything", "Fold", _FOLDING),
    Action("fold.less", ("o",), "one level", "Unfold one level more", "Fold", _TREE),
    Action("fold.more", ("O",), "one level", "Fold one level more", "Fold", _TREE),
    Action("plumbing.toggle", ("x",), "plumbing", "Show or hide a framework's inner steps", "Fold"),
    Action("pane.open", ("enter",), "open", "Open: trace, then span, then detail", "Go", footer=3),
    Action("pane.back", ("escape",), "back", "Step back: search, detail, tree, traces", "Go", footer=10),
    Action("error.next", ("e",), "next error", "Go to the next error", "Go", footer=5),
    Action("error.previous", ("E",), "previous error", "Go to the previous error", "Go"),
    Action("trace.next", ("J", "ctrl+down"), "next trace", "Go to the next trace", "Go"),
    Action("trace.previous", ("K", "ctrl+up"), "previous trace", "Go to the previous trace", "Go"),
    Action("agent.show", ("a",), "agent", "The agent: its parts and what it did with them", "Go"),
    Action("conversation.show", ("c",), "conversation", "The session as a conversation", "Go"),
    Action("voice.toggle", ("v",), "voice", "Voice lanes, or the span tree, at the same moment", "Voice"),
    Action("voice.worst", ("w",), "worst turn", "Go to the turn with the longest heard gap", "Voice"),
    Action("voice.axis", ("X",), "time axis", "Align turns, or show each whole, or all of the call", "Voice"),
    Action("follow.toggle", ("f",), "follow", "Follow the newest span, or stop following", "Go", footer=6),
    Action("search.open", ("slash",), "search", "Search in this trace", "Find", footer=4),
    Action("search.next", ("n",), "next hit", "Go to the next hit", "Find"),
    Action("search.previous", ("N",), "previous hit", "Go to the previous hit", "Find"),
    Action("pane.next", ("tab",), "pane", "Go to the next pane", "Panes", footer=11),
    Action("pane.previous", ("shift+tab",), "pane", "Go to the previous pane", "Panes"),
    Action("pane.traces", ("1",), "traces", "Go to the traces", "Panes"),
    Action("pane.tree", ("2",), "tree", "Go to the span tree", "Panes"),
    Action("pane.detail", ("3",), "detail", "Go to the detail", "Panes"),
    Action("tab.next", ("right_curly_bracket",), "tab", "Next tab of the detail", "Panes", _NOT_DETAIL),
    Action(
        "tab.previous", ("left_curly_bracket",), "tab", "Previous tab of the detail", "Panes", _NOT_DETAIL
    ),
    Action("tab.right", ("right", "l", "right_curly_bracket"), "tab", "Next tab", "Tabs", _DETAIL, 2, "←→"),
    Action("tab.left", ("left", "h", "left_curly_bracket"), "tab", "Previous tab", "Tabs", _DETAIL),
    Action("section.next", ("full_stop",), "section", "Next section", "Tabs", _DETAIL, 5, ". ,"),
    Action("section.previous", ("comma",), "section", "Previous section", "Tabs", _DETAIL),
    Action("section.follow", ("p",), "origin", "Go to the span a message came from", "Tabs", _DETAIL, 6),
    Action("diff.sides", ("s",), "side by side", "Differences side by side, or below each other", "Calls"),
    Action(
        "call.request",
        ("r",),
        "request",
        "What the call was asked, middleware by middleware",
        "Calls",
        footer=8,
    ),
    Action(
        "call.diff",
        ("d",),
        "diff",
        "The call against the one before; again: against others",
        "Calls",
        footer=8,
    ),
    Action(
        "call.diff_step", ("R",), "diff step", "The call against the same step of the run before", "Calls"
    ),
    Action("call.mark", ("m",), "mark", "Mark the call, to compare others with it", "Calls"),
    Action("call.diff_marked", ("D",), "diff marked", "The call against the marked one", "Calls"),
    Action("pane.zoom", ("z",), "zoom", "Give the pane the whole screen, or take it back", "Panes", footer=9),
    Action("pane.grow", ("plus",), "grow", "Make the pane larger", "Panes"),
    Action("pane.shrink", ("underscore",), "shrink", "Make the pane smaller", "Panes"),
    Action("copy.open", ("y",), "copy", "Copy ids, the name, the value or the subtree", "Do", footer=7),
    Action("problems.show", ("exclamation_mark",), "problems", "What was rejected, lost or repeated", "Do"),
    Action("view.clear", ("ctrl+l",), "clear", "Clear the list (the recording stays)", "Do"),
    Action("theme.next", ("t",), "theme", "Next theme: dark, light, the terminal's own", "Do"),
    Action("palette.open", ("colon", "ctrl+p"), "command", "Find and run any command", "Do", footer=12),
    Action("help.show", ("question_mark", "f1"), "help", "Explain the pane and its keys", "Do", footer=13),
    Action("app.quit", ("q", "ctrl+q"), "quit", "Quit; says where the recording is", "Do", footer=14),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def readable(key: str) -> str:
    """Return a Textual key name as a person reads it."""
    if key.startswith("ctrl+") and key not in _READABLE:
        return "^" + readable(key.removeprefix("ctrl+"))
    return _READABLE.get(key, key)


def in_pane(pane: Pane) -> list[Action]:
    """Return the actions that apply in a pane, in the order of the list."""
    return [action for action in ACTIONS if pane in action.panes]


def for_footer(pane: Pane) -> list[Action]:
    """Return a pane's footer entries, the most useful first."""
    return sorted((action for action in in_pane(pane) if action.footer), key=lambda action: action.footer)
