"""The text of a page that a reader takes along: what a copy takes, and what the mouse has selected."""

from __future__ import annotations

from textual.selection import Selection

from etaoi_tui.detail.document.model import Section, Tab, section_text
from etaoi_tui.detail.layout.markdown_lines import SIDE_BAR
from etaoi_tui.detail.layout.page import GUTTER, PageLayout, PageLine


def copied_text(page: PageLayout, section: Section | None, tab: Tab | None) -> tuple[str, str]:
    """Return what a copy takes: its label, and the text as it came from the agent.

    Args:
        page: The page that is open.
        section: The one under the cursor; without one, or without content, the whole page is taken.
        tab: What the page is of.
    """
    if section is not None and section.blocks:
        return section.title, section_text(section)
    texts = [f"{section.title}\n{section_text(section)}" for section in page.sections]
    return (tab.title if tab else ""), "\n\n".join(texts)


def selected_text(page: PageLayout, selection: Selection) -> str:
    """Return the text of a page between the ends of a selection, as Textual numbers lines and columns.

    Bars, triangles and glyphs in front of the text are left out.
    """
    first = selection.start.y if selection.start is not None else 0
    last = selection.end.y if selection.end is not None else page.count - 1
    lines = []
    for y in range(max(0, first), min(last, page.count - 1) + 1):
        span = selection.get_span(y)
        if span is not None:
            line = page.line(y)
            text = "".join(piece for piece, _ in line.runs)
            first_kept = max(span[0], decoration(line))
            lines.append(text[first_kept : None if span[1] == -1 else span[1]])
    return "\n".join(lines)


def decoration(line: PageLine) -> int:
    """Return the characters of a line that stand before its text: triangle and glyph, or bars beside it."""
    if line.section is None or not line.runs:
        return 0
    glyph = len(line.section.glyph) + 1 if line.header and line.section.glyph else 0
    side_bar = any(text == SIDE_BAR for text, _ in line.runs[:4])
    return GUTTER * (1 + line.section.level) + glyph + len(SIDE_BAR) * side_bar
