"""Records of the tracer into encoded events. Runs on the sender's thread only."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from etaoi_collector.conventions import keys
from etaoi_collector.wire.encode import (
    EMPTY_MAP,
    NIL,
    NODE_KINDS,
    delta_head,
    encode_metadata,
    encode_text,
    end_head,
    span_part,
    start_head,
    tick_head,
)
from etaoi_tui.sdk.clock import encoded_time
from etaoi_tui.sdk.ids import AnyId, id_text, new_id
from etaoi_tui.sdk.known_values import KnownValues
from etaoi_tui.sdk.limits import LINGER_SECONDS, TEXT_SECONDS, Limits
from etaoi_tui.sdk.redact import DEFAULT, Redact
from etaoi_tui.sdk.serialize import PayloadSerializer
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import START_LOST, Delta, End, Record, SessionInfo, Span, Text, Tick, Tracer
from etaoi_tui.sdk.transport.send_queue import EncodedEvent, Priority, SpanWire

LEFT_OUT = "left out: the sender could not keep up"

_IDS_KEPT = 4_096
_RULES_KEPT = 8

_encode = msgspec.msgpack.Encoder().encode
_ROOT, _SPAN, _DELTA, _TEXT = map(int, (Priority.ROOT, Priority.SPAN, Priority.DELTA, Priority.TEXT))
_RANKS = {"agent_context": Priority.CONTEXT, "voice_session": Priority.ROOT}
_OTHER_KINDS = {"agent": "sub_agent", "chain": "middleware"}


class _Stream(msgspec.Struct):
    """Text of one span on its way."""

    pieces: dict[str | None, list[str]] = {}
    offsets: dict[str | None, int] = {}
    tails: dict[str | None, str] = {}
    sent_at: float = 0.0
    open: list[str] | None = None
    """Where text of the answer still comes (`Span.pieces`)."""
    heard_at: float = 0.0
    """When something was in it."""

    def gather(self) -> bool:
        """Take what has come; whether there was anything."""
        waiting = self.open
        if not waiting:
            return False
        count = len(waiting)
        self.pieces.setdefault(None, []).extend(waiting[:count])
        del waiting[:count]
        return True


def _tell_kind(kind: str, metadata: dict[str, str], shaper: PayloadSerializer) -> None:
    """Say in the metadata what a span is whose kind the wire has no name for."""
    if kind == "retriever":
        metadata.setdefault(keys.LS_RETRIEVER_NAME, metadata.get("name", ""))
        metadata.setdefault("etaoi_tui.kind", "retriever")
    elif kind == "event":
        metadata.setdefault("event", metadata.get("name", ""))
    elif kind not in _OTHER_KINDS:
        metadata.setdefault("etaoi_tui.kind", shaper.text(kind, 64))


class Encoder:
    """Turns records into entries, in order; text is gathered and comes out in its own time.

    Args:
        stats: What to count in.
        clock: Seconds.
        values: Where what comes again is kept, for who understands references; None says everything whole.
    """

    def __init__(
        self,
        stats: Stats,
        clock: Callable[[], float] = time.monotonic,
        values: KnownValues | None = None,
    ) -> None:
        self._values = values
        self._stats = stats
        self._clock = clock
        self._shapers: dict[int, tuple[Tracer, PayloadSerializer]] = {}
        self._by_rules: dict[tuple[Limits, int], PayloadSerializer] = {}
        """One for all tracers with the same rules; it keeps these, so that no others get their id."""
        self._newest_tracer: Tracer | None = None
        self._newest_shaper = PayloadSerializer(Limits(), DEFAULT)
        self._ids: dict[int, bytes] = {}
        self._newest_session: SessionInfo | None = None
        self._session_parts = NIL, NIL
        """Its id and its user, encoded."""
        self._streams: dict[Span, _Stream] = {}
        self._out: list[EncodedEvent] = []
        self.payload_bytes = 0
        """Bytes of the payloads that the next `take` returns."""
        self.recovered: list[AnyId] = []
        """Traces of starts that were counted as dropped, and were sent with their span's end after all."""
        # Event ids are random once and counted on from there: half the cost, as unique, and still version 4.
        self._id_prefix = encode_text(id_text(new_id()))[:-12]
        self._id_count = new_id() & 0xFFFF_FFFF

    def take(self) -> list[EncodedEvent]:
        """Return the entries made since the last call."""
        out, self._out = self._out, []
        self.payload_bytes = 0
        if self._values is not None:
            self._values.in_batch.clear()
        self._stats.encoded += len(out)
        return out

    def encode(self, record: Record) -> None:
        """Encode one record. Never raises: what cannot be encoded is counted as failed."""
        try:
            if type(record) is tuple:
                self._text(record)
            elif type(record) is Span:
                self._start(record)
            elif type(record) is End:
                self._end(record)
            elif type(record) is Delta:
                self._delta(record)
            elif type(record) is Tick:
                self._tick(record)
        except Exception:
            self._stats.failed += 1
        values = self._values
        if values is not None and values.added:
            # They must have left before others push them out.
            self.payload_bytes += values.added
            values.added = 0

    @property
    def text_waits(self) -> bool:
        """Whether streamed text is being gathered."""
        return bool(self._streams)

    def release_text(self, *, everything: bool = False) -> None:
        """Send gathered text on, of spans whose last piece is old enough, or of all."""
        if not self._streams:
            return
        now = self._clock()
        for span, stream in list(self._streams.items()):
            if everything or now - stream.sent_at >= TEXT_SECONDS:
                if stream.gather():
                    stream.heard_at = now
                elif stream.open is not None and now - stream.heard_at > LINGER_SECONDS:
                    if span.pieces is stream.open:
                        span.pieces = None  # the next piece is told of again, so that nobody needs to look
                    stream.gather()
                try:
                    if stream.pieces:
                        self._release(span, stream, now, final=False)
                except Exception:
                    self._stats.failed += 1
                if not stream.pieces and (stream.open is None or span.pieces is not stream.open):
                    del self._streams[span]

    def _event_id(self) -> bytes:
        self._id_count += 1
        return b"%b%012x" % (self._id_prefix, self._id_count & 0xFFFF_FFFF_FFFF)

    def _id(self, value: AnyId | None) -> bytes:
        """Return an id, encoded; of those that come again (sessions, traces, parents) it is made once."""
        kind = type(value)
        if value is None:
            return NIL
        if kind is UUID:
            value = value.int  # type: ignore[union-attr]
        elif kind is not int:
            return encode_text(id_text(value))
        encoded = self._ids.get(value)  # type: ignore[arg-type]
        if encoded is None:
            if len(self._ids) > _IDS_KEPT:
                self._ids.clear()
            encoded = self._ids[value] = encode_text(id_text(value))  # type: ignore[index]
        return encoded

    def _session(self, session: SessionInfo, shaper: PayloadSerializer) -> tuple[bytes, bytes]:
        """Return a session's id and its user, encoded."""
        if session is not self._newest_session:
            self._session_parts = self._id(session.session_id), shaper.word(session.user_id)
            self._newest_session = session
        return self._session_parts

    def _shaper(self, tracer: Tracer) -> PayloadSerializer:
        shaper = self._newest_shaper if tracer is self._newest_tracer else self._find_shaper(tracer)
        if shaper.cut:
            self._stats.cut += shaper.cut
            shaper.cut = 0
        return shaper

    def _find_shaper(self, tracer: Tracer) -> PayloadSerializer:
        entry = self._shapers.get(id(tracer))
        if entry is None or entry[0] is not tracer:
            if len(self._shapers) > 256:
                self._shapers.clear()
            redact = tracer.redact if isinstance(tracer.redact, Redact) else DEFAULT
            entry = self._shapers[id(tracer)] = (
                tracer,
                PayloadSerializer(tracer.limits, redact, self._values),
            )
        self._newest_tracer, self._newest_shaper = entry
        return entry[1]

    def _wire(self, span: Span) -> SpanWire:
        wire: SpanWire | None = span.wire
        if wire is None:
            kind, parent, find = span.kind, span.parent_id, self._id
            node_kind = kind if kind in NODE_KINDS else _OTHER_KINDS.get(kind, "middleware")
            rank = _RANKS.get(kind, _ROOT if parent is None else _SPAN)
            session, _ = self._session(span.session, self._shaper(span.tracer))
            shared = span_part(session, find(span.trace_id), find(span.span_id), find(parent), node_kind)
            wire = span.wire = SpanWire(span.span_id, span.trace_id, node_kind, shared, rank, span.persistent)
        return wire

    def _start(self, span: Span) -> None:
        shaper = self._shaper(span.tracer)
        wire = self._wire(span)
        if span.metadata is None and wire.node_kind == span.kind:
            metadata = shaper.name_only(span.name)
        else:
            fields = shaper.metadata(span.name, span.metadata)
            if wire.node_kind != span.kind:
                _tell_kind(span.kind, fields, shaper)
            metadata = _encode(fields)
        head = start_head(
            self._event_id(),
            wire.shared,
            encoded_time(span.started_ns),
            self._session(span.session, shaper)[1],
            shaper.word(span.agent_name),
            self._id(span.run_id),
            self._id(span.parent_run_id),
            shaper.word(span.speech_id),
        )
        payload = shaper.payload(span.payload)
        span.payload = None
        self._put(EncodedEvent(head, metadata, payload, wire.rank, wire, True, False, shaper.take_used()))

    def _end(self, end: End) -> None:
        span = end.span
        if span.state & START_LOST:
            span.state &= ~START_LOST
            span.payload = {"etaoi_tui.note": LEFT_OUT}
            self._start(span)
            self.recovered.append(span.trace_id)
        stream = self._streams.pop(span, None) if self._streams else None
        wire = self._wire(span)
        if stream is None and isinstance(wire.text, _Stream):
            stream = wire.text
        if stream is not None:
            self._release(span, stream, self._clock(), final=True, at_ns=end.at_ns)
        wire.text = None
        shaper = self._shaper(span.tracer)
        metrics = end.voice_metrics
        head = end_head(
            self._event_id(),
            wire.shared,
            encoded_time(end.at_ns),
            self._session(span.session, shaper)[1],
            NIL if end.error is None else encode_text(shaper.error(end.error)),
            shaper.word(span.speech_id),
            NIL if metrics is None else shaper.payload(metrics),
        )
        metadata = encode_metadata(shaper.metadata(None, end.metadata)) if end.metadata else EMPTY_MAP
        payload = shaper.payload(end.payload)
        self._put(EncodedEvent(head, metadata, payload, wire.rank, wire, False, True, shaper.take_used()))

    def _delta(self, delta: Delta) -> None:
        span = delta.span
        stream = self._streams.get(span)
        if stream is not None:  # keep what was said before it before it
            self._release(span, stream, self._clock(), final=False)
        payload = self._shaper(span.tracer).payload(delta.payload)
        metadata = delta.metadata
        encoded = (
            encode_metadata(self._shaper(span.tracer).metadata(None, metadata)) if metadata else EMPTY_MAP
        )
        self._put_delta(span, payload, delta.at_ns, _DELTA, encoded)

    def _put_delta(
        self, span: Span, payload: bytes, at_ns: int, rank: int, metadata: bytes = EMPTY_MAP
    ) -> None:
        wire = self._wire(span)
        speech = self._shaper(span.tracer).word(span.speech_id)
        head = delta_head(self._event_id(), wire.shared, encoded_time(at_ns), speech)
        self._put(EncodedEvent(head, metadata, payload, rank, wire))

    def _tick(self, tick: Tick) -> None:
        state = self._shaper(tick.tracer).text(tick.state, 64)
        subject = "user" if tick.subject == "user" else "agent"
        head = tick_head(
            self._event_id(),
            self._id(tick.session.session_id),
            encoded_time(tick.at_ns),
            encode_text(subject),
            encode_text(state),
        )
        self._put(EncodedEvent(head, EMPTY_MAP, None, _DELTA))

    def _put(self, entry: EncodedEvent) -> None:
        self._out.append(entry)
        if entry.payload is not None:
            self.payload_bytes += len(entry.payload)

    def _text(self, record: Text) -> None:
        span, value, channel = record
        stream = self._streams.get(span)
        if stream is None:
            wire = self._wire(span)
            if not isinstance(wire.text, _Stream):
                wire.text = _Stream()
            stream = self._streams[span] = wire.text
        if channel is None:
            stream.gather()
        if type(value) is list:
            stream.open, stream.heard_at = value, self._clock()
            return
        text = value if type(value) is str else str(value)
        pieces = stream.pieces.get(channel)
        if pieces is None:
            stream.pieces[channel] = [text]
        else:
            pieces.append(text)

    def _release(
        self, span: Span, stream: _Stream, now: float, *, final: bool, at_ns: int | None = None
    ) -> None:
        """Send a span's gathered text on, one delta per channel.

        What may be the beginning of a secret stays until the rest of the word has come.
        """
        shaper = self._shaper(span.tracer)
        redact = span.tracer.redact if isinstance(span.tracer.redact, Redact) else DEFAULT
        stream.gather()
        pieces, stream.pieces = stream.pieces, {}
        if final:
            for channel in stream.tails:
                pieces.setdefault(channel, [])
        at_ns = at_ns or time.time_ns()
        for channel, parts in pieces.items():
            text = stream.tails.pop(channel, "") + "".join(parts)
            tail_length = 0 if final else redact.open_tail(text)
            if tail_length:
                stream.tails[channel] = text[-tail_length:]
                text = text[:-tail_length]
            offset = stream.offsets.get(channel, 0)
            if span.text_skipped:
                offset += span.text_skipped
                span.text_skipped = 0
            if not text:
                stream.offsets[channel] = offset
                continue
            sanitized = shaper.text(text)
            stream.offsets[channel] = offset + len(sanitized)
            payload: dict[str, Any] = {"text": sanitized, "at": offset}
            if channel is not None:
                payload["channel"] = channel
            self._put_delta(span, _encode(payload), at_ns, _TEXT)
        stream.sent_at = now
