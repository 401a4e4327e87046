"""Makes large messages cost the WebSocket library less: one copy instead of two, and none that stays.

The library cuts a message out of its buffer and unmasks what it cut; both take as long as the message is
large, and nobody else is served meanwhile. And its parser keeps the newest frame until the next one comes:
in a connection that broke, as long as nobody collects garbage.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from websockets.frames import Frame
from websockets.streams import StreamReader

LARGE = 1 << 20
"""Bytes of a message from which on it is worth it."""


class HandingReader(StreamReader):
    """Hands its buffer over when a large part of it is asked for, instead of copying that part."""

    def read_exact(self, n: int) -> Generator[None, None, bytearray]:
        """Read so many bytes.

        Raises:
            EOFError: The stream ends before.
        """
        while len(self.buffer) < n:
            if self.eof:
                raise EOFError(f"stream ends after {len(self.buffer)} bytes, expected {n} bytes")
            yield
        pending = self.buffer
        if n < LARGE:
            part = pending[:n]
            del pending[:n]
            return part
        self.buffer = pending[n:]
        del pending[n:]
        return pending


def detached(frame: Frame) -> Frame:
    """Return a frame with what a large one holds, which is empty from then on."""
    if len(frame.data) < LARGE:
        return frame
    joined = replace(frame)
    frame.data = b""
    return joined
