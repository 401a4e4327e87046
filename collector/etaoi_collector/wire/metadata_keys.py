"""Metadata keys of this project's own that change a span's state; all begin with ``etaoi_tui.``."""

from __future__ import annotations

WAITS_FOR = "etaoi_tui.waits_for"
"""On a delta or an end: what the span waits for from here on, in one line; empty when it waits no longer."""

RESUMES = "etaoi_tui.resumes"
"""On a start: the span id of the run that waited and is gone on with."""

SYNTHETIC_END = "etaoi_tui.synthetic_end"
"""On an end that its producer made up; the true end, if it comes, is the one that counts."""
