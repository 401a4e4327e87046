"""What the server does with what comes in: number, record, decode, count, hand over, in this order."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from etaoi_collector.arrivals import Closed, Events, FrameRefused, Opened
from etaoi_collector.inbox import SLICE, Inbox
from etaoi_collector.model import Connection
from etaoi_collector.recorder import Recorder
from etaoi_collector.wire.codec import decode_at_once, decode_events, split_frame
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.handshake import Hello, describe_client


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


class Intake:
    """Takes what the server's sessions accept. All calls come from the collector's thread, `stats` from any.

    Args:
        recorder: Keeps the frames.
        inbox: Gets the decoded events; None when nobody watches.
        clock: Seconds since the epoch.
    """

    def __init__(self, recorder: Recorder, inbox: Inbox | None, clock: Callable[[], float]) -> None:
        self.trouble = ""
        """What went wrong within this program while it served a client; empty while all is well."""
        self._recorder = recorder
        self._inbox = inbox
        self._clock = clock
        self._connected: set[int] = set()
        self._connections = 0
        self._frames = 0
        self._events = 0
        self._rejected = 0
        self._refused = 0
        self._bytes = 0
        self._turned_away = 0
        self._turned_away_why = ""

    def stats(self) -> Stats:
        """Return the counts as they are now."""
        inbox = self._inbox
        return Stats(
            clients=len(self._connected),
            connections=self._connections,
            frames=self._frames,
            events=self._events,
            rejected=self._rejected,
            refused_frames=self._refused,
            dropped=0 if inbox is None else inbox.lost,
            overflowed=0 if inbox is None else inbox.overflowed,
            bytes=self._bytes,
            unrecorded_frames=self._recorder.unrecorded,
            turned_away=self._turned_away,
            turned_away_why=self._turned_away_why,
        )

    def open(self, peer: str, hello: Hello, message: bytes, user_agent: str) -> int:
        """Note that a client was welcomed; return the number of its connection."""
        at = self._clock()
        self._connections += 1
        number = self._connections
        client = describe_client(hello, user_agent)
        self._connected.add(number)
        self._recorder.opened(at, number, peer=peer, client=client, hello=message)
        if self._inbox is not None:
            self._inbox.put(Opened(Connection(number, peer, at, client)))
        return number

    def close(self, number: int, code: int | None, reason: str) -> None:
        """Note that a connection ended."""
        at = self._clock()
        self._connected.discard(number)
        self._recorder.closed(at, number, code=code, reason=reason)
        if self._inbox is not None:
            self._inbox.put(Closed(number, at, code, reason))

    def turn_away(self, why: str) -> None:
        """Note that a client was not let in."""
        self._turned_away += 1
        self._turned_away_why = why

    def refuse(self, number: int, size: int, reason: str) -> None:
        """Note that a message was not taken."""
        at = self._clock()
        self._refused += 1
        self._recorder.refused(at, number, size=size, reason=reason)
        if self._inbox is not None:
            self._inbox.put(FrameRefused(number, at, size, reason))

    def frame(self, number: int, frame: bytes) -> None:
        """Take an event frame: record it, then decode it."""
        at = self._clock()
        self._frames += 1
        self._bytes += len(frame)
        place = self._recorder.append(at, number, frame)
        events = decode_at_once(frame)
        if events is not None:
            self._hand_over(Events(place, 0, events, number, at), len(frame))
            return
        parts = split_frame(frame)
        for start in range(0, len(parts), SLICE):
            events = decode_events(parts, start, start + SLICE)
            self._rejected += sum(type(event) is Reject for event in events)
            share = len(frame) * len(events) // len(parts)
            self._hand_over(Events(place, start, events, number, at), share)

    def _hand_over(self, events: Events, size: int) -> None:
        self._events += len(events.events)
        if self._inbox is not None:
            self._inbox.put(events, size)
