"""Samples that a doctor sends to see whether the way is open: heard by who watches frames, kept by nobody.

The reference SDK's ``etaoi doctor`` never ends the spans that it sends, so they would stay as lost ones.
"""

from __future__ import annotations

from typing import Any

import msgspec

SOURCE = "etaoi-doctor"
"""What the metadata of a sample has as its ``source``, the reference SDK's as well as ours."""
CLIENT = "etaoi-tui-doctor"
"""How our doctor's Hello begins: its connection is recorded neither."""
LARGEST = 4096
"""Bytes of a frame that may be a sample."""

_MARK = SOURCE.encode()


def is_sample(frame: bytes) -> bool:
    """Whether a frame holds a doctor's sample and nothing else."""
    if len(frame) > LARGEST or _MARK not in frame:
        return False
    try:
        envelopes: Any = msgspec.msgpack.decode(frame)
        events = [event for envelope in envelopes for event in envelope["batch"]]
        return bool(events) and all(event["metadata"].get("source") == SOURCE for event in events)
    except (msgspec.DecodeError, RecursionError, TypeError, KeyError, AttributeError, ValueError):
        return False
