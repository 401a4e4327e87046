"""A call of 1,000 turns beside one of 10, as lanes in the real viewer: key presses, and ticks with new turns.

The cursor walks over the last turns of the call, which everything that counts from its beginning would
notice; the row that it reaches holds words like no other. What new turns cost is main-thread CPU, less what
the viewer uses while the call is silent.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.bench_rows import write_stream
from benchmarks.processor import share_of_core, wait_idle
from benchmarks.report import Done, Row, percentile
from benchmarks.terminal import Terminal
from benchmarks.viewer import Client, live
from tests import generate
from tests.voice.calls import PAUSE, Caller, Truth, many

SIZES = (10, 100, 1_000)
PRESSES = 80
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


@dataclass
class _VoiceViewer:
    """A viewer that shows a call, and what was measured in it."""

    turns: int
    terminal: Terminal
    to_come: Client
    keys: list[float] = field(default_factory=list)
    idle: float = 0.0
    key_cpu: float = 0.0
    tick_cpu: float = 0.0


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
    truths = [replace(one, user_text=_words(n)) for n, one in enumerate(many(turns + NEW_TURNS))]
    seconds = sum(truth.seconds + PAUSE for truth in truths)
    caller = Caller(began=time.time() - seconds)
    caller.begin()
    so_far, to_come = folder / "so-far", folder / "to-come"
    at = _write(caller, truths[:turns], 0.5, so_far)
    _write(caller, truths[turns:], at, to_come)
    return so_far, to_come


def _show(turns: int, stack: ExitStack) -> _VoiceViewer:
    """Open a viewer, let it take in a call, and put the cursor on its last turn."""
    folder = stack.enter_context(TemporaryDirectory())
    terminal, url = stack.enter_context(live())
    so_far, to_come = _calls(turns, Path(folder))
    first = stack.enter_context(Client(url, "--from", str(so_far), "--hold"))
    rate = ("--per-frame", "1", "--rate", str(NEW_A_SECOND))
    second = stack.enter_context(Client(url, "--from", str(to_come), *rate, "--hold"))
    first.go()
    first.sent()
    terminal.wait_for(_words(turns - 1), timeout=60)
    wait_idle(terminal)
    since = terminal.position
    # The newest is followed at first; a step up ends that.
    terminal.press("kG")
    terminal.wait_for(_words(turns - 1), since=since, timeout=5)
    wait_idle(terminal)
    return _VoiceViewer(turns, terminal, second)


def _steps(turns: int) -> Iterator[tuple[str, int]]:
    """Keys to and fro over the last turns, and the turn that each leads to."""
    up = [("k", turns - 2 - n) for n in range(WALK - 1)]
    down = [("j", turns - WALK + 1 + n) for n in range(WALK - 1)]
    return itertools.cycle([*up, *down])


def _walk(viewers: Sequence[_VoiceViewer]) -> None:
    """Take the time of presses in turn in each viewer, so that all sizes meet the same machine."""
    chance = random.Random(1)
    walks = [(viewer, _steps(viewer.turns)) for viewer in viewers]
    for _ in range(PRESSES):
        for viewer, walk in chance.sample(walks, len(walks)):
            key, number = next(walk)
            since = viewer.terminal.position
            pressed = viewer.terminal.press(key)
            shown_at = viewer.terminal.wait_for(_words(number), since=since, timeout=5)
            viewer.keys.append((shown_at - pressed) * 1000)
            time.sleep(0.1 + chance.random() * 0.05)  # longer than the detail waits, in step with no timer


def _key_cpu(viewer: _VoiceViewer) -> float:
    """Milliseconds of CPU a press, its row, the tree's cursor and the detail included."""
    terminal = viewer.terminal
    began, used = time.perf_counter(), terminal.cpu_seconds()
    for key, _ in itertools.islice(_steps(viewer.turns), HELD):
        terminal.press(key)
        time.sleep(BETWEEN_KEYS)  # a person's pace: faster presses share a frame
    time.sleep(0.5)  # what the last press set off counts, too
    seconds = time.perf_counter() - began
    return max(0.0, terminal.cpu_seconds() - used - viewer.idle * seconds) * 1000 / HELD


def _tick_cpu(viewer: _VoiceViewer) -> float:
    """Milliseconds of CPU a tick while turns are added to the call."""
    terminal = viewer.terminal
    began, used = time.perf_counter(), terminal.cpu_seconds()
    viewer.to_come.go()
    viewer.to_come.sent()
    seconds = time.perf_counter() - began
    used = terminal.cpu_seconds() - used - viewer.idle * seconds
    terminal.wait_for(f"{viewer.turns + NEW_TURNS:,} turns", timeout=10)
    return max(0.0, used) * 1000 / (seconds * TICKS_A_SECOND)


def _figures(viewer: _VoiceViewer) -> dict[str, float]:
    return {
        "key to frame p50": median(viewer.keys),
        "key to frame p99": percentile(viewer.keys, 99),
        "CPU a key": viewer.key_cpu,
        "CPU a second while silent": viewer.idle * 1000,
        f"CPU a tick, {NEW_A_SECOND} new turns/s": viewer.tick_cpu,
    }


def measure() -> Iterator[Row]:
    """Each size beside the smallest of the same run."""
    with ExitStack() as stack:
        viewers = [_show(turns, stack) for turns in SIZES]
        _walk(viewers)
        for viewer in viewers:
            viewer.idle = share_of_core(viewer.terminal)
            viewer.key_cpu = _key_cpu(viewer)
            viewer.tick_cpu = _tick_cpu(viewer)
    least = _figures(viewers[0])
    for viewer in viewers:
        first = viewer is viewers[0]
        for what, value in _figures(viewer).items():
            yield Row(
                f"voice call, {viewer.turns:,} turns, {what}",
                value,
                "ms",
                "" if first or not what.endswith("p50") else f"as with {SIZES[0]}",
                "" if first else f"{SIZES[0]} turns",
                None if first else least[what],
                done=Done(len(viewer.keys), "rows seen under the cursor", PRESSES),
                may_be_zero="silent" in what,
            )
