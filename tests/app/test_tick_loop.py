"""How long the loop rests between two ticks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from etaoi_collector import right_of_way
from etaoi_collector.store import Store
from etaoi_tui import tick_loop
from etaoi_tui.tick_loop import TICKS_PER_SECOND, TickLoop
from tests.app.world import world


class _Feed:
    """Keeps up."""

    behind = False

    class source:
        live = True

    store = Store()

    def work(self, budget_ms: float, now: float) -> None: ...


async def _rest_after(busy: float, monkeypatch: pytest.MonkeyPatch, *, hands_on: bool = False) -> float:
    """Return for how long the loop sleeps after a tick that was busy for so many seconds."""
    feed: Any = _Feed()
    moments = iter([0.0, busy])
    rests: list[float] = []

    class Time:
        monotonic = staticmethod(lambda: 100.0)
        perf_counter = staticmethod(lambda: 7.0)
        thread_time = staticmethod(lambda: next(moments))

    async def sleep(seconds: float) -> None:
        rests.append(seconds)
        raise asyncio.CancelledError

    monkeypatch.setattr(tick_loop, "time", Time)
    monkeypatch.setattr(tick_loop.asyncio, "sleep", sleep)
    loop = TickLoop(feed, lambda: 0.0, lambda: None, lambda error: pytest.fail(repr(error)))
    if hands_on:
        loop.touched()
        loop.drawn()
    with pytest.raises(asyncio.CancelledError):
        await loop.run()
    return rests[0]


async def test_a_loop_that_keeps_up_is_busy_for_a_quarter_of_its_time_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shortest = 1 / TICKS_PER_SECOND
    with monkeypatch.context() as patch:
        assert await _rest_after(0.01, patch) == pytest.approx(shortest)
    with monkeypatch.context() as patch:
        assert await _rest_after(0.04, patch) == pytest.approx(0.16)
    with monkeypatch.context() as patch:
        assert await _rest_after(2.0, patch) == pytest.approx(0.25), "four pictures a second all the same"
    with monkeypatch.context() as patch:
        assert await _rest_after(0.04, patch, hands_on=True) == pytest.approx(shortest)


async def test_who_uses_keys_has_the_right_of_way_at_once_and_while_the_screen_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claims: list[str] = []

    class Way:
        claim = staticmethod(lambda seconds: claims.append("claimed"))
        release = staticmethod(lambda: claims.append("released"))

    monkeypatch.setattr(tick_loop, "RIGHT_OF_WAY", Way)
    feed: Any = _Feed()
    loop = TickLoop(feed, lambda: 0.0, lambda: claims.append("shown"), lambda error: pytest.fail(repr(error)))
    await loop._tick(0.0, 0.0)
    assert claims == ["shown"]
    loop.touched()
    await loop._tick(0.0, 0.0)
    assert claims == ["shown", "claimed", "claimed", "shown"]
    loop.drawn()
    assert claims[4:] == ["released"]


async def test_a_key_goes_before_what_arrived_until_what_it_did_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_CLAIM", 3600.0)
    monkeypatch.setattr(right_of_way, "WAITS_IN_A_ROW", 3600.0)
    monkeypatch.setattr(tick_loop, "_KEY_CLAIM", 3600.0)
    done: list[str] = []
    feed: Any = _Feed()
    feed.work = lambda *_: done.append("worked")
    loop = TickLoop(feed, lambda: 0.0, lambda: done.append("shown"), lambda error: pytest.fail(repr(error)))
    loop.touched(is_handled=False)
    tick = asyncio.create_task(loop._tick(0.0, 0.0))
    await asyncio.sleep(0.02)
    loop.drawn()  # what was to be drawn before the key
    await asyncio.sleep(0.02)
    assert done == [] and not tick.done()
    loop.touched()
    loop.drawn()
    await asyncio.wait_for(tick, 60)
    assert done == ["worked", "shown"]


async def test_keys_without_end_do_not_end_what_arrives() -> None:
    done: list[str] = []
    feed: Any = _Feed()
    feed.work = lambda *_: done.append("worked")
    loop = TickLoop(feed, lambda: 0.0, lambda: None, lambda error: pytest.fail(repr(error)))
    tick = asyncio.create_task(loop._tick(0.0, 0.0))
    while not tick.done():
        loop.touched(is_handled=False)
        await asyncio.sleep(0)
    assert done == ["worked"]


async def test_the_app_tells_of_what_its_driver_reads_and_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(TickLoop, "touched", lambda _, *, is_handled=True: told.append(is_handled))
    monkeypatch.setattr(TickLoop, "drawn", lambda _: told.append("drawn"))
    async with world() as (viewer, pilot):
        viewer.app.input_read()
        await pilot.press("j")
        viewer.app.frame_written()
    assert told[0] is False and told[-1] == "drawn" and True in told
