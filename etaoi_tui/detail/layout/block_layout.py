"""Lays out one block of a document as lines of a given width, a slice at a time.

A flow knows how many lines it has so far, lays out more when asked, and makes a line printable and coloured
only when that line is drawn. Effort is counted in characters, so that a caller can hold a budget and a test
can count.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from typing import Protocol

from etaoi_tui.detail.compare.diff_lines import side_by_side_lines, unified_lines
from etaoi_tui.detail.document.model import (
    Bars,
    Block,
    Diff,
    Groups,
    Json,
    JsonText,
    KeyValues,
    Sides,
    StyledLine,
    StyledText,
    Table,
    Text,
    Trend,
)
from etaoi_tui.detail.layout.bar_lines import bar_lines, trend_line
from etaoi_tui.detail.layout.code_colours import code_lines
from etaoi_tui.detail.layout.group_columns import group_lines
from etaoi_tui.detail.layout.hanging_line import HangingLine
from etaoi_tui.detail.layout.json_layout import JsonLayout
from etaoi_tui.detail.layout.markdown_lines import MarkdownLines
from etaoi_tui.detail.layout.table_lines import table_lines
from etaoi_tui.detail.layout.wrap import LEAST_WIDTH, LINE_COST, break_line, show
from etaoi_tui.text import cells, crop, fit, one_line

_LONGEST_MARKDOWN = 400_000
"""Characters up to which Markdown and code are read as such; longer text stays as it came: less memory."""

KEY_COLUMN = 20
"""Least width of the names in key-value blocks, where there is room."""


class BlockLayout(Protocol):
    """A block's lines."""

    block: Block
    done: bool

    @property
    def count(self) -> int:
        """Lines laid out so far."""

    def work(self, limit: int) -> int:
        """Lay out about ``limit`` characters more; return how many it were."""

    def line(self, n: int) -> list[StyledText]:
        """Return the printable runs of a line that is laid out."""

    def grow(self, block: Block) -> bool:
        """Go on with a block that begins as the old one did; False if it does not."""


def layout_for(block: Block, width: int, *, source: bool = False) -> BlockLayout:
    """Return the flow of a block for lines of ``width`` cells.

    Args:
        block: What to lay out.
        width: Cells of a line.
        source: Show Markdown as it was written.
    """
    width = max(width, LEAST_WIDTH)
    match block:
        case Text(prose=True) if not source and len(block.text) <= _LONGEST_MARKDOWN:
            return MarkdownLayout(block, width)
        case Text(language=language) if language and not source and len(block.text) <= _LONGEST_MARKDOWN:
            return HangingLayout(block, width, code_lines(block.text, language))
        case Text():
            return TextLayout(block, width)
        case StyledLine():
            return HangingLayout(block, width, iter([HangingLine([], 0, list(block.runs))]))
        case Json() | JsonText():
            return JsonLayout(block, width)
        case KeyValues():
            return HangingLayout(block, width, _key_value_pieces(block, width))
        case Diff():
            return HangingLayout(block, width, unified_lines(block))
        case Sides():
            return HangingLayout(block, width, side_by_side_lines(block, width))
        case Groups():
            return HangingLayout(block, width, group_lines(block, width))
        case Table():
            return HangingLayout(block, width, table_lines(block, width))
        case Bars():
            return HangingLayout(block, width, bar_lines(block, width))
        case Trend():
            return HangingLayout(block, width, trend_line(block, width))


class TextLayout:
    """Lines of plain text: two offsets each, nothing else, because a value can have a million lines."""

    def __init__(self, block: Text, width: int) -> None:
        self.block: Block = block
        self.done = not block.text
        self._text = block.text
        self._style = block.style
        self._prose = block.prose
        self._width = width
        self._starts = array("Q")
        self._stops = array("Q")
        self._at = 0
        self._line_end = -1

    @property
    def count(self) -> int:
        """Lines laid out so far."""
        return len(self._starts)

    def work(self, limit: int) -> int:
        """Lay out about ``limit`` characters more; return how many it were."""
        used = 0
        text, width = self._text, self._width
        while not self.done and used < limit:
            at = self._at
            if self._line_end < at:
                newline = text.find("\n", at)
                self._line_end = len(text) if newline < 0 else newline
            end = self._line_end
            if end > at and end < len(text) and text[end - 1] == "\r":
                end -= 1
            stop, following = break_line(text, at, end, width)
            self._starts.append(at)
            self._stops.append(stop)
            if following >= end:
                following = self._line_end + 1
            used += following - at + LINE_COST
            self._at = following
            self.done = following >= len(text)
        return used

    def line(self, n: int) -> list[StyledText]:
        """Return the printable runs of a line that is laid out."""
        start, stop = self._starts[n], self._stops[n]
        piece = show(self._text[start:stop])
        if self._prose:
            begins = self._text.rfind("\n", max(0, start - 1000), start) + 1 if start else 0
            return prose_runs(piece, self._text[begins : begins + 8], self._style, start == begins)
        return [(piece, self._style)]

    def grow(self, block: Block) -> bool:
        """Go on with text that begins as the old one did; False if it does not."""
        if not isinstance(block, Text) or (block.style, block.prose) != (self._style, self._prose):
            return False
        if not block.text.startswith(self._text):
            return False
        if len(block.text) > len(self._text):
            # Greedy wrapping: only the last line can change when more is added.
            if self._starts:
                self._at = self._starts.pop()
                self._stops.pop()
            self._line_end = -1
            self.done = False
        self.block = block
        self._text = block.text
        return True


class HangingLayout:
    """Lines of anything that comes as pieces: wrapped with a hanging indentation."""

    def __init__(self, block: Block, width: int, pieces: Iterator[HangingLine]) -> None:
        self.block = block
        self.done = False
        self._width = width
        self._pieces = pieces
        self._read_pieces: list[HangingLine] = []
        self._texts: list[str] = []
        self._lines: list[tuple[int, int, int]] = []
        self._at = 0

    @property
    def count(self) -> int:
        """Lines laid out so far."""
        return len(self._lines)

    def work(self, limit: int) -> int:
        """Lay out about ``limit`` characters more; return how many it were."""
        used = 0
        while used < limit and not self.done:
            if not self._read_pieces or self._at < 0:
                piece = next(self._pieces, None)
                if piece is None:
                    self.done = True
                    break
                self._read_pieces.append(piece)
                runs = piece.runs
                self._texts.append(runs[0][0] if len(runs) == 1 else "".join(text for text, _ in runs))
                self._at = 0
            number = len(self._read_pieces) - 1
            text, piece = self._texts[number], self._read_pieces[number]
            room = max(self._width - piece.hang, LEAST_WIDTH)
            stop, following = break_line(text, self._at, len(text), room)
            self._lines.append((number, self._at, stop))
            used += following - self._at + LINE_COST
            self._at = following if following < len(text) else -1
        return used

    def line(self, n: int) -> list[StyledText]:
        """Return the printable runs of a line that is laid out."""
        number, start, stop = self._lines[n]
        piece = self._read_pieces[number]
        runs: list[StyledText] = []
        if start == 0:
            runs += [(show(text), style) for text, style in piece.prefix]
        elif piece.hang:
            runs.append((" " * piece.hang, ""))
        at = 0
        for text, style in piece.runs:
            behind = at + len(text)
            if behind > start and at < stop:
                runs.append((show(text[max(0, start - at) : stop - at]), style))
            at = behind
            if at >= stop:
                break
        return runs

    def grow(self, block: Block) -> bool:
        """Keep the lines if the block says the same as before."""
        return block == self.block


class MarkdownLayout(HangingLayout):
    """Lines of Markdown, read as such; goes on where text has grown."""

    def __init__(self, block: Text, width: int) -> None:
        self._markdown = MarkdownLines(block.text, width, block.style)
        self._laid_out_block = block
        super().__init__(block, width, self._markdown)

    def grow(self, block: Block) -> bool:
        """Go on with text that begins as the old one did; False if it does not."""
        old = self._laid_out_block
        if not isinstance(block, Text) or (block.style, block.prose) != (old.style, old.prose):
            return False
        if not block.text.startswith(old.text) or len(block.text) > _LONGEST_MARKDOWN:
            return False
        if len(block.text) > len(old.text):
            kept_lines = self._markdown.go_on(block.text)
            del self._read_pieces[kept_lines:], self._texts[kept_lines:]
            while self._lines and self._lines[-1][0] >= kept_lines:
                self._lines.pop()
            self._at = -1
            self.done = False
        self.block = self._laid_out_block = block
        return True


def _key_value_pieces(block: KeyValues, width: int) -> Iterator[HangingLine]:
    names = [one_line(key, 200) for key, _ in block.rows]
    # Sections below each other look calm when their columns stand in line.
    least = KEY_COLUMN if width >= 3 * KEY_COLUMN else 0
    column = min(max((cells(name) for name in names), default=0), max(12, width * 2 // 5))
    column = max(column, least)
    for name, (_, value) in zip(names, block.rows, strict=True):
        prefix: list[StyledText] = [(fit(crop(name, column), column), "key"), ("  ", "")]
        if not isinstance(value, str):
            yield HangingLine(prefix, column + 2, list(value))
            continue
        at = 0
        while True:
            newline = value.find("\n", at)
            stop = len(value) if newline < 0 else newline
            yield HangingLine(prefix, column + 2, [(value[at:stop], "")])
            if newline < 0:
                break
            prefix = [(" " * (column + 2), "")]
            at = stop + 1


_INLINE = re.compile(r"(?P<code>`[^`\n]+`)|(?P<strong>\*\*[^*\n]+\*\*)")
_LIST = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])(?=\s)")
_HEADING = re.compile(r"#{1,6}\s")


def prose_runs(piece: str, line_begins: str, style: str, first: bool) -> list[StyledText]:
    """Colour one drawn line of Markdown, leaving every character where it is.

    Args:
        piece: The printable line.
        line_begins: How the source line begins that it belongs to.
        style: Style of what is nothing special.
        first: True if it is the first drawn line of that source line.
    """
    if _HEADING.match(line_begins):
        return [(piece, "title")]
    if line_begins.startswith("```"):
        return [(piece, "muted")]
    runs: list[StyledText] = []
    at = 0
    if first:
        marker = _LIST.match(piece)
        if marker is not None:
            at = marker.end()
            runs.append((piece[:at], "accent"))
    for match in _INLINE.finditer(piece, at):
        if match.start() > at:
            runs.append((piece[at : match.start()], style))
        runs.append((match[0], "code" if match.lastgroup == "code" else "title"))
        at = match.end()
    if at < len(piece) or not runs:
        runs.append((piece[at:], style))
    return runs
