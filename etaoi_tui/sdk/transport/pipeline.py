"""The one queue between the host's threads and the sender's, and the thread that empties it.

A host's thread appends a record and, when the sender sleeps, releases a lock; it waits for nothing. The
sender wakes for the first record, lets more gather, encodes what is there, and looks again once per window
while records come and a little longer: a thread that is woken takes the interpreter from the one that woke
it, so the agent should not have to do that often. Then it sleeps without a timeout.

Thread and locks are made together, with the first record: gevent and eventlet replace both at a moment of
the host's choice, and a lock of one kind stops a thread of the other for ever. When that happens later,
thread and locks are made anew.
"""

from __future__ import annotations

import _thread
import math
import threading
import time
from collections import deque
from collections.abc import Hashable

from etaoi_tui.sdk.limits import (
    FIRST_SECONDS,
    FRAME_BYTES,
    INTAKE_BYTES,
    INTAKE_EVENTS,
    LINGER_SECONDS,
    TEXT_SECONDS,
    WINDOW_SECONDS,
)
from etaoi_tui.sdk.process_end import finish_with_multiprocessing
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import Record, Text
from etaoi_tui.sdk.transport.encoder import Encoder
from etaoi_tui.sdk.transport.load_shedding import LoadShedder
from etaoi_tui.sdk.transport.outlet import Outlet
from etaoi_tui.sdk.transport.registry import add_pipeline, remove_pipeline
from etaoi_tui.sdk.transport.send_queue import EncodedEvent

_SLICE = 512
_LEAST_INTAKE = 64
_FIRST_INTAKE = 12_000
_EASY, _LEAST_EASY = 16, 2
_MANY = 256
_BUSY, _BUSY_WINDOWS = 48, 2.0
"""From so many records in a window on the next one is so many times as long: threads that wake find their
code and data gone from the processor's caches, and at such a rate nobody sees the difference."""
_LAST_SECONDS = 0.2
"""How long a record of an exit handler may take to leave."""


class _FlushToken:
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
        self.easy = min(intake // 4, _EASY)
        """Records that may wait without any of them being looked at."""
        self._users = 1
        self._closed = False
        self.queue: deque[Record | _FlushToken] = deque()
        self._is_ending = False
        self._reset()
        add_pipeline(self)

    def _reset(self) -> None:
        self.asleep = True
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()  # nobody waits while holding it
        self._shedder = LoadShedder(self._intake)
        self._encoder = Encoder(self._stats, values=self._outlet.values)
        self._make_locks()

    def _make_locks(self) -> None:
        self._threading = _thread.allocate_lock
        self._bell = threading.Lock()
        self._bell.acquire()
        self._hurried = False
        self._working = threading.Lock()

    def put(self, record: Record) -> None:
        """Append a record. Never blocks; under pressure the record may lose its payload or be dropped."""
        queue = self.queue
        if len(queue) >= self.easy and not self.shed_load(record):
            return
        queue.append(record)
        if self.asleep:
            self.wake()

    def shed_load(self, record: Record) -> bool:
        """Lighten a record because the sender is behind; False when it has to be dropped."""
        if self._is_ending:
            return self._send_last(record)
        waiting = len(self.queue)
        if waiting >= _MANY and not self._hurried:
            self._hurry()  # nobody knows how large their payloads are before the first are encoded
        if waiting >= self.soft:
            return self._shedder.admits(record, waiting, self.soft)
        if not isinstance(record, tuple) and self._shedder.weigh(record) and not self._hurried:
            self._hurry()
        return True

    def lose_text(self, record: Text) -> None:
        """Count streamed text that was not taken."""
        self._shedder.lose_text(record)

    def _send_last(self, record: Record) -> bool:
        """Send what an exit handler records at once; returns False: it has its place in the queue already."""
        self.queue.append(record)
        if self._is_ending and not self.flush(_LAST_SECONDS):
            self._is_ending = False  # nobody is there: do not wait for each record
        return False

    def wake(self) -> None:
        """Wake the sender; it is started with the first record."""
        self.asleep = False
        if self._thread is None or self._threading is not _thread.allocate_lock:
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
        """Start the sender's thread, or another one where threads have become greenlets since."""
        with self._starting:
            unchanged = self._threading is _thread.allocate_lock
            if self._closed or (self._thread is not None and unchanged):
                return
            old_thread, bell, working = self._thread, self._bell, self._working
            if not unchanged:
                self._make_locks()
            thread = threading.Thread(target=self._run, name="etaoi-tui-sender", daemon=True)
            self._thread = thread
        if old_thread is not None:
            try:
                bell.release()  # it sees that another has taken its place
            except RuntimeError:
                pass
            working.acquire(timeout=_LAST_SECONDS)  # for good: it does not begin anything more
        try:
            self._outlet.start()
            thread.start()
        except RuntimeError:  # the interpreter is going down: the flush at exit does the work itself
            self._thread = None
            return
        finish_with_multiprocessing(self)

    def flush(self, timeout: float = 0.5) -> bool:
        """Wait until everything recorded so far has left.

        Returns:
            False when it has not, when nobody is there, or when something was dropped in the meantime.
        """
        if self._closed:
            return not self.queue
        if self._thread is None and not self.queue:
            return self._outlet.settle(timeout)
        if threading.current_thread() is self._thread:
            return False
        deadline = time.monotonic() + timeout
        lost = self._lost()
        if self._thread is not None and self._threading is not _thread.allocate_lock:
            self._start()
        mark = _FlushToken()
        self.queue.append(mark)
        if self.asleep:
            self.wake()
        self._hurry()
        if self._thread is None:
            self._work(deadline)
        mark.passed.wait(max(0.0, deadline - time.monotonic()))
        has_left = self._outlet.settle(max(0.0, deadline - time.monotonic()))
        return has_left and mark.passed.is_set() and self._lost() <= lost

    def _lost(self) -> int:
        stats, losses = self._stats, self._shedder.losses
        return stats.dropped + stats.dropped_payloads + stats.failed + losses.events + losses.payloads

    def send_at_once(self, timeout: float) -> None:
        """Flush; from now on each record is sent before the call that made it returns."""
        self.flush(timeout)
        self._is_ending = True
        self.easy = self.soft = 0

    def stats(self) -> Stats:
        """Return a copy of the counts as they stand."""
        copy = Stats(**{name: getattr(self._stats, name) for name in Stats.__struct_fields__})
        self._shedder.count_in(copy)
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
        remove_pipeline(self)
        self._hurry()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(0.2)
        self._outlet.close()

    def finish(self, timeout: float = 0.5) -> None:
        """Flush and stop, whoever still uses it: the process is going to end."""
        try:
            self.flush(timeout)
        finally:
            self.close()

    def after_fork(self) -> None:
        """Begin anew in a forked child: what is queued is the parent's to send."""
        self.queue.clear()
        for name in Stats.__struct_fields__:
            setattr(self._stats, name, getattr(_FRESH, name))
        self._reset()
        self._outlet.after_fork()

    def _run(self) -> None:
        due: float | None = None
        window, empty, queued = self._window, 0, 0
        bell = self._bell
        while not self._closed and bell is self._bell:
            if not self.queue and not self._encoder.text_waits and empty >= self._patience:
                self._sleep(bell, due)
                self._gather(bell, min(window, FIRST_SECONDS))
            else:
                is_busy = queued >= _BUSY and not self._encoder.text_waits
                self._gather(bell, window * _BUSY_WINDOWS if is_busy else window)
            if bell is not self._bell:
                return
            queued = len(self.queue)
            if not queued and not self._encoder.text_waits:
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

    def _sleep(self, bell: threading.Lock, due: float | None) -> None:
        self.asleep = True
        if not self.queue:
            bell.acquire(timeout=-1 if due is None else due)
        if bell is self._bell:
            self.asleep = False

    def _gather(self, bell: threading.Lock, window: float) -> None:
        """Let records come in for a while, unless somebody waits for the end of the queue."""
        if not self._hurried and bell is self._bell:
            bell.acquire(timeout=window)
        self._hurried = False

    def _work(self, deadline: float | None = None) -> float | None:
        """Encode and deliver what waits; returns in how many seconds to look again without being woken."""
        with self._working:
            queue, encoder, outlet = self.queue, self._encoder, self._outlet
            weighed = self._shedder.heavy
            marks: list[_FlushToken] = []
            remaining = len(queue)
            while remaining > 0 and (deadline is None or time.monotonic() < deadline):
                self._report_lost()
                outlet.await_room()
                for _ in range(min(remaining, _SLICE)):
                    remaining -= 1
                    try:
                        record = queue.popleft()
                    except IndexError:
                        remaining = 0
                        break
                    if isinstance(record, _FlushToken):
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
            self._shedder.heavy = max(0, self._shedder.heavy - weighed)
            encoder.release_text()
            self._deliver(encoder.take())
            self._report_lost()
            due = outlet.idle()
            return min(due, TEXT_SECONDS) if due is not None and encoder.text_waits else due

    def _deliver(self, entries: list[EncodedEvent]) -> None:
        if not entries:
            return
        self._outlet.deliver(entries)
        mean = sum(len(e.payload) for e in entries if e.payload) // len(entries) + 256
        fits = INTAKE_BYTES // mean
        wanted = max(_LEAST_INTAKE, min(self._intake // 2, fits))
        if self._is_ending:
            return
        # Slow to grow, quick to shrink: a few heavy payloads in a row are the danger.
        self.easy = max(_LEAST_EASY, min(_EASY, fits // 4))
        self.soft = min(wanted, self.soft + self.soft // 8 + 1)

    def _report_lost(self) -> None:
        recovered, self._encoder.recovered = self._encoder.recovered, []
        if self._shedder.losses or recovered:
            losses = self._shedder.take_losses()
            for trace in recovered:
                losses.add("spans", trace, -1)
            self._outlet.dropped(losses)


_FRESH = Stats()
