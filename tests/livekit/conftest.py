"""Runs each scenario once, the ones that mostly wait next to each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.livekit.told import PLACES, Told, ask, prepare

ON_OLDEST = ("call", "troubles", "text", "late", "measured")


@pytest.fixture(scope="session")
def told() -> Callable[..., Told]:
    """Return what a scenario told: ``told("call")``, or ``told("call", "oldest")``.

    The first use starts all of them: they are calls in real time, which wait more than they work.
    """

    def tell(name: str, version: str = "newest") -> Told:
        prepare(("newest", one, "ours") for one in PLACES if one != "their_graph")
        prepare(("oldest", one, "ours") for one in ON_OLDEST)
        return ask(version, name)

    return tell
