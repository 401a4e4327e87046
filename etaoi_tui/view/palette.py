"""What the palette offers, and which of it answers what was typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

_TITLE_START, _TITLE, _WORD_START, _WORD = range(4)
_LONGEST_QUERY = 200


class PaletteEntry(msgspec.Struct, frozen=True):
    """One line of the palette.

    Attributes:
        id: Stable name, by which a choice is remembered.
        title: What it does or opens, as it came: it is made printable when it is drawn.
        run: Called when it is chosen.
        note: Its key, or what else is said at the right edge.
        words: What people also call it; searched, not shown.
        offered: Shown before anything is typed.
    """

    id: str
    title: str
    run: Callable[[], object]
    note: str = ""
    words: str = ""
    offered: bool = True


def matching(entries: Iterable[PaletteEntry], typed: str, recent: Sequence[str] = ()) -> list[PaletteEntry]:
    """Return the entries that every typed word fits, the best first.

    A word fits the beginning of a word of the title best, then any part of the title, then a word that people
    also use. Among equals those used last come first, then the order of ``entries`` holds.

    Args:
        entries: All there are.
        typed: What the person typed; nothing asks for what is offered before.
        recent: Ids, the newest first.
    """
    wanted = typed[:_LONGEST_QUERY].casefold().split()
    ages = {used: age for age, used in enumerate(recent)}
    ranked: list[tuple[int, int, int, PaletteEntry]] = []
    for order, entry in enumerate(entries):
        if not wanted and not entry.offered:
            continue
        worst = _worst(entry, wanted)
        if worst is not None:
            ranked.append((worst, ages.get(entry.id, len(ages)), order, entry))
    ranked.sort(key=lambda one: one[:3])
    return [entry for *_, entry in ranked]


def _worst(entry: PaletteEntry, wanted: Sequence[str]) -> int | None:
    """Return how well the worst of the words fits, 0 being best; None when one does not."""
    title, words = f" {entry.title.casefold()}", f" {entry.words.casefold()}"
    worst = _TITLE_START
    for word in wanted:
        if f" {word}" in title:
            fit = _TITLE_START
        elif word in title:
            fit = _TITLE
        elif f" {word}" in words:
            fit = _WORD_START
        elif word in words:
            fit = _WORD
        else:
            return None
        worst = max(worst, fit)
    return worst
