"""Gives memory that nobody uses back to the system.

What is freed stays with the C library. Once large blocks have come and gone glibc keeps up to 64 MiB for
each thread at the end of its heap, which ``malloc_trim`` leaves alone, and more where the heap has holes: a
message of a hundred megabytes would be paid for as long as the process lives.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

LARGE = 1 << 20
"""Bytes of a message, compressed ones as they come, from which on what it took is given back."""
AFTER = 1.0
"""Seconds after the newest large message: those that come one after the other use the same memory."""
LONGEST = 64.0
"""Seconds between two looks while arrivals wait for a slow reader: what it frees later leaves holes, too."""
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
"""Parameters of ``mallopt(3)``, as ``malloc.h`` of glibc numbers them."""
TRIM_THRESHOLD = 1 << 20
"""Bytes of free memory that a heap may keep at its end."""
MMAP_THRESHOLD = 1 << 20
"""Bytes of a block from which on it is mapped by itself: one that grows is moved, and not there twice."""


def keep_little() -> bool:
    """Have the C library keep little at the ends of its heaps, for the rest of this process.

    Returns:
        False where it cannot be asked to (only glibc can).
    """
    try:
        import ctypes  # hardly ever needed

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD) and mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD))


def give_back() -> bool:
    """Give free memory back; a quarter of a millisecond a MiB, in which other threads run.

    Returns:
        False where the C library cannot be asked to (only glibc can).
    """
    try:
        import ctypes  # hardly ever needed

        trim = ctypes.CDLL(None).malloc_trim
    except (ImportError, AttributeError, OSError, TypeError):
        return False
    trim(0)
    return True


class FreeMemory:
    """Gives memory back when large messages have been handled. All calls come from the event loop.

    Args:
        loop: The event loop, which does not wait for it.
        waiting: How many arrivals the reader has not taken yet.
        after: Seconds after the newest of them.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, waiting: Callable[[], int], after: float = AFTER
    ) -> None:
        self._loop = loop
        self._arrivals_waiting = waiting
        self._after = after
        self._waiting: asyncio.TimerHandle | None = None
        keep_little()

    def handled(self, size: int) -> None:
        """Note that a message was handled, and let go of.

        Args:
            size: Its bytes.
        """
        if size < LARGE:
            return
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self._loop.call_later(self._after, self._give_back, self._after)

    def close(self) -> None:
        """The loop ends."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_back(self, waited: float) -> None:
        self._waiting = None
        if self._arrivals_waiting():
            later = min(2 * waited, LONGEST)
            self._waiting = self._loop.call_later(later, self._give_back, later)
        threading.Thread(target=give_back, name="etaoi-free-memory", daemon=True).start()
