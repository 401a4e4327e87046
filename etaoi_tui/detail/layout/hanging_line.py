"""A line before it is wrapped."""

from __future__ import annotations

from typing import NamedTuple

from etaoi_tui.detail.document.model import StyledText


class HangingLine(NamedTuple):
    """A line before it is wrapped: its prefix, the indentation of further lines in cells, and its runs."""

    prefix: list[StyledText]
    hang: int
    runs: list[StyledText]
