"""What a command is, and the table of all of them: bindings, footer, help and palette are made from it.

A command is a function with a stable id, which names it in a user's keymap, in the palette and in tests. A
file of the folder ``etaoi_tui/commands`` holds a family of them; a new file there is all that a new command
needs.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

Pane = Literal["traces", "tree", "detail"]
EVERYWHERE: tuple[Pane, ...] = ("traces", "tree", "detail")

PANE_KEYS: dict[Pane, str] = {"traces": "[1]", "tree": "[2]", "detail": "[3]"}
"""What stands before a pane's title: its key, in brackets, so that it is not read as a count."""

GROUPS = (
    "Why did it fail?",
    "What did the model get?",
    "What changed?",
    "Where did the time go?",
    "Find",
    "Move",
    "Go",
    "Fold",
    "Panes",
    "Tabs",
    "Do",
)
"""Headings of the help, in their order; a group that is not named here comes last."""

Run = Callable[[Any], None]
"""What a command does, given the workspace that it acts on."""


class Command(msgspec.Struct, frozen=True):
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
        priority: Its key is handled before the focused widget sees the next one.
        words: What people also call it, for the palette.
        run: What it does.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    group: str
    panes: tuple[Pane, ...]
    footer: int
    key_label: str
    priority: bool
    words: str
    run: Run

    @property
    def shown_key(self) -> str:
        """The key as a person reads it; empty for a command without one."""
        return self.key_label or (readable(self.keys[0]) if self.keys else "")


def command(
    id: str,
    *,
    keys: Sequence[str],
    label: str,
    help: str,
    group: str = "Do",
    panes: tuple[Pane, ...] = EVERYWHERE,
    footer: int = 0,
    key_label: str = "",
    priority: bool = False,
    words: str = "",
) -> Callable[[Run], Run]:
    """Make a function a command; the attributes are those of `Command`."""

    def register(run: Run) -> Run:
        definition = Command(
            id, tuple(keys), label, help, group, panes, footer, key_label, priority, words, run
        )
        vars(run).setdefault(_ATTRIBUTE, []).append(definition)
        return run

    return register


_ATTRIBUTE = "__commands__"


class CommandTable:
    """All commands, in the order of the help.

    Args:
        commands: In any order; two of one group keep theirs.
        problems: What was left out of it, and why; a sentence each.

    Raises:
        ValueError: two commands share an id.
    """

    def __init__(self, commands: Iterable[Command], problems: Iterable[str] = ()) -> None:
        self.problems = tuple(problems)
        self._commands = sorted(commands, key=lambda one: _group_rank(one.group))
        self._by_id = {one.id: one for one in self._commands}
        if len(self._by_id) != len(self._commands):
            ids = [one.id for one in self._commands]
            raise ValueError(f"two commands are called {next(one for one in ids if ids.count(one) > 1)!r}")

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def __contains__(self, command_id: object) -> bool:
        return command_id in self._by_id

    def __getitem__(self, command_id: str) -> Command:
        return self._by_id[command_id]

    def get(self, command_id: str) -> Command | None:
        """Return a command by its id, or None."""
        return self._by_id.get(command_id)

    def in_pane(self, pane: Pane) -> list[Command]:
        """Return the commands that apply in a pane."""
        return [one for one in self._commands if pane in one.panes]

    def for_footer(self, pane: Pane) -> list[Command]:
        """Return a pane's footer entries, the most useful first."""
        return sorted((one for one in self.in_pane(pane) if one.footer), key=lambda one: one.footer)

    def with_keys(self, keymap: Mapping[str, tuple[str, ...]]) -> CommandTable:
        """Return the table with other keys.

        Args:
            keymap: Keys by command id. A key that is given to a command is taken from every other one that
                shares a pane with it.
        """
        changed = []
        for one in self._commands:
            if one.id in keymap:
                changed.append(replace(one, keys=keymap[one.id], key_label=""))
                continue
            assigned_keys = {
                key
                for command_id, keys in keymap.items()
                if command_id in self._by_id and set(self._by_id[command_id].panes) & set(one.panes)
                for key in keys
            }
            remaining_keys = tuple(key for key in one.keys if key not in assigned_keys)
            changed.append(
                one if remaining_keys == one.keys else replace(one, keys=remaining_keys, key_label="")
            )
        return CommandTable(changed, self.problems)


def find_commands(package: ModuleType) -> CommandTable:
    """Import every module of a folder and return the commands that are defined there, by file and line.

    A file that cannot be imported, an id that is there already, and a key that another command of a shared
    pane has, each cost themselves only: the table's `problems` name them.
    """
    all_commands: list[Command] = []
    problems: list[str] = []
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
        name = f"{package.__name__}.{module.name}"
        try:
            commands = commands_of(importlib.import_module(name))
        except Exception as error:
            problems.append(f"{name}: its commands are left out: {type(error).__name__}: {error}")
            continue
        for one in commands:
            if any(one.id == other.id for other in all_commands):
                problems.append(f"{name}: {one.id!r} is left out: there is a command of this id already")
                continue
            rivals = {key: rival for key in one.keys if (rival := _owner(key, one, all_commands)) is not None}
            problems += [
                f"{name}: {readable(key)!r} is no key of {one.id!r}: it is that of {rival.id!r} already"
                for key, rival in rivals.items()
            ]
            if rivals:
                one = replace(one, keys=tuple(key for key in one.keys if key not in rivals), key_label="")
            all_commands.append(one)
    return CommandTable(all_commands, problems)


def _owner(key: str, wanted: Command, commands: Iterable[Command]) -> Command | None:
    """Return the command that has a key in a pane where another one wants it."""
    return next((one for one in commands if key in one.keys and set(one.panes) & set(wanted.panes)), None)


def commands_of(module: ModuleType) -> list[Command]:
    """Return the commands that a module defines, in their order."""
    commands: list[Command] = []
    for value in vars(module).values():
        if getattr(value, "__module__", None) == module.__name__:
            commands += reversed(getattr(value, _ATTRIBUTE, ()))
    return commands


def _group_rank(group: str) -> int:
    return GROUPS.index(group) if group in GROUPS else len(GROUPS)


_READABLE = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "plus": "+",
    "vertical_line": "|",
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
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "less_than_sign": "<",
    "greater_than_sign": ">",
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


def readable(key: str) -> str:
    """Return a Textual key name as a person reads it."""
    if key.startswith("ctrl+") and key not in _READABLE:
        return "^" + readable(key.removeprefix("ctrl+"))
    return _READABLE.get(key, key)
