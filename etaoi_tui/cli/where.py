"""The option ``--where``: which spans a command prints."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.projections.recorded_content import EventBytes, RecordedContent
from etaoi_collector.query import Query
from etaoi_collector.store.model import Span


def matching(query: Query, reader: EventBytes) -> Callable[[Span], bool]:
    """Return whether a span matches, looking into its recorded events where the query asks for that.

    Args:
        query: What to look for.
        reader: Where events are read from.
    """
    content = RecordedContent(reader)
    return lambda span: query.matches(span, content)
