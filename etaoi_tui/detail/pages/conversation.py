"""A session read as a conversation: turns of the user and the agent over all its traces."""

from __future__ import annotations

from dataclasses import replace

from etaoi_collector.conventions.event_rows import SAID_BY, SAID_TO, USER
from etaoi_collector.pricing.book import price_book
from etaoi_collector.pricing.total import Total, total_of_trace
from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.store.model import Session, Span, SpanFlag, Status, Trace
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.document.model import Document, Section, StyledText, Tab, Text
from etaoi_tui.detail.messages.chat import Message, message_sections, note, read_message, read_messages
from etaoi_tui.detail.messages.message_provenance import wrote
from etaoi_tui.detail.pages.wait import wait_sections
from etaoi_tui.detail.span_data import SpanData, as_map, as_text
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import STATUS_GLYPHS
from etaoi_tui.view.neighbouring_calls import calls_of
from etaoi_tui.view.wait_words import answer_words

TURNS_SHOWN = 40
"""Newest turns that are read; the page says how many more there are."""

_SPANS_WALKED = 4_000
_SUB_AGENTS = 24
_EVENT = int(SpanFlag.EVENT)
_SAID = frozenset({"client_input_received", "steer", "run_input"})
"""Events that bring a person's message."""
_VOICE = {"voice_input": "user", "voice_output": "assistant"}


def conversation_document(
    session: Session, payloads: PayloadReader, now: float, thread: str | None = None
) -> Document:
    """Return a session's conversation.

    Args:
        session: The session.
        payloads: Where events come from.
        now: The present, in seconds since the epoch.
        thread: The only thread to tell; None tells all. Producers that give a whole process one session name
            the threads of its runs all the same.
    """
    traces = [
        trace
        for trace in session.traces
        if any(map(_is_turn, trace.roots[:8])) and (thread is None or trace.thread == thread)
    ]
    traces.sort(key=lambda trace: (trace.started_at, trace.number))
    left_out = max(0, len(traces) - TURNS_SHOWN)
    running = any(trace.running for trace in traces[-TURNS_SHOWN:]) and not session.gone
    # All of them: what happened in a turn of a call is in a trace without a root of its own.
    counted = session.traces if thread is None else traces
    facts = [fmt.count(sum(trace.model_calls for trace in counted), "model call")]
    facts.append(fmt.count(sum(trace.tool_calls for trace in counted), "tool"))
    total = Total()
    for trace in counted:
        total.add(total_of_trace(trace))
    facts += _spent(total)
    turns = _turns(session, traces)
    headline: list[StyledText] = [(fmt.count(turns, "turn"), "title"), ("   " + " · ".join(facts), "muted")]

    def build() -> list[Section]:
        sections: list[Section] = []
        if left_out:
            text = f"{fmt.count(left_out, 'earlier turn')} not shown"
            sections.append(Section("older", text, [], glyph="⋯", style="muted"))
        for trace in traces[left_out:]:
            for root in trace.roots[:8]:
                if _is_turn(root):
                    sections += _turn(SpanData(root, payloads, now))
        nothing = Section("none", "Nothing was said", [Text("This session holds no messages.", "muted")])
        return sections or [nothing]

    tab = Tab("conversation", "Conversation", build)
    return Document(f"conversation/{session.session_id}", headline, [tab], tab.key, live=running)


def _turns(session: Session, traces: list[Trace]) -> int:
    """Count a call by its turns, and everything else by its runs."""
    spoken = sum(any(span.kind == "voice_turn" for span in trace.members[:8]) for trace in session.traces)
    calls = sum(any(root.kind.startswith("voice") for root in trace.roots[:8]) for trace in traces)
    return len(traces) - calls + max(spoken, calls)


def _is_turn(root: Span) -> bool:
    """Whether somebody may have said something under a root: not a snapshot, nor a mark without a parent."""
    return root.kind != "agent_context" and not root.marks & SpanFlag.PROBE


def _turn(data: SpanData) -> list[Section]:
    span = data.span
    if span.kind == "voice_session" or span.trace.members[0].kind.startswith("voice"):
        return _spoken(data)
    key = f"turn{span.number}"
    recorded_turn = _told_by_events(data, key)
    if recorded_turn:
        return recorded_turn
    question = _last(_messages(data.start_payload, "inputs"), "user") or _resumed_with(data)
    answer = _last(_messages(data.end_payload, "outputs"), "assistant")
    sections: list[Section] = []
    if question is not None:
        sections += message_sections(
            question, f"{key}.asked", title="user", summary=fmt.clock(span.started_at)
        )
    sections += _sub_agents(data, key)
    sections += [replace(section, key=f"{key}.{section.key}") for section in _waits(data)]
    if answer is not None:
        answer_sections = message_sections(answer, f"{key}.answer", title=span.name, summary=_took(data))
        sections += [replace(section, target=_writer(data, answer).span_id) for section in answer_sections]
    elif data.running:
        sections.append(_streaming(data, key))
    elif span.trace.waits is not None and span.status in (Status.PAUSED, Status.OK):
        pass  # the question is its last word
    elif span.error is not None:
        text = Text(span.error, "error")
        sections.append(Section(f"{key}.failed", f"{span.name} failed", [text], glyph="✗", style="error"))
    elif question is not None:
        remark = note("its answer was not recorded, or is no message")
        sections.append(Section(f"{key}.none", span.name, [remark], _took(data), style="muted"))
    # What a person said came with the run itself.
    return [replace(s, target=span.span_id) if not s.target or ":" in s.target else s for s in sections]


def _told_by_events(data: SpanData, key: str) -> list[Section]:
    """Return what people and the agent said to each other inside a run, where events tell of it.

    A bus or an operator's channel brings messages while the run goes on; its inputs and outputs are no part
    of the conversation then.
    """
    spans = data.span.trace.members[-_SPANS_WALKED:]
    if not any(span.marks & _EVENT and span.name in _SAID for span in spans):
        return []
    sections: list[Section] = []
    for span in sorted(spans, key=lambda span: (span.started_at, span.number)):
        one = data.of(span)
        message: Message | None = None
        if span.marks & _EVENT and span.name in _SAID and one.metadata.get(SAID_BY) == USER:
            message = Message("user", as_text(one.start_payload.get("text")))
        elif span.kind == "llm" and one.metadata.get(SAID_TO) == USER:
            message = Message("assistant", as_text(as_map(one.end_payload.get("response")).get("text")))
        if message is None or not message.text:
            continue
        title = "user" if message.role == "user" else span.agent or span.name
        part = f"{key}.said{span.number}"
        message_parts = message_sections(message, part, title=title, summary=fmt.clock(span.started_at))
        sections += [replace(section, target=span.span_id) for section in message_parts]
    return sections


def _resumed_with(data: SpanData) -> Message | None:
    """Return a person's answer to what a run waited for, as the message that this run began with."""
    words = answer_words(as_text(data.start_payload.get("inputs")))
    return Message("user", words) if words else None


def _waits(data: SpanData) -> list[Section]:
    return [section for section in wait_sections(data) if section.key == "waits"]


_CALLS_ASKED = 12


def _writer(data: SpanData, answer: Message) -> Span:
    """Return the call that wrote an answer: the one that says so, else the run's last, else the run."""
    calls = calls_of(data.span)[-_CALLS_ASKED:]
    for call in reversed(calls):
        if answer.message_id and wrote(data.of(call), answer.message_id):
            return call
    return calls[-1] if calls else data.span


def _messages(payload: object, name: str) -> list[Message]:
    value = as_map(payload).get(name)
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = parse_json(value).value
    if isinstance(value, str):
        return [Message("user" if name == "inputs" else "assistant", value)] if value else []
    fields = as_map(value)
    for key in ("messages", "chat_history", "history"):
        found = fields.get(key)
        if isinstance(found, list):
            return [m for m in (read_message(item) for item in found) if m is not None]
    for key in ("input", "question", "query", "output", "answer", "text"):
        if isinstance(fields.get(key), str):
            return [Message("user" if name == "inputs" else "assistant", as_text(fields[key]))]
    return read_messages(value) or []


def _last(messages: list[Message], role: str) -> Message | None:
    return next((m for m in reversed(messages) if m.role == role and (m.text or m.others)), None)


def _took(data: SpanData) -> str:
    trace: Trace = data.span.trace
    parts = []
    if trace.model_calls and data.span.parent is None:
        parts.append(fmt.count(trace.model_calls, "call"))
    if trace.tool_calls and data.span.parent is None:
        parts.append(fmt.count(trace.tool_calls, "tool"))
    if data.span.parent is None:
        parts += _spent(total_of_trace(trace))
    parts.append(fmt.duration(data.span.duration(data.now)))
    return " · ".join(parts)


def _spent(total: Total) -> list[str]:
    """Return tokens and dollars in words; nothing where no call reports any."""
    if not total:
        return []
    return [
        f"{fmt.tokens(total.tokens)} tok",
        *([fmt.cost(total.cost_usd, total.unpriced)] if price_book().ready else []),
    ]


def _streaming(data: SpanData, key: str) -> Section:
    """Show what the newest running call has written so far."""
    newest = max(
        (s for s in data.span.trace.members[-500:] if s.kind == "llm" and s.status is Status.RUNNING),
        key=lambda span: span.started_at,
        default=None,
    )
    text = newest.tail if newest is not None else ""
    block = Text(text, prose=True) if text else Text("It is working.", "muted")
    target = newest.span_id if newest is not None else ""
    return Section(
        f"{key}.running",
        data.span.name,
        [block],
        _took(data),
        glyph="◐",
        style="running",
        target=target,
    )


def _sub_agents(data: SpanData, key: str) -> list[Section]:
    """Return the agents that worked inside a turn, each a group of what it was asked and what it said."""
    sections: list[Section] = []
    stack = list(reversed(data.span.children or ()))
    walked = count = 0
    while stack and walked < _SPANS_WALKED and count < _SUB_AGENTS:
        span = stack.pop()
        walked += 1
        if span.kind != "sub_agent":
            stack += reversed(span.children or ())
            continue
        count += 1
        one = data.of(span)
        group = f"{key}.agent{span.number}"
        title = f"{STATUS_GLYPHS[span.status]} {span.name}"
        sections.append(
            Section(
                group, title, [], _took(one), open=False, glyph="◇", style="tag", level=1, group=True,
                target=span.span_id,
            )
        )  # fmt: skip
        question = _last(_messages(one.start_payload, "inputs"), "user")
        answer = _last(_messages(one.end_payload, "outputs"), "assistant")
        for name, message in (("asked", question), ("answer", answer)):
            if message is not None:
                title = span.name if name == "answer" else "task"
                message_parts = message_sections(message, f"{group}.{name}", title=title, level=2)
                target = (_writer(one, message) if name == "answer" else span).span_id
                sections += [replace(s, inside=group, target=target) for s in message_parts]
    return sections


def _spoken(data: SpanData) -> list[Section]:
    """Return what was said aloud in a voice session, in the order of its spans."""
    spans: list[Span] = []
    stack = [data.span]
    walked = 0
    while stack and walked < _SPANS_WALKED:
        span = stack.pop()
        walked += 1
        if span.kind in _VOICE:
            spans.append(span)
        stack += span.children or ()
    spans.sort(key=lambda span: (span.started_at, span.number))
    sections: list[Section] = []
    before = ("", "")
    for span in spans[-TURNS_SHOWN * 4 :]:
        one = data.of(span)
        fields = {**one.start_payload, **one.end_payload}
        text = as_text(fields.get("transcript") or fields.get("text"))
        # Both a metric and a chat item tell of the same words.
        if not text or before == (span.kind, text):
            continue
        before = (span.kind, text)
        message = Message(_VOICE[span.kind], text)
        cut = "interrupted · " if span.status is Status.CANCELLED and message.role == "assistant" else ""
        message_parts = message_sections(
            message, f"spoken{span.number}", summary=cut + fmt.clock(span.started_at)
        )
        sections += [replace(section, target=span.span_id) for section in message_parts]
    return sections
