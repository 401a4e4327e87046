"""Lays out one tab: title lines and the flows of open sections below each other, from the top, in slices.

Lines that are laid out keep their place while more is added below. Nothing below the first unfinished block
is shown before that block is finished, so that the page grows and never jumps.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from etaoi_tui.detail.document.model import Block, Document, Section, StyledLine, StyledText, Tab
from etaoi_tui.detail.layout.anchor import TITLE, Anchor
from etaoi_tui.detail.layout.block_layout import BlockLayout, layout_for
from etaoi_tui.detail.layout.wrap import LEAST_WIDTH, show
from etaoi_tui.text import cells, crop, one_line

GUTTER = 2
"""Cells left of a block: its bar, or nothing."""

BAR = "▎"


class PageLine(NamedTuple):
    """A line as it is drawn."""

    runs: list[StyledText]
    section: Section | None
    header: bool


_PART = " · "
_LONGEST_SUMMARY = 400
_GAP = -2
_GAP_BEFORE_NOTES = -3
_TOP = ""


class _Part:
    __slots__ = ("block", "flow", "section")

    def __init__(self, section: Section | None, block: int, flow: BlockLayout | None) -> None:
        self.section = section
        self.block = block
        self.flow = flow

    @property
    def done(self) -> bool:
        return self.flow is None or self.flow.done

    @property
    def count(self) -> int:
        return 1 if self.flow is None else self.flow.count


class PageLayout:
    """The lines of one tab at one width.

    Args:
        document: For its headline and notes.
        tab: The tab to lay out.
        width: Cells per line.
        folds: Section keys that the reader opened (True) or closed (False), whatever the sections say.
        source: Show Markdown as it was written.
        previous: A page of which flows are taken over where the content is the same or has only grown.
    """

    def __init__(
        self,
        document: Document,
        tab: Tab,
        width: int,
        folds: Mapping[str, bool],
        previous: PageLayout | None = None,
        *,
        source: bool = False,
    ) -> None:
        self.width = max(width, LEAST_WIDTH + GUTTER)
        self._folds = folds
        self._source = source
        same = previous is not None and (previous.width, previous._source) == (self.width, source)
        self._reusable = previous._flows if previous is not None and same else {}
        self._flows: dict[tuple[str, int, int], BlockLayout] = {}
        self._parts: list[_Part] = []
        self._starts: list[int] = []
        self._frontier = 0
        self._count = 0
        self.sections = tuple(tab.sections)
        self._add_top(document)
        closed = {s.key for s in self.sections if s.group and not self.is_open(s)}
        for section in self.sections:
            if section.inside not in closed:
                self._add(section)
        self._add_footnotes(document)
        self._reusable = {}
        self._settle()

    # size

    @property
    def count(self) -> int:
        """Lines that can be drawn now."""
        return self._count

    @property
    def done(self) -> bool:
        """Whether every line is laid out."""
        return self._frontier >= len(self._parts)

    def work(self, limit: int) -> int:
        """Lay out about ``limit`` characters more; return how many it were."""
        used = 0
        while used < limit and not self.done:
            flow = self._parts[self._frontier].flow
            if flow is not None:
                used += flow.work(limit - used) + 1
            self._settle()
        return used

    def is_open(self, section: Section) -> bool:
        """Whether a section shows its blocks."""
        return self._folds.get(section.key, section.open)

    # lines

    def line(self, y: int) -> PageLine:
        """Return a line that is laid out.

        Raises:
            IndexError: If there is none at ``y``.
        """
        if not 0 <= y < self._count:
            raise IndexError(y)
        n = bisect_right(self._starts, y) - 1
        part = self._parts[n]
        section = part.section
        if part.flow is not None:
            runs = part.flow.line(y - self._starts[n])
            if section is None:
                return PageLine(runs, None, False)
            return PageLine([*self._gutter(section), *runs], section, False)
        if section is None or part.block == _GAP:
            return PageLine([], section, False)
        return PageLine(self._title(section), section, not section.quiet)

    def section_at(self, y: int) -> Section | None:
        """Return the section that a line belongs to."""
        if not self._starts or y < 0:
            return None
        return self._parts[min(bisect_right(self._starts, y) - 1, len(self._parts) - 1)].section

    def title_line(self, key: str) -> int | None:
        """Return the line of a section's title, if it is laid out."""
        return self.locate(Anchor(key, TITLE, 0))

    def title_lines(self) -> list[int]:
        """Return the lines of all titles that are laid out."""
        return [start for start, part in zip(self._starts, self._parts, strict=False) if part.block == TITLE]

    def anchor(self, y: int) -> Anchor:
        """Describe a line by its content."""
        if not self._starts:
            return Anchor(_TOP, 0, 0)
        n = max(0, bisect_right(self._starts, y) - 1)
        part = self._parts[n]
        return Anchor(part.section.key if part.section else _TOP, part.block, y - self._starts[n])

    def locate(self, anchor: Anchor) -> int | None:
        """Find an anchored line, or the nearest before it in its section; None if that is not there."""
        best: int | None = None
        for start, part in zip(self._starts, self._parts, strict=False):
            if (part.section.key if part.section else _TOP) != anchor.section:
                continue
            if part.block == anchor.block:
                return start + min(anchor.line, max(0, part.count - 1))
            if best is None or part.block <= anchor.block:
                best = start
        return best

    # making

    def _add_top(self, document: Document) -> None:
        headline = list(document.headline)
        if document.notes:
            headline.append((f"   †{len(document.notes)}", "warning"))
        if headline:
            self._parts.append(_Part(None, 0, self._flow("", 0, StyledLine(headline), self.width)))
            self._parts.append(_Part(None, _GAP, None))

    def _add_footnotes(self, document: Document) -> None:
        if document.notes:
            self._parts.append(_Part(None, _GAP_BEFORE_NOTES, None))
        for n, note in enumerate(document.notes, 1):
            block = StyledLine([("† ", "warning"), (note, "note")])
            self._parts.append(_Part(None, n, self._flow("", n, block, self.width)))

    def _add(self, section: Section) -> None:
        last_part = self._parts[-1] if self._parts else None
        if last_part is not None and last_part.flow is not None:
            self._parts.append(_Part(last_part.section, _GAP, None))
        self._parts.append(_Part(section, TITLE, None))
        if self.is_open(section):
            room = self.width - self._indent(section)
            for n, block in enumerate(section.blocks):
                self._parts.append(_Part(section, n, self._flow(section.key, n, block, room)))

    def _flow(self, key: str, n: int, block: Block, width: int) -> BlockLayout:
        name = (key, n, width)
        flow = self._reusable.get(name)
        if flow is None or not flow.grow(block):
            flow = layout_for(block, width, source=self._source)
        self._flows[name] = flow
        return flow

    def _settle(self) -> None:
        """Move the frontier over what is finished."""
        parts, starts = self._parts, self._starts
        while self._frontier < len(parts):
            if len(starts) == self._frontier:
                last_count = parts[self._frontier - 1].count if self._frontier else 0
                starts.append((starts[-1] if starts else 0) + last_count)
            if not parts[self._frontier].done:
                break
            self._frontier += 1
        self._count = starts[-1] + parts[len(starts) - 1].count if starts else 0

    def _indent(self, section: Section) -> int:
        return GUTTER * (1 + section.level)

    def _gutter(self, section: Section) -> list[StyledText]:
        blank: StyledText = (" " * (GUTTER * section.level), "")
        if section.bar:
            return [blank, (BAR, section.style), (" " * (GUTTER - 1), "")]
        return [blank, (" " * GUTTER, "")]

    def _title(self, section: Section) -> list[StyledText]:
        triangle = " " if not section.foldable else "▾" if self.is_open(section) else "▸"
        lead = " " * (GUTTER * section.level) + triangle + " "
        glyph = show(section.glyph) + " " if section.glyph else ""
        beside = self.width - cells(lead + glyph + one_line(section.title, 400)) - 2
        over = section.over + _PART * bool(section.summary) if section.over else ""
        summary = _fit_summary(section.summary, max(self.width * 3 // 5, beside) - cells(over))
        right = cells(over) + cells(summary)
        room = self.width - cells(lead) - cells(glyph) - (right + 2 if right else 0)
        title = crop(one_line(section.title, 400), max(room, 4))
        runs: list[StyledText] = [(lead, "muted"), (glyph + title, section.style)]
        spare = self.width - sum(cells(text) for text, _ in runs) - right
        if section.preview and spare > 12 and not self.is_open(section):
            preview = "  " + one_line(section.preview.replace("\n", " "), spare - 4)
            runs.append((preview, "muted"))
            spare -= cells(preview)
        if right:
            runs += [(" " * max(spare, 1), ""), (over, "warning"), (summary, "muted")]
        return runs


def _fit_summary(summary: str, width: int) -> str:
    """Return the end of a summary that has parts, its last ones matter most; else its beginning."""
    line = one_line(summary, _LONGEST_SUMMARY)
    while cells(line) > width and _PART in line:
        line = line.partition(_PART)[2]
    return crop(line, max(width, 0))
