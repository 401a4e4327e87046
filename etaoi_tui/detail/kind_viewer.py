"""The door for a kind of span: how its rows look, and what its detail shows. One file of `viewers/` each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from etaoi_tui.kinds.appearance import ANY_KIND, KindAppearance, RowReader

if TYPE_CHECKING:
    from etaoi_tui.detail.document.model import Section, StyledText, Tab
    from etaoi_tui.detail.span_data import SpanData

__all__ = ["ANY_KIND", "KindViewer", "RowReader"]


def no_tabs(data: SpanData) -> Sequence[Tab]:
    """Leave the detail to the next viewer, and to the pages that every span has."""
    return ()


def common_headline(data: SpanData) -> None:
    """Leave the title line to the one that every span has."""


def common_overview(data: SpanData, sections: list[Section]) -> list[Section]:
    """Show the overview that every span has."""
    return sections


class KindViewer(KindAppearance, frozen=True, kw_only=True):
    """How spans of some kinds look in rows and in the detail.

    A file that holds one is imported for the first row: what only its tabs need is imported inside of them.

    Attributes:
        tabs: Makes the tabs in front of those that every span has; none to let the next viewer try. What
            they raise is said in the detail.
        tabs_in_front: How many of its tabs stand in front of the overview.
        headline: Makes the title line; None for the one that every span has.
        overview: Arranges the overview: gets the common sections, returns what is shown.
    """

    tabs: Callable[[SpanData], Sequence[Tab]] = no_tabs
    tabs_in_front: int = 1
    headline: Callable[[SpanData], Sequence[StyledText] | None] = common_headline
    overview: Callable[[SpanData, list[Section]], list[Section]] = common_overview
