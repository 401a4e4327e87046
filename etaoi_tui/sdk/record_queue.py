"""What tracers know of the pipeline that takes their records, so that neither needs the other's module."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from etaoi_tui.sdk.stats import Stats


class RecordQueue(Protocol):
    """Takes records from any thread and sends them from its own; the transport's `Pipeline` is one."""

    queue: deque[Any]
    """Records that wait; filled without a lock."""
    soft: int
    """Records from which on some may have to go."""
    asleep: bool
    """Whether the sender waits to be woken."""
    key: Hashable
    """The destination; tracers with the same one share a queue."""

    @property
    def sink(self) -> Any:
        """The user's own sink, if it sends to one."""

    def put(self, record: Any) -> None:
        """Take a record."""

    def shed_load(self, record: Any) -> bool:
        """Make room for a record; False when it has to go itself."""

    def lose_text(self, record: Any) -> None:
        """Count streamed text that was not taken."""

    def wake(self) -> None:
        """Let the sender look."""

    def stats(self) -> Stats:
        """Return the counts as they are now."""

    def flush(self, timeout: float = 0.5) -> bool:
        """Wait until all that was put so far has left."""

    def retain(self) -> Self:
        """Count one more user."""

    def release(self, timeout: float = 0.5) -> None:
        """Count one user less; the last one closes it."""

    def finish(self, timeout: float = 0.5) -> None:
        """Flush and close."""

    def send_at_once(self, timeout: float) -> None:
        """Flush, and let what comes later leave at once."""

    def after_fork(self) -> None:
        """Begin anew in a child process."""
