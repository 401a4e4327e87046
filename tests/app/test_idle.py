"""What a viewer does while nothing happens: the same, however much is in it."""

from __future__ import annotations

import sys

from .world import World, world


async def _calls_of_a_tick(traces: int) -> int:
    """Count the calls that a tick makes when nothing has come in, with so many finished traces."""
    async with world() as (w, pilot):
        w.source.connect()
        for number in range(traces):
            span = w.scribe.start("sub_agent", f"run {number}", None, {"inputs": "{}"})
            w.scribe.end(span, {"outputs": "{}"})
        for _ in range(3):
            await w.tick(pilot)
        return _calls(w)


def _calls(w: World) -> int:
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        w.app.tick()
    finally:
        sys.setprofile(None)
    return calls


async def test_an_idle_tick_costs_the_same_with_a_hundred_times_as_many_traces() -> None:
    few, many = await _calls_of_a_tick(30), await _calls_of_a_tick(3_000)
    assert abs(many - few) < few // 10, (few, many)
