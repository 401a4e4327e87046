"""What watching costs voxagent, loomcycle and an EventBus, per event.

Each is timed against itself unwatched, in the same process and alternately; models and tools take no time, so
the ratios are the worst there can be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.report import Done, Row
from tests.bridges.real import DRIVERS, RUNTIME, VERSIONS
from tests.real_env import ROOT, real_env

_DRIVER = Path(__file__).with_name("bridge_driver.py")


def _timed(system: str) -> dict[str, list[float]]:
    python = sys.executable
    if system in VERSIONS:
        python = str(real_env(f"bridge-{system}-newest", VERSIONS[system]["newest"], *RUNTIME))
    path = os.pathsep.join((str(ROOT), str(ROOT / "collector"), str(DRIVERS)))
    done = subprocess.run(
        [python, str(_DRIVER), system],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "ETAOI_DISABLED": ""},
    )
    if done.returncode:
        raise RuntimeError(f"{_DRIVER.name} {system} failed:\n{done.stderr[-2_000:]}")
    results: dict[str, list[float]] = json.loads(done.stdout)
    return results


def measure() -> Iterator[Row]:
    """Microseconds of the agent's thread that watching adds to an event, beside what it costs by itself."""
    for system in ("voxagent", "loomcycle", "eventbus"):
        for what, (bare, watched, event_count) in _timed(system).items():
            yield Row(
                f"{system}: watching adds to {what}",
                watched - bare,
                "us",
                "",
                "the event itself",
                bare,
                done=Done(round(event_count), "events written by the SDK"),
                may_be_zero=True,
            )
