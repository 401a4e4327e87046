"""Metadata keys of this project's own that change a span's state; all begin with ``etaoi_tui.``."""

from __future__ import annotations

WAITS_FOR = "etaoi_tui.waits_for"
"""On a delta or an end: what the span waits for from here on, in one line; empty when it waits no longer."""

RESUMES = "etaoi_tui.resumes"
"""On a start: the span id of the run that waited and is gone on with."""

SYNTHETIC_END = "etaoi_tui.synthetic_end"
"""On an end that its producer made up; the true end, if it comes, is the one that counts."""

APPROXIMATE_END = "etaoi_tui.approximate_end"
"""On an end that is stamped with when it was told of: the span may have ended before."""

REVISES = "etaoi_tui.revises"
"""Metadata of a start or end that replaces an earlier one of its span: a translator learned more."""
MOVES_TRACE = "etaoi_tui.moves_trace"
"""Metadata of a root's start: its trace belongs to the session that it names, whatever came before."""
INFRASTRUCTURE = "etaoi_tui.infrastructure"
"""Metadata of a span that is a piece of the program around an agent, see `Infrastructure`."""


class Infrastructure:
    """Values of `INFRASTRUCTURE`."""

    INNER = "inner"
    """A request, a query, a step of a library: folded into the span around it."""
    ROOT = "root"
    """The program's own root: it has a row, but tells of no agent."""
