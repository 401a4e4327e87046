"""Runs scenes with the real etaoi SDK attached. Runs in its own environment, from the project's folder.

    python -m tests.xray.under_etaoi URL OUTPUT LOG SCENE...

A scene is a name, ``name:async``, or ``crowd``. OUTPUT gets a JSON line each: ``{scene,
session_id, got, result}``; LOG what was sent (see tests/real/drivers/tap.py).
"""

from __future__ import annotations

import asyncio
import json
import sys

import etaoi

from tests.real.drivers.tap import tap
from tests.xray.models import plain_message
from tests.xray.scenes import SCENES, Scene, crowd, questions


def run(url: str, name: str) -> dict[str, object]:
    """Record one scene in a session of its own; return what is known of it from outside."""
    scene = (crowd if name == "crowd" else SCENES[name.partition(":")[0]])(etaoi.instrument)
    handle = etaoi.attach(scene.agent, server_url=url, session_id=name)
    result: dict[str, list[object]] = {}
    try:
        if name == "crowd":
            asyncio.run(all_at_once(scene))
        elif name.endswith(":async"):
            result = asyncio.run(scene.agent.ainvoke(scene.ask))
        else:
            result = scene.agent.invoke(scene.ask)
    finally:
        handle.detach()
    returned = [plain_message(message) for message in result.get("messages", ())]
    return {
        "scene": name,
        "session_id": str(handle.session_id),
        "received": scene.received,
        "result": returned,
    }


async def all_at_once(scene: Scene) -> None:
    """Run a crowd."""
    await asyncio.gather(*(scene.agent.ainvoke(ask) for ask in questions()))


if __name__ == "__main__":
    url, output, log, *names = sys.argv[1:]
    tap(log)
    with open(output, "w") as file:
        for name in names:
            file.write(json.dumps(run(url, name), default=repr) + "\n")
