"""Clients of loomcycle."""

from __future__ import annotations

from typing import Any

from etaoi_tui.sdk.bridge_support.handle import open_bridge
from etaoi_tui.sdk.bridges.door import Bridge, is_instance


class LoomcycleBridge(Bridge):
    """Watches a ``loomcycle.LoomcycleClient``."""

    name = "a loomcycle LoomcycleClient"

    def claims(self, target: Any) -> bool:
        """Whether it is a client of loomcycle."""
        return is_instance(target, "loomcycle.client", "LoomcycleClient")

    def watch(self, target: Any, options: dict[str, Any]) -> Any:
        """Show its runs."""
        from etaoi_tui.sdk.loomcycle.client import watch_client

        return open_bridge(target, options, lambda tracer: watch_client(target, tracer))


BRIDGE = LoomcycleBridge
