"""Finds runs that say something by reference: it stands in a value that was sent once for many events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from etaoi_collector.recording.run_reader import Extent, RunReader
from etaoi_collector.source_items import Missing
from etaoi_collector.wire.codec import decode_events, split_frame
from etaoi_collector.wire.events import Reject
from etaoi_collector.wire.references import DIGEST_BYTES, MARK, decode_values

_REFERENCE = re.compile(re.escape(MARK) + b"(?=(.{%d}))" % DIGEST_BYTES, re.DOTALL)


def runs_referring(reader: RunReader, forms: Sequence[bytes]) -> Iterator[tuple[str, Extent]]:
    """Yield the runs with an event that refers to a value in which one of the forms stands.

    Args:
        reader: The recording.
        forms: Bytes of lower case.

    Returns:
        Trace ids, each with the place of a record that holds such an event, in order; some more than once.
    """
    digests = _values_with(reader, forms)
    if not digests:
        return
    every = [(number, segment.start, len(segment.data)) for number, segment in reader.segments.items()]
    for number, offset, _, _, body in reader.frames(every):
        frame = bytes(body)
        if MARK not in frame:
            continue
        for part in split_frame(frame):
            if not isinstance(part, Reject) and not digests.isdisjoint(_REFERENCE.findall(bytes(part))):
                trace_id = getattr(decode_events([part])[0], "trace_id", None)
                if isinstance(trace_id, str):
                    yield trace_id, (number, offset, offset + 1)


def _values_with(reader: RunReader, forms: Sequence[bytes]) -> set[bytes]:
    """Return the digests of values that hold one of the forms, themselves or by reference.

    What a value refers to was sent before it.
    """
    digests: set[bytes] = set()
    for event_ref in reader.value_refs():
        frame = reader.frame(event_ref)
        if isinstance(frame, Missing):
            continue
        for digest, content in decode_values(frame).items():
            lowered = content.lower()
            if any(form in lowered for form in forms) or (
                MARK in content and not digests.isdisjoint(_REFERENCE.findall(content))
            ):
                digests.add(digest)
    return digests
