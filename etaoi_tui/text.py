"""The only door for text that came from outside.

Everything an agent sends is hostile until shown safe: an escape sequence in a tool's result could write
the clipboard, a bidi override could reorder a row, a tab could push a column. `printable` makes such
characters visible instead of obeying them. Widths are terminal cells as Rich counts them, never ``len``.
"""

from __future__ import annotations

import re
from typing import Literal

from rich.cells import cell_len, set_cell_size

REPLACEMENT = "\ufffd"
"""Stands for a character that must not reach a terminal and has no picture of its own."""

ELLIPSIS = "…"

_C0_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)}
_C0_PICTURES[0x7F] = "\u2421"

# C1 controls, bidi marks, embeddings, overrides and isolates, zero width spaces and non-joiners, line and
# paragraph separators, invisible operators, byte order marks, annotation anchors, surrogates, tags and the
# variation selectors of plane 14 (both can carry hidden text); soft hyphen, combining grapheme joiner, Hangul
# and Khmer fillers, Mongolian selectors, and the variation selectors that no emoji uses.
_HIDDEN = (
    "\x80-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff"
)

# A joiner between two pictures makes one emoji. Anywhere else Rich counts the character behind it as part of
# the one before, a terminal does not, and the rest of the line would shift.
_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_STRAY_JOINER = f"\u200d(?![{_EMOJI}])|(?<![{_EMOJI}\ufe0f])\u200d"

# Selectors of a picture or text form hide where nothing has two forms: behind letters, blanks, each other.
_TWO_FORMS = f"{_EMOJI}0-9#*\xa9\xae\u203c\u2049\u3030\u303d\u3297\u3299"
_STRAY_SELECTOR = f"(?<![{_TWO_FORMS}])[\ufe0e\ufe0f]"

_MARKS = "\u0300-\u034e\u0350-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARKS_IN_A_ROW = 8
"""Combining marks on one letter; Hebrew needs three or four, a tower of hundreds hides other lines."""

_UNSTEADY: dict[int, str | None] = {
    0x200D: None,
    0xFE0E: None,
    0xFE0F: None,
    **dict.fromkeys(range(0x1F3FB, 0x1F400)),
    **{0x1F1E6 + letter: chr(ord("A") + letter) for letter in range(26)},
}

UNSAFE = re.compile(f"[\x00-\x1f\x7f{_HIDDEN}]")
"""What a terminal could obey or hide, line feed and tab included; joiners are judged where they stand."""

_UNSAFE_IN_LINES = re.compile(f"[\x00-\x09\x0b-\x1f\x7f{_HIDDEN}]")
_STRAY = re.compile(f"{_STRAY_JOINER}|{_STRAY_SELECTOR}|(?<=[{_MARKS}]{{{_MARKS_IN_A_ROW}}})[{_MARKS}]+")
_NOT_BLANK = re.compile(r"\S")
_BLANK_SEARCHED = 65_536
_WINDOW_PER_CELL = 4
_WINDOW_EXTRA = 64


def printable(s: str, *, newline: bool = False, tab: int = 0) -> str:
    """Return text that is safe to write to a terminal and shows what was in it.

    C0 controls and DEL become their Unicode control pictures (one cell each); C1, bidi, zero width and tag
    characters, fillers and lone surrogates become U+FFFD; joiners and selectors stay inside an emoji only,
    and of a tower of combining marks the first eight stay.

    Args:
        s: Any text from outside.
        newline: Keep line feeds (and read CR LF as one); otherwise they become pictures too.
        tab: Tab stops in characters to expand tabs to; 0 shows a tab as its picture.
    """
    if s.isascii() and s.isprintable():
        return s
    if newline and "\r\n" in s:
        s = s.replace("\r\n", "\n")
    if tab and "\t" in s:
        s = s.expandtabs(tab)
    if not s.isascii():
        s = _STRAY.sub(REPLACEMENT, s)
    return (_UNSAFE_IN_LINES if newline else UNSAFE).sub(_picture, s)


def one_line(s: str, limit: int) -> str:
    """Return the first line with text in it, whitespace collapsed, printable, in at most ``limit`` cells.

    Cuts before it works, so that a value of any size costs the same. What is cut off shows as an ellipsis.
    Joined emoji are taken apart (see `_steady`), because columns stand to the right of such a line.
    """
    if limit <= 0:
        return ""
    window = limit * _WINDOW_PER_CELL + _WINDOW_EXTRA
    match = _NOT_BLANK.search(s, 0, _BLANK_SEARCHED)
    if match is None:
        return ELLIPSIS if len(s) > _BLANK_SEARCHED else ""
    start = match.start()
    piece = s[start : start + window]
    more = start + window < len(s)
    line, broken, rest = piece.partition("\n")
    if broken:
        more = more or bool(rest.strip())
    line = _steady(printable(" ".join(line.split())))
    if more and cells(line) <= limit:
        return (line if cells(line) < limit else set_cell_size(line, limit - 1).rstrip()) + ELLIPSIS
    return crop(line, limit)


def _steady(s: str) -> str:
    """Take apart what terminals draw at different widths.

    Joined emoji, presentation selectors, skin tones and flags: some terminals draw the parts, some the whole.
    The parts are as wide everywhere, and flags read well as their letters.
    """
    return s if s.isascii() else s.translate(_UNSTEADY)


def cells(s: str) -> int:
    """Return how many terminal cells printable text takes."""
    return len(s) if s.isascii() else cell_len(s)


def crop(s: str, width: int) -> str:
    """Return printable text cut to at most ``width`` cells, with an ellipsis where something is missing."""
    if width <= 0:
        return ""
    if len(s) <= width and s.isascii():
        return s
    # No character is wider than two cells, and only those of no width can make a long text fit.
    if len(s) > width * _WINDOW_PER_CELL + _WINDOW_EXTRA:
        s = s[: width * _WINDOW_PER_CELL + _WINDOW_EXTRA]
        return set_cell_size(s, width - 1).rstrip() + ELLIPSIS
    if cells(s) <= width:
        return s
    return set_cell_size(s, width - 1).rstrip() + ELLIPSIS


def crop_start(s: str, width: int) -> str:
    """Return the end of printable text in at most ``width`` cells: what streams in is read from there.

    Begins with a whole word where that leaves most of the room to words.
    """
    tail = s
    while cells(tail) > max(width, 0):
        tail = tail[max(cells(tail) - width, 1) :]
    if len(tail) == len(s):
        return s
    words = tail if s[len(s) - len(tail) - 1] == " " else tail.partition(" ")[2]
    words = words.lstrip()
    return words if 2 * cells(words) > width else tail.lstrip()


def fit(s: str, width: int, align: Literal["left", "right", "center"] = "left") -> str:
    """Return printable text at exactly ``width`` cells: cut with an ellipsis, or padded with spaces."""
    if width <= 0:
        return ""
    s = crop(s, width)
    spare = width - cells(s)
    if not spare:
        return s
    if align == "left":
        return s + " " * spare
    if align == "right":
        return " " * spare + s
    return " " * (spare // 2) + s + " " * (spare - spare // 2)


def _picture(match: re.Match[str]) -> str:
    return _C0_PICTURES.get(ord(match[0]), REPLACEMENT)
