"""Breaks raw text into lines of a given width in cells, a line at a time and without copying the text.

Works on text as it came: widths are those of what `printable` will make of each character, so that lines
can be made printable when they are drawn and a megabyte costs nothing before.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import get_character_cell_size

from etaoi_tui.text import UNSAFE, printable

TAB = "    "
"""What a tab shows as: a fixed indentation, whatever column it stands in."""

LINE_COST = 8
"""Characters that a line counts as in addition to its own, where effort is counted."""

LEAST_WIDTH = 8
"""Lines are laid out for at least this many cells, however narrow the pane."""

_LEAST_FILLED = 4
"""A line breaks at a blank only behind this part of the width; else a long word breaks in its middle."""

_JOINERS = "\u200d\ufe0f"


@lru_cache(maxsize=8192)
def character_cells(character: str) -> int:
    """Return the cells that one raw character takes once it is printable."""
    if character == "\t":
        return len(TAB)
    if UNSAFE.match(character):
        return 1
    return get_character_cell_size(character)


def show(piece: str) -> str:
    """Make a piece of one line printable, tabs as blanks."""
    if "\t" in piece:
        piece = piece.replace("\t", TAB)
    return printable(piece)


def break_line(text: str, start: int, end: int, width: int) -> tuple[int, int]:
    """Find where the line that begins at ``start`` has to break.

    Args:
        text: The whole text.
        start: Offset of the line's first character.
        end: Offset behind the last character that may be on it (a line feed's place, or the end).
        width: Cells available, at least 2.

    Returns:
        ``(stop, following)``: the line shows ``text[start:stop]``, the next one begins at ``following``.
    """
    window = text[start : min(end, start + width + 1)]
    if window.isascii() and window.isprintable():
        if start + len(window) == end and len(window) <= width:
            return end, end
        cut = window.rfind(" ", 0, width + 1)
        if cut > width // _LEAST_FILLED and not window[:cut].isspace():
            return start + cut, _past_blanks(text, start + cut, end)
        return start + width, start + width
    return _break_by_cells(text, start, end, width)


def _break_by_cells(text: str, start: int, end: int, width: int) -> tuple[int, int]:
    used = 0
    at = start
    blank = -1  # where the last blank on this line stands
    seam = -1  # where two characters of which one is wide meet: such scripts break anywhere
    before_wide = False
    seen_word = False
    while at < end:
        character = text[at]
        joined = character in _JOINERS or (at > start and text[at - 1] == "\u200d")
        width_of_character = 0 if joined and character == "\u200d" else character_cells(character)
        if character == "\ufe0f":
            width_of_character = 1 if at > start and character_cells(text[at - 1]) == 1 else 0
        elif joined and character != "\u200d":
            width_of_character = 0 if width_of_character == 2 else width_of_character
        wide = width_of_character == 2
        if not joined and width_of_character and at > start and (wide or before_wide):
            seam = at
        if used + width_of_character > width:
            break
        if character == " " or character == "\t":
            if seen_word:
                blank = at
        else:
            seen_word = True
        if width_of_character:
            before_wide = wide
        used += width_of_character
        at += 1
    else:
        return end, end
    if at > start and text[at] in " \t":
        return at, _past_blanks(text, at, end)
    if seam > blank and seam > start:
        return seam, seam
    if blank > start and blank - start > width // _LEAST_FILLED:
        return blank, _past_blanks(text, blank, end)
    stop = at
    # Not between a character and what joins it.
    while stop > start + 1 and (text[stop] in _JOINERS or text[stop - 1] == "\u200d"):
        stop -= 1
    stop = max(stop, start + 1)
    return stop, stop


def _past_blanks(text: str, at: int, end: int) -> int:
    """Skip the blanks that a break swallows: those between two words, not the next line's indentation."""
    while at < end and text[at] == " ":
        at += 1
    return at
