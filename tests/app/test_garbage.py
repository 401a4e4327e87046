"""What refers to itself is freed, also when it was out of the garbage collector's sight when it died."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref
from collections.abc import Iterator

import pytest

from etaoi_collector.store import Store
from etaoi_collector.wire.codec import decode_frame
from etaoi_tui import garbage as module
from etaoi_tui.garbage import FREEZE_EVERY, NEW, NEW_UNDER_HANDS, OBJECTS_A_RUN, Garbage
from tests import generate

MANY = 3_000


class Circle:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


class Clock:
    """Monotonic seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look at everything again afterwards; what other tests left does not count as unexplained."""
    monkeypatch.setattr(module, "UNEXPLAINED", MANY * 3 // 2)  # less than one and a reference to it
    monkeypatch.setattr(module, "UNEXPLAINED_SHARE", 0.0)
    yield
    gc.enable()
    gc.unfreeze()
    for thread in threading.enumerate():
        if thread.name == "etaoi-free-memory":
            thread.join()


def circles() -> tuple[list[Circle], weakref.WeakSet[Circle]]:
    """Make many, and a way to tell how many are left."""
    held = [Circle() for _ in range(MANY)]
    return held, weakref.WeakSet(held)


def looks(garbage: Garbage, clock: Clock, *, accounted: int = 0, may_wait: bool = False) -> None:
    """Let the time pass after which something is due."""
    clock.at += FREEZE_EVERY
    garbage.look(accounted, may_wait=may_wait)


def test_many_unreachable_cycles_are_collected() -> None:
    clock = Clock()
    garbage = Garbage(clock)
    garbage.prepared(0)
    held, remaining = circles()
    garbage.look(0, may_wait=True)
    assert gc.get_freeze_count() < MANY + garbage._explained, "nothing is due yet"
    looks(garbage, clock, may_wait=True)
    assert len(remaining) == MANY
    held.clear()
    gc.collect()
    assert len(remaining) == MANY, "out of sight"
    looks(garbage, clock)
    assert not remaining


def test_collection_waits_while_keys_are_pressed_until_there_is_twice_as_much() -> None:
    clock = Clock()
    garbage = Garbage(clock)
    garbage.prepared(0)
    held, remaining = circles()
    looks(garbage, clock, may_wait=True)
    held.clear()
    looks(garbage, clock, may_wait=True)
    assert len(remaining) == MANY
    more, more_left = circles()
    looks(garbage, clock, may_wait=True)
    assert not remaining and len(more_left) == len(more)


def test_where_much_is_accounted_for_more_may_be_out_of_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    """To look at all takes longer then: in a flood of small runs it would be done again and again."""
    clock = Clock()
    garbage = Garbage(clock)
    garbage.prepared(0)
    held, remaining = circles()
    monkeypatch.setattr(module, "UNEXPLAINED_SHARE", 3 * MANY / garbage._explained)
    held.clear()
    gc.freeze()
    looks(garbage, clock)
    assert len(remaining) == MANY
    monkeypatch.setattr(module, "UNEXPLAINED_SHARE", 1.5 * MANY / garbage._explained)
    looks(garbage, clock)
    assert not remaining


def test_the_objects_of_a_store_are_at_least_those_that_are_accounted_for() -> None:
    gc.collect()
    before = len(gc.get_objects())
    store = Store()
    for piece in generate.frames(itertools.islice(generate.traffic(), 4_000)):
        store.apply(decode_frame(piece), -1, 1)
    store.drain_changes()
    gc.collect()
    assert len(store.traces) > 20
    assert len(gc.get_objects()) - before > OBJECTS_A_RUN * len(store.traces)


def test_cycles_are_estimated_from_spans() -> None:
    """While a recording grows nothing is looked at: that would take longer each time."""
    clock = Clock()
    garbage = Garbage(clock)
    garbage.prepared(0)
    held, remaining = circles()
    looks(garbage, clock, accounted=4 * MANY)
    held.clear()
    looks(garbage, clock, accounted=4 * MANY)
    assert len(remaining) == MANY
    looks(garbage, clock, accounted=0)
    assert not remaining


def test_nothing_is_collected_while_a_recording_is_read() -> None:
    garbage = Garbage(Clock())
    garbage.prepared(0)
    garbage.load(True, 0)
    assert not gc.isenabled()
    held, remaining = circles()
    garbage.load(False, MANY)
    assert gc.isenabled()
    held.clear()
    gc.collect()
    assert len(remaining) == MANY


def test_many_new_objects_are_collected_early() -> None:
    garbage = Garbage(Clock())
    garbage.look(0, may_wait=False)
    gc.disable()
    lost, remaining = circles()
    lost.clear()
    garbage.look(0, may_wait=False)
    assert len(remaining) == MANY, "few may come"
    new_cycles: list[list[int]] = [[] for _ in range(NEW)]
    garbage.look(0, may_wait=False)
    assert not remaining
    assert gc.get_freeze_count() > len(new_cycles)


def test_looks_come_sooner_and_are_shorter_while_keys_are_pressed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    garbage = Garbage(clock)
    garbage.prepared(0)
    looked: list[int] = []
    monkeypatch.setattr(module.gc, "get_count", lambda: (NEW_UNDER_HANDS + 1, 0, 0))
    monkeypatch.setattr(module.gc, "collect", lambda: looked.append(1))
    garbage.look(0, may_wait=False)
    assert not looked
    garbage.look(0, may_wait=True)
    assert looked
