"""Themes of one's own: a file each in the folder ``themes`` beside ``config.toml``.

::

    dark = true
    primary = "#7aa2f7"
    background = "#1a1b26"

    [variables]
    "footer-key-foreground" = "#7aa2f7"

The file's name is the theme's. ``primary`` is needed; every other entry is a field of Textual's `Theme`.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

from etaoi_tui.view.settings import TomlFile, read_toml

_NUMBERS = ("luminosity_spread", "text_alpha")
_OTHERS = ("name", "dark", "variables", *_NUMBERS)
COLOURS = tuple(one.name for one in fields(Theme) if one.name not in _OTHERS)
"""Entries that are colours."""


def load_themes(folder: Path) -> tuple[list[Theme], list[str]]:
    """Read every theme of a folder, which need not be there.

    Returns:
        The themes by name, and what was not understood, with file and line.
    """
    themes: list[Theme] = []
    problems: list[str] = []
    try:
        paths = sorted(folder.glob("*.toml"))
    except OSError:
        return [], []
    for path in paths:
        file = read_toml(path)
        if isinstance(file, str):
            problems.append(file)
        elif file is not None:
            theme = _theme(file, problems)
            if theme is not None:
                themes.append(theme)
    return themes, problems


def _theme(file: TomlFile, problems: list[str]) -> Theme | None:
    theme_fields: dict[str, Any] = {}
    for key, value in file.values.items():
        wrong = _wrong_with(key, value)
        if wrong:
            problems.append(file.problem("", key, wrong))
        elif key == "variables":
            theme_fields[key] = {}
            for name, text in value.items():
                if isinstance(text, str):
                    theme_fields[key][name] = text
                else:
                    problems.append(file.problem("variables", name, f'"{name}" is no text'))
        else:
            theme_fields[key] = value
    if "primary" not in theme_fields:
        problems.append(file.problem("", "primary", "a theme needs a colour called primary"))
        return None
    return Theme(name=file.path.stem, **theme_fields)


def _wrong_with(key: str, value: Any) -> str:
    if key in COLOURS:
        try:
            Color.parse(value if isinstance(value, str) else "")
        except ColorParseError:
            return f'{key}: "{value}" is no colour; write one such as "#7aa2f7"'
        return ""
    if key == "dark":
        return "" if isinstance(value, bool) else "dark is true or false"
    if key in _NUMBERS:
        number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
        return "" if number else f"{key} is a number from 0 to 1"
    if key == "variables":
        return "" if isinstance(value, dict) else "[variables] is a table"
    return f'"{key}" is no part of a theme; there are {", ".join(COLOURS)}, dark and [variables]'
