"""Runs one scenario bare, watched, or watched with a sink that raises, and writes down how it ended.

Drivers run in environments of their own, with the project's folders on the path:

    python DRIVER.py BRIDGE SCENARIO MODE  ->  one JSON line on the real stdout

``{"outcome": what the scenario reported, "stdout": what it printed, "events": what was recorded}``
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from etaoi_tui.sdk.transport.local import InMemorySink
from etaoi_tui.sdk.watch import watch

MODES = ("bare", "watched", "raising")


class RaisingSink:
    """A sink that never takes anything."""

    def emit(self, envelope: dict[str, Any]) -> None:
        raise RuntimeError("this sink is broken")


class Stage:
    """What a scenario works with: it asks for targets to be watched, and tells what happened."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.outcome: list[Any] = []
        self.handles: list[Any] = []
        self.sink: Any = RaisingSink() if mode == "raising" else InMemorySink()

    def watch(self, target: Any, **options: Any) -> Any:
        """Watch a target, unless this is the bare run."""
        if self.mode == "bare":
            return None
        handle = watch(target, sink=self.sink, session_id="test", **options)
        self.handles.append(handle)
        return handle

    def tell(self, what: Any) -> None:
        """Write down something that must be the same in all three runs."""
        self.outcome.append(what)

    async def ends(self, name: str, work: Awaitable[Any]) -> None:
        """Write down how some work ended: its result or its exception."""
        try:
            self.tell([name, "returned", without_volatile(await work)])
        except BaseException as error:
            self.tell([name, "raised", type(error).__name__, str(error)])
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise

    def events(self) -> list[dict[str, Any]]:
        """What was recorded."""
        return self.sink.events if isinstance(self.sink, InMemorySink) else []


def classes_of(*targets: Any) -> dict[str, dict[str, Any]]:
    """What the classes of some objects consist of: watching an object must touch none of it."""
    return {
        kind.__qualname__: dict(vars(kind))
        for target in targets
        for kind in type(target).__mro__
        if kind.__module__ not in ("builtins", "abc", "typing")
    }


def without_volatile(value: Any) -> Any:
    """A result as JSON, without what differs from run to run."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, dict):
        volatile = ("run_id", "timestamp", "execution_time_ms")
        return {key: without_volatile(item) for key, item in value.items() if key not in volatile}
    if isinstance(value, (list, tuple)):
        return [without_volatile(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str) and value.startswith("ephemeral-"):
        return "ephemeral-"
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def main(scenarios: dict[str, Callable[[Stage], Any]]) -> None:
    """Run the scenarios named on the command line in one mode; ``all`` runs each."""
    names, mode = sys.argv[1].split(","), sys.argv[2]
    if names == ["all"]:
        names = list(scenarios)
    real = sys.stdout
    for name in names:
        stage = Stage(mode)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            scenario = scenarios[name]
            if asyncio.iscoroutinefunction(scenario):
                asyncio.run(asyncio.wait_for(scenario(stage), 30))
            else:
                scenario(stage)
        events = stage.events()
        for handle in stage.handles:
            handle.detach()
        result = {"scenario": name, "outcome": stage.outcome, "stdout": printed.getvalue(), "events": events}
        real.write(json.dumps(result, default=str) + "\n")
        real.flush()
