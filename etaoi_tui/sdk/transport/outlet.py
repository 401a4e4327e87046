"""Where encoded events go: what the pipeline asks of a file, a socket or a user's own sink."""

from __future__ import annotations

from typing import Any, Protocol

from etaoi_tui.sdk.known_values import KnownValues
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.transport.losses import Losses
from etaoi_tui.sdk.transport.send_queue import EncodedEvent


class Outlet(Protocol):
    """Where encoded events go. Called on the sender's thread, but for `settle` and `close`."""

    sink: Any
    """What a user sees of it."""

    @property
    def values(self) -> KnownValues | None:
        """What events may refer to; None where everything is said whole."""

    def start(self) -> None:
        """Start threads of its own; called with the first event, and when threads were replaced since."""
        ...

    def await_room(self) -> None:
        """Wait while it is full and somebody empties it."""
        ...

    def deliver(self, entries: list[EncodedEvent]) -> None:
        """Take entries on; must not block for long and must not raise."""
        ...

    def idle(self) -> float | None:
        """Do what is due without new entries; returns in how many seconds to be called again, or None."""
        ...

    def dropped(self, losses: Losses) -> None:
        """Learn what was dropped before it was encoded."""
        ...

    def settle(self, timeout: float) -> bool:
        """Wait until all that was delivered has left; False at once when nobody is there to take it."""
        ...

    def close(self) -> None:
        """Let go of files, sockets and threads."""
        ...

    def after_fork(self) -> None:
        """Forget what belongs to the parent process."""
        ...

    def fill(self, stats: Stats) -> None:
        """Add what only the outlet knows."""
        ...
