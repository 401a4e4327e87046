"""The words around a match, for the row of a span that a search found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etaoi_collector.lru import Lru
from etaoi_collector.projections.recorded_content import EventBytes
from etaoi_collector.store.model import Span
from etaoi_tui.text import cells, crop, one_line

if TYPE_CHECKING:
    from etaoi_collector.query import Query

_REMEMBERED = 2_048
_LONGEST = 400
"""Cells of a snippet before it is cut to a row."""

_BEHIND = 12
"""Cells that are kept for what stands behind a match, where there is room."""

_MESSAGE_START = re.compile(r'^.*"(?:content|text|input|output)": ?"(?=[^"]*$)')
"""JSON around the text of a message, before a match and behind it: a row shows the words alone."""
_MESSAGE_END = re.compile(r'"[\s\]}]+$')

_SIDES = {"input": "in", "output": "out"}
"""What a row says of where a match stands, as the query language does; others stand in the row itself."""


class Snippets:
    """Snippets of one query's hits, read when a row is drawn, and remembered.

    Args:
        query: What is looked for.
        reader: Reads recorded events.
    """

    def __init__(self, query: Query, reader: EventBytes) -> None:
        from etaoi_collector.query.needed_words import longest_piece, words_in  # not for the first screen

        self._words = [word for word in words_in(query, fields=False) if longest_piece(word)]
        self.marked = tuple(dict.fromkeys(longest_piece(word).lower() for word in self._words))
        """What to mark, in lower case: of a word with wildcards its longest piece."""
        self._reader = reader
        self._cache: Lru[int, tuple[int, str, str]] = Lru(_REMEMBERED)

    def of(self, span: Span) -> tuple[str, str] | None:
        """Return on which side of a span a word stands, ``in`` or ``out``, and the words around it.

        Returns:
            None if no word was looked for, or it stands in what a row shows anyway.
        """
        if not self._words:
            return None
        version, side, snippet = self._cache.get(span.number) or (-1, "", "")
        if version != span.version and side != "in":  # what a span was given does not change
            from etaoi_collector.search.hits import span_hit

            hit = span_hit(span, self._words, self._reader)
            side, snippet = _SIDES.get(hit.where, ""), one_line(hit.snippet, _LONGEST)
            self._cache.put(span.number, (span.version, side, snippet))
        return (side, snippet) if side and snippet else None

    def cut(self, snippet: str, width: int) -> tuple[str, str, str]:
        """Cut a snippet to a width so that its match can be seen.

        Returns:
            What stands in front of the match, the match, and what stands behind it.
        """
        at, word = self._match(snippet)
        if at < 0:
            return crop(snippet, width), "", ""
        before, match, behind = snippet[:at], snippet[at : at + len(word)], snippet[at + len(word) :]
        before, behind = _MESSAGE_START.sub("", before), _MESSAGE_END.sub("", behind)
        room = width - cells(match) - min(cells(behind), _BEHIND)
        if cells(before) > room:
            tail = before
            while tail and cells(tail) > max(room - 1, 0):
                tail = tail[1:]
            before = "…" + tail.lstrip() if room > 0 else ""
        match = crop(match, max(width - cells(before), 0))
        return before, match, crop(behind, max(width - cells(before) - cells(match), 0))

    def _match(self, snippet: str) -> tuple[int, str]:
        lowered = snippet.lower()
        if len(lowered) == len(snippet):
            for word in self.marked:
                at = lowered.find(" ".join(word.split()))
                if at >= 0:
                    return at, " ".join(word.split())
        return -1, ""
