"""Which SDK follows a call, and how a driver runs a scenario."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fakes import World

Scenario = Callable[[World], Awaitable[dict[str, Any]]]


class ReferenceSink:
    """A sink of the reference SDK that keeps what it gets."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def emit(self, envelope: Any) -> None:
        """Keep an envelope's events."""
        self.events.extend(event.model_dump(mode="json") for event in envelope.batch)


def follow(world: World, session: Any, **options: Any) -> tuple[Any, Callable[[], list[Any]]]:
    """Let the SDK that this run is about follow a session.

    Returns:
        Its handle, and what gives its events so far.
    """
    if world.reference:
        import etaoi

        reference_sink = ReferenceSink()
        return etaoi.attach_session(session, sink=reference_sink, **options), lambda: reference_sink.events
    import etaoi_tui
    from etaoi_tui.sdk.transport.local import InMemorySink

    sink = InMemorySink()
    return etaoi_tui.attach_session(session, sink=sink, **options), lambda: sink.events


async def _run(scenario: Scenario, *, reference: bool) -> dict[str, Any]:
    world = World(reference=reference)
    watch = asyncio.create_task(world.watch_lag())
    try:
        async with asyncio.timeout(60):
            result = await scenario(world)
    finally:
        watch.cancel()
    return {**result, "log": world.log, "lag": world.lag}


def main(scenarios: Mapping[str, Scenario]) -> None:
    """Run the scenario that the command line names."""
    name, out, *rest = sys.argv[1:]
    result = asyncio.run(_run(scenarios[name], reference=rest == ["reference"]))
    with open(out, "w") as file:
        json.dump(result, file, default=str)
