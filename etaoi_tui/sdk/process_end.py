"""The last events of a process: flushed at exit, at SIGTERM, and when children of multiprocessing end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import weakref
from types import FrameType
from typing import TYPE_CHECKING

from etaoi_tui.sdk.transport.registry import EXIT_SECONDS, finish_all, flush_at_exit

if TYPE_CHECKING:
    from etaoi_tui.sdk.record_queue import RecordQueue

_is_registered = False


def finish_at_exit() -> None:
    """Flush when the process ends; in a child of multiprocessing when it is terminated, too."""
    global _is_registered
    if not _is_registered:
        _is_registered = True
        atexit.register(flush_at_exit)
    if _is_multiprocessing_child():
        install_sigterm_flush()


def finish_with_multiprocessing(pipeline: RecordQueue) -> None:
    """Flush at the end of a child of `multiprocessing`, which runs its finalizers but not atexit.

    A pool terminates its workers, so SIGTERM flushes there by default.
    """
    if _is_multiprocessing_child():
        util = sys.modules["multiprocessing.util"]
        util.Finalize(None, _flush_one, args=(weakref.ref(pipeline),), exitpriority=-10)
        install_sigterm_flush()


def _is_multiprocessing_child() -> bool:
    process = sys.modules.get("multiprocessing.process")
    return (
        process is not None and "multiprocessing.util" in sys.modules and process.parent_process() is not None
    )


def _flush_one(reference: weakref.ref[RecordQueue]) -> None:
    pipeline = reference()
    if pipeline is not None:
        pipeline.flush(EXIT_SECONDS)


def install_sigterm_flush() -> bool:
    """Flush before SIGTERM ends the process; returns whether a handler was installed.

    A program that handles SIGTERM itself keeps its handler, and the flush at exit does the same job there.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False
    signal.signal(signal.SIGTERM, _flush_and_end)
    return True


def _flush_and_end(number: int, frame: FrameType | None) -> None:
    del frame
    # From a thread of its own: the one that was interrupted may hold a lock that the flush needs.
    helper = threading.Thread(target=finish_all, name="etaoi-tui-close", daemon=True)
    try:
        helper.start()
        helper.join(EXIT_SECONDS + 1.0)
    finally:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
