"""`watch`: one line for whatever system an agent is built on."""

from __future__ import annotations

from typing import Any

from etaoi_tui.sdk.bridges.registry import find_bridges


def watch(target: Any, **options: Any) -> Any:
    """Show what an object does in the viewer, from now on and until ``detach`` of the handle.

    Args:
        target: a ``voxagent.Agent``, a ``loomcycle.LoomcycleClient``, an EventBus of Hive, a LiveKit
            ``AgentSession``, or anything that `attach` takes.
        options: those of `attach` (``server_url``, ``sink``, ``session_id``, ``user_id``, ``redact`` ...). An
            EventBus takes ``history=False`` as well, to leave out what happened before.

    Returns:
        A handle with ``detach()``, ``flush()``, ``stats`` and ``sink``; also a context manager that detaches.

    Raises:
        TypeError: nothing here knows such an object; the message names what is supported.
        RuntimeError: it is watched already, with another destination.
        ValueError: ``sink`` is text that names none.
    """
    bridges = find_bridges()
    for bridge in bridges:
        if bridge.claims(target):
            return bridge.watch(target, options)
    kind = type(target)
    raise TypeError(
        f"watch() cannot watch {'None' if target is None else f'a {kind.__module__}.{kind.__qualname__}'}. "
        f"It takes {', '.join(bridge.name for bridge in bridges)}."
    )
