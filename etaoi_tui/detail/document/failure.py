"""What stands in the place of a detail that could not be made: the error, and its traceback to unfold."""

from __future__ import annotations

import traceback

from etaoi_tui.detail.document.model import Document, Section, Tab, Text
from etaoi_tui.text import one_line

_MOST_CHARACTERS = 20_000


def failed_sections(error: Exception) -> list[Section]:
    """Say that something cannot be shown, and why."""
    trace = "".join(traceback.format_exception(error))[-_MOST_CHARACTERS:]
    sentence = one_line(f"{type(error).__name__}: {error}", 200)
    return [
        Section("failed", "This cannot be shown", [Text(sentence)], style="error"),
        Section("failed:traceback", "Traceback of the viewer", [Text(trace)], open=False),
    ]


def failed_document(key: str, name: str, error: Exception) -> Document:
    """Describe a span whose viewer failed.

    Args:
        key: Names the span.
        name: Its name.
        error: What the viewer raised.
    """
    tab = Tab("failed", "Failed", lambda: failed_sections(error))
    return Document(key=key, headline=[(name, "title")], tabs=[tab])
