"""The pipelines of this process: shared by destination, flushed at its end, begun anew after a fork."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etaoi_tui.sdk.record_queue import RecordQueue

EXIT_SECONDS = 2.0
"""How long the end of a process waits for a viewer that is there; without one it waits for nothing."""

_alive: weakref.WeakSet[RecordQueue] = weakref.WeakSet()
_shared: dict[Hashable, RecordQueue] = {}
_lock = threading.Lock()


def add_pipeline(pipeline: RecordQueue) -> None:
    """Remember a pipeline, for the end of the process and for forks."""
    _alive.add(pipeline)


def remove_pipeline(pipeline: RecordQueue) -> None:
    """Forget a pipeline that was closed."""
    _alive.discard(pipeline)
    if _shared.get(pipeline.key) is pipeline:
        _shared.pop(pipeline.key, None)


def shared_pipeline(key: Hashable) -> RecordQueue | None:
    """Return the open pipeline to the same destination, counted as used once more."""
    with _lock:
        pipeline = _shared.get(key)
        return pipeline.retain() if pipeline is not None else None


def share_pipeline(pipeline: RecordQueue) -> None:
    """Let others with the same key find it."""
    with _lock:
        _shared[pipeline.key] = pipeline


def finish_all(timeout: float = EXIT_SECONDS) -> None:
    """Flush and close every pipeline of this process: nothing more will be recorded in it."""
    deadline = time.monotonic() + timeout
    for pipeline in list(_alive):
        pipeline.finish(max(0.02, deadline - time.monotonic()))


def flush_at_exit() -> None:
    """Flush every pipeline, and let what the program's later exit handlers record leave at once."""
    deadline = time.monotonic() + EXIT_SECONDS
    for pipeline in list(_alive):
        pipeline.send_at_once(max(0.02, deadline - time.monotonic()))


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    for pipeline in list(_alive):
        pipeline.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
