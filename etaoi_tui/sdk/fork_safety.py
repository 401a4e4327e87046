"""Late imports on our own threads, made safe for programs that fork.

A child that is forked while another thread imports a module inherits that module's lock, locked for ever. So
a fork waits for the end of such an import: once in a process, about 100 ms at most.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

_importing = threading.Lock()
_held_for_fork = False
_LONGEST_WAIT = 2.0


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Hold off forks while the ``with`` block imports something."""
    with _importing:
        yield


def _before_fork() -> None:
    global _held_for_fork
    _held_for_fork = _importing.acquire(timeout=_LONGEST_WAIT)


def _after_fork() -> None:
    global _held_for_fork
    if _held_for_fork:
        _held_for_fork = False
        _importing.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
