"""A call of 1,000 turns beside one of 10, as lanes in the real viewer: key presses, and ticks with new turns.

The cursor walks over the last turns of the call, which everything that counts from its beginning would
notice; the row that it reaches holds words like no other. What new turns cost is main-thread CPU, less what
the viewer uses while the call is silent.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.bench_rows import wait_idle, write_stream
from benchmarks.report import Row, percentile
from benchmarks.terminal import Terminal
from benchmarks.viewer import Client, live
from tests import generate
from tests.voice.calls import PAUSE, Caller, Truth, many

SIZES = (10, 100, 1_000)
PRESSES = 120
HELD = 60
"""Presses without a look at the screen between them, for their CPU time."""
BETWEEN_KEYS = 0.05
WALK = 8
"""Turns that the cursor walks over, to and fro; all of them are on the screen."""
NEW_TURNS = 24
NEW_A_SECOND = 4
TICKS_A_SECOND = 10


def _words(number: int) -> str:
    return f"ask-{number:05d}"


@dataclass(frozen=True)
class _Figures:
    keys: list[float]
    key_cpu: float
    tick_cpu: float
    idle: float


def _write(caller: Caller, turns: Iterable[Truth], at: float, path: Path) -> float:
    """Write turns as a stream, one message each; returns when the last of them was over."""
    frames: list[bytes] = []
    for truth in turns:
        caller.ours(replace(truth, at=at))
        at += truth.seconds + PAUSE
        frames += generate.frames(caller.scribe.take(), 1_000)
    write_stream(path, frames)
    return at


def _calls(turns: int, folder: Path) -> tuple[Path, Path]:
    """Write a call that has not ended, and the turns that are still to come."""
    truths = [replace(one, heard=_words(n)) for n, one in enumerate(many(turns + NEW_TURNS))]
    seconds = sum(truth.seconds + PAUSE for truth in truths)
    caller = Caller(began=time.time() - seconds)
    caller.begin()
    so_far, to_come = folder / "so-far", folder / "to-come"
    at = _write(caller, truths[:turns], 0.5, so_far)
    _write(caller, truths[turns:], at, to_come)
    return so_far, to_come


def _walk(terminal: Terminal, turns: int) -> list[float]:
    """Milliseconds from each press to the row that the cursor reaches."""
    chance = random.Random(1)
    up = [("k", turns - 2 - n) for n in range(WALK - 1)]
    down = [("j", turns - WALK + 1 + n) for n in range(WALK - 1)]
    taken = []
    for key, number in itertools.islice(itertools.cycle([*up, *down]), PRESSES):
        since = terminal.position
        pressed = terminal.press(key)
        seen = terminal.wait_for(_words(number), since=since, timeout=5)
        taken.append((seen - pressed) * 1000)
        # Longer than the detail waits for the cursor to rest; not in step with the viewer's own timer.
        time.sleep(0.15 + chance.random() * 0.05)
    return taken


def _share(terminal: Terminal, seconds: float = 2.0) -> float:
    """The main thread's share of a core while the call is silent."""
    began, used = time.perf_counter(), terminal.cpu_seconds()
    time.sleep(seconds)
    return (terminal.cpu_seconds() - used) / (time.perf_counter() - began)


def _key_cpu(terminal: Terminal, idle: float) -> float:
    """Milliseconds of CPU a press, its row, the tree's cursor and the detail included."""
    began, used = time.perf_counter(), terminal.cpu_seconds()
    for key in itertools.islice(itertools.cycle(["k"] * (WALK - 1) + ["j"] * (WALK - 1)), HELD):
        terminal.press(key)
        time.sleep(BETWEEN_KEYS)
    time.sleep(0.5)
    seconds = time.perf_counter() - began
    return max(0.0, terminal.cpu_seconds() - used - idle * seconds) * 1000 / HELD


def _tick_cpu(terminal: Terminal, client: Client, idle: float) -> float:
    """Milliseconds of CPU a tick while turns are added to the call."""
    began, used = time.perf_counter(), terminal.cpu_seconds()
    client.go()
    client.sent()
    seconds = time.perf_counter() - began
    used = terminal.cpu_seconds() - used - idle * seconds
    return max(0.0, used) * 1000 / (seconds * TICKS_A_SECOND)


def _one(turns: int) -> _Figures:
    with TemporaryDirectory() as name, live() as (terminal, url):
        so_far, to_come = _calls(turns, Path(name))
        rate = ("--per-frame", "1", "--rate", str(NEW_A_SECOND))
        with (
            Client(url, "--from", str(so_far), "--hold") as first,
            Client(url, "--from", str(to_come), *rate, "--hold") as second,
        ):
            first.go()
            first.sent()
            terminal.wait_for(_words(turns - 1), timeout=60)
            wait_idle(terminal)
            since = terminal.position
            terminal.press("kG")
            terminal.wait_for(_words(turns - 1), since=since, timeout=5)
            wait_idle(terminal)
            keys = _walk(terminal, turns)
            idle = _share(terminal)
            key_cpu = _key_cpu(terminal, idle)
            tick_cpu = _tick_cpu(terminal, second, idle)
            terminal.wait_for(f"{turns + NEW_TURNS:,} turns", timeout=10)
    return _Figures(keys, key_cpu, tick_cpu, idle * 1000)


def measure() -> Iterator[Row]:
    """Each size beside the smallest of the same run."""
    least: _Figures | None = None
    for turns in SIZES:
        figures = _one(turns)
        beside = f"{SIZES[0]} turns" if least else ""
        what = f"voice call, {turns:,} turns"
        for name, value, reference in (
            ("key to frame p50", median(figures.keys), median(least.keys) if least else None),
            (
                "key to frame p99",
                percentile(figures.keys, 99),
                percentile(least.keys, 99) if least else None,
            ),
            ("CPU a key", figures.key_cpu, least.key_cpu if least else None),
            ("CPU a second while silent", figures.idle, least.idle if least else None),
            (
                f"CPU a tick, {NEW_A_SECOND} new turns/s",
                figures.tick_cpu,
                least.tick_cpu if least else None,
            ),
        ):
            budget = "as with 10" if least and name.startswith("key to frame p50") else ""
            yield Row(f"{what}, {name}", value, "ms", budget, beside, reference)
        least = least or figures
