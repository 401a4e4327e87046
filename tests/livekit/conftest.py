"""Runs each scenario once, the ones that mostly wait next to each other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.livekit.told import Told, environment, start

PLACES = {
    **dict.fromkeys(("call", "troubles", "preemptive", "text", "late", "hostile"), "scenarios.py"),
    **dict.fromkeys(("graph_after_voice", "voice_after_graph", "chain_in_tool", "both"), "more.py"),
    **dict.fromkeys(("driven", "flaky_model", "twice", "job", "no_prompts"), "more.py"),
}
ON_OLDEST = ("call", "text", "late")


@pytest.fixture(scope="session")
def told() -> Callable[..., Told]:
    """Return what a scenario told: ``told("call")``, or ``told("call", "oldest")``.

    The first use starts all of them: they are calls in real time, which wait more than they work.
    """
    runs: dict[tuple[str, str], Future[Told]] = {}

    def run(version: str, name: str) -> Told:
        return start(version, PLACES[name], name)()

    def ask(name: str, version: str = "newest") -> Told:
        if not runs:
            environment("newest")
            environment("oldest")
            pool = ThreadPoolExecutor(4)
            order: list[tuple[str, str]] = [("newest", one) for one in PLACES]
            order += [("oldest", one) for one in ON_OLDEST]
            for key in order:
                runs[key] = pool.submit(run, *key)
            pool.shutdown(wait=False)
        return runs[(version, name)].result(timeout=280)

    return ask
