"""Runs each scenario once, the ones that mostly wait next to each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.livekit.recorded_run import DRIVER_OF, RecordedRun, prepare, run_once

ON_OLDEST = ("call", "troubles", "text", "late", "measured")


@pytest.fixture(scope="session")
def run_scenario() -> Callable[..., RecordedRun]:
    """Return the recorded run of a scenario: ``run_scenario("call")``, or ``run_scenario("call", "oldest")``.

    The first use starts all of them: they are calls in real time, which wait more than they work.
    """

    def run(name: str, version: str = "newest") -> RecordedRun:
        prepare(("newest", one, "ours") for one in DRIVER_OF if one != "their_graph")
        prepare(("oldest", one, "ours") for one in ON_OLDEST)
        return run_once(version, name)

    return run
