"""What following a voice call costs on its audio loop."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.report import Done, Row, percentile
from tests.livekit.recorded_run import environment
from tests.real_env import ROOT

_DRIVER = Path(__file__).parent / "livekit_driver.py"
_NOT_OURS = ("collected garbage", "was taken off the processor", "waited for another thread")
"""Callbacks into which something else fell, which may hit any line of the program."""


def measure() -> Iterator[Row]:
    """Time each callback in real AgentSessions of the newest livekit-agents.

    Raises:
        RuntimeError: the driver failed; its output is in the message.
    """
    report = _measured_durations()
    durations, processor = report["wall"], report["processor"]
    attached, alone = durations.pop("emit, attached"), durations.pop("emit, alone")
    aside = {name: durations.pop(name, []) for name in _NOT_OURS}
    every = [one for times in durations.values() for one in times]
    worked = [one for times in processor.values() for one in times]
    for name, times in sorted(durations.items()):
        if len(times) >= 20:
            done = Done(len(times), "callbacks")
            yield Row(f"voice: {name}", percentile(times, 50) * 1e6, "us", "<= 50 us", done=done)
    done = Done(len(every), "callbacks")
    yield Row("voice: all callbacks, p50", percentile(every, 50) * 1e6, "us", "<= 50 us", done=done)
    yield Row("voice: all callbacks, p99", percentile(every, 99) * 1e6, "us", done=done)
    yield Row(
        "voice: one event through emit, attached",
        percentile(attached, 50) * 1e6,
        "us",
        beside="not attached",
        reference=percentile(alone, 50) * 1e6,
        done=Done(len(attached), "events emitted"),
    )
    for what, by_name, all_times in (
        ("in processor time", processor, worked),
        ("that kept the processor", durations, every),
    ):
        slowest = max(by_name, key=lambda name: max(by_name[name]))
        done = Done(len(all_times), f"callbacks, the slowest was {slowest}")
        yield Row(f"voice: slowest {what}", max(all_times) * 1e6, "us", "<= 1,000 us", done=done)
    for name, times in aside.items():
        done = Done(len(times), "callbacks", 0)
        slowest_us = max(times, default=0.0) * 1e6
        yield Row(f"voice: slowest that {name}", slowest_us, "us", done=done, may_be_zero=True)


def _measured_durations() -> dict[str, dict[str, list[float]]]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "times.json"
        done = subprocess.run(
            [str(environment("newest")), str(_DRIVER), str(out)],
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'collector'}"},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the voice driver failed:\n{done.stderr[-2000:]}")
        times: dict[str, dict[str, list[float]]] = json.loads(out.read_text())
        return times
