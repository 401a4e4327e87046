"""Lays out JSON: printed line by line, wrapped, coloured when drawn.

Keeps text and numbers only, no object per line: a hundred thousand lines must not wake the garbage collector.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from etaoi_tui.detail.document.json_printer import (
    INDENT,
    JsonLine,
    LineKind,
    colour_line,
    json_lines,
    parse_json,
)
from etaoi_tui.detail.document.model import Block, Json, JsonText, StyledText
from etaoi_tui.detail.layout.wrap import LEAST_WIDTH, LINE_COST, break_line, show


class JsonLayout:
    """Lines of a value, or of text that should be JSON."""

    def __init__(self, block: Json | JsonText, width: int) -> None:
        self.block: Block = block
        self.done = False
        self._width = width
        self._source = json_lines(block.value) if isinstance(block, Json) else _text_lines(block.text)
        self._texts: list[str] = []
        self._depths = array("L")
        self._heads = array("L")
        self._kinds = bytearray()
        self._numbers = array("L")
        self._starts = array("L")
        self._stops = array("L")
        self._at = -1

    @property
    def count(self) -> int:
        """Lines laid out so far."""
        return len(self._numbers)

    def work(self, limit: int) -> int:
        """Lay out about ``limit`` characters more; return how many it were."""
        used = 0
        while used < limit:
            if self._at < 0:
                line = next(self._source, None)
                if line is None:
                    self.done = True
                    break
                depth, text, head, kind = line
                self._texts.append(text)
                self._depths.append(depth)
                self._heads.append(head)
                self._kinds.append(kind)
                self._at = 0
            number = len(self._texts) - 1
            text = self._texts[number]
            room = max(self._width - self._indent(number) - INDENT, LEAST_WIDTH)
            stop, following = break_line(text, self._at, len(text), room)
            self._numbers.append(number)
            self._starts.append(self._at)
            self._stops.append(stop)
            used += following - self._at + LINE_COST
            self._at = following if following < len(text) else -1
        return used

    def line(self, n: int) -> list[StyledText]:
        """Return the printable runs of a line that is laid out."""
        number, start, stop = self._numbers[n], self._starts[n], self._stops[n]
        text = self._texts[number]
        runs: list[StyledText] = [(" " * (self._indent(number) + (INDENT if start else 0)), "")]
        at = 0
        for end, style in colour_line(text, self._heads[number], LineKind(self._kinds[number])):
            if end > start and at < stop:
                runs.append((show(text[max(at, start) : min(end, stop)]), style))
            at = end
        return runs

    def grow(self, block: Block) -> bool:
        """Keep the lines if the block says the same as before, judged only where that is cheap."""
        if isinstance(block, Json) and isinstance(self.block, Json):
            return block.value is self.block.value
        return isinstance(block, JsonText) and block == self.block

    def _indent(self, number: int) -> int:
        return min(self._depths[number] * INDENT, self._width // 2)


def _text_lines(text: str) -> Iterator[JsonLine]:
    parsed = parse_json(text)
    if parsed.ok:
        yield from json_lines(parsed.value)
    else:
        at = 0
        while at < len(text):
            newline = text.find("\n", at)
            stop = len(text) if newline < 0 else newline
            yield 0, text[at:stop], 0, LineKind.PLAIN
            at = stop + 1
    if parsed.note:
        yield 0, f"‹{parsed.note}›", 0, LineKind.NOTE
