"""What was said aloud in a voice session, as a chat."""

from __future__ import annotations

from dataclasses import replace

from etaoi_collector.store.model import Span, Status
from etaoi_tui.detail.document.model import Section
from etaoi_tui.detail.messages.chat import Message, message_sections
from etaoi_tui.detail.pages.turn_steps import SPANS_WALKED
from etaoi_tui.detail.span_data import SpanData, as_text
from etaoi_tui.view import format as fmt

LINES_SHOWN = 160
"""Newest utterances that are told."""

_VOICE = {"voice_input": "user", "voice_output": "assistant"}


def spoken_sections(data: SpanData) -> list[Section]:
    """Return what was said aloud in a voice session, in the order of its spans."""
    spans: list[Span] = []
    stack = [data.span]
    walked = 0
    while stack and walked < SPANS_WALKED:
        span = stack.pop()
        walked += 1
        if span.kind in _VOICE:
            spans.append(span)
        stack += span.children or ()
    spans.sort(key=lambda span: (span.started_at, span.number))
    sections: list[Section] = []
    previous = ("", "")
    for span in spans[-LINES_SHOWN :]:
        one = data.of(span)
        fields = {**one.start_payload, **one.end_payload}
        text = as_text(fields.get("transcript") or fields.get("text"))
        # Both a metric and a chat item tell of the same words.
        if not text or previous == (span.kind, text):
            continue
        previous = (span.kind, text)
        message = Message(_VOICE[span.kind], text)
        cut = "interrupted · " if span.status is Status.CANCELLED and message.role == "assistant" else ""
        message_parts = message_sections(
            message, f"spoken{span.number}", summary=cut + fmt.clock(span.started_at)
        )
        sections += [replace(section, target=span.span_id) for section in message_parts]
    return sections
