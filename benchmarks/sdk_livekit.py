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


def measure() -> Iterator[Row]:
    """Time each callback in real AgentSessions of the newest livekit-agents.

    Raises:
        RuntimeError: the driver failed; its output is in the message.
    """
    taken = _taken()
    attached, alone = taken.pop("emit, attached"), taken.pop("emit, alone")
    processor, collecting = taken.pop("processor"), taken.pop("collecting", [0.0])
    every = [one for times in taken.values() for one in times]
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
    yield Row("voice: slowest of all, processor time", max(processor) * 1e6, "us", "<= 1,000 us")
    yield Row(
        f"voice: slowest with a garbage collection inside ({len(collecting)})", max(collecting) * 1e6, "us"
    )
    slowest = max(taken, key=lambda name: max(taken[name]))
    yield Row(f"voice: slowest of all, {slowest}", max(every) * 1e6, "us", "<= 1,000 us")


def _taken() -> dict[str, list[float]]:
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
        times: dict[str, list[float]] = json.loads(out.read_text())
        return times
