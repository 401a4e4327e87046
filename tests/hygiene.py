"""What every test is held to: it leaves no thread and no socket behind, and never blocks an event loop.

A thread or a socket that outlives its test makes another one fail, some time, somewhere else.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster

_DESCRIPTORS = Path("/proc/self/fd")
_GRACE = 60.0
"""Seconds that a thread which was told to end may take on a busy machine."""


def _sockets() -> set[str]:
    """The sockets that this process has open, as ``socket:[inode]``; none where the system cannot tell."""
    sockets = set()
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(_DESCRIPTORS):
            with contextlib.suppress(OSError):
                target = os.readlink(_DESCRIPTORS / name)
                if target.startswith("socket:"):
                    sockets.add(target)
    return sockets


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("etaoi")}


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves one of our threads or any socket open."""
    threads, sockets = _threads(), _sockets()
    yield
    deadline = time.monotonic() + _GRACE
    while _threads() - threads and time.monotonic() < deadline:
        time.sleep(0.01)
    while _sockets() - sockets and time.monotonic() < deadline:
        gc.collect()  # what nobody refers to any more is no leak
        time.sleep(0.01)
    left_over = sorted(thread.name for thread in _threads() - threads)
    assert not left_over, f"threads outlive the test: {left_over}"
    assert not _sockets() - sockets, "sockets outlive the test"


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[None]:
    """Fail a test in which our code blocks an event loop, but for the locks of a tracer (coverage)."""
    if sys.gettrace() is not None:
        yield
        return
    _guard.activate()
    yield
    _guard.deactivate()


class _Everything(set[str]):
    """Contains every name."""

    def __contains__(self, name: object) -> bool:
        return True


_MAY_BLOCK: tuple[tuple[str, set[str]], ...] = (
    # Record first, show second: whoever takes a frame appends it to a file on this machine, then goes on.
    ("/recorder.py", _Everything()),
    # Looked up and imported once: the doors before anybody can connect, other modules at their first use.
    ("/receivers/registry.py", _Everything()),
    ("/view/command.py", {"find_commands"}),
    ("/plugins.py", _Everything()),
    ("/sdk/bridges/registry.py", _Everything()),
    # Prices are read once, where a query asks for them first; a failure would stay for all that comes later.
    ("/pricing/book.py", {"load"}),
    ("<frozen importlib._bootstrap>", {"_find_and_load"}),
    # LangChain 0.3 reads the source of a runnable's function wherever it is called.
    ("/langchain_core/runnables/utils.py", {"get_function_nonlocals"}),
    # Who looks into a sink in memory, flushes or detaches asks to wait for the sender, for a bounded time.
    ("/sdk/transport/local.py", {"envelopes", "clear"}),
    ("/sdk/tracer.py", {"flush"}),
    ("/sdk/attach.py", {"detach"}),
    ("/sdk/bridge_support/handle.py", {"detach"}),
    ("/sdk/livekit/attach.py", {"detach"}),
)
"""Files, and functions in them, that may block an event loop, and why."""


def _make_guard() -> BlockBuster:
    # It stands below everything that Textual does, too.
    below_textual = ["etaoi_tui.widgets.textual_internals"]
    guard = BlockBuster(["etaoi_collector", "etaoi_tui"], excluded_modules=below_textual)
    for function in guard.functions.values():
        for path, functions in _MAY_BLOCK:
            function.can_block_in(path, functions)
    return guard


_guard = _make_guard()
