"""CPU time of the real viewer in a pty: its main thread's, less what it uses while nothing is asked of it."""

from __future__ import annotations

import time
from itertools import cycle, islice

from benchmarks.terminal import Terminal

FRAME_END = b"\x1b[?2026l"
"""Ends a synchronized update, which a frame is."""
BETWEEN_KEYS = 0.05
DREW = 0.8
"""Share of the presses that must have led to a frame; on a busy machine two may share one."""


def wait_idle(terminal: Terminal, timeout: float = 120.0) -> None:
    """Wait until the program does little for three half seconds in a row.

    Raises:
        TimeoutError: it goes on and on.
    """
    deadline = time.perf_counter() + timeout
    calm = 0
    cpu_before = terminal.cpu_seconds_all()
    while calm < 3:
        if time.perf_counter() > deadline:
            raise TimeoutError("the program did not come to rest")
        time.sleep(0.5)  # the stretch over which the CPU time is taken
        now = terminal.cpu_seconds_all()
        calm = calm + 1 if now - cpu_before < 0.1 else 0
        cpu_before = now


def share_of_core(terminal: Terminal, seconds: float = 2.0) -> float:
    """The main thread's share of a core while nothing is asked of it: spinners, clocks."""
    began, used = time.perf_counter(), terminal.cpu_seconds()
    time.sleep(seconds)  # the stretch that is measured
    return (terminal.cpu_seconds() - used) / (time.perf_counter() - began)


def key_ms(terminal: Terminal, *keys: str, presses: int) -> tuple[float, int]:
    """Milliseconds of CPU a press, idle use left out, and how many frames were seen; keys take turns.

    Raises:
        RuntimeError: the presses did not lead to frames.
    """
    idle = share_of_core(terminal)
    position = terminal.position
    began, used = time.perf_counter(), terminal.cpu_seconds()
    for key in islice(cycle(keys), presses):
        terminal.press(key)
        time.sleep(BETWEEN_KEYS)  # a person's pace: faster presses share a frame
    time.sleep(0.3)  # what the last press set off counts, too
    seconds, used = time.perf_counter() - began, terminal.cpu_seconds() - used
    frames = terminal.written(position).count(FRAME_END)
    if frames < presses * DREW:
        raise RuntimeError(f"{presses} presses of {keys} led to {frames} frames")
    return max(0.0, used - min(idle, share_of_core(terminal)) * seconds) * 1000 / presses, frames
