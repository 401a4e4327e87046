"""The one queue between the host's threads and the sender's, and the thread that empties it.

A host's thread appends a record and, when the sender sleeps, releases a lock; it waits for nothing. The
sender wakes for the first record, lets more gather, encodes what is there, and looks again once per window
while records come and a little longer: a thread that is woken takes the interpreter from the one that woke
it, so the agent should not have to do that often. Then it sleeps without a timeout.
"""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Hashable
from typing import Any, Protocol

from etaoi_tui.sdk.limits import (
    FIRST_SECONDS,
    FRAME_BYTES,
    INTAKE_BYTES,
    INTAKE_EVENTS,
    LINGER_SECONDS,
    TEXT_SECONDS,
    WINDOW_SECONDS,
)
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import START_LOST, Delta, End, Record, Span, Tick
from etaoi_tui.sdk.transport.buffer import Entry
from etaoi_tui.sdk.transport.encoder import LEFT_OUT, Encoder

_SLICE = 512
_LEAST_INTAKE = 64
_FIRST_INTAKE = 12_000
_EASY = 256
_LEAST_EASY = 16
_HEAVY = 2_048
_EXIT_SECONDS = 2.0
"""How long the end of a process waits for a viewer that is there; without one it waits for nothing."""


class Outlet(Protocol):
    """Where encoded events go. Called on the sender's thread, but for `settle` and `close`."""

    sink: Any
    """What a user sees of it."""

    def start(self) -> None:
        """Start threads of its own; called once, with the first event."""
        ...

    def deliver(self, entries: list[Entry]) -> None:
        """Take entries on; must not block for long and must not raise."""
        ...

    def idle(self) -> float | None:
        """Do what is due without new entries; returns in how many seconds to be called again, or None."""
        ...

    def dropped(self, text: int, deltas: int, spans: int, payloads: int) -> None:
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


class _Mark:
    """A place in the queue; `passed` is set when everything before it was delivered."""

    __slots__ = ("passed",)

    def __init__(self) -> None:
        self.passed = threading.Event()


class Pipeline:
    """Queue, sender's thread and outlet; shared by all tracers of one destination."""

    def __init__(
        self,
        outlet: Outlet,
        stats: Stats,
        *,
        key: Hashable = None,
        window: float = WINDOW_SECONDS,
        intake: int = INTAKE_EVENTS,
    ) -> None:
        self.key = key
        self.sink = outlet.sink
        self._outlet = outlet
        self._stats = stats
        self._window = window
        self._patience = math.ceil(LINGER_SECONDS / window) if window else 0
        self._intake = intake
        self.soft = min(intake // 2, _FIRST_INTAKE)
        """Records that may wait before any of them is lightened or dropped."""
        self.easy = min(intake // 4, _LEAST_EASY)
        """Records that may wait without any of them being looked at."""
        self._heavy = 0
        self._users = 1
        self._closed = False
        self.queue: deque[Record | _Mark] = deque()
        self._reset()
        _alive.add(self)

    def _reset(self) -> None:
        self.asleep = True
        self._thread: threading.Thread | None = None
        self._bell = threading.Lock()
        self._bell.acquire()
        self._hurried = False
        self._working = threading.Lock()
        self._lost_lock = threading.Lock()
        self._lost = [0, 0, 0, 0]
        self._encoder = Encoder(self._stats)

    # ---- called by the host's threads

    def put(self, record: Record) -> None:
        """Append a record. Never blocks; under pressure the record may lose its payload or be dropped."""
        queue = self.queue
        if len(queue) >= self.easy and not self.relieved(record):
            return
        queue.append(record)
        if self.asleep:
            self.wake()

    def relieved(self, record: Record) -> bool:
        """Lighten a record because the sender is behind; False when it has to be dropped."""
        waiting = len(self.queue)
        soft = self.soft
        if waiting < soft:
            if not isinstance(record, tuple):
                self._weigh(record)
            return True
        hard = max(soft * 2, self._intake // 2)
        if isinstance(record, tuple):
            record[0].text_skipped += len(record[1]) if type(record[1]) is str else 0
            return self._lose(0)
        if waiting < soft * 1.2:
            return True
        if isinstance(record, Delta):
            return self._lose(1) if waiting >= soft * 1.6 else True
        if not isinstance(record, Span | End):
            return waiting < hard
        if waiting >= hard:
            span = record if isinstance(record, Span) else record.span
            root = span.parent_id is None or span.persistent
            if not root or waiting >= hard * 2:
                if isinstance(record, Span):
                    record.state |= START_LOST
                    record.payload = None
                elif span.state & START_LOST:
                    return self._lose(2)
                return self._lose(2)
        if record.payload is not None and not (isinstance(record, Span) and record.persistent):
            record.payload = {"etaoi_tui.note": LEFT_OUT}
            self._lose(3)
        return True

    def _weigh(self, record: Span | Delta | End | Tick) -> None:
        """Keep long texts from piling up faster than they are encoded; looks at the first level only."""
        if isinstance(record, Tick) or type(record.payload) is not dict:
            return
        size = sum(len(value) for value in record.payload.values() if type(value) is str)
        if size < _HEAVY:
            return
        self._heavy += size
        if self._heavy > INTAKE_BYTES // 2 and not self._hurried:
            self._hurry()
        if self._heavy > INTAKE_BYTES:
            record.payload = {"etaoi_tui.note": LEFT_OUT}
            self._lose(3)

    def _lose(self, what: int) -> bool:
        with self._lost_lock:
            self._lost[what] += 1
        return False

    def wake(self) -> None:
        """Wake the sender; it is started with the first record."""
        self.asleep = False
        if self._thread is None:
            self._start()
        self._ring()

    def _ring(self) -> None:
        try:
            self._bell.release()
        except RuntimeError:  # somebody else has rung already
            return

    def _hurry(self) -> None:
        self._hurried = True
        self._ring()

    def _start(self) -> None:
        with self._lost_lock:
            if self._thread is not None or self._closed:
                return
            thread = threading.Thread(target=self._run, name="etaoi-tui-sender", daemon=True)
            self._thread = thread
        try:
            thread.start()
            self._outlet.start()
        except RuntimeError:  # the interpreter is going down: the flush at exit does the work itself
            self._thread = None
            return
        _finish_with_multiprocessing(self)

    def flush(self, timeout: float = 0.5) -> bool:
        """Wait until everything recorded so far has left; False when it has not, or nobody is there."""
        if self._closed:
            return not self.queue
        if self._thread is None and not self.queue:
            return self._outlet.settle(timeout)
        deadline = time.monotonic() + timeout
        if threading.current_thread() is self._thread:
            return False
        mark = _Mark()
        self.queue.append(mark)
        if self.asleep:
            self.wake()
        self._hurry()
        if self._thread is None:
            self._work(deadline)
        mark.passed.wait(max(0.0, deadline - time.monotonic()))
        return self._outlet.settle(max(0.0, deadline - time.monotonic())) and mark.passed.is_set()

    def stats(self) -> Stats:
        """Return a copy of the counts as they stand."""
        copy = Stats(**{name: getattr(self._stats, name) for name in Stats.__struct_fields__})
        with self._lost_lock:
            text, deltas, spans, payloads = self._lost
        copy.dropped_text += text
        copy.dropped_deltas += deltas
        copy.dropped_spans += spans
        copy.dropped_payloads += payloads
        copy.waiting += len(self.queue)
        self._outlet.fill(copy)
        return copy

    def retain(self) -> Pipeline:
        """Count one more tracer that uses it."""
        self._users += 1
        return self

    def release(self, timeout: float = 0.5) -> None:
        """Flush; when the last tracer has let go, stop the threads and close the outlet."""
        self._users -= 1
        try:
            self.flush(timeout)
        finally:
            if self._users <= 0:
                self.close()

    def close(self) -> None:
        """Stop at once. What has not left is lost; call `flush` before."""
        if self._closed:
            return
        self._closed = True
        _alive.discard(self)
        _shared.pop(self.key, None)
        self._hurry()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(0.2)
        self._outlet.close()

    def finish(self, timeout: float = 0.5) -> None:
        """Flush and stop, whoever still uses it: the process is going to end."""
        self.flush(timeout)
        self.close()

    def after_fork(self) -> None:
        """Begin anew in a forked child: what is queued is the parent's to send."""
        self.queue.clear()
        for name in Stats.__struct_fields__:
            setattr(self._stats, name, getattr(_FRESH, name))
        self._reset()
        self._outlet.after_fork()

    # ---- the sender's thread

    def _run(self) -> None:
        due: float | None = None
        window = self._window
        empty = 0
        while not self._closed:
            if not self.queue and not self._encoder.text_waits and empty >= self._patience:
                self._sleep(due)
                self._gather(min(window, FIRST_SECONDS))
            else:
                self._gather(window)
            if not self.queue and not self._encoder.text_waits:
                empty += 1
                if due is None:
                    continue
            else:
                empty = 0
            try:
                due = self._work()
            except Exception:
                self._stats.failed += 1
                due = 1.0

    def _sleep(self, due: float | None) -> None:
        self.asleep = True
        if not self.queue:
            self._bell.acquire(timeout=-1 if due is None else due)
        self.asleep = False

    def _gather(self, window: float) -> None:
        """Let records come in for a while, unless somebody waits for the end of the queue."""
        if not self._hurried:
            self._bell.acquire(timeout=window)
        self._hurried = False

    def _work(self, deadline: float | None = None) -> float | None:
        """Encode and deliver what waits; returns in how many seconds to look again without being woken."""
        with self._working:
            queue, encoder, outlet = self.queue, self._encoder, self._outlet
            marks: list[_Mark] = []
            left = len(queue)
            while left > 0 and (deadline is None or time.monotonic() < deadline):
                self._report_lost()
                for _ in range(min(left, _SLICE)):
                    left -= 1
                    try:
                        record = queue.popleft()
                    except IndexError:
                        left = 0
                        break
                    if isinstance(record, _Mark):
                        encoder.release_text(everything=True)
                        marks.append(record)
                    else:
                        encoder.encode(record)
                        if encoder.payload_bytes > FRAME_BYTES:
                            break
                self._deliver(encoder.take())
                for mark in marks:
                    mark.passed.set()
                marks.clear()
            self._heavy = 0
            encoder.release_text()
            self._deliver(encoder.take())
            self._report_lost()
            due = outlet.idle()
            return min(due, TEXT_SECONDS) if due is not None and encoder.text_waits else due

    def _deliver(self, entries: list[Entry]) -> None:
        if not entries:
            return
        self._outlet.deliver(entries)
        mean = sum(len(e.payload) for e in entries if e.payload) // len(entries) + 256
        wanted = max(_LEAST_INTAKE, min(self._intake // 2, INTAKE_BYTES // mean))
        # Slow to grow, quick to shrink: a few heavy payloads in a row are the danger.
        self.easy = max(_LEAST_EASY, min(_EASY, wanted // 4))
        self.soft = min(wanted, self.soft + self.soft // 8 + 1)

    def _report_lost(self) -> None:
        recovered, self._encoder.recovered = self._encoder.recovered, 0
        if not any(self._lost) and not recovered:
            return
        with self._lost_lock:
            lost, self._lost = self._lost, [0, 0, 0, 0]
        text, deltas, spans, payloads = lost
        self._outlet.dropped(text, deltas, spans - recovered, payloads)


_FRESH = Stats()
_alive: weakref.WeakSet[Pipeline] = weakref.WeakSet()
_shared: dict[Hashable, Pipeline] = {}
_shared_lock = threading.Lock()


def shared_pipeline(key: Hashable) -> Pipeline | None:
    """Return the open pipeline to the same destination, counted as used once more."""
    with _shared_lock:
        pipeline = _shared.get(key)
        return pipeline.retain() if pipeline is not None else None


def share_pipeline(pipeline: Pipeline) -> None:
    """Let others with the same key find it."""
    with _shared_lock:
        _shared[pipeline.key] = pipeline


def finish_all(timeout: float = _EXIT_SECONDS) -> None:
    """Flush and close every pipeline of this process; registered with `atexit` at first use."""
    deadline = time.monotonic() + timeout
    for pipeline in list(_alive):
        pipeline.finish(max(0.02, deadline - time.monotonic()))


def _flush_one(reference: weakref.ref[Pipeline]) -> None:
    pipeline = reference()
    if pipeline is not None:
        pipeline.flush(_EXIT_SECONDS)


def _finish_with_multiprocessing(pipeline: Pipeline) -> None:
    """A child of `multiprocessing` ends with `os._exit`, which runs its finalizers but not atexit."""
    import sys

    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, _flush_one, args=(weakref.ref(pipeline),), exitpriority=-10)


def _after_fork_in_child() -> None:
    global _shared_lock
    _shared_lock = threading.Lock()
    for pipeline in list(_alive):
        pipeline.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
