"""What following a voice call costs on its audio loop."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.report import Row, percentile
from tests.livekit.told import environment
from tests.real_env import ROOT

_DRIVER = Path(__file__).parent / "livekit_driver.py"
_NOT_OURS = ("collected garbage", "was taken off the processor", "waited for another thread")
"""Callbacks into which something else fell, which may hit any line of the program."""


def measure() -> Iterator[Row]:
    """Time each callback in real AgentSessions of the newest livekit-agents.

    Raises:
        RuntimeError: the driver failed; its output is in the message.
    """
    told = _taken()
    taken, processor = told["wall"], told["processor"]
    attached, alone = taken.pop("emit, attached"), taken.pop("emit, alone")
    aside = {name: taken.pop(name, []) for name in _NOT_OURS}
    every = [one for times in taken.values() for one in times]
    worked = [one for times in processor.values() for one in times]
    for name, times in sorted(taken.items()):
        if len(times) >= 20:
            yield Row(f"voice: {name} ({len(times):,})", percentile(times, 50) * 1e6, "us", "<= 50 us")
    yield Row(f"voice: all callbacks ({len(every):,}), p50", percentile(every, 50) * 1e6, "us", "<= 50 us")
    yield Row("voice: all callbacks, p99", percentile(every, 99) * 1e6, "us")
    yield Row(
        "voice: one event through emit, attached",
        percentile(attached, 50) * 1e6,
        "us",
        beside="not attached",
        reference=percentile(alone, 50) * 1e6,
    )
    slowest = max(processor, key=lambda name: max(processor[name]))
    yield Row(f"voice: slowest in processor time, {slowest}", max(worked) * 1e6, "us", "<= 1,000 us")
    slowest = max(taken, key=lambda name: max(taken[name]))
    yield Row(f"voice: slowest that kept the processor, {slowest}", max(every) * 1e6, "us", "<= 1,000 us")
    for name, times in aside.items():
        yield Row(f"voice: slowest that {name} ({len(times)})", max(times, default=0.0) * 1e6, "us")


def _taken() -> dict[str, dict[str, list[float]]]:
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
