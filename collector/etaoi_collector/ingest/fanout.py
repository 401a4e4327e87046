"""Sends a recording to another viewer: what it holds first, then what is added, from the recorder alone.

After the Welcome every binary message is a piece of the trace file, in order: the header of each segment is a
message of its own, all others hold whole records. Who strings them together has the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from websockets.asyncio.server import ServerConnection

from etaoi_collector.ingest.pipeline import Ingest
from etaoi_collector.recording.chunks import Chunk, Cursor
from etaoi_collector.source_items import SourceItem
from etaoi_collector.wire.handshake import After, Hello
from etaoi_collector.wire.trace_records import GAP, GapBody, encode_body, encode_record

TOO_SLOW = 4408
"""Close code: the viewer did not read on. It may connect again and go on where it was."""

_CHUNK = 128 << 10
"""Bytes of one message, roughly; a single record may be larger."""
_FRAGMENT = 256 << 10
_GATHER = 0.02
"""Seconds in which what arrives is gathered into one message."""
_BREATH = 0.002
"""Seconds left to the agents between two messages while they are sending."""


class TooSlow(Exception):
    """The viewer does not take what it is sent; the text is a sentence for its user."""


class _Bell:
    """Rings when something was recorded; on the collector's own loop."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()

    def put(self, item: SourceItem, size: int = 0) -> None:
        self.rung.set()


async def send_recording(connection: ServerConnection, intake: Ingest, hello: Hello, patience: float) -> None:
    """Send all there is and all that comes, until cancelled.

    Args:
        connection: The viewer's; it had its Welcome.
        intake: Where agents' events come in.
        hello: Says how far an earlier connection has come.
        patience: Seconds that the viewer may leave a message untaken.

    Raises:
        TooSlow: It did.
        ConnectionClosed: It went away.
    """
    recorder = intake.recorder
    bell = _Bell()
    intake.join(bell, 0)
    position: Cursor | None = None
    try:
        while True:
            bell.rung.clear()
            if position is None and (recorder.recording or recorder.end() > Cursor()):
                position = _start(hello, recorder.recording)
            chunk = None if position is None else recorder.read_chunk(position, _CHUNK)
            if chunk is None:
                await bell.rung.wait()
                await asyncio.sleep(_GATHER)
                continue
            await _send(connection, chunk, patience)
            position = chunk.end
            await asyncio.sleep(_BREATH if bell.rung.is_set() else 0)
    finally:
        intake.leave(bell)


def _start(hello: Hello, recording: str) -> Cursor:
    """Return where to begin: at the start, unless the viewer knows the beginning of this very recording."""
    after = hello.after
    if isinstance(after, After) and after.recording == recording:
        return Cursor(after.segment, after.offset)
    return Cursor()


async def _send(connection: ServerConnection, chunk: Chunk, patience: float) -> None:
    try:
        async with asyncio.timeout(patience) as limit:
            if chunk.gap:
                gap = GapBody(chunk.gap, chunk.why)
                await connection.send(encode_record(GAP, 0.0, 0, encode_body(gap)))
            if len(chunk.data) <= _FRAGMENT:
                await connection.send(chunk.data)
            else:
                await connection.send(_fragments(chunk.data, limit, patience))
    except TimeoutError:
        raise TooSlow(
            f"You read nothing for {patience:g} s; connect again to go on where you were."
        ) from None


async def _fragments(
    data: bytes | memoryview, limit: asyncio.Timeout, patience: float
) -> AsyncIterator[memoryview]:
    """Cut a large record, so that only little of it is copied at a time; each piece has the full time."""
    view = memoryview(data)
    for start in range(0, len(view), _FRAGMENT):
        limit.reschedule(asyncio.get_running_loop().time() + patience)
        yield view[start : start + _FRAGMENT]
