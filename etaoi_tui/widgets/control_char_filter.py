"""The net under `etaoi_tui.text`: takes out control characters that got as far as a rendered line."""

from __future__ import annotations

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from etaoi_tui.text import REPLACEMENT, UNSAFE


class ControlCharFilter(LineFilter):
    """Deletes characters that a terminal could obey from every line of the whole app.

    All of them have a width of zero for Rich, so a deletion moves nothing; only a lone surrogate has a width
    of one and is replaced. Segments of Rich's own control codes (cursor moves of the app itself) pass.
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


def _harmless(found: re.Match[str]) -> str:
    return REPLACEMENT if "\ud800" <= found[0] <= "\udfff" else ""
