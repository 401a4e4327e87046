"""Event buses of Hive, and whatever has their methods."""

from __future__ import annotations

from typing import Any

from etaoi_tui.sdk.bridge_support.handle import open_bridge
from etaoi_tui.sdk.bridges.door import Bridge


class EventBusBridge(Bridge):
    """Watches an agent ``EventBus``. Takes ``history=False`` as well, to leave out what happened before."""

    name = "a Hive EventBus"

    def claims(self, target: Any) -> bool:
        """Whether it has the methods of Hive's EventBus."""
        return not isinstance(target, type) and all(
            callable(getattr(target, name, None)) for name in ("publish", "subscribe", "get_history")
        )

    def watch(self, target: Any, options: dict[str, Any]) -> Any:
        """Show its executions."""
        from etaoi_tui.sdk.hive.eventbus import watch_bus

        history, one_session = options.pop("history", True), options.get("session_id") is not None
        return open_bridge(
            target,
            options,
            lambda tracer: watch_bus(target, tracer, history=history, one_session=one_session),
        )


BRIDGE = EventBusBridge
