"""A session read as a conversation: turns of the user and the agent over all its traces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.event_rows import SAID_BY, SAID_TO, USER
from etaoi_collector.lru import Lru
from etaoi_collector.pricing.book import price_book
from etaoi_collector.pricing.total import Total
from etaoi_collector.pricing.totals import Totals, tree_of
from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.store.model import Session, Span, SpanFlag, Status, Trace
from etaoi_tui.detail.document.json_printer import dump_json
from etaoi_tui.detail.document.model import Document, Section, Tab, Text
from etaoi_tui.detail.messages.chat import Message, message_sections, note, value_block
from etaoi_tui.detail.pages.error import without_traceback
from etaoi_tui.detail.pages.spoken import spoken_sections, spoken_turns
from etaoi_tui.detail.pages.turn_messages import answer_of, output_of, question_of
from etaoi_tui.detail.pages.turn_steps import SPANS_WALKED, TOOL, TurnSteps, spent
from etaoi_tui.detail.pages.wait import wait_sections
from etaoi_tui.detail.span_data import SpanData, as_map, as_text
from etaoi_tui.view import format as fmt
from etaoi_tui.view.wait_words import answer_words

TURNS_SHOWN = 40
"""Newest turns that are read; the page says how many more there are."""

_TURNS_KEPT = 4 * TURNS_SHOWN
_WAITS_SHOWN = 16
_EVENT = int(SpanFlag.EVENT)
_OPEN_VALUE = 600
"""Characters up to which a value that a run returned is open."""
_PREVIEW = 400
_USER_INPUT_EVENTS = frozenset({"client_input_received", "steer", "run_input"})
"""Events that bring a person's message."""


class Conversation:
    """Tells sessions as conversations, again and again; turns that stand still are read once.

    Args:
        payloads: Where events come from.
        totals: What model calls came to, kept up to date by whoever made it.
        crossed: Says which budget a run crossed.
    """

    def __init__(
        self, payloads: PayloadReader, totals: Totals, crossed: Callable[[Trace], str] = lambda _: ""
    ) -> None:
        self._payloads = payloads
        self._crossed = crossed
        self._steps = TurnSteps(totals)
        self._read: Lru[Span, tuple[object, list[Section]]] = Lru(_TURNS_KEPT)

    def document(self, session: Session, now: float, thread: str | None = None) -> Document:
        """Return a session's conversation.

        Args:
            session: The session.
            now: The present, in seconds since the epoch.
            thread: The only thread to tell; None tells all. Producers that give a whole process one session
                name the threads of its runs all the same.
        """
        traces = [
            trace
            for trace in session.traces
            if any(map(_is_turn, trace.roots[:8])) and (thread is None or trace.thread == thread)
        ]
        traces.sort(key=lambda trace: (trace.started_at, trace.number))
        left_out = max(0, len(traces) - TURNS_SHOWN)
        # All of them: what happened in a turn of a call is in a trace without a root of its own.
        counted = session.traces if thread is None else traces
        total = Total()
        for trace in counted:
            total.add(self._steps.totals.of_trace(trace))
        sums = [
            fmt.count(_turns(session, traces), "turn"),
            *spent(total),
            fmt.count(sum(trace.model_calls for trace in counted), "call"),
            fmt.count(sum(trace.tool_calls for trace in counted), "tool"),
        ]

        def build() -> list[Section]:
            sections: list[Section] = []
            if left_out:
                text = f"{fmt.count(left_out, 'earlier turn')} not shown"
                sections.append(Section("older", text, [], glyph="⋯", style="muted"))
            for trace in traces[left_out:]:
                for root in trace.roots[:8]:
                    if _is_turn(root):
                        sections += self._turn(root, now)
            nothing = Section("none", "Nothing was said", [Text("This session holds no messages.", "muted")])
            return sections or [nothing]

        tab = Tab("conversation", "Conversation", build)
        key = f"conversation/{session.session_id}/{thread or ''}"
        # Until its client is gone a next turn may come.
        return Document(key, [], [tab], tab.key, live=not session.is_gone, sums=sums)

    def _turn(self, root: Span, now: float) -> list[Section]:
        state = self._state(root, now)
        cached = self._read.get(root)
        if cached is not None and cached[0] == state:
            return cached[1]
        sections = _turn(SpanData(root, self._payloads, now), self._steps)
        if root is root.trace.roots[0] and (over := self._crossed(root.trace)):
            last = max((at for at, one in enumerate(sections) if not one.level), default=None)
            if last is not None:
                sections[last] = replace(sections[last], over=over)
        self._read.put(root, (state, sections))
        return sections

    def _state(self, root: Span, now: float) -> object:
        """Describe all that a turn's sections depend on; twice a second another while it runs."""
        trace = root.trace
        runs = trace.running and not trace.session.is_gone
        return (
            sum(one.events for one in tree_of(trace)),
            root.version,
            trace.usage_version,
            trace.session.is_gone,
            sum(wait.ended_at is not None for wait in (trace.waits or {}).values()),
            price_book().ready,
            self._crossed(trace),
            int(now * 2) if runs else None,
        )


def conversation_document(
    session: Session, payloads: PayloadReader, now: float, thread: str | None = None
) -> Document:
    """Return a session's conversation, told once; see `Conversation.document`."""
    return Conversation(payloads, Totals()).document(session, now, thread)


def _turns(session: Session, traces: list[Trace]) -> int:
    """Count a call by its turns, and everything else by its runs."""
    calls = sum(any(root.kind.startswith("voice") for root in trace.roots[:8]) for trace in traces)
    return len(traces) - calls + max(spoken_turns(session) if calls else 0, calls)


def _is_turn(root: Span) -> bool:
    """Whether somebody may have said something under a root: not a snapshot, nor a mark without a parent."""
    return root.kind != "agent_context" and not root.flags & SpanFlag.PROBE


def _turn(data: SpanData, steps: TurnSteps) -> list[Section]:
    span = data.span
    if span.kind == "voice_session" or span.trace.spans[0].kind.startswith("voice"):
        return spoken_sections(data, steps)
    key = f"turn{span.number}"
    recorded_turn = _sections_of_events(data, key, steps)
    if recorded_turn:
        return recorded_turn
    question = question_of(data) or _resumed_with(data)
    answer = answer_of(data)
    sections: list[Section] = []
    if question is not None:
        sections += message_sections(
            question, f"{key}.asked", title="user", summary=fmt.clock(span.started_at)
        )
    sections += steps.of(data, key)
    sections += [replace(section, key=f"{key}.{section.key}") for section in _waits(data)]
    if answer is not None:
        answer_sections = message_sections(
            answer.message, f"{key}.answer", title=answer.speaker, summary=steps.took(data)
        )
        sections += [replace(section, target=answer.writer.span_id) for section in answer_sections]
    elif data.running:
        sections.append(_streaming(data, key, steps))
    elif span.trace.waits is not None and span.status in (Status.PAUSED, Status.OK):
        pass  # the question is its last word
    elif span.error is not None:
        text = Text(without_traceback(span.error), "error")
        sections.append(Section(f"{key}.failed", f"{span.name} failed", [text], glyph="✗", style="error"))
    elif question is not None:
        sections.append(_returned(data, key, steps))
    # What a person said came with the run itself.
    return [replace(s, target=span.span_id) if not s.target or ":" in s.target else s for s in sections]


def _returned(data: SpanData, key: str, steps: TurnSteps) -> Section:
    """Show what a run returned that is no message, or that nothing was recorded."""
    value = output_of(data)
    if value is None:
        remark = note("its answer was not recorded")
        return Section(f"{key}.none", data.span.name, [remark], steps.took(data), style="muted")
    text = value if isinstance(value, str) else dump_json(value)
    return Section(
        f"{key}.answer", data.span.name, [value_block(value)], steps.took(data), text[:_PREVIEW],
        open=len(text) <= _OPEN_VALUE, glyph="←", style="role.ai", bar=True,
    )  # fmt: skip


def _sections_of_events(data: SpanData, key: str, steps: TurnSteps) -> list[Section]:
    """Return what people and the agent said to each other inside a run, where events tell of it.

    A bus or an operator's channel brings messages while the run goes on; its inputs and outputs are no part
    of the conversation then.
    """
    spans = data.span.trace.spans[-SPANS_WALKED:]
    if not any(span.flags & _EVENT and span.name in _USER_INPUT_EVENTS for span in spans):
        return []
    sections: list[Section] = []
    for span in sorted(spans, key=lambda span: (span.started_at, span.number)):
        one = data.of(span)
        message: Message | None = None
        if span.flags & _EVENT and span.name in _USER_INPUT_EVENTS and one.metadata.get(SAID_BY) == USER:
            message = Message("user", as_text(one.start_payload.get(keys.TEXT)))
        elif span.kind == "llm" and one.metadata.get(SAID_TO) == USER:
            message = Message("assistant", as_text(as_map(one.end_payload.get(keys.RESPONSE)).get("text")))
        elif span.kind == TOOL and not span.is_folded_away:
            sections.append(steps.tool(one, key))
        if message is None or not message.text:
            continue
        title = "user" if message.role == "user" else span.agent or span.name
        part = f"{key}.said{span.number}"
        message_parts = message_sections(message, part, title=title, summary=fmt.clock(span.started_at))
        sections += [replace(section, target=span.span_id) for section in message_parts]
    return sections


def _resumed_with(data: SpanData) -> Message | None:
    """Return a person's answer to what a run waited for, as the message that this run began with."""
    words = answer_words(as_text(data.start_payload.get(keys.INPUTS)))
    return Message("user", words) if words else None


def _waits(data: SpanData) -> list[Section]:
    """Return what a run waited for, or the spans in it did, each with its answer."""
    waits = data.span.trace.waits or {}
    # A model call waits for a slot or a limit: nobody is asked.
    inner = [span for span in waits if span.kind != "llm" or span.status is Status.PAUSED]
    asking = [data.span] if data.span in waits else inner[-_WAITS_SHOWN:]
    return [
        replace(section, key=f"waits{span.number}", target=section.target or span.span_id)
        for span in asking
        for section in wait_sections(data.of(span))
        if section.key == "waits"
    ]


def _streaming(data: SpanData, key: str, steps: TurnSteps) -> Section:
    """Show what the newest running call has written so far."""
    newest = max(
        (s for s in data.span.trace.spans[-500:] if s.kind == "llm" and s.status is Status.RUNNING),
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
        steps.took(data),
        glyph="◐",
        style="running",
        bar=bool(text),
        target=target,
    )
