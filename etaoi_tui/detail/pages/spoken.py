"""What was said aloud in a voice session, as a chat: with a line for each tool between the words."""

from __future__ import annotations

from dataclasses import replace

from etaoi_collector.store.model import Session, Span, Status
from etaoi_tui.detail.document.model import Section
from etaoi_tui.detail.messages.chat import Message, message_sections
from etaoi_tui.detail.pages.turn_steps import SPANS_WALKED, TOOL, TurnSteps
from etaoi_tui.detail.span_data import SpanData, as_text
from etaoi_tui.view import format as fmt

LINES_SHOWN = 240
"""Newest utterances and tool calls that are told; the page says how many more there are."""

_ROLES = {"voice_input": "user", "voice_output": "assistant"}
_LOOKS = {"user": ("user", "role.user"), "assistant": ("agent", "role.agent")}


def spoken_sections(data: SpanData, steps: TurnSteps) -> list[Section]:
    """Return what was said in a voice session and what tools did meanwhile, in the order of time."""
    spans: list[Span] = []
    stack = [data.span]
    walked = 0
    while stack and walked < SPANS_WALKED:
        span = stack.pop()
        walked += 1
        if span.kind in _ROLES or (span.kind == TOOL and not span.is_folded_away):
            spans.append(span)
        stack += span.children or ()
    spans.sort(key=lambda span: (span.started_at, span.number))
    key = f"call{data.span.number}"
    sections: list[Section] = []
    left_out = len(spans) - LINES_SHOWN
    if left_out > 0 or stack:
        text = f"{fmt.count(left_out, 'earlier line')} not shown" if not stack else "Earlier lines not shown"
        sections.append(Section(f"{key}.earlier", text, [], glyph="⋯", style="muted", quiet=True))
    previous = ("", "")
    for span in spans[-LINES_SHOWN:]:
        one = data.of(span)
        if span.kind == TOOL:
            sections.append(steps.tool(one, key))
            continue
        fields = {**one.start_payload, **one.end_payload}
        text = as_text(fields.get("transcript") or fields.get("text"))
        # Both a metric and a chat item tell of the same words.
        if not text or previous == (span.kind, text):
            continue
        previous = (span.kind, text)
        message = Message(_ROLES[span.kind], text)
        cut = "interrupted · " if span.status is Status.CANCELLED and message.role == "assistant" else ""
        title, style = _LOOKS[message.role]
        summary = cut + fmt.clock(span.started_at)
        (section,) = message_sections(message, f"spoken{span.number}", title=title, summary=summary)
        sections.append(replace(section, style=style, target=span.span_id))
    return sections


def spoken_turns(session: Session) -> int:
    """Return how many turns the calls of a session have."""
    return sum(
        span.kind == "voice_turn"
        for trace in session.traces
        if any(span.kind.startswith("voice") for span in trace.spans[:8])
        for span in trace.spans[-SPANS_WALKED:]
    )
