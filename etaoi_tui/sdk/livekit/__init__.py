"""LiveKit voice agents: `attach_session` shows a call while it happens."""

from __future__ import annotations

from etaoi_tui.sdk.livekit.attach import SessionHandle, attach_session

__all__ = ["SessionHandle", "attach_session"]
