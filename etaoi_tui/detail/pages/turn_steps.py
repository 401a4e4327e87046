"""What a run did between question and answer: a line a tool call, and the agents below it, folded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from etaoi_collector.conventions import keys
from etaoi_collector.lru import Lru
from etaoi_collector.pricing.book import price_book
from etaoi_collector.pricing.total import Total
from etaoi_collector.pricing.totals import AGENT, Totals
from etaoi_collector.store.model import Span, Status
from etaoi_tui.detail.document.json_printer import dump_json
from etaoi_tui.detail.document.model import Section
from etaoi_tui.detail.messages.chat import message_sections
from etaoi_tui.detail.pages.error import without_traceback
from etaoi_tui.detail.pages.turn_messages import answer_of, input_of, output_of, question_of
from etaoi_tui.detail.span_data import SpanData, as_text
from etaoi_tui.kinds.row_text import arguments, first_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import STATUS_GLYPHS, kind_glyph

TOOL = "tool"

STEPS_SHOWN = 60
"""Newest steps of a turn, or of an agent in it, that have a line."""

SPANS_WALKED = 4_000
_TITLES_KEPT = 4_096
_WRAPPERS = 8
"""Runs around each other that are looked through."""
_LONGEST_ERROR = 120
_BEFORE_ERROR = 60
_ONE_TEXT = re.compile(r'\w+="([^"]*)"')


class TurnSteps:
    """Tells what runs did, and what they took.

    Args:
        totals: What model calls came to, kept up to date by whoever made it.
    """

    def __init__(self, totals: Totals) -> None:
        self.totals = totals
        self._titles: Lru[tuple[int, int], str] = Lru(_TITLES_KEPT)

    def of(self, data: SpanData, key: str) -> list[Section]:
        """Return a run's steps in their order: its tools, and the agents below it with theirs.

        A run that is nothing but the wrapper of one agent has that agent's steps.

        Args:
            data: The run.
            key: Begins the keys of the sections.
        """
        sections: list[Section] = []
        data = _unwrapped(data)
        for span in self._newest(data, key, sections, level=1):
            one = data.of(span)
            if span.kind == AGENT:
                sections += self._agent(one, f"{key}.agent{span.number}")
            else:
                sections.append(self.tool(one, key))
        return sections

    def tool(self, data: SpanData, key: str, *, level: int = 1, inside: str = "") -> Section:
        """Return the one line of a tool call: name, arguments, how it failed, how long it took."""
        span = data.span
        title = self._titles.get((span.number, span.version))
        if title is None:
            title = _tool_title(data)
            self._titles.put((span.number, span.version), title)
        running = span.status is Status.RUNNING
        return Section(
            f"{key}.tool{span.number}",
            title,
            [],
            fmt.duration(span.duration(data.now)),
            glyph=kind_glyph(TOOL),
            style="running" if running else "error" if span.status is Status.ERROR else "muted",
            level=level,
            inside=inside,
            target=span.span_id,
            quiet=True,
        )

    def took(self, data: SpanData) -> str:
        """Return what a run took, in words: calls, tools, tokens, dollars, time."""
        span, parts = data.span, []
        if span.parent is None:
            if span.trace.model_calls:
                parts.append(fmt.count(span.trace.model_calls, "call"))
            if span.trace.tool_calls:
                parts.append(fmt.count(span.trace.tool_calls, "tool"))
            parts += spent(self.totals.of_trace(span.trace))
        else:
            total = self.totals.below(span)
            parts += spent(total) if total is not None else []
        parts.append(fmt.duration(span.duration(data.now)))
        return " · ".join(parts)

    def _agent(self, data: SpanData, group: str) -> list[Section]:
        """Return an agent as a folded group: what it was asked, what it did, what it said."""
        span = data.span
        title = f"{STATUS_GLYPHS[span.status]} {span.name}"
        sections = [
            Section(
                group, title, [], self.took(data), open=False, glyph="◇", style="tag", level=1, group=True,
                target=span.span_id,
            )
        ]  # fmt: skip
        question = question_of(data)
        if question is not None:
            parts = message_sections(question, f"{group}.asked", title="task", level=2)
            sections += [replace(one, inside=group, target=span.span_id) for one in parts]
        for step in self._newest(data, group, sections, level=2, inside=group):
            one = data.of(step)
            if step.kind == AGENT:
                sections.append(self._agent_line(one, group))
            else:
                sections.append(self.tool(one, group, level=2, inside=group))
        answer = answer_of(data)
        if answer is not None:
            parts = message_sections(answer.message, f"{group}.answer", title=span.name, level=2)
            sections += [replace(one, inside=group, target=answer.writer.span_id) for one in parts]
        return sections

    def _agent_line(self, data: SpanData, group: str) -> Section:
        span = data.span
        return Section(
            f"{group}.agent{span.number}", f"{STATUS_GLYPHS[span.status]} {span.name}", [], self.took(data),
            glyph="◇", style="muted", level=2, inside=group, target=span.span_id, quiet=True,
        )  # fmt: skip

    def _newest(
        self, data: SpanData, key: str, sections: list[Section], *, level: int, inside: str = ""
    ) -> list[Span]:
        """Return the steps that are shown; what is left out is said in a section."""
        steps = list(_steps(data.span))
        left_out = len(steps) - STEPS_SHOWN
        if left_out > 0:
            text = f"{fmt.count(left_out, 'earlier step')} not shown"
            sections.append(
                Section(f"{key}.earlier", text, [], style="muted", level=level, inside=inside, quiet=True)
            )
        return steps[-STEPS_SHOWN:]


def spent(total: Total) -> list[str]:
    """Return tokens and dollars in words; nothing where no call reports any."""
    if not total:
        return []
    return [
        f"{fmt.tokens(total.tokens)} tok",
        *([fmt.cost(total.cost_usd, total.unpriced)] if price_book().ready else []),
    ]


def _steps(run: Span) -> Iterator[Span]:
    """Yield the tools and agents below a run, in the order of its tree; not what agents below it did."""
    stack = list(reversed(run.children or ()))
    walked = 0
    while stack and walked < SPANS_WALKED:
        span = stack.pop()
        walked += 1
        if span.kind == AGENT:
            yield span
            continue
        if span.kind == TOOL and not span.is_folded_away and not _only_calls_an_agent(span):
            yield span
        stack += reversed(span.children or ())


def _unwrapped(data: SpanData) -> SpanData:
    """Return the agent that is all there is in a run that tells no messages of its own, else the run."""
    for _ in range(_WRAPPERS):
        if input_of(data) is not None or output_of(data) is not None:
            break
        steps = list(islice(_steps(data.span), 2))
        if len(steps) != 1 or steps[0].kind != AGENT:
            break
        data = data.of(steps[0])
    return data


def _only_calls_an_agent(tool: Span) -> bool:
    """Whether a tool is a way to an agent, which has a line of its own; one that failed has its own, too."""
    return tool.status in (Status.OK, Status.RUNNING) and any(
        span.kind == AGENT for span in tool.children or ()
    )


def _tool_title(data: SpanData) -> str:
    span, start = data.span, data.start_payload
    tool_input = start.get(keys.ARGUMENTS, start.get(keys.INPUT, start.get(keys.INPUTS)))
    words = arguments(
        tool_input if isinstance(tool_input, str) else dump_json(tool_input) if tool_input else ""
    )
    alone = _ONE_TEXT.fullmatch(words)
    title = f"{span.name} {alone.group(1) if alone else words}".rstrip()
    if span.error is None or span.status in (Status.OK, Status.PAUSED):
        return title
    reason = " ".join(without_traceback(span.error).split())
    if reason == "tool_error":
        reason = first_line(as_text(data.end_payload.get(keys.OUTPUT))) or reason
    # Long arguments would push it off the line.
    short_title = title if len(title) <= _BEFORE_ERROR else title[: _BEFORE_ERROR - 1] + "…"
    return f"{short_title} {STATUS_GLYPHS[span.status]} {reason[:_LONGEST_ERROR]}"
