"""Finds the events of a frame without decoding them, whatever the frame holds, a slice at a time."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

from msgspec import Raw

from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.limits import (
    LEAST_EVENT,
    MAX_COUNTED_REJECTS,
    MAX_DEPTH,
    MAX_EVENTS_PER_FRAME,
    MAX_EXPLAINED_REJECTS,
)
from etaoi_collector.wire.scan import RUN, BreaksOff, Skipper, Steps, TooManyItems, holder, string

_ITEMS_AT_ONCE = 1_024
_MOST_FIELDS = 64
_LONGEST_KEY = 64

_NO_MAPS = re.compile(rb"[\x00-\x80\x90\xa0\xc0\xc2\xc3\xe0-\xff]+").match
"""Items of one byte, in a row: nothing of it can be an event, or an envelope that holds any."""


ByteRange = tuple[int, int]
"""Where an event begins and ends in its frame, in bytes."""


class EventRanges:
    """Where the events of a frame lie; an event's index is its ordinal.

    What cannot be an event is a `Reject`. A few of those are told apart; a frame of millions is not worth
    more memory than it has itself, so all further ones are told by one `Reject` in the end.
    """

    def __init__(self) -> None:
        self._starts = array("I")
        self._ends = array("I")
        self._rejects: dict[int, Reject] = {}
        self._odd = 0
        """Rejects, and events that are too short to be any."""
        self._more = 0
        self._counted = 0

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, ordinal: int) -> ByteRange | Reject:
        reject = self._rejects.get(ordinal)
        return (self._starts[ordinal], self._ends[ordinal]) if reject is None else reject

    @property
    def is_full_of_rejects(self) -> bool:
        """Further ones are only counted."""
        return self._odd >= MAX_EXPLAINED_REJECTS

    def size(self, ordinal: int) -> int:
        """Return how many bytes an event has; 0 for what cannot be one."""
        return self._ends[ordinal] - self._starts[ordinal]

    def total_size(self, first: int, count: int) -> int:
        """Return how many bytes several events have together."""
        return sum(self._ends[first : first + count]) - sum(self._starts[first : first + count])

    def add(self, start: int, end: int) -> None:
        """Append an event.

        Raises:
            TooManyEvents: There are as many as are taken from a frame.
        """
        if end - start < LEAST_EVENT:
            if self.is_full_of_rejects:
                self._count_more(1)
                return
            self._odd += 1
        if len(self._starts) >= MAX_EVENTS_PER_FRAME - 1:
            raise TooManyEvents
        self._starts.append(start)
        self._ends.append(end)

    def reject(self, reason: str, count: int = 1) -> None:
        """Append something that is no event, or several such things.

        Raises:
            TooManyEvents: There are too many of them to go on.
        """
        if self.is_full_of_rejects:
            self._count_more(count)
            return
        self._odd += 1
        self._append(reason)

    def _count_more(self, count: int) -> None:
        self._more += count
        self._counted += 1
        if self._counted > MAX_COUNTED_REJECTS:
            raise TooManyEvents

    def forget_from(self, ordinal: int) -> None:
        """Take the last ones back."""
        del self._starts[ordinal:], self._ends[ordinal:]
        for dropped in [other for other in self._rejects if other >= ordinal]:
            del self._rejects[dropped]

    def close(self, reason: str = "") -> None:
        """Say what ended the frame, and how many could not be told apart."""
        if self._more:
            self._append(f"and {self._more:,} more that are no events", self._more)
            self._more = 0
        if reason:
            self._append(reason)

    def _append(self, reason: str, count: int = 1) -> None:
        ordinal = len(self._starts)
        self._rejects[ordinal] = Reject(ordinal, reason, count)
        self._starts.append(0)
        self._ends.append(0)


class TooManyEvents(Exception):
    """The frame holds more events than are taken from one."""


def is_hopeless(event: memoryview) -> bool:
    """Whether a whole item can be no event, whatever it holds."""
    return len(event) < LEAST_EVENT or not is_map(event)


def is_map(item: memoryview) -> bool:
    """Whether an item is a map."""
    return item[0] & 0xF0 == 0x80 or item[0] in (0xDE, 0xDF)


def is_text(item: memoryview) -> bool:
    """Whether an item is a string."""
    return item[0] & 0xE0 == 0xA0 or 0xD9 <= item[0] <= 0xDB


def scan_frame(frame: bytes | bytearray | memoryview) -> list[Raw | Reject]:
    """Split a frame into its events, as `scan_byte_ranges` finds them; the raws share the frame's memory."""
    data = memoryview(frame)
    ranges = scan_byte_ranges(data)
    parts = (ranges[ordinal] for ordinal in range(len(ranges)))
    return [part if isinstance(part, Reject) else Raw(data[part[0] : part[1]]) for part in parts]


def scan_byte_ranges(frame: bytes | bytearray | memoryview) -> EventRanges:
    """Find the events of a frame, in order, over all envelopes. Never raises for any bytes."""
    ranges = EventRanges()
    for _ in scan_steps(frame, ranges):
        pass
    return ranges


def scan_steps(frame: bytes | bytearray | memoryview, ranges: EventRanges) -> Iterator[None]:
    """Find the events of a frame, a slice of some milliseconds at a time."""
    data = memoryview(frame)
    try:
        end = yield from _envelopes(data, ranges)
    except BreaksOff:
        ranges.close(f"the frame breaks off after {len(data):,} bytes, within this event")
    except TooManyItems:
        ranges.close("the rest of the frame is too finely divided to be searched for events")
    except TooManyEvents:
        ranges.close(f"only the first {len(ranges):,} events of one frame are taken")
    else:
        rest = len(data) - end
        ranges.close(f"{rest:,} bytes follow after the frame's own end" if rest else "")


def _envelopes(data: memoryview, ranges: EventRanges) -> Steps[int]:
    shape, count, position = holder(data, 0)
    if shape != "array":
        ranges.reject(f"the frame is a {shape}, not a list of envelopes")
        return len(data)
    skipper = Skipper(data)
    number = 0
    while number < count:
        if number % _ITEMS_AT_ONCE == 0:
            yield
        if ranges.is_full_of_rejects and (
            run := _NO_MAPS(data, position, position + min(count - number, RUN))
        ):
            ranges.reject("", run.end() - position)
            number += run.end() - position
            position = run.end()
            yield
            continue
        shape, keys, content = holder(data, position)
        if shape != "map":
            position, _ = yield from skipper.steps(position)
            ranges.reject(f"envelope {number} is a {shape}, not a map")
        else:
            position = yield from _envelope(data, content, keys, number, skipper, ranges)
        number += 1
    return position


def _envelope(
    data: memoryview, position: int, keys: int, number: int, skipper: Skipper, ranges: EventRanges
) -> Steps[int]:
    first_of_envelope = len(ranges)
    has_batch = False
    for at in range(keys):
        if at % _ITEMS_AT_ONCE == _ITEMS_AT_ONCE - 1:
            yield
        if position >= len(data):
            raise BreaksOff
        key, position = string(data, position)
        if key is None:
            position, _ = yield from skipper.steps(position)
        if key != b"batch":
            position, _ = yield from skipper.steps(position)
            continue
        has_batch = True
        # Of a key that occurs twice the last value counts, as msgspec has it.
        ranges.forget_from(first_of_envelope)
        shape, count, content = holder(data, position)
        if shape != "array":
            position, _ = yield from skipper.steps(position)
            ranges.reject(f"the batch of envelope {number} is a {shape}, not a list")
            continue
        position = yield from _batch(data, content, count, skipper, ranges)
    if not has_batch:
        ranges.reject(f"envelope {number} has no batch")
    return position


def _batch(data: memoryview, position: int, count: int, skipper: Skipper, ranges: EventRanges) -> Steps[int]:
    done = 0
    while done < count:
        if done % _ITEMS_AT_ONCE == _ITEMS_AT_ONCE - 1:
            yield
        if ranges.is_full_of_rejects and (run := _NO_MAPS(data, position, position + min(count - done, RUN))):
            ranges.reject("", run.end() - position)
            done += run.end() - position
            position = run.end()
            yield
            continue
        start, unknown = position, False
        position = skipper.quick(start)
        if position < 0:
            position, unknown = yield from skipper.steps(start)
        if unknown:
            ranges.reject("it holds the byte 0xc1, which MessagePack does not know")
        elif data[start] & 0xF0 == 0x80 or data[start] in (0xDE, 0xDF):
            ranges.add(start, position)
        else:
            ranges.reject(f"the event is a {holder(data, start)[0]}, not a map")
        done += 1
    return position


class CannotBeSplit(ValueError):
    """The event cannot be taken; the text says why."""


def split_steps(event: memoryview) -> Steps[dict[str, memoryview]]:
    """Split an event's map into its values, undecoded, a slice at a time.

    Raises:
        CannotBeSplit: It is none, it breaks off, or it is nested too deep.
    """
    shape, count, position = holder(event, 0)
    if shape != "map":
        raise CannotBeSplit(f"the event is a {shape}, not a map")
    skipper = Skipper(event)
    fields: dict[str, memoryview] = {}
    try:
        for at in range(count):
            if at % _ITEMS_AT_ONCE == _ITEMS_AT_ONCE - 1:
                yield
            key, position = string(event, position)
            if key is None:
                position, _ = yield from skipper.steps(position)
            start = position
            position, _ = yield from skipper.steps(start)
            if key is not None and len(fields) < _MOST_FIELDS:
                fields[key[:_LONGEST_KEY].decode("utf-8", "replace")] = event[start:position]
            if skipper.has_failed:
                raise CannotBeSplit(f"it is nested more than {MAX_DEPTH} levels deep, or no MessagePack")
    except (BreaksOff, TooManyItems, IndexError):
        raise CannotBeSplit("the event breaks off or is too finely divided to be read") from None
    return fields
