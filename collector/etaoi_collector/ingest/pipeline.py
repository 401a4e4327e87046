"""What the server does with what comes in: number, record, decode, count, hand over, in this order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import msgspec

from etaoi_collector.ingest.inbox import Inbox
from etaoi_collector.ingest.notices import Notices
from etaoi_collector.ingest.tally import Tally
from etaoi_collector.recording.backlog import Backlog
from etaoi_collector.recording.chunks import Checkpoints, Cursor
from etaoi_collector.recording.record_items import batch_steps, event_batches
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.source_items import Closed, EventBatch, FrameRefused, Opened, SourceItem
from etaoi_collector.store.model import Connection
from etaoi_collector.wire.codec import decode_at_once, split_frame
from etaoi_collector.wire.event_ref import unpack_event_ref
from etaoi_collector.wire.events import EVENT_KIND, Event, Reject
from etaoi_collector.wire.frame_scan import EventRanges, scan_steps
from etaoi_collector.wire.limits import REPAIRED_EVENT, SMALL_FRAME


class Stats(msgspec.Struct, frozen=True):
    """Counts since the start."""

    clients: int = 0
    """Clients that are connected."""
    connections: int = 0
    """Clients that ever were."""
    frames: int = 0
    events: int = 0
    """Events received, rejected ones included."""
    rejected: int = 0
    """Events that could not be taken."""
    refused_frames: int = 0
    """Messages that could not be taken as a whole."""
    dropped: int = 0
    """Events that never reached the viewer, because no recording held them any more."""
    dropped_by_clients: int = 0
    """Events that clients say they had to leave out; one that is sent again after a break may count twice."""
    overflowed: int = 0
    """Events that reached the viewer by way of the recording, because it was too slow."""
    bytes: int = 0
    """Bytes of all frames, inflated."""
    unrecorded_frames: int = 0
    """Frames that no file holds, because writing failed."""
    turned_away: int = 0
    """Clients that were not let in."""
    turned_away_why: str = ""
    """The newest reason."""
    viewers: int = 0
    """Other viewers and scripts that follow what is recorded."""
    viewers_dropped: int = 0
    """Those of them that were sent away, because they did not read on."""
    viewers_dropped_why: str = ""
    """The newest reason."""
    events_by_kind: dict[str, int] = {}
    """The same events by kind: ``span_start``, ``span_delta``, ``span_end``, ``state_tick``, ``rejected``."""
    subscriptions: int = 0
    """Subscriptions that are open in this process."""


class Listener(Protocol):
    """Somebody beside the viewer who hears of what arrives."""

    def put(self, item: SourceItem, size: int = 0) -> None:
        """Take an arrival without making the collector wait."""


class Ingest:
    """Takes what the server's sessions accept. All calls come from the collector's thread, `stats` from any.

    Args:
        recorder: Keeps the frames.
        inbox: Gets the decoded events; None when nobody watches.
        clock: Seconds since the epoch.
    """

    def __init__(self, recorder: Recorder, inbox: Inbox | None, clock: Callable[[], float]) -> None:
        self.notices = Notices()
        """What clients wanted and did not get, and what else a person should know."""
        self.trouble = ""
        """What went wrong within this program while it served a client; empty while all is well."""
        self._recorder = recorder
        self._inbox = inbox
        self._clock = clock
        self.frame_watchers: list[Callable[[bytes], None]] = []
        """Are shown each frame after it was taken, and doctors' samples, on the collector's thread."""
        self._listeners: tuple[Listener, ...] = ()
        self._checkpoints = Checkpoints()
        self._joining = threading.Lock()
        """Held from recording to handing over, so that who joins gets a frame from one of the two only."""
        self._connected: set[int] = set()
        self._connections = 0
        self._frames = 0
        self._events = 0
        self._refused = 0
        self._bytes = 0
        self._tally = Tally()
        self._turned_away = 0
        self._turned_away_why = ""
        self._viewers = 0
        self._viewers_dropped = 0
        self._viewers_dropped_why = ""

    def stats(self) -> Stats:
        """Return the counts as they are now."""
        inbox = self._inbox
        own, later = self._tally, Tally() if inbox is None else inbox.tally
        by_type = own.by_type + later.by_type
        return Stats(
            clients=len(self._connected),
            connections=self._connections,
            frames=self._frames,
            events=self._events,
            rejected=own.rejected + later.rejected,
            refused_frames=self._refused,
            dropped=0 if inbox is None else inbox.lost,
            dropped_by_clients=own.dropped + later.dropped,
            overflowed=0 if inbox is None else inbox.overflowed,
            bytes=self._bytes,
            unrecorded_frames=self._recorder.unrecorded,
            turned_away=self._turned_away,
            turned_away_why=self._turned_away_why,
            viewers=self._viewers,
            viewers_dropped=self._viewers_dropped,
            viewers_dropped_why=self._viewers_dropped_why,
            events_by_kind={EVENT_KIND[event_type]: count for event_type, count in by_type.items()},
        )

    def join(self, listener: Listener, history: int | None) -> Backlog:
        """Let somebody hear of everything from now on.

        Args:
            listener: Is given what arrives, on the collector's thread.
            history: How many of the events so far are wanted; None for all.

        Returns:
            Where these lie. What the listener is given follows them without a gap, and repeats none.
        """
        with self._joining:
            self._listeners = (*self._listeners, listener)
            end = self._recorder.end()
            wanted = self._events if history is None else min(history, self._events)
            first = self._events - wanted
            if history == 0:
                return Backlog(end, 0, 0, end)
            events_before, start = self._checkpoints.newest_before(first) if first else (0, Cursor())
            oldest = self._recorder.oldest()
            if start >= oldest:
                return Backlog(start, first - events_before, wanted, end)
            forgotten, start = self._checkpoints.forget_before(oldest) or (self._events, end)
            missed = max(0, forgotten - first)
            return Backlog(start, max(0, first - forgotten), wanted - missed, end, missed)

    def leave(self, listener: Listener) -> None:
        """Let a listener go; does nothing when it is none."""
        with self._joining:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

    @property
    def recorder(self) -> Recorder:
        """What keeps the frames."""
        return self._recorder

    def viewer_connected(self) -> None:
        """Count a viewer that follows what is recorded."""
        self._viewers += 1

    def viewer_disconnected(self) -> None:
        """Count it off again."""
        self._viewers -= 1

    def viewer_dropped(self, why: str) -> None:
        """Note that a viewer is sent away."""
        self._viewers_dropped += 1
        self._viewers_dropped_why = why

    def open(self, peer: str, client: str, message: bytes) -> int:
        """Note that a client was welcomed.

        Args:
            peer: Its address.
            client: What it is, for people.
            message: Its Hello.

        Returns:
            The number of its connection.
        """
        at = self._clock()
        self._connections += 1
        number = self._connections
        self._connected.add(number)
        with self._joining:
            self._recorder.opened(at, number, peer=peer, client=client, hello=message)
            self._emit(Opened(Connection(number, peer, at, client)))
        return number

    def close(self, number: int, code: int | None, reason: str) -> None:
        """Note that a connection ended."""
        at = self._clock()
        self._connected.discard(number)
        with self._joining:
            self._recorder.closed(at, number, code=code, reason=reason)
            self._emit(Closed(number, at, code, reason))

    def turn_away(self, why: str) -> None:
        """Note that a client was not let in."""
        self._turned_away += 1
        self._turned_away_why = why
        self.notices.add(f"Turned away: {why.strip().rstrip('.')}")

    def report(self, trouble: str) -> None:
        """Note what went wrong within this program while it served a client."""
        self.trouble = trouble

    def refuse(self, number: int, size: int, reason: str) -> None:
        """Note that a message was not taken."""
        at = self._clock()
        self._refused += 1
        with self._joining:
            self._recorder.refused(at, number, size=size, reason=reason)
            self._emit(FrameRefused(number, at, size, reason))

    def frame(self, number: int, frame: bytes) -> None:
        """Take an event frame: record it, then hand over its events."""
        if not self._take_for_later(number, frame):
            self._take(number, frame, decode_at_once(frame))

    def _take(self, number: int, frame: bytes, events: list[Event | Reject] | None) -> None:
        at = self._clock()
        self._frames += 1
        self._bytes += len(frame)
        with self._joining:
            event_ref = self._append(at, number, frame)
            size = len(frame)
            batches: Iterable[EventBatch]
            if events is None:
                batches = event_batches(frame, event_ref, number, at)
            else:
                batches = [EventBatch(event_ref, 0, events, number, at)]
            for batch in batches:
                self._events += len(batch.events)
                self._tally.add(batch.events)
                self._emit(batch, size)
                size = 0  # the frame is kept alive by its first batch already
        self._show_watchers(frame)

    def _take_for_later(self, number: int, frame: bytes) -> bool:
        """Take a frame without decoding it, if nobody has room for its events or asks for them now."""
        inbox = self._inbox
        if inbox is None or not inbox.is_full or len(frame) > SMALL_FRAME:
            return False
        with self._joining:
            if self._listeners:
                return False
            event_ref = self._append(self._clock(), number, frame)
            events = len(split_frame(frame))
            self._events += events
            inbox.leave(event_ref, events)
        self._frames += 1
        self._bytes += len(frame)
        self._show_watchers(frame)
        return True

    def sample(self, frame: bytes) -> None:
        """Show a doctor's sample to who watches frames; it is neither recorded nor counted."""
        self._show_watchers(frame)

    def _show_watchers(self, frame: bytes) -> None:
        for watch in self.frame_watchers:
            watch(frame)

    def frame_steps(self, number: int, frame: bytes) -> Iterator[None]:
        """Take an event frame of any size as `frame` does, a slice of some milliseconds at a time.

        Other frames may be taken in between, of other connections: this one is recorded in one piece, and
        before any of its events is handed over.
        """
        if self._take_for_later(number, frame):
            return
        events = decode_at_once(frame)
        if events is not None or len(frame) <= REPAIRED_EVENT:
            self._take(number, frame, events)
            return
        ranges = EventRanges()
        for _ in scan_steps(frame, ranges):
            yield
        at = self._clock()
        self._frames += 1
        self._bytes += len(frame)
        with self._joining:
            event_ref = self._append(at, number, frame, in_pieces=True)
            self._events += len(ranges)
            listeners = self._listeners
            self._emit(EventBatch(event_ref, 0, [], number, at, is_slice=True))
        yield
        while self._recorder.write_some():
            yield
        for batch in batch_steps(frame, ranges, event_ref, number, at):
            if batch is not None:
                self._tally.add(batch.events)
                # Who joined in between reads the whole frame from the recording.
                listening = [listener for listener in listeners if listener in self._listeners]
                self._emit(batch, ranges.total_size(batch.first_ordinal, len(batch.events)), listening)
            yield
        self._show_watchers(frame)

    def _append(self, at: float, number: int, frame: bytes, *, in_pieces: bool = False) -> int:
        event_ref = self._recorder.append(at, number, frame, in_pieces=in_pieces)
        segment, offset, _ = unpack_event_ref(event_ref)
        if self._checkpoints.note(self._events, Cursor(segment, offset)):
            self._checkpoints.forget_before(self._recorder.oldest())
        return event_ref

    def _emit(self, item: SourceItem, size: int = 0, listeners: Sequence[Listener] | None = None) -> None:
        if self._inbox is not None:
            self._inbox.put(item, size)
        for listener in self._listeners if listeners is None else listeners:
            listener.put(item, size)
