"""Writes down what the etaoi SDK takes in and what it sends. Runs in the real clients' environment.

One JSON line an event: ``[epoch seconds, "queued" or "sent", event id, kind, span, trace, parent]``.
``sent`` is written when the SDK encodes the event into a message, right before it gives it to its socket.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from typing import Any

from etaoi.transport import sender as transport


def tap(path: str) -> None:
    """Log to ``path`` from now on, for every sender of this process."""
    log = open(path, "a", buffering=1)
    lock = threading.Lock()

    def write(what: str, envelopes: Sequence[Any]) -> None:
        with lock:
            for envelope in envelopes:
                for event in envelope.batch:
                    fields = event.model_dump(mode="json")
                    ids = [
                        fields.get(key)
                        for key in ("event_id", "kind", "span_id", "trace_id", "parent_span_id")
                    ]
                    log.write(json.dumps([time.time(), what, *ids]) + "\n")

    enqueue = transport.Sender.enqueue
    encode = transport.encode_envelopes

    def logged_enqueue(self: Any, envelope: Any) -> None:
        write("queued", [envelope])
        enqueue(self, envelope)

    def logged_encode(envelopes: Sequence[Any]) -> bytes:
        frame: bytes = encode(envelopes)
        write("sent", envelopes)
        return frame

    transport.Sender.enqueue = logged_enqueue
    transport.encode_envelopes = logged_encode
