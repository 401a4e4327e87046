"""Where the values lie that events refer to, found when somebody looks at such an event."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from etaoi_collector.lru import Lru
from etaoi_collector.source_items import Missing
from etaoi_collector.wire.references import decode_values, digest_of

_FRAMES_KEPT = 16
_BYTES_KEPT = 16 << 20
"""Values that were found stay in memory up to so many bytes."""


def with_value_ref(value_refs: list[int], event_ref: int, oldest: int) -> list[int]:
    """Return the places of frames that bring values, with one more and without those before the oldest.

    Readers on other threads may stand in the list, so it is left as it is when the first of it go.
    """
    if value_refs and value_refs[0] < oldest:
        return [*value_refs[bisect_left(value_refs, oldest) :], event_ref]
    value_refs.append(event_ref)
    return value_refs


class SharedValues:
    """Finds values by their digests.

    Args:
        value_refs: Returns the places of the frames that bring values, in order. Asked only when a value is
            looked for; there may be more the next time, and the oldest may be gone with their file.
        read_frame: Returns the bytes of the frame at a place, or why there are none.
    """

    def __init__(
        self,
        value_refs: Callable[[], Sequence[int]],
        read_frame: Callable[[int], bytes | memoryview | Missing],
    ) -> None:
        self._value_refs = value_refs
        self._read_frame = read_frame
        self._oldest = self._newest = -1
        self._where: dict[bytes, int] = {}
        self._contents: dict[bytes, bytes] = {}
        self._found_bytes = 0
        self._frames: Lru[int, dict[bytes, bytes]] = Lru(_FRAMES_KEPT)

    def find(self, digest: bytes) -> bytes | None:
        """Return a value's bytes; None when no frame that is still there brings it.

        What a frame says is believed only where the digest is that of the bytes.
        """
        content = self._contents.get(digest)
        if content is None:
            content = self._look_up(digest)
            if content is not None:
                if self._found_bytes > _BYTES_KEPT:
                    self._contents.clear()
                    self._found_bytes = 0
                self._contents[digest] = content
                self._found_bytes += len(content)
        return content

    def _look_up(self, digest: bytes) -> bytes | None:
        value_refs = self._value_refs()
        if value_refs and value_refs[0] > self._oldest:
            self._oldest = value_refs[0]
            self._where = {value: ref for value, ref in self._where.items() if ref >= self._oldest}
        for event_ref in value_refs[bisect_right(value_refs, self._newest) :]:
            self._newest = event_ref
            for value_digest in self._values_of(event_ref):
                self._where[value_digest] = event_ref
        where = self._where.get(digest)
        content = None if where is None else self._values_of(where).get(digest)
        return content if content is not None and digest_of(content) == digest else None

    def _values_of(self, event_ref: int) -> dict[bytes, bytes]:
        values = self._frames.get(event_ref)
        if values is None:
            frame = self._read_frame(event_ref)
            values = {} if isinstance(frame, Missing) else decode_values(frame)
            self._frames.put(event_ref, values)
        return values
