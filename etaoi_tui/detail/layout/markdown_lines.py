"""Markdown as lines to read: headings, lists, quotes, tables and code without their marks.

CommonMark's blocks, one source line each: a line feed of the source stays one, since that is how models
write. What is no Markdown is shown as it came. Nothing here reads further than the block it is in, so that
the first lines of a long text cost the same as those of a sentence, and text that grows is read again from
its last block only.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from etaoi_tui.detail.document.model import StyledText, Table
from etaoi_tui.detail.layout.code_colours import code_runs
from etaoi_tui.detail.layout.hanging_line import HangingLine
from etaoi_tui.detail.layout.table_lines import table_lines

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})\s*([\w+#-]*)[^`]*$")
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_RULE = re.compile(r" {0,3}([-*_])\s*(?:\1\s*){2,}$")
_QUOTE = re.compile(r" {0,3}>\s?")
_ITEM = re.compile(r"(\s*)([-*+•]|\d{1,9}[.)])\s+(\[[ xX]\]\s)?")
_DIVIDER = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|\*\*(?P<strong>(?=\S)[^*\n]+?(?<=\S))\*\*"
    r"|(?<![\w*])\*(?P<soft>(?=\S)[^*\n]+?(?<=\S))\*(?![\w*])"
    r"|\[(?P<label>[^\]\n]+)\]\((?P<target>[^)\s]+)\)"
)
_HEADING_STYLES = ("heading", "title", "subheading")
"""Of headings by their level; those below the last look like it."""
SIDE_BAR = "▏ "
"""Stands before lines of code and of quotes."""

_LONGEST_LINE = 20_000
"""Characters of a source line in which marks are looked for; a longer one is shown as it came."""
_TABLE_ROWS = 500
_RULE_CELLS = 40
_DEEPEST_ITEM = 24
"""Cells that an item is moved in at most, however deep it is."""


class _Fence(NamedTuple):
    mark: str
    language: str


class MarkdownLines(Iterator[HangingLine]):
    """The lines of a text, made when they are asked for.

    Args:
        text: Markdown, as it came.
        width: Cells of a line.
        style: Style of what is nothing special.
    """

    def __init__(self, text: str, width: int, style: str) -> None:
        self._text = text
        self._width = width
        self._style = style
        self._at = 0
        self._fence: _Fence | None = None
        self._ready: deque[HangingLine] = deque()
        self._count = 0
        self._block_start: tuple[int, _Fence | None, int] = (0, None, 0)
        """Of the block that was read last: its offset, the fence around it, and the lines before it."""

    def __next__(self) -> HangingLine:
        while not self._ready:
            if self._at >= len(self._text):
                raise StopIteration
            self._block_start = (self._at, self._fence, self._count)
            self._ready.extend(self._block())
        self._count += 1
        return self._ready.popleft()

    def go_on(self, text: str) -> int:
        """Go on with a text that begins as this one; its last block is read again.

        Returns:
            How many of the lines that were made still hold.
        """
        self._text = text
        self._at, self._fence, self._count = self._block_start
        self._ready.clear()
        return self._count

    def _line(self) -> str:
        """Take the next source line."""
        end = self._text.find("\n", self._at)
        stop = len(self._text) if end < 0 else end
        line = self._text[self._at : stop]
        self._at = stop + 1
        return line[:-1] if line.endswith("\r") else line

    def _peek(self) -> str:
        end = self._text.find("\n", self._at)
        return self._text[self._at : min(len(self._text) if end < 0 else end, self._at + _LONGEST_LINE)]

    def _block(self) -> Iterator[HangingLine]:
        line = self._line()
        if self._fence is not None:
            yield from self._code(line, self._fence)
        elif len(line) > _LONGEST_LINE:
            yield HangingLine([], 0, [(line, self._style)])
        elif match := _FENCE.match(line):
            self._fence = _Fence(match[1], match[2].lower())
            if self._fence.language:
                yield HangingLine([], 0, [(self._fence.language, "muted")])
        elif match := _HEADING.match(line):
            style = _HEADING_STYLES[min(len(match[1]), len(_HEADING_STYLES)) - 1]
            yield HangingLine([], 0, inline_runs(match[2], style, strong=style))
        elif _RULE.match(line):
            yield HangingLine([], 0, [("─" * min(self._width, _RULE_CELLS), "muted")])
        elif match := _QUOTE.match(line):
            yield HangingLine([(SIDE_BAR, "muted")], 2, inline_runs(line[match.end() :], "note"))
        elif _is_row(line):
            yield from self._table(line)
        elif match := _ITEM.match(line):
            yield self._item(line, match)
        else:
            yield HangingLine([], 0, inline_runs(line, self._style))

    def _code(self, line: str, fence: _Fence) -> Iterator[HangingLine]:
        stripped = line.strip()
        if stripped.startswith(fence.mark) and not stripped.strip(fence.mark[0]):
            self._fence = None
            return
        yield HangingLine([(SIDE_BAR, "muted")], 2, code_runs(line, fence.language))

    def _item(self, line: str, match: re.Match[str]) -> HangingLine:
        indent, mark, box = match.groups()
        symbol = "•" if mark in "-*+•" else mark
        if box:
            symbol = "☐" if box[1] == " " else "☑"
        margin = min(len(indent.expandtabs(4)), _DEEPEST_ITEM)
        prefix: list[StyledText] = [(" " * margin, ""), (f"{symbol} ", "accent")]
        return HangingLine(prefix, margin + len(symbol) + 1, inline_runs(line[match.end() :], self._style))

    def _table(self, head: str) -> Iterator[HangingLine]:
        """Read lines that begin with a bar; they are a table if the second one divides it."""
        lines = [head]
        while len(lines) < _TABLE_ROWS and self._at < len(self._text) and _is_row(self._peek()):
            lines.append(self._line())
        if len(lines) < 2 or not _DIVIDER.match(lines[1]):
            return (HangingLine([], 0, inline_runs(line, self._style)) for line in lines)
        names = [f">{name}" if is_right else name for name, is_right in _columns(head, lines[1])]
        return table_lines(Table(names, [_cells(line) for line in lines[2:]]), self._width)


def _is_row(line: str) -> bool:
    return line.lstrip(" ").startswith("|")


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return ["".join(text for text, _ in inline_runs(cell.strip(), "")) for cell in inner.split("|")]


def _columns(head: str, divider: str) -> Iterator[tuple[str, bool]]:
    """Yield the name of each column, and whether it is aligned to the right."""
    marks = divider.strip().removeprefix("|").removesuffix("|").split("|")
    for n, name in enumerate(_cells(head)):
        mark = marks[n].strip() if n < len(marks) else ""
        yield name, mark.endswith(":") and not mark.startswith(":")


@lru_cache(maxsize=256)
def _inline_marks(line: str) -> tuple[tuple[int, int, str, str], ...]:
    """Return where marks stand in a line: first and last offset, what is shown instead, and its style."""
    replacements = []
    for match in _INLINE.finditer(line):
        kind = match.lastgroup
        if kind == "target":
            replacements.append(
                (match.start(), match.end(), f"{match['label']} ({match['target']})", "accent")
            )
        elif kind is not None:
            # Code within emphasis has marks of its own; of two styles the outer one is drawn.
            text = match[kind] if kind == "code" else match[kind].replace("`", "")
            replacements.append((match.start(), match.end(), text, _INLINE_STYLES[kind]))
    return tuple(replacements)


_INLINE_STYLES = {"code": "code", "strong": "title", "soft": "note"}


def inline_runs(line: str, style: str, *, strong: str = "title") -> list[StyledText]:
    """Return a line without the marks of code, emphasis and links, in pieces with their styles.

    Args:
        line: One line of Markdown.
        style: Style of what is nothing special.
        strong: Style of what is emphasised.
    """
    runs: list[StyledText] = []
    at = 0
    for start, end, text, its_style in _inline_marks(line):
        if start > at:
            runs.append((line[at:start], style))
        runs.append((text, strong if its_style == "title" else its_style))
        at = end
    if at < len(line) or not runs:
        runs.append((line[at:], style))
    return runs
