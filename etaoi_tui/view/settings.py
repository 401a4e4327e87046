"""A person's own settings: keymap, theme and budgets in ``config.toml``, and their themes, a file each.

::

    theme = "nord"

    [budget]
    run_dollars = 0.5

    [keys]
    "error.next" = ["e", "f2"]
    "voice.worst" = "ctrl+w"
    "copy.open" = []

What is not understood is named with file and line, and left out; the viewer starts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from etaoi_tui.text import one_line
from etaoi_tui.view.budget import NO_BUDGETS, Budgets, read_budgets
from etaoi_tui.view.command import CommandTable

_TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]")
_ENTRY = re.compile(r"""^\s*((?:"[^"]*"|'[^']*'|[\w.\s-])+?)\s*=""")


class Settings(msgspec.Struct):
    """What a person has set.

    Attributes:
        keys: Keys by command id, as Textual names them.
        theme: The theme's name; empty for none.
        budgets: What runs and conversations should not take more of.
        problems: What was not understood, with file and line.
    """

    keys: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    theme: str = ""
    budgets: Budgets = NO_BUDGETS
    problems: list[str] = msgspec.field(default_factory=list)


class TomlFile(msgspec.Struct, frozen=True):
    """A settings file: what it says, and where."""

    path: Path
    values: Mapping[str, Any]
    lines: tuple[str, ...]

    def problem(self, table: str, key: str, message: str) -> str:
        """Name something in the file for a person, with its line.

        Args:
            table: Dotted name of the table; empty for the top of the file.
            key: Of the entry.
            message: What is wrong with it.
        """
        return one_line(f"{self.path}:{self._line(table, key)}: {message}", 400)

    def _line(self, table: str, key: str) -> int:
        inside = ""
        wanted = f"{table}.{key}" if table else key
        for number, line in enumerate(self.lines, 1):
            header = _TABLE.match(line)
            if header is not None:
                inside = _unquoted(header[1])
                if inside == wanted:
                    return number
                continue
            entry = _ENTRY.match(line)
            if entry is not None:
                name = _unquoted(entry[1])
                if (f"{inside}.{name}" if inside else name) == wanted:
                    return number
        return 1


def read_toml(path: Path) -> TomlFile | str | None:
    """Read a settings file.

    Returns:
        The file; None when there is none; or what is wrong with it as a whole, for a person.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        return f"{path}:1: cannot be read: {error}"
    import tomllib  # the first screen waits for this, and most people have no such file

    try:
        return TomlFile(path, tomllib.loads(text), tuple(text.splitlines()))
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+)", str(error))
        return f"{path}:{at[1] if at else 1}: not understood: {error}"


def load_settings(path: Path, commands: CommandTable, key_name: Callable[[str], str | None]) -> Settings:
    """Read keymap, theme and budgets.

    Args:
        path: ``config.toml``, which need not be there.
        commands: Whose keys can be set.
        key_name: Returns Textual's name of a key as a person writes it, or None for what is no key.
    """
    settings = Settings()
    file = read_toml(path)
    if isinstance(file, str):
        settings.problems.append(file)
    if not isinstance(file, TomlFile):
        return settings
    theme = file.values.get("theme", "")
    if isinstance(theme, str):
        settings.theme = theme
    else:
        settings.problems.append(file.problem("", "theme", "a theme is a name in quotes"))
    budget = file.values.get("budget", {})
    if isinstance(budget, dict):
        settings.budgets = read_budgets(
            budget, lambda key, message: settings.problems.append(file.problem("budget", key, message))
        )
    else:
        settings.problems.append(file.problem("", "budget", "[budget] is a table of dollars and tokens"))
    keys = file.values.get("keys", {})
    if isinstance(keys, dict):
        _read_keys(file, _flat(keys), commands, key_name, settings)
    else:
        settings.problems.append(file.problem("", "keys", "[keys] is a table of commands and their keys"))
    return settings


def _read_keys(
    file: TomlFile,
    entries: Mapping[str, Any],
    commands: CommandTable,
    key_name: Callable[[str], str | None],
    settings: Settings,
) -> None:
    def problem(command_id: str, message: str) -> None:
        settings.problems.append(file.problem("keys", command_id, message))

    for command_id, value in entries.items():
        command = commands.get(command_id)
        if command is None:
            problem(command_id, f'"{command_id}" is no command; ? lists them')
            continue
        wanted = value if isinstance(value, list) else [value]
        keys: list[str] = []
        for one in wanted:
            name = key_name(one) if isinstance(one, str) else None
            rival = None if name is None else _rival(settings.keys, name, command_id, commands)
            if name is None:
                problem(command_id, f'"{one}" is no key')
            elif rival is not None:
                problem(command_id, f'"{one}" is the key of "{rival}" already')
            else:
                keys.append(name)
        if keys or not wanted:
            settings.keys[command_id] = tuple(keys)


def _rival(
    assigned: Mapping[str, tuple[str, ...]], key: str, command_id: str, commands: CommandTable
) -> str | None:
    """Return the command that was given a key before, where both apply."""
    panes = set(commands[command_id].panes)
    return next(
        (other for other, keys in assigned.items() if key in keys and panes & set(commands[other].panes)),
        None,
    )


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return a table without the tables in it: ``error.next = "e"`` without quotes is a table ``error``."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{above}.{key}" if above else key
        if isinstance(value, dict):
            flat.update(_flat(value, name))
        else:
            flat[name] = value
    return flat


def _unquoted(name: str) -> str:
    return ".".join(part.strip() for part in re.sub(r"[\"']", "", name).split("."))
