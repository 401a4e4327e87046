"""Who computes steps aside while a person waits, and still gets on."""

from __future__ import annotations

import asyncio
import threading

import pytest

from etaoi_collector import right_of_way
from etaoi_collector.right_of_way import LONGEST_CLAIM, WAITS_IN_A_ROW, WAITS_PER_WORK, RightOfWay


class _World:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0.0
        self.way = RightOfWay(lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds

    def work(self, seconds: float) -> None:
        """Compute in pieces of a tenth of a millisecond, and ask before each."""
        for _ in range(round(seconds / 0.0001)):
            self.way.step_aside()
            self.now += 0.0001


def test_nothing_waits_without_a_claim() -> None:
    world = _World()
    world.work(0.1)
    assert world.slept == 0


def test_a_claim_is_waited_for_once_and_to_its_end() -> None:
    world = _World()
    world.way.claim(0.01)
    world.work(0.1)
    assert world.slept == pytest.approx(0.01)


def test_a_shorter_claim_does_not_shorten_the_one_that_runs() -> None:
    world = _World()
    world.way.claim(0.02)
    world.way.claim(0.005)
    world.work(0.1)
    assert world.slept == pytest.approx(0.02)


def test_no_claim_lasts_long() -> None:
    world = _World()
    world.way.claim(60)
    world.work(0.1)
    assert world.slept == pytest.approx(LONGEST_CLAIM)


def test_claims_without_end_take_two_thirds_of_the_time() -> None:
    world = _World()
    worked = 0.0
    while worked < 1.0:
        world.way.claim(0.012)
        world.work(0.0001)
        worked += 0.0001
    assert world.slept == pytest.approx(WAITS_PER_WORK + WAITS_IN_A_ROW, rel=0.01)


def test_nothing_waits_after_a_release() -> None:
    world = _World()
    world.way.claim(0.02)
    world.way.release()
    world.work(0.1)
    assert world.slept == 0


def test_a_release_wakes_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_CLAIM", 3600.0)
    monkeypatch.setattr(right_of_way, "WAITS_IN_A_ROW", 3600.0)
    way = RightOfWay()
    way.claim(3600)
    thread = threading.Thread(target=way.step_aside, daemon=True)
    thread.start()
    thread.join(0.02)
    assert thread.is_alive()
    way.release()
    thread.join(60)
    assert not thread.is_alive()


async def test_a_loop_that_lets_pass_serves_others_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_CLAIM", 3600.0)
    monkeypatch.setattr(right_of_way, "WAITS_IN_A_ROW", 3600.0)
    way = RightOfWay()
    way.claim(3600)
    waiting = asyncio.create_task(way.let_pass())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    way.release()
    await asyncio.wait_for(waiting, 60)
