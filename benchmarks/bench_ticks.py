"""CPU time of a tick that brings 20 new rows, while one trace of N spans is on the screen.

The app runs in this process without a terminal, so CPU time of a tick and of its frame can be taken alone.
Ticks that bring nothing stand between those that bring rows; what they take, the harness of Textual included,
is left out. Rows are counted after each tick, and the newest must be on the screen where it is followed. The
cursor rests at the top while 20 tools start, or follows 20 that start and end.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from statistics import fmean
from typing import Any

from textual.pilot import Pilot

from benchmarks.peer_tree import PeerTree
from benchmarks.report import Done, Row
from tests import generate
from tests.app.world import World, world
from tests.generate import Event, Open

SIZES = (1_000, 100_000, 1_000_000)
PEER_SIZES = (1_000, 100_000)
TICKS = 40
PEER_TICKS = 4
PER_TICK = 20
QUIET_BETWEEN = 2
"""Ticks without news after each with some. One would meet the spinners at the same beat each time."""
PIECES_A_TICK = 50


async def _load(w: World, pilot: Pilot[Any], spans: int) -> Event:
    """Let the app take a trace of so many spans; returns the start of its root."""
    root: Event = {}
    for number, piece in enumerate(generate.big_trace(w.scribe, spans)):
        root = root or piece[0]
        w.source.send(piece)
        if number % PIECES_A_TICK == 0:
            w.app.tick()
    w.time = w.scribe.clock.seconds
    while len(w.tree.rows.spans) < spans:
        w.app.tick()
    await pilot.pause()
    return root


async def _tick_ms(app: Any, pilot: Pilot[Any]) -> float:
    """CPU milliseconds of a tick and of the frame after it."""
    began = time.thread_time()
    app.tick()
    await pilot.pause()
    return (time.thread_time() - began) * 1000


async def _ours(spans: int) -> Iterator[tuple[str, float, int]]:
    """Where the cursor is, CPU milliseconds that the rows of a tick take, and how many rows came."""
    async with world() as (w, pilot):
        root = await _load(w, pilot, spans)
        parent = Open(root["span_id"], root["trace_id"], None, "sub_agent", root["run_id"])
        gc.collect()
        gc.freeze()
        try:
            w.tree.follow(True)
            following = await _cost(w, pilot, parent, follows=True)
            await pilot.press("2", "g")
            at_rest = await _cost(w, pilot, parent, follows=False)
        finally:
            gc.unfreeze()
    return iter([("following", *following), ("cursor at the top", *at_rest)])


async def _cost(w: World, pilot: Pilot[Any], parent: Open, *, follows: bool) -> tuple[float, int]:
    """CPU milliseconds that the rows of a tick take, and how many rows came.

    Raises:
        RuntimeError: a tick did not bring its rows, or the newest is not on the screen.
    """
    rows = w.tree.rows.spans
    rows_before = len(rows)
    bring: list[float] = []
    rest: list[float] = []
    for number in range(TICKS):
        names = [f"new-{rows_before + number * PER_TICK + one:07d}" for one in range(PER_TICK)]
        for name in names:
            tool = w.scribe.start("tool", name, parent, {"input": "{}"})
            if follows:
                w.scribe.end(tool, {"output": "found"})
        w.source.send(w.scribe.take())
        w.time += 1 / 12
        bring.append(await _tick_ms(w.app, pilot))
        if len(rows) - rows_before != (number + 1) * PER_TICK:
            raise RuntimeError(f"{len(rows) - rows_before} rows after {number + 1} ticks")
        if follows and not any(names[-1] in line for line in w.lines()):
            raise RuntimeError(f"{names[-1]} is not on the screen")
        for _ in range(QUIET_BETWEEN):
            w.time += 1 / 12
            rest.append(await _tick_ms(w.app, pilot))
    return fmean(bring) - fmean(rest), len(rows) - rows_before


async def _peer(rows: int) -> float:
    """The same of a stock Tree that appends as many rows and draws them."""
    app = PeerTree(rows)
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause()
        bring: list[float] = []
        rest: list[float] = []
        for _ in range(PEER_TICKS):
            began = time.thread_time()
            app.action_tick()
            await pilot.pause()
            bring.append((time.thread_time() - began) * 1000)
            began = time.thread_time()
            await pilot.pause()
            rest.append((time.thread_time() - began) * 1000)
        if app.row_count != rows + PEER_TICKS * PER_TICK:
            raise RuntimeError(f"the stock Tree has {app.row_count} rows")
    return fmean(bring) - fmean(rest)


def measure() -> Iterator[Row]:
    """A row for each size, with the cursor at rest and following."""
    for spans in SIZES:
        peer = asyncio.run(_peer(spans)) if spans in PEER_SIZES else None
        for where, cost, grown in asyncio.run(_ours(spans)):
            yield Row(
                f"CPU of {PER_TICK} new rows in a tick, {spans:,} spans, {where}",
                cost,
                "ms",
                "<= 1 ms",
                "" if peer is None else "stock Tree",
                peer,
                done=Done(grown, "rows came", TICKS * PER_TICK),
            )
