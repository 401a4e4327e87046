"""What a query needs at the least, so that most of what is recorded need not be looked into."""

from __future__ import annotations

from etaoi_collector.query.match import (
    All,
    Anywhere,
    Either,
    Field,
    InputContains,
    OutputContains,
    Query,
    Word,
)
from etaoi_collector.store.model import Status


def needed_words(query: Query) -> tuple[Word, ...] | None:
    """Return words of which one at least stands in what was recorded of a matching span.

    It stands in a payload, or in a name, a kind, an error or an id.

    Returns:
        None if spans may match without any.
    """
    if isinstance(query, Anywhere | InputContains | OutputContains):
        return (query.word,) if longest_piece(query.word) else None
    if isinstance(query, Field):
        return (query.word,) if query.word is not None and longest_piece(query.word) else None
    if isinstance(query, All):
        needed = [words for term in query.terms if (words := needed_words(term)) is not None]
        return max(needed, key=_selective, default=None)
    if isinstance(query, Either):
        all_words: list[Word] = []
        for term in query.terms:
            words = needed_words(term)
            if words is None:
                return None
            all_words += words
        return tuple(dict.fromkeys(all_words))
    return None


def words_in(query: Query, *, fields: bool = True) -> list[Word]:
    """Return the words that a matching span may have, for showing where they stand.

    Args:
        query: What is looked for.
        fields: Also those of names, states and ids, such as that of ``tool:fetch``.
    """
    if isinstance(query, Anywhere | InputContains | OutputContains):
        return [query.word]
    if isinstance(query, Field):
        return [query.word] if fields and query.word is not None else []
    if isinstance(query, All | Either):
        return [word for term in query.terms for word in words_in(term, fields=fields)]
    return []


def needs_error(query: Query) -> bool:
    """Whether only failed spans match."""
    if isinstance(query, Field):
        return query.status is Status.ERROR
    if isinstance(query, All):
        return any(needs_error(term) for term in query.terms)
    if isinstance(query, Either):
        return all(needs_error(term) for term in query.terms)
    return False


def longest_piece(word: Word) -> str:
    """Return the longest text of a word between its wildcards; empty for a word of nothing else."""
    return max(word.text.split("*"), key=len)


def _selective(words: tuple[Word, ...]) -> tuple[int, int]:
    """Few alternatives and long words are found least often."""
    return -len(words), min(len(longest_piece(word)) for word in words)
