"""The few words behind a span's name: a tool's arguments, a model's answer, what a middleware changed.

Read from the recording for rows that are on the screen, and remembered. Nothing is made safe here: the words
are data from outside, and go through `etaoi_tui.text` before they are drawn.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.lenient import as_map
from etaoi_collector.lru import Lru
from etaoi_collector.projections.question import first_words, words_of_request
from etaoi_collector.projections.trace_names import heads
from etaoi_collector.store.model import Span, SpanFlag, Status, Trace
from etaoi_collector.wire.codec import decode_lossless
from etaoi_tui.kinds.appearance import KindAppearance, RowFields
from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.kinds.row_text import LONGEST
from etaoi_tui.view.glyphs import kind_glyph, kind_word
from etaoi_tui.view.middleware.effect import middleware_chain, time_in_words
from etaoi_tui.view.middleware.tokens import CHARACTERS_A_TOKEN, characters_a_token
from etaoi_tui.view.search import Reader
from etaoi_tui.view.wait_words import answer_words, away_words, trace_wait_words, wait_words

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_REMEMBERED = 8_192
_WAITING = int(SpanFlag.WAITING)
_TURNS_READ = 64
"""Spans that are looked at for the first words of a call."""


class _Event(msgspec.Struct, gc=False):
    payload: Raw


_event = msgspec.msgpack.Decoder(_Event).decode
_row_fields = msgspec.msgpack.Decoder(RowFields).decode
_fields = msgspec.msgpack.Decoder(dict[str, Raw]).decode


class Summaries:
    """Summaries of spans and traces, read when asked for.

    Args:
        reader: Reads recorded events.
    """

    def __init__(self, reader: Reader) -> None:
        KINDS.load()
        self._reader = reader
        self._spans: Lru[tuple[int, ...], str] = Lru(_REMEMBERED)
        self._ratios: Lru[tuple[int, int], float] = Lru(_REMEMBERED)
        self._traces: Lru[tuple[str, int], str] = Lru(_REMEMBERED)
        """By id and number: a trace itself would stay in memory when the store has let it go."""

    def of(self, span: Span) -> str:
        """Return what a row says behind a span's name; may be empty."""
        words = self._own_words(span)
        away = away_words(span)
        return f"{away} · {words}" if away and words else away or words

    def _own_words(self, span: Span) -> str:
        if span.tail and not span.flags & SpanFlag.ENDED:
            return span.tail[-LONGEST:]
        kind = KINDS.for_span(span)
        if span.flags & _WAITING:
            return wait_words(span, self._inputs)[:LONGEST]
        if kind.follows_children and (span.error is None or span.status is Status.OK):
            # What lies below changes without a change of the span's own.
            key: tuple[int, ...] = (span.number, span.version, span.trace.events)
        else:
            key = (span.number, span.version)
        summary = self._spans.get(key)
        if summary is None:
            summary = self._make(span, kind)[:LONGEST]
            self._spans.put(key, summary)
        return summary

    def chain(self, head: Span, room: int = LONGEST) -> tuple[str, str]:
        """Return what one row says for a chain of middleware: how many there are, and what they came to.

        Args:
            head: The span whose row it is.
            room: Characters there are for both; with too few, shorter words are used.
        """
        chain = middleware_chain(head)
        name = f"{len(chain.hooks)} middleware" if len(chain.hooks) > 1 else head.name
        if chain.attempts > 1:
            name += f" ×{chain.attempts}"
        key = (head.number, -sum(span.version + 1 for span in chain.spans))
        summary = self._spans.get(key)
        if summary is None:
            effect = chain.effect(self)
            ratio = self.characters_a_token(chain.call) if effect.characters else CHARACTERS_A_TOKEN
            spent = time_in_words(chain.seconds, chain.is_rough)
            summary = f"{effect.in_words(ratio, spent)}\n{effect.in_words(ratio, spent, short=True)}"
            self._spans.put(key, summary)
        words, _, short = summary.partition("\n")
        return name, words if len(name) + 1 + len(words) <= room else short

    def effect_of_hooks(self, call: Span, head: Span) -> str:
        """Return what hooks changed that have no row but their call's, in few words; may be empty.

        Args:
            call: The call.
            head: The outermost of them.
        """
        chain = middleware_chain(head)
        key = (call.number, -sum(span.version + 1 for span in chain.spans))
        words = self._spans.get(key)
        if words is None:
            effect = chain.effect(self)
            words = effect.in_three_words(self.characters_a_token(call) if effect.characters else 1.0)
            self._spans.put(key, words)
        return words

    def characters_a_token(self, call: Span | None) -> float:
        """Return characters per token of a model call; the usual value while there is no call."""
        if call is None or call.usage is None:
            return CHARACTERS_A_TOKEN
        key = (call.number, call.version)
        ratio = self._ratios.get(key)
        if ratio is None:
            ratio = characters_a_token(call, self.event)
            self._ratios.put(key, ratio)
        return ratio

    def of_trace(self, trace: Trace) -> str:
        """Return what a trace waits for, else what it was asked: the first words its root was given."""
        if (unread := trace.unread) is not None:
            return (trace_wait_words(trace) or unread.question)[:LONGEST]
        if trace.waiting and (waits := trace_wait_words(trace)):
            return waits[:LONGEST]
        summary = self._traces.get((trace.trace_id, trace.number))
        if summary:
            return summary
        words = ""
        for root in heads(trace)[:4]:
            if root.start_ref >= 0 and root.kind != "agent_context":
                inputs = self.fields(root.start_ref).inputs
                answer = answer_words(inputs)
                words = f"↪ {answer}" if answer else first_words(inputs) or self._request_words(root)
            if root.kind == "voice_session":
                return self._newest_speech(root)
            if words:
                break
        if words:
            self._traces.put((trace.trace_id, trace.number), words[:LONGEST])
        return words[:LONGEST]

    def _make(self, span: Span, kind: KindAppearance) -> str:
        if waited := wait_words(span, self._inputs):
            return waited
        if span.error is not None and span.status is not Status.OK and not kind.shows_errors:
            return " ".join(span.error.split())
        try:
            return kind.summary(span, self)
        except Exception:
            KINDS.report(kind, "could not summarise a span")
            return ""

    def _request_words(self, root: Span) -> str:
        if root.kind != "llm":
            return ""
        payload = as_map(self.event(root.start_ref).get("payload"))
        return words_of_request(payload.get(keys.INPUT_MESSAGES), payload.get(keys.PROMPTS))

    def _inputs(self, span: Span) -> str | None:
        return self.fields(span.start_ref).inputs

    def _newest_speech(self, call: Span) -> str:
        """Return the newest words of a call, with the sign of who said them."""
        waiting = [call]
        for _ in range(_TURNS_READ):
            if not waiting:
                break
            span = waiting.pop()
            if span.kind in ("voice_input", "voice_output"):
                named = span.name if span.name != kind_word(span.kind) else ""
                words = self.of(span) or named
                if words.strip():
                    return f"{kind_glyph(span.kind)} {words}"[:LONGEST]
            elif span.kind in ("voice_session", "voice_agent", "voice_turn"):
                waiting.extend((span.children or ())[-16:])
        return ""

    def fields(self, ref: int) -> RowFields:
        """Return the usual fields of the event at a reference; empty ones if it cannot be read."""
        raw = self._reader.read(ref) if ref >= 0 else None
        if not isinstance(raw, bytes | bytearray | memoryview):
            return RowFields()
        try:
            return _row_fields(_event(raw).payload)
        except _UNREADABLE:
            return _lenient_fields(raw)

    def event(self, ref: int) -> dict[str, Any]:
        """Return the whole event at a reference, decoded; empty if it cannot be read."""
        raw = self._reader.read(ref) if ref >= 0 else None
        return decode_lossless(bytes(raw)) if isinstance(raw, bytes | bytearray | memoryview) else {}


def _lenient_fields(raw: bytes | bytearray | memoryview) -> RowFields:
    """Keep what fits of a payload of another shape."""
    fitting: dict[str, Any] = {}
    try:
        fields = _fields(_event(raw).payload)
        for field in msgspec.structs.fields(RowFields):
            if field.encode_name in fields:
                try:
                    fitting[field.name] = msgspec.msgpack.decode(fields[field.encode_name], type=field.type)
                except _UNREADABLE:
                    continue
    except _UNREADABLE:
        pass
    return RowFields(**fitting)
