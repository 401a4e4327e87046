"""Names places in a page by what stands there."""

from __future__ import annotations

from typing import NamedTuple

TITLE = -1
"""Stands for a block: the title of a section."""


class Anchor(NamedTuple):
    """A line's place in terms of content, so that it can be found again after the page changed."""

    section: str
    block: int
    line: int


def title_of(section: str) -> Anchor:
    """Return the place of a section's title."""
    return Anchor(section, TITLE, 0)
