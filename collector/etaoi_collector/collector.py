"""Runs the server and the recorder on a thread and an event loop of their own: nothing can stall them.

A viewer's event loop stands still when its terminal stops reading; the agents' events must be taken all the
same.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from etaoi_collector.ingest.inbox import Inbox
from etaoi_collector.ingest.pipeline import Ingest, Stats
from etaoi_collector.options import BindError, CollectorOptions, OptionError, Record
from etaoi_collector.ports import Ports, open_ports
from etaoi_collector.recording import directory as recordings
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.subscriptions.hub import SubscriptionHub
from etaoi_collector.subscriptions.publishers import Publishers
from etaoi_collector.wire.versions import PROGRAM_VERSION

if TYPE_CHECKING:
    from etaoi_collector.receivers.door import Receiver
    from etaoi_collector.receivers.front import Front
    from etaoi_collector.receivers.in_process import InProcess, Published

__all__ = ["BindError", "Collector", "CollectorOptions", "OptionError", "Record"]

FLUSH_EVERY = 0.05
"""Seconds that a frame may wait for the file. A killed process may lose a tenth of a second; the socket and a
busy core need their part of that, too."""
DRAIN_WITHIN = 1.0
"""Seconds that bodies which were answered already have to be translated, when the collector stops."""
HANDED_OVER_WITHIN = 5.0
"""Seconds that another process has to listen in the place of this one."""
QUIET = 0.02
SETTLE_WITHIN = 1.0
"""Seconds: after how long without a frame a history is complete, and for how long that is waited for."""
READY_WITHIN = 10.0
"""Seconds that a ``with`` block waits until connections are answered."""


class Collector(SubscriptionHub, Publishers):
    """A server with its recording, its inbox, and those who subscribe to it.

    Use it in a ``with`` block; or call `bind`, then `start`, and in the end `stop` and `close_recording`.
    `inbox`, `recorder`, `stats` and all that subscribes serve other threads.

    Args:
        options: What to listen on, and where to record to.

    Raises:
        OptionError: The options do not go together.
    """

    def __init__(self, options: CollectorOptions | None = None) -> None:
        super().__init__()
        self.options = options or CollectorOptions()
        self.options.check()
        self.failure = ""
        """Why the server stopped by itself, for the status bar; empty while all is well."""
        self._recorder: Recorder | None = None
        self._inbox: Inbox | None = None
        self._intake: Ingest | None = None
        self._ports: Ports | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_process: InProcess | None = None
        self._stopping: asyncio.Event | None = None
        self._front: Front | None = None
        self._ready = threading.Event()

    @property
    def recorder(self) -> Recorder:
        """What keeps the frames. Only after `bind`."""
        if self._recorder is None:
            raise RuntimeError("bind the collector first")
        return self._recorder

    @property
    def inbox(self) -> Inbox:
        """What arrived; always empty when nobody watches. Only after `bind`."""
        if self._inbox is None:
            raise RuntimeError("bind the collector first")
        return self._inbox

    @property
    def endpoint(self) -> str:
        """The URL that clients connect to. Only after `bind`."""
        return self._ports.url if self._ports is not None else ""

    def bind(self) -> Self:
        """Take the address and open the recording, on the calling thread.

        Returns:
            The collector itself.

        Raises:
            BindError: The address cannot be listened on.
            OptionError: It is reachable for others, and no token is set.
            RecordError: The file to record to cannot be written.
        """
        options = self.options
        ports = open_ports(options)
        try:
            record = options.record
            self._recorder = Recorder(
                path=None if isinstance(record, Record) else record,
                directory=recordings.recordings_dir(options.state) if record is Record.AUTO else None,
                writer=f"etaoi-tui {PROGRAM_VERSION}",
                clock=options.clock,
                segment_bytes=options.segment_bytes,
                keep_runs=options.keep_runs,
                keep_bytes=options.keep_bytes,
            )
        except BaseException:
            ports.close()
            raise
        self._inbox = Inbox(self._recorder.frames)
        self._intake = Ingest(self._recorder, self._inbox if options.watched else None, options.clock)
        for port in ports.taken_ports:
            self._intake.notices.add(f"Port {port} is taken: OpenTelemetry is served on the main port only")
        self._ports = ports
        return self

    @property
    def trouble(self) -> str:
        """What went wrong while clients were served, for the status bar; empty while all is well."""
        return self._intake.trouble if self._intake is not None else ""

    @property
    def notices(self) -> list[str]:
        """Sentences about what clients wanted and did not get. Only after `bind`."""
        return self._intake.notices.sentences() if self._intake is not None else []

    def start(self) -> None:
        """Start serving, on a thread of its own; clients that connected since `bind` are waiting already."""
        if self._ports is None or self._thread is not None:
            raise RuntimeError("bind the collector before starting it, and start it once")
        self._thread = threading.Thread(target=self._run, name="etaoi-collector", daemon=True)
        self._thread.start()

    @property
    def started(self) -> bool:
        """Whether `start` was called."""
        return self._thread is not None

    def wait_ready(self, timeout: float) -> bool:
        """Wait until connections are answered; False when that takes longer than ``timeout`` seconds."""
        return self._ready.wait(timeout)

    def stats(self) -> Stats:
        """Return the counts since the start."""
        if self._intake is None:
            return Stats()
        return msgspec.structs.replace(self._intake.stats(), subscriptions=self.subscriptions)

    def _open_hub(self) -> tuple[Ingest, Recorder]:
        recorder, ingest = self.recorder, self._intake
        assert ingest is not None
        return ingest, recorder

    def publish(self, event: Any) -> Published:
        """Record an event of this program itself, in order; from any thread, without waiting.

        Args:
            event: See `Publishers.publish`.

        Raises:
            RuntimeError: The collector does not run.
        """
        from etaoi_collector.receivers.in_process import PUBLISHED, InProcess

        with self._subscribing:
            if self._in_process is None:
                if not self._ready.wait(READY_WITHIN) or self._loop is None or self._intake is None:
                    raise RuntimeError("start the collector before publishing")
                self._in_process = InProcess(self._intake, self._loop)
        self._in_process.publish(event)
        return PUBLISHED

    def _settle(self) -> None:
        loop = self._loop
        if loop is None or self._stopped:
            return
        with contextlib.suppress(
            RuntimeError, TimeoutError
        ):  # the loop has ended, or something comes without end
            asyncio.run_coroutine_threadsafe(self._quiet(), loop).result(SETTLE_WITHIN)

    async def _quiet(self) -> None:
        """Wait until nothing has come in for a moment."""
        frames = -1
        while frames != self.stats().frames:
            frames = self.stats().frames
            await asyncio.sleep(QUIET)

    def __enter__(self) -> Self:
        """Bind and start it, unless that was done.

        Raises:
            BindError, OptionError, RecordError: See `bind`.
        """
        if self._ports is None:
            self.bind()
        if self._thread is None:
            self.start()
            self.wait_ready(READY_WITHIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and let the recording go."""
        self.stop()
        self.close_recording()

    def stop(self, timeout: float = 0.5) -> None:
        """Close all connections and flush the recording. Does nothing the second time.

        The recording stays readable until `close_recording`.

        Args:
            timeout: Seconds to wait for the thread, beside `DRAIN_WITHIN`; what is recorded is flushed in any
                case.
        """
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is not None and thread.is_alive():
            self._ready.wait(timeout)
            loop, stopping = self._loop, self._stopping
            if loop is not None and stopping is not None:
                with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                    loop.call_soon_threadsafe(stopping.set)
            thread.join(timeout + DRAIN_WITHIN)
        if self._ports is not None:
            self._ports.close()
        if self._recorder is not None:
            self._recorder.flush()
        self._end_subscriptions()

    def hand_over(self) -> bool:
        """Have a launcher that waits for it go on in this collector's place; call `stop` next.

        Returns:
            Whether one did, within `HANDED_OVER_WITHIN`.
        """
        loop, front = self._loop, self._front
        if loop is None or front is None:
            return False
        from etaoi_collector.receivers.standby import Standby

        waiting = next(receiver for receiver in front.receivers if isinstance(receiver, Standby))
        work = waiting.hand_over(HANDED_OVER_WITHIN)
        try:
            return asyncio.run_coroutine_threadsafe(work, loop).result(2 * HANDED_OVER_WITHIN)
        except RuntimeError:  # the loop has ended
            work.close()
            return False
        except TimeoutError:  # it is stuck
            return False

    def close_recording(self) -> None:
        """Release the recording's files; a private spool is gone then."""
        if self._recorder is not None:
            self._recorder.close()

    def _run(self) -> None:
        try:
            # Found and imported before the loop runs: looking for files would hold it up.
            from etaoi_collector.receivers.registry import find_receivers

            asyncio.run(self._serve(find_receivers()))
        except Exception as error:  # nobody else would ever hear of it
            self.failure = f"the collector stopped: {error or type(error).__name__}"
        finally:
            self._ready.set()
            if self._recorder is not None:
                self._recorder.flush()
            self._end_subscriptions()

    async def _serve(self, receivers: Sequence[type[Receiver]]) -> None:
        # websockets and h11 load while the first frame is drawn
        from etaoi_collector.free_memory import FreeMemory
        from etaoi_collector.receivers.clients import Clients
        from etaoi_collector.receivers.door import ReceiverContext
        from etaoi_collector.receivers.front import Front
        from etaoi_collector.receivers.gate import Gate
        from etaoi_collector.receivers.loop_troubles import LoopTroubles
        from etaoi_collector.receivers.worker import TranslationWorker

        ports = self._ports
        assert ports is not None and self._intake is not None
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(LoopTroubles(self._intake.report))
        self._stopping = asyncio.Event()
        options = self.options
        free_memory = FreeMemory(self._loop, waiting=self.inbox.__len__)
        worker = TranslationWorker(self._loop, self._intake.report, free_memory.handled)
        context = ReceiverContext(
            self._intake,
            Gate(token=options.token, check_host=ports.loopback, allow_hosts=options.allow_hosts),
            Clients(self._intake),
            worker,
            free_memory,
            PROGRAM_VERSION,
            options.viewer_patience,
        )
        front = Front(context, max_frame=options.max_frame, loopback=ports.loopback, receivers=receivers)
        self._front = front
        for bound in ports:
            await front.listen(bound)
        flushing = self._supervise(self._flush_often(), self._stopping)
        self._ready.set()
        try:
            await self._stopping.wait()
        finally:
            flushing.cancel()
            await worker.drain(DRAIN_WITHIN)
            worker.close()
            free_memory.close()
            await front.close()

    async def _flush_often(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            self.recorder.flush()

    def _supervise(self, work: Coroutine[None, None, None], stopping: asyncio.Event) -> asyncio.Task[None]:
        """Run a task whose failure ends the server visibly instead of passing unseen."""

        def look(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                self.failure = f"the collector stopped: {error or type(error).__name__}"
                stopping.set()

        task = asyncio.create_task(work)
        task.add_done_callback(look)
        return task
