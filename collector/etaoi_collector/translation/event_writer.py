"""Writes translated spans as events of the protocol, and packs events into frames."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from etaoi_collector.translation.ids import timestamp
from etaoi_collector.translation.translated import TranslatedSpan
from etaoi_collector.wire.metadata_keys import INFRASTRUCTURE, MOVES_TRACE, REVISES
from etaoi_collector.wire.versions import SCHEMA_VERSION

EVENTS_PER_FRAME = 128

_ID_MASK = (1 << 48) - 1
_ID_PREFIX = str(uuid.uuid4())[:24]
_id_count = itertools.count(random.getrandbits(48))

_encode = msgspec.msgpack.Encoder(enc_hook=repr).encode
_FAILURES = (TypeError, ValueError, OverflowError, RecursionError, UnicodeError)
_LONGEST_INTEGER = 1 << 63


def write_start(
    span: TranslatedSpan, session_id: str, *, revises: bool = False, moves_trace: bool = False
) -> bytes:
    """Encode the event that a span started.

    Args:
        span: The span.
        session_id: Its session.
        revises: An earlier start of it is to be replaced.
        moves_trace: Its trace was said to belong to another session before.
    """
    metadata = dict(span.metadata)
    if span.infrastructure:
        metadata[INFRASTRUCTURE] = span.infrastructure
    if revises:
        metadata[REVISES] = "1"
    if moves_trace:
        metadata[MOVES_TRACE] = "1"
    return _encoded(
        {
            "kind": "span_start",
            "event_id": _event_id(),
            "session_id": session_id,
            "trace_id": span.trace_id,
            "span_id": span.span_id,
            "parent_span_id": span.parent_id,
            "node_kind": span.kind,
            "timestamp": timestamp(span.start_ns),
            "user_id": span.user,
            "lc_agent_name": span.agent,
            "run_id": None,
            "parent_run_id": None,
            "speech_id": span.speech_id,
            "metadata": metadata,
            "payload": span.start,
        }
    )


def write_end(
    span: TranslatedSpan,
    session_id: str,
    *,
    revises: bool = False,
    more: Mapping[str, str] | None = None,
) -> bytes:
    """Encode the event that a span ended; ``more`` is metadata that its start did not have."""
    metadata = {"name": span.metadata.get("name", span.name), **(more or {})}
    if revises:
        metadata[REVISES] = "1"
    return _encoded(
        {
            "kind": "span_end",
            "event_id": _event_id(),
            "session_id": session_id,
            "trace_id": span.trace_id,
            "span_id": span.span_id,
            "parent_span_id": span.parent_id,
            "node_kind": span.kind,
            "timestamp": timestamp(span.start_ns if span.end_ns is None else span.end_ns),
            "user_id": span.user,
            "error": span.error,
            "speech_id": span.speech_id,
            "voice_metrics": span.voice_metrics,
            "metadata": metadata,
            "payload": span.end,
        }
    )


def write_delta(
    span: TranslatedSpan,
    session_id: str,
    time_ns: int,
    payload: dict[str, Any],
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Encode something that was added to a span; ``metadata`` says what changed about it."""
    return _encoded(
        {
            "kind": "span_delta",
            "event_id": _event_id(),
            "session_id": session_id,
            "trace_id": span.trace_id,
            "span_id": span.span_id,
            "parent_span_id": span.parent_id,
            "node_kind": span.kind,
            "timestamp": timestamp(time_ns),
            "speech_id": span.speech_id,
            "metadata": metadata or {},
            "payload": payload,
        }
    )


def write_state_change(session_id: str, time_ns: int, subject: str, state: str) -> bytes:
    """Encode a change of the agent's or the user's state in a voice session."""
    return _encoded(
        {
            "kind": "state_tick",
            "event_id": _event_id(),
            "session_id": session_id,
            "timestamp": timestamp(time_ns),
            "subject": subject,
            "state": state,
            "metadata": {},
        }
    )


def write_reject(reason: str) -> bytes:
    """Encode an event that no reader takes: it is recorded, counted, and shown with its reason."""
    return _encode({"kind": f"unreadable: {reason[:200]}"})


def pack_frames(events: Sequence[bytes]) -> list[bytes]:
    """Pack encoded events into frames of one envelope each, small enough to be taken in at one go."""
    return [
        _encode(
            [
                {
                    "schema_version": SCHEMA_VERSION,
                    "batch": [msgspec.Raw(event) for event in events[first : first + EVENTS_PER_FRAME]],
                }
            ]
        )
        for first in range(0, len(events), EVENTS_PER_FRAME)
    ]


def _event_id() -> str:
    """Return a new version 4 UUID: its first half is this process's, the rest is counted from anywhere on."""
    return f"{_ID_PREFIX}{next(_id_count) & _ID_MASK:012x}"


def _encoded(event: dict[str, Any]) -> bytes:
    try:
        return _encode(event)
    except _FAILURES:
        return _encode(_plain(event, 0))


def _plain(value: Any, depth: int) -> Any:
    """Return a value that can be encoded whatever it was: what msgpack cannot say becomes text."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool | float | bytes) or value is None:
        return value
    if isinstance(value, int):
        return value if -_LONGEST_INTEGER <= value < _LONGEST_INTEGER else str(value)
    if depth > 200:
        return "… nested too deep"
    if isinstance(value, dict):
        return {_plain(str(key), depth): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    return repr(value)
