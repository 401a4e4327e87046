"""What a query says of a run whose spans are not in memory, from what a list of runs tells of it."""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.query.match import All, Anywhere, Either, Field, Query, Word
from etaoi_collector.store.listed_run import LONGEST_NAME, MOST_NAMES, ListedRun
from etaoi_collector.store.model import Status


def listed_answer(query: Query, run: ListedRun) -> bool | None:
    """Whether some span of a run matches.

    Returns:
        None where only its spans can tell.
    """
    if isinstance(query, Field):
        return _field_answer(query, run)
    if isinstance(query, Anywhere):
        return True if _stands_in_a_name(query.word, run) else None
    if isinstance(query, Either):
        answers = [listed_answer(term, run) for term in query.terms]
        return True if True in answers else None if None in answers else False
    if isinstance(query, All):  # one span has to be all of it, which a list cannot tell
        return False if any(listed_answer(term, run) is False for term in query.terms) else None
    return None


def _field_answer(field: Field, run: ListedRun) -> bool | None:
    if field.status is Status.ERROR:
        return False if not run.errors else True if field.word is None else None
    if field.listed is None:
        return None
    column, word = field.listed
    if column == "thread":
        return word.within(run.thread)
    if not word.text:
        return None
    details = run.details
    if column == "tool":
        return _among(word, details.tools)
    if column == "agent":
        return _among(word, details.agents)
    return True if any(map(word.within, details.models)) else None


def _among(word: Word, names: Sequence[str]) -> bool | None:
    """Look for a word in names of which a long list was cut, and long ones, too."""
    whole = [name for name in names if len(name) < LONGEST_NAME]
    if any(map(word.within, whole)):
        return True
    return False if len(whole) == len(names) < MOST_NAMES else None


def _stands_in_a_name(word: Word, run: ListedRun) -> bool:
    if not word.text:
        return False
    details = run.details
    names = (*details.agents, *details.tools, *details.models, *details.other_names)
    return any(map(word.within, names))
