"""What a source of events hands to its reader, live or replayed: the same items in both cases."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from etaoi_collector.store.listed_run import ListedRun
from etaoi_collector.store.model import Connection
from etaoi_collector.wire.events import Event, Reject


class Opened(msgspec.Struct, gc=False):
    """A client connected."""

    connection: Connection


class Closed(msgspec.Struct, gc=False):
    """A client's connection ended."""

    connection: int
    at: float
    """Seconds since the epoch."""
    code: int | None = None
    reason: str = ""


class EventBatch(msgspec.Struct, gc=False):
    """Some or all events of one frame, in frame order.

    Event ``i`` lies at the place ``base_ref + first_ordinal + i``.
    """

    base_ref: int
    """Place of the frame; `NOWHERE` when it was not kept."""
    first_ordinal: int
    events: list[Event | Reject]
    connection: int
    received: float
    """Seconds since the epoch."""
    is_slice: bool = False
    """Of a large frame that comes in pieces; those of other frames may come between them."""


class FrameRefused(msgspec.Struct, gc=False):
    """A message was not taken as a whole."""

    connection: int
    at: float
    size: int
    """Bytes; 0 when it is not known."""
    reason: str


class Ended(msgspec.Struct, gc=False):
    """A recording was read to its end."""

    at: float
    """Seconds since the epoch: the time of its last record."""


class RunsListed(msgspec.Struct, gc=False):
    """What is known of the runs of a recording before any event of them is read.

    Of one that grows they may be the first ones, as they were at some time.
    """

    runs: Sequence[ListedRun]
    """In order of arrival."""


SourceItem = Opened | Closed | EventBatch | FrameRefused | Ended | RunsListed


class Missing(msgspec.Struct, gc=False, frozen=True):
    """Says why a place cannot be read, in words for a person."""

    reason: str
