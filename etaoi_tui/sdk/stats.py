"""What became of the events: counted where it happens, read by whoever asks."""

from __future__ import annotations

import msgspec


class Stats(msgspec.Struct, kw_only=True):
    """Counts since the start of this process (a forked child counts from zero)."""

    encoded: int = 0
    """Events that were encoded on the sender's thread."""
    sent: int = 0
    """Events that were written to the socket, the file or the sink, repeats not counted."""
    acknowledged: int = 0
    """Events that a viewer has confirmed by answering a later ping."""
    resent: int = 0
    """Events that were sent again after a broken connection or to a new viewer."""
    bytes_sent: int = 0
    frames: int = 0
    connections: int = 0
    """How often a viewer was reached."""
    waiting: int = 0
    """Events that wait to be sent now."""
    waiting_bytes: int = 0
    """Memory that they take."""
    dropped_text: int = 0
    """Pieces of streamed text that were dropped to stay within the buffer."""
    dropped_payloads: int = 0
    """Payloads that were left out of events that did arrive."""
    dropped_deltas: int = 0
    dropped_spans: int = 0
    """Starts and ends that were dropped."""
    cut: int = 0
    """Values that were shortened to their limit."""
    failed: int = 0
    """Events that could not be encoded or that a custom sink refused."""
    state: str = "idle"
    """idle, connecting, connected, absent (nothing listens), stopped (refused for good), closed, writing,
    failed."""
    file: str = ""
    """The trace file that is written, once there is one: not the one that was asked for if that existed."""
    problem: str = ""
    """Why it is not connected, or could not write: a sentence."""

    @property
    def dropped(self) -> int:
        """Events that will never arrive."""
        return self.dropped_text + self.dropped_deltas + self.dropped_spans
