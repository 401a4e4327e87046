"""What goes when records come in faster than they are encoded: text, payloads, deltas, spans last."""

from __future__ import annotations

import threading

from etaoi_tui.sdk.limits import INTAKE_BYTES
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import START_LOST, Delta, End, Record, Span, Text, Tick
from etaoi_tui.sdk.transport.encoder import LEFT_OUT
from etaoi_tui.sdk.transport.losses import Losses

_HEAVY = 2_048
"""Bytes of text from which on a payload is counted."""


class LoadShedder:
    """Decides which records are taken, and counts what is lost. Called by the host's threads; never blocks.

    Args:
        intake: Records that may wait.
    """

    def __init__(self, intake: int) -> None:
        self.heavy = 0
        """Bytes of long texts that wait, roughly."""
        self.losses = Losses()
        self._intake = intake
        self._lock = threading.Lock()  # nobody waits while holding it

    def admits(self, record: Record, waiting: int, soft: int) -> bool:
        """Tell whether a record is taken; it may lose its payload.

        Args:
            record: What came.
            waiting: Records that wait.
            soft: How many may wait without any of them being lightened; fewer than wait.
        """
        hard = max(soft * 2, self._intake // 2)
        if isinstance(record, tuple):
            return self.lose_text(record)
        if waiting < soft * 1.2:
            return True
        if isinstance(record, Delta):
            return self._lose("deltas", record.span) if waiting >= soft * 1.6 else True
        if not isinstance(record, Span | End):
            return waiting < hard
        if waiting >= hard:
            span = record if isinstance(record, Span) else record.span
            root = span.parent_id is None or span.persistent
            if not root or waiting >= hard * 2:
                if isinstance(record, Span):
                    record.state |= START_LOST
                    record.payload = None
                return self._lose("spans", span)
        if record.payload is not None and not (isinstance(record, Span) and record.persistent):
            self._leave_out(record)
        return True

    def lose_text(self, record: Text) -> bool:
        """Drop streamed text; returns False."""
        span, text, _ = record
        span.text_skipped += sum(map(len, text)) if type(text) is list else len(text)
        return self._lose("text", span)

    def weigh(self, record: Span | Delta | End | Tick) -> bool:
        """Keep long texts from piling up faster than they are encoded; looks at the first level only.

        Returns:
            Whether the sender should hurry.
        """
        if isinstance(record, Tick) or type(record.payload) is not dict:
            return False
        size = sum(len(value) for value in record.payload.values() if type(value) is str)
        if size < _HEAVY:
            return False
        self.heavy += size
        if self.heavy > INTAKE_BYTES:
            self._leave_out(record)
        return self.heavy > INTAKE_BYTES // 2

    def take_losses(self) -> Losses:
        """Return what was lost since the last call."""
        with self._lock:
            losses, self.losses = self.losses, Losses()
        return losses

    def count_in(self, stats: Stats) -> None:
        """Add what was lost, and not taken yet, to a process's counts."""
        with self._lock:
            self.losses.count_in(stats)

    def _leave_out(self, record: Span | Delta | End) -> None:
        record.payload = {"etaoi_tui.note": LEFT_OUT}
        with self._lock:
            self.losses.payloads += 1

    def _lose(self, what: str, span: Span) -> bool:
        with self._lock:
            self.losses.add(what, span.trace_id)
        return False
