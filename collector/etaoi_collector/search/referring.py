"""Finds runs that say something by reference: it stands in a value that was sent once for many events.

What stands for a value that is not there is said by reference, too: no recorded byte has it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import msgspec

from etaoi_collector.recording.run_reader import Extent, RunReader
from etaoi_collector.source_items import Missing
from etaoi_collector.wire.codec import decode_events, split_frame
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.references import (
    DIGEST_BYTES,
    MARK,
    SENT_EARLIER,
    TOO_MUCH,
    decode_values,
    stand_in,
)

_REFERENCE = re.compile(re.escape(MARK) + b"(?=(.{%d}))" % DIGEST_BYTES, re.DOTALL)

_SENT_EARLIER = msgspec.msgpack.encode(stand_in(SENT_EARLIER)).lower()
_TOO_MUCH = msgspec.msgpack.encode(stand_in(TOO_MUCH)).lower()


def runs_referring(reader: RunReader, forms: Sequence[bytes]) -> Iterator[tuple[str, Extent]]:
    """Yield the runs with an event that refers to a value in which one of the forms stands.

    Args:
        reader: The recording.
        forms: Bytes of lower case.

    Returns:
        Trace ids, each with the place of a record that holds such an event, in order; some more than once.
    """
    values = _Values(reader, forms)
    if not values.could_match:
        return
    every = [(number, segment.start, len(segment.data)) for number, segment in reader.segments.items()]
    for number, offset, _, _, body in reader.frames(every):
        frame = bytes(body)
        if MARK not in frame:
            continue
        for part in split_frame(frame):
            if not isinstance(part, Reject) and values.match(_REFERENCE.findall(bytes(part))):
                trace_id = getattr(decode_events([part])[0], "trace_id", None)
                if isinstance(trace_id, str):
                    yield trace_id, (number, offset, offset + 1)


class _Values:
    """Tells which references stand for one of the forms.

    Args:
        reader: The recording.
        forms: Bytes of lower case.
    """

    def __init__(self, reader: RunReader, forms: Sequence[bytes]) -> None:
        self._known: set[bytes] = set()
        self._matching: set[bytes] = set()
        """Digests of values that hold one of the forms, themselves or by reference."""
        self._missing_matches = any(form in _SENT_EARLIER for form in forms)
        self._any_matches = any(form in _TOO_MUCH for form in forms)
        """Any value may be left out: how much an event stands for is known when it is put together."""
        for event_ref in reader.value_refs():
            frame = reader.frame(event_ref)
            if isinstance(frame, Missing):
                continue
            for digest, content in decode_values(frame).items():
                lowered = content.lower()
                # What a value refers to was sent before it.
                if any(form in lowered for form in forms) or (
                    MARK in content and self.match(_REFERENCE.findall(content))
                ):
                    self._matching.add(digest)
                self._known.add(digest)

    @property
    def could_match(self) -> bool:
        """Whether any reference could match."""
        return bool(self._matching) or self._missing_matches or self._any_matches

    def match(self, references: Collection[bytes]) -> bool:
        """Whether one of some references, given by their digests, stands for one of the forms, or may."""
        if not references:
            return False
        return (
            self._any_matches
            or not self._matching.isdisjoint(references)
            or (self._missing_matches and not self._known.issuperset(references))
        )
