"""Runs scenarios against the API with the SDK attached: a recording and a bill for each."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import etaoi_tui
from tests.providers.api.server import ModelApi

MODES = ("invoke", "stream", "ainvoke", "astream")

Scenario = Callable[["Stage"], Any]


class Stage:
    """What a scenario gets: an API of its own, and a recording.

    Args:
        api: The model API.
        recording: The file that is recorded into.
    """

    def __init__(self, api: ModelApi, recording: Path) -> None:
        self.api = api
        self._recording = recording
        self._handles: list[Any] = []

    def watch(self, target: Any) -> Any:
        """Attach to a model or an agent, and return it."""
        self._handles.append(etaoi_tui.attach(target, sink=str(self._recording)))
        return target

    def done(self) -> None:
        """Write out what is left."""
        for handle in self._handles:
            handle.flush(10)
            handle.detach()


def ask(target: Any, mode: str, question: Any = "hi") -> str:
    """Ask a model or an agent; returns what came back, or what was raised."""
    try:
        if mode == "invoke":
            return repr(target.invoke(question))
        if mode == "stream":
            return repr(list(target.stream(question)))
        return asyncio.run(_ask(target, mode, question))
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"


async def _ask(target: Any, mode: str, question: Any) -> str:
    if mode == "ainvoke":
        return repr(await target.ainvoke(question))
    return repr([piece async for piece in target.astream(question)])


def play_all(scenarios: dict[str, Scenario], folder: Path, names: list[str]) -> None:
    """Play scenarios, and write ``NAME.msgpack`` and ``NAME.json`` for each."""
    for name, scenario in scenarios.items():
        if names and name not in names:
            continue
        with ModelApi() as api:
            stage = Stage(api, folder / f"{name}.msgpack")
            outcome = scenario(stage)
            stage.done()
            report = {
                "bills": [dataclasses.asdict(bill) for bill in api.bills],
                "requests": len(api.requests),
                "outcome": outcome,
            }
        (folder / f"{name}.json").write_text(json.dumps(report, default=repr))


def main(scenarios: dict[str, Scenario]) -> None:
    """Play what the command line names: a folder, then names of scenarios, or none for all."""
    play_all(scenarios, Path(sys.argv[1]), sys.argv[2:])
