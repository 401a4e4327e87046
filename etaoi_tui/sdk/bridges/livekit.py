"""Voice sessions of LiveKit."""

from __future__ import annotations

from typing import Any

from etaoi_tui.sdk.bridges.door import Bridge, is_instance


class LiveKitBridge(Bridge):
    """Watches a LiveKit ``AgentSession``, as `etaoi_tui.attach_session` does."""

    name = "a LiveKit AgentSession"

    def claims(self, target: Any) -> bool:
        """Whether it is a session of livekit-agents."""
        return is_instance(target, "livekit.agents", "AgentSession")

    def watch(self, target: Any, options: dict[str, Any]) -> Any:
        """Show the call."""
        from etaoi_tui.sdk.livekit.attach import attach_session

        return attach_session(target, **options)


BRIDGE = LiveKitBridge
