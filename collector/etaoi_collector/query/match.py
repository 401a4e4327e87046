"""Predicates over spans. Names, states and numbers are read from memory; contents only where a term asks."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from etaoi_collector.store.model import Span, Status

_GAP = 200
"""Recorded bytes that a ``*`` may stand for."""


class Content(Protocol):
    """Gives the recorded bytes of a span's events to a query that looks into contents."""

    def input_bytes(self, span: Span) -> bytes:
        """Return the bytes of its start event, empty when there is none."""
        ...

    def output_bytes(self, span: Span) -> bytes:
        """Return the bytes of its deltas and its end event, empty when there are none."""
        ...


class Query(Protocol):
    """A compiled query."""

    def matches(self, span: Span, content: Content) -> bool:
        """Whether the span is what was looked for."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """Text with ``*`` as a wildcard, looked for without regard to case in names and in recorded bytes.

    Attributes:
        text: What is looked for, casefolded.
        is_whole_word: A name must be nothing else.
    """

    text: str
    is_whole_word: bool = False

    def within(self, text: str | None) -> bool:
        """Whether a string holds the word."""
        if text is None:
            return False
        if self.is_whole_word:
            return self.text == text.casefold()
        if "*" in self.text:
            return _in_order(self.text.split("*"), text.casefold())
        return self.text in text.casefold()

    def within_bytes(self, raw: bytes) -> bool:
        """Whether recorded bytes hold the word, as UTF-8 or escaped as in JSON text."""
        if not raw:
            return False
        lowered = raw.lower()
        for form in self._byte_forms():
            if "*" in self.text:
                if _near_each_other(form.split(b"*"), lowered):
                    return True
            elif form in lowered:
                return True
        return False

    def _byte_forms(self) -> list[bytes]:
        return byte_forms(self.text)


@dataclass(frozen=True, slots=True)
class Anywhere:
    """A bare word: in the name, kind, agent, model or error, else in what was recorded."""

    word: Word

    def matches(self, span: Span, content: Content) -> bool:
        """Look in memory first, it is a thousand times cheaper."""
        word = self.word
        return (
            word.within(span.name)
            or word.within(span.kind)
            or word.within(span.agent)
            or word.within(span.model)
            or word.within(span.error)
            or word.within_bytes(content.input_bytes(span))
            or word.within_bytes(content.output_bytes(span))
        )


@dataclass(frozen=True, slots=True)
class Field:
    """A condition on facts in memory.

    Attributes:
        predicate: The condition.
        word: A word that a name, an error or an id has where it holds; None if it needs no word.
        status: The only status for which it holds; None if there are several.
        listed: Where a list of runs tells whether it holds (``tool``, ``agent``, ``model``, ``thread``), and
            what is looked for there.
    """

    predicate: Callable[[Span], bool]
    word: Word | None = None
    status: Status | None = None
    listed: tuple[str, Word] | None = None

    def matches(self, span: Span, content: Content) -> bool:
        """Ask the fact."""
        return self.predicate(span)


@dataclass(frozen=True, slots=True)
class InputContains:
    """A word in what the span was given."""

    word: Word

    def matches(self, span: Span, content: Content) -> bool:
        """Look into its start event."""
        return self.word.within_bytes(content.input_bytes(span))


@dataclass(frozen=True, slots=True)
class OutputContains:
    """A word in what the span gave back."""

    word: Word

    def matches(self, span: Span, content: Content) -> bool:
        """Look into its deltas and its end event."""
        return self.word.within_bytes(content.output_bytes(span))


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    term: Query

    def matches(self, span: Span, content: Content) -> bool:
        """Negate."""
        return not self.term.matches(span, content)


@dataclass(frozen=True, slots=True)
class All:
    """Every term holds."""

    terms: tuple[Query, ...]

    def matches(self, span: Span, content: Content) -> bool:
        """Stop at the first that does not hold."""
        return all(term.matches(span, content) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Either:
    """Some term holds."""

    terms: tuple[Query, ...]

    def matches(self, span: Span, content: Content) -> bool:
        """Stop at the first that holds."""
        return any(term.matches(span, content) for term in self.terms)


def byte_forms(text: str) -> list[bytes]:
    """Return how a folded text stands in recorded bytes of lower case: as UTF-8, and escaped as in JSON."""
    plain = text.encode("utf-8", "replace")
    escaped = json.dumps(text)[1:-1].encode().lower()
    return [plain] if plain == escaped else [plain, escaped]


def _in_order(pieces: list[str], text: str) -> bool:
    """Whether a text has all pieces one behind the other, with anything between them."""
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def _near_each_other(pieces: list[bytes], raw: bytes) -> bool:
    """Whether bytes have all pieces one behind the other, at most `_GAP` bytes apart.

    Every piece is looked for once: a regular expression would try all ways to combine them, and a few stars
    in a long text would take minutes.
    """
    ends: list[int] | None = None
    for piece in filter(None, pieces):
        matched_ends = []
        index = 0
        at = raw.find(piece)
        while at >= 0:
            if ends is None:
                matched_ends.append(at + len(piece))
            else:
                while index + 1 < len(ends) and ends[index + 1] <= at:
                    index += 1
                if ends[index] <= at <= ends[index] + _GAP:
                    matched_ends.append(at + len(piece))
            at = raw.find(piece, at + 1)
        if not matched_ends:
            return False
        ends = matched_ends
    return True


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
