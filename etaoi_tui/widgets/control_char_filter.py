"""The net under `etaoi_tui.text`: takes out control characters that got as far as a rendered line."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from etaoi_tui.text import REPLACEMENT, UNSAFE


class ControlCharFilter(LineFilter):
    """Deletes characters that a terminal could obey from every line of the whole app.

    Most have a width of zero for Rich, so a deletion moves nothing; others, such as lone surrogates and
    Hangul fillers, are replaced by as many cells as they take. Segments of Rich's own control codes (cursor
    moves of the app itself) pass.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments without unsafe characters."""
        return [
            segment
            if segment.control or not UNSAFE.search(segment.text)
            else Segment(UNSAFE.sub(_harmless, segment.text), segment.style)
            for segment in segments
        ]


CONTROL_CHAR_FILTER = ControlCharFilter()
"""The filter for ``App.get_line_filters``."""


def _harmless(match: re.Match[str]) -> str:
    return REPLACEMENT * cell_len(match[0])
