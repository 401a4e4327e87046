"""Scenarios of the drivers, run against real packages: once per package, version and mode."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.bridges.trees import Forest
from tests.real_env import ROOT, real_env

DRIVERS = Path(__file__).parent / "drivers"
RUNTIME = ("msgspec>=0.19", "msgpack>=1.0.8", "RestrictedPython>=7")
VERSIONS = {
    "voxagent": {"oldest": "voxagent==0.1.0", "newest": "voxagent>=0.2.5,<0.3"},
    "loomcycle": {"oldest": "loomcycle==0.8.0", "newest": "loomcycle>=1.124"},
}


@functools.cache
def played(package: str, version: str, mode: str) -> dict[str, dict[str, Any]]:
    """Run all scenarios of a package; returns the result of each, by its name."""
    python = real_env(f"bridge-{package}-{version}", VERSIONS[package][version], *RUNTIME)
    done = subprocess.run(
        [str(python), str(DRIVERS / f"{package}_scenarios.py"), "all", mode],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "collector"))),
            "ETAOI_DISABLED": "",
        },
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    problems = [
        line for line in done.stderr.splitlines() if line.startswith("etaoi-tui:") and " failed: " in line
    ]
    assert not problems, problems
    return {result["scenario"]: result for result in map(json.loads, done.stdout.splitlines())}


def forest(package: str, version: str, scenario: str) -> Forest:
    """What was recorded of a scenario."""
    return Forest(played(package, version, "watched")[scenario]["events"])


def check_that_all_end_alike(package: str, version: str, scenario: str) -> None:
    """Bare, watched, and watched with a sink that raises: same results, exceptions, order and output."""
    bare = played(package, version, "bare")[scenario]
    assert bare["outcome"] or bare["stdout"], "a scenario that tells nothing proves nothing"
    for mode in ("watched", "raising"):
        played_result = played(package, version, mode)[scenario]
        assert played_result["outcome"] == bare["outcome"], mode
        assert played_result["stdout"] == bare["stdout"], mode
