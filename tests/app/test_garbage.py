"""Garbage is looked for between two pictures, and what lives is looked at once."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from etaoi_tui import garbage
from etaoi_tui.garbage import GarbageRounds


class Ring:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def collector_as_in_the_viewer() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def _many() -> list[list[int]]:
    return [[] for _ in range(garbage._HANDS_ON + 1)]


def test_it_is_looked_when_enough_is_new_and_what_lives_is_not_seen_again() -> None:
    rounds = GarbageRounds()
    ring = weakref.ref(Ring())
    rounds.after_tick(is_loading=False, hands_on=True)
    assert ring() is not None
    kept = _many()
    rounds.after_tick(is_loading=False, hands_on=False)
    assert ring() is not None  # that many may come while nobody waits
    rounds.after_tick(is_loading=False, hands_on=True)
    assert ring() is None
    assert gc.get_freeze_count() > len(kept)


def test_what_a_recording_holds_is_never_looked_at() -> None:
    rounds = GarbageRounds()
    ring = weakref.ref(Ring())
    kept = _many()
    rounds.after_tick(is_loading=True, hands_on=True)
    rounds.after_tick(is_loading=False, hands_on=True)
    assert ring() is not None
    assert gc.get_freeze_count() > len(kept)
    assert gc.get_count()[0] < len(kept)
