"""How much memory a value that waits for another one holds, roughly: what waits is bounded by it."""

from __future__ import annotations

from typing import Any

from etaoi_collector.translation.otel_model import OtelEvent, OtelLog, OtelSpan
from etaoi_collector.translation.translated import TranslatedSpan

MOST_HELD = 32 << 20
"""Bytes of one kind of things that wait for others; beyond it the oldest wait no longer."""

_OBJECT = 64


def held_bytes(value: Any) -> int:
    """Return roughly how many bytes a value of JSON holds, or what was decoded or translated of a span."""
    size = 0
    waiting = [value]
    while waiting:
        one = waiting.pop()
        size += _OBJECT
        match one:
            case str() | bytes():
                size += len(one)
            case dict():
                waiting += one.keys()
                waiting += one.values()
            case list() | tuple():
                waiting += one
            case OtelSpan():
                waiting += (one.name, one.attributes, one.events, one.status_message)
            case OtelEvent():
                waiting += (one.name, one.attributes)
            case OtelLog():
                waiting += (one.name, one.body, one.attributes)
            case TranslatedSpan():
                waiting += (
                    one.name,
                    one.error,
                    one.start,
                    one.end,
                    one.deltas,
                    one.metadata,
                    one.voice_metrics,
                )
    return size
