"""Searches all recordings, as ``etaoi-tui find`` does; Enter opens a recording at the span.

The search runs in a process of its own: it takes a core for some seconds, and the screen must not stand still
for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec
from textual import events, on
from textual.content import Content
from textual.widgets import Input
from textual.widgets.option_list import Option

from etaoi_collector.query import QueryError, parse_query
from etaoi_collector.store.model import Status
from etaoi_tui.screens.pick_list import PickList
from etaoi_tui.text import fit, one_line, printable
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import STATUS_GLYPHS, kind_glyph

MOST_RUNS = 200
TYPED_FOR = 0.3
"""Seconds without a key after which what is typed is searched."""

_LONGEST_LINE = 1 << 20
_NAME_CELLS = 28


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """What was chosen: a span of a run, and the file in which it is recorded."""

    file: str
    trace_id: str
    span_id: str


class _Span(msgspec.Struct):
    span_id: str
    kind: str
    name: str
    where: str | None
    snippet: str


class _Run(msgspec.Struct):
    file: str
    trace_id: str
    name: str
    question: str
    status: str
    started_at: str
    errors: int
    matches: int
    spans: list[_Span]


_run = msgspec.json.Decoder(_Run).decode


class FindEverywhere(PickList[FoundSpan]):
    """Answers with the span that was chosen, or None.

    Args:
        text: What was searched last.
        stops_listening: A recording is opened instead of listening.
    """

    TITLE_TEXT = "find in all recordings"
    PLACEHOLDER = 'words, tool:name, err:, dur>2s, "in a row"'
    CSS = """
    FindEverywhere Vertical { width: 96%; max-width: 160; height: 90%; margin-top: 1; }
    FindEverywhere OptionList, FindEverywhere OptionList:focus { height: 1fr; }
    """

    def __init__(self, text: str = "", *, stops_listening: bool = False) -> None:
        super().__init__(text)
        self._open_words = "⏎ opens it, stops listening" if stops_listening else "⏎ opens it"
        self._runs: list[_Run] = []

    def on_mount(self) -> None:
        """Search again what was searched last."""
        self._say("type what to find")
        if self.text:
            self._search(self.text)

    def on_resize(self, event: events.Resize) -> None:
        """Fit the lines to the new width."""
        self.call_after_refresh(self._draw_all)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value != self.text:
            self._search(event.value)

    def _search(self, text: str) -> None:
        self.text = text
        self._runs = []
        self.choices = []
        self.options.clear_options()
        try:
            query = parse_query(text)
        except QueryError as error:
            self.workers.cancel_group(self, "find")
            self._say(str(error))
            return
        if query is None:
            self.workers.cancel_group(self, "find")
            self._say("type what to find")
            return
        self._say("searching…")
        self.run_worker(self._collect(text), group="find", exclusive=True, exit_on_error=False)

    async def _collect(self, text: str) -> None:
        """Show what is found as it comes."""
        await asyncio.sleep(TYPED_FOR)
        try:
            async for line in _lines(text):
                with contextlib.suppress(msgspec.MsgspecError):
                    self._add(_run(line))
        except (OSError, ValueError) as error:
            self._say(f"the search failed: {error}")
            return
        self._say_found(done=True)

    def _add(self, run: _Run) -> None:
        self._runs.append(run)
        self._draw([run])
        self._say_found(done=False)

    def _say_found(self, *, done: bool) -> None:
        count = fmt.count(len(self._runs), "run")
        if not self._runs:
            self._say("nothing found" if done else "searching…")
        elif not done:
            self._say(f"{count} so far · {self._open_words}")
        elif len(self._runs) >= MOST_RUNS:
            self._say(f"the first {count} · {self._open_words}")
        else:
            self._say(f"{count} · {self._open_words}")

    def _say(self, text: str) -> None:
        self.box.border_subtitle = printable(f"{text} · esc closes").replace("[", r"\[")

    def _draw_all(self) -> None:
        options = self.options
        cursor = options.highlighted
        self.choices = []
        options.clear_options()
        self._draw(self._runs)
        if cursor is not None and cursor < options.option_count:
            options.highlighted = cursor

    def _draw(self, runs: list[_Run]) -> None:
        options, width = self.options, self.line_width
        lines: list[Option] = []
        for run in runs:
            first = run.spans[0].span_id if run.spans else ""
            self.choices.append(FoundSpan(run.file, run.trace_id, first))
            lines.append(Option(_run_line(run, width)))
            for span in run.spans:
                self.choices.append(FoundSpan(run.file, run.trace_id, span.span_id))
                lines.append(Option(_span_line(span, width)))
        options.add_options(lines)
        if options.highlighted is None and lines:
            options.highlighted = 0


def _run_line(run: _Run, width: int) -> Content:
    glyph = STATUS_GLYPHS[Status(run.status)] if run.status in list(Status) else "?"
    when = one_line(run.started_at.replace("T", " ")[:16], 16)
    facts = f"✗{run.errors} " if run.errors else ""
    count = fmt.count(run.matches, "match", "matches")
    name = one_line(run.name, _NAME_CELLS)
    head = f" {glyph} {when}  "
    room = max(width - len(head) - len(name) - len(facts) - len(count) - 5, 1)
    question = fit(one_line(run.question, room), room)
    return Content.assemble(head, (name, "bold"), f" {facts} {question} ", (count, "dim"))


def _span_line(span: _Span, width: int) -> Content:
    head = f"     {kind_glyph(span.kind)} {one_line(span.name, _NAME_CELLS)}  "
    where = f"{span.where}: " if span.where and span.where != "name" else ""
    words = one_line(span.snippet, max(width - len(head) - len(where), 1)) if where else ""
    return Content.assemble((head, "dim"), (where, "dim"), words)


async def _lines(text: str) -> AsyncIterator[bytes]:
    """Run the search and yield a line for each run that it finds."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "etaoi_tui", "find", "--json", "--limit", str(MOST_RUNS), "--", text),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LONGEST_LINE,
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            yield line
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
