"""How events are said to the server at the other end: with references, or all whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from etaoi_collector.wire.encode import encode_frame
from etaoi_collector.wire.handshake import Welcome
from etaoi_collector.wire.references import CAPABILITY, Resolver
from etaoi_tui.sdk.known_values import KnownValues, SentValues
from etaoi_tui.sdk.limits import FRAME_BYTES
from etaoi_tui.sdk.transport.send_queue import EncodedEvent

_MOST_WHOLE = 1 << 20
"""Bytes of values in one event, said whole."""
_RENEWED_BYTES = 128 << 20
"""Bytes after which values are sent once more: a viewer that runs for long deletes its oldest parts."""


class Dialect:
    """What one connection after the other is told, and how. For the link's thread.

    A server of ours says in its Welcome that it understands references. Any other one gets everything whole;
    once that is known, events are encoded so from the beginning.

    Args:
        values: What events refer to.
    """

    def __init__(self, values: KnownValues) -> None:
        self._values = values
        self._sent = SentValues(values)
        self._bytes = 0
        self._resolver = Resolver(values.content, _MOST_WHOLE)
        self._whole_frame = Resolver(values.content)

    def begin(self, welcome: Welcome) -> None:
        """Speak to a server that knows nothing yet."""
        self._values.enabled = welcome.server_version.endswith(CAPABILITY)
        self._forget()

    def _forget(self) -> None:
        self._sent.forget()
        self._bytes = 0

    def frames(self, entries: list[EncodedEvent]) -> Iterator[tuple[bytes, int, tuple[bytes, ...]]]:
        """Return what to send for some events, in order: a frame, how many events it has, their references.

        A frame with no events brings values; it is of no use to another connection.
        """
        digests = _digests_in(entries)
        if not digests or self._values.enabled:
            if self._bytes > _RENEWED_BYTES:
                self._forget()
            for values in self._sent.frames_for(digests):
                yield values, 0, ()
            frame = encode_frame(entries)
            self._bytes += len(frame)
            yield frame, len(entries), digests
            return
        waiting: list[EncodedEvent] = []
        size = 0
        for entry in entries:
            if entry.values and entry.payload is not None:
                entry.payload, entry.values = self._resolver.resolve(entry.payload), None
            adds = entry.size + len(entry.payload or b"")
            if waiting and size + adds > FRAME_BYTES:
                yield encode_frame(waiting), len(waiting), ()
                waiting, size = [], 0
            waiting.append(entry)
            size += adds
        yield encode_frame(waiting), len(waiting), ()

    def again(self, frame: bytes, digests: tuple[bytes, ...]) -> list[bytes]:
        """Return what to send for a frame that was sent to another connection before."""
        if not digests:
            return [frame]
        if self._values.enabled:
            return [*self._sent.frames_for(digests), frame]
        return [self._whole_frame.resolve(frame)]


def _digests_in(entries: Iterable[EncodedEvent]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(digest for entry in entries if entry.values for digest in entry.values))
