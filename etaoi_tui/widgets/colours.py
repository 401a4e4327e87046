"""The colours that mean something, made readable on the grounds of whatever theme is loaded.

Model calls are blue, tools teal, agents green; red is failure and nothing else, orange is what runs and
nothing else. A theme gives the grounds and may name other hues in its variables; here each is moved towards
white or black until it has the contrast of WCAG 2.2's success criterion 1.4.3 on every ground that it is
drawn on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from textual.app import App
from textual.color import Color, ColorParseError

NAME_CONTRAST = 4.5
"""Least contrast of text (WCAG 2.2, 1.4.3); bars, which need 3, are drawn in the colours of names."""

LINE_CONTRAST = 1.5
"""Least contrast of lines between panes and of a tree's guides, which carry no meaning of their own."""

_DARK = {
    "ink": "#d7dce5",
    "quiet": "#8b95a3",
    "kind-llm": "#7aa2f7",
    "kind-tool": "#2ec4b6",
    "kind-agent": "#9ece6a",
    "kind-middleware": "#8b95a3",
    "kind-voice": "#bb9af7",
    "failure": "#f7768e",
    "running": "#ffb454",
    "attention": "#c8a15a",
    "added": "#9ece6a",
    "removed": "#c792c9",
    "syntax-key": "#9fb3d1",
    "syntax-string": "#a9c49a",
    "syntax-number": "#b9a8e0",
    "stage-stt": "#e38bd0",
    "stage-eou": "#e3cdf5",
    "stage-ttft": "#b3d4ff",
    "stage-tts": "#d3dc4e",
    "stage-playout": "#d4f2c6",
}
_LIGHT = {
    "ink": "#1b1f24",
    "quiet": "#5b6673",
    "kind-llm": "#2456c7",
    "kind-tool": "#0a6e66",
    "kind-agent": "#39700f",
    "kind-middleware": "#5b6673",
    "kind-voice": "#7440b8",
    "failure": "#bb1f43",
    "running": "#a04c00",
    "attention": "#7d5f14",
    "added": "#39700f",
    "removed": "#8a3f8c",
    "syntax-key": "#3d5478",
    "syntax-string": "#45632f",
    "syntax-number": "#5f4a99",
    "stage-stt": "#a3278f",
    "stage-eou": "#4d2f66",
    "stage-ttft": "#16306e",
    "stage-tts": "#4a4d00",
    "stage-playout": "#143f1e",
}
_ANSI_DARK = {
    "ink": "ansi_default",
    # Bright black is the ground itself in well-known palettes: only lines may vanish.
    "quiet": "ansi_default",
    "kind-llm": "ansi_bright_cyan",
    "kind-tool": "ansi_cyan",
    "kind-agent": "ansi_bright_green",
    "kind-middleware": "ansi_default",
    "kind-voice": "ansi_bright_magenta",
    "failure": "ansi_bright_red",
    "running": "ansi_bright_yellow",
    "attention": "ansi_yellow",
    "added": "ansi_green",
    "removed": "ansi_bright_magenta",
    "syntax-key": "ansi_cyan",
    "syntax-string": "ansi_green",
    "syntax-number": "ansi_bright_magenta",
    # Too few for a colour each: those that follow each other in a turn differ.
    "stage-stt": "ansi_default",
    "stage-eou": "ansi_bright_magenta",
    "stage-ttft": "ansi_bright_white",
    "stage-tts": "ansi_green",
    "stage-playout": "ansi_bright_white",
    "line": "ansi_bright_black",
    "focus-line": "ansi_bright_cyan",
    "cursor-row": "ansi_blue",
    "cursor-ink": "ansi_bright_white",
    "cursor-row-blurred": "ansi_default",
    "hover-row": "ansi_default",
    "hit-row": "ansi_default",
}
"""Of xterm's sixteen, those that are readable on black."""
_ANSI_LIGHT = {
    **_ANSI_DARK,
    "kind-llm": "ansi_blue",
    "kind-tool": "ansi_bright_blue",
    "kind-agent": "ansi_default",
    "kind-voice": "ansi_magenta",
    "failure": "ansi_red",
    "running": "ansi_magenta",
    "attention": "ansi_magenta",
    "added": "ansi_blue",
    "removed": "ansi_magenta",
    "syntax-key": "ansi_blue",
    "syntax-string": "ansi_bright_blue",
    "syntax-number": "ansi_magenta",
    "stage-eou": "ansi_magenta",
    "stage-ttft": "ansi_bright_blue",
    "stage-tts": "ansi_blue",
    "stage-playout": "ansi_bright_blue",
    "focus-line": "ansi_blue",
}
"""Of xterm's sixteen, those that are readable on white: six, so glyphs and words tell more than colours."""

GROUNDS = ("background", "surface", "panel", "cursor-row", "cursor-row-blurred", "hover-row", "hit-row")
"""Names of what text is drawn on."""

NAMES = (*_DARK,)
"""Names of the colours that text is drawn in."""


def colours_of(app: App[object]) -> dict[str, str]:
    """Return the colours of an app's theme, by the names that style tables use."""
    variables = app.theme_variables
    theme = app.current_theme
    if app.native_ansi_color:
        return _ANSI_DARK if theme.dark else _ANSI_LIGHT
    own = tuple((name, variables[name]) for name in NAMES if name in variables)
    plain = tuple(variables[name] for name in ("background", "surface", "panel", "primary", "foreground"))
    return _adjusted(plain, theme.dark, own)


@lru_cache(maxsize=64)
def _adjusted(plain: tuple[str, ...], dark: bool, own: tuple[tuple[str, str], ...]) -> dict[str, str]:
    background, surface, panel, primary, foreground = (Color.parse(text) for text in plain)
    hues = dict(_DARK if dark else _LIGHT)
    hues["ink"] = foreground.hex6
    for name, text in own:
        try:
            hues[name] = Color.parse(text).hex6
        except ColorParseError:
            continue
    rows = {
        "cursor-row": background.blend(primary, 0.20),
        "cursor-row-blurred": background.blend(foreground, 0.10),
        "hover-row": background.blend(foreground, 0.05),
        "hit-row": background.blend(Color.parse(hues["attention"]), 0.16),
    }
    grounds = [background, surface, panel, *rows.values()]
    colours = {name: readable(Color.parse(hue), grounds, NAME_CONTRAST) for name, hue in hues.items()}
    colours |= rows
    colours["cursor-ink"] = colours["ink"]
    colours["line"] = readable(background.blend(foreground, 0.15), [background], LINE_CONTRAST)
    colours["focus-line"] = readable(primary, [background, surface], NAME_CONTRAST)
    return {name: colour.hex6 for name, colour in colours.items()}


def readable(colour: Color, grounds: Sequence[Color], least: float) -> Color:
    """Return a colour, or the nearest on its way to white or black that has a contrast on all grounds.

    Where no colour has it on all of them, white or black is returned, whichever has more on the worst.
    """
    white, black = Color(255, 255, 255), Color(0, 0, 0)
    pole = max(white, black, key=lambda one: min(contrast(one, ground) for ground in grounds))
    for step in range(21):
        moved = colour.blend(pole, step / 20)
        if min(contrast(moved, ground) for ground in grounds) >= least:
            return moved
    return pole


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two opaque colours as WCAG 2.2 defines it: from 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
