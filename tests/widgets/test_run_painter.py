"""Lines of the list of runs: handled failures, earlier runs, calls, and what a narrow list leaves out."""

from __future__ import annotations

import pytest

from etaoi_collector.pricing.book import price_book
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.store import Store
from etaoi_collector.wire.codec import decode_frame
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.runs.columns import question_cell
from etaoi_tui.view.runs.figures import RunFigures
from etaoi_tui.view.runs.grouped_rows import GroupedRuns
from etaoi_tui.view.runs.groups import Earlier, Group
from etaoi_tui.widgets.row_view import Piece
from etaoi_tui.widgets.run_painter import RunPainter
from tests.generate import frame
from tests.scribe import Scribe

SHARED = "Summarise the quarterly report of the northern region, section "
MODEL = {"ls_model_name": "gpt-4o-mini", "ls_provider": "openai"}


class Unread:
    """Recorded events that nobody kept."""

    def read(self, ref: int) -> None:
        return None


class Listed:
    """Writes runs of one conversation, and draws their lines."""

    def __init__(self) -> None:
        price_book().load()
        self.scribe = Scribe("lines")
        self.store, self.totals = Store(), Totals()
        self.figures = RunFigures(self.totals)
        self.rows = GroupedRuns(self.store, self.figures)
        self.painter = RunPainter(Summaries(Unread()), self.figures, lambda trace: trace.ended_at)

    def run(
        self, name: str, *, tool_fails: bool = False, fails: bool = False, thread: str = "chat-7f"
    ) -> None:
        root = self.scribe.start("sub_agent", name, metadata={"thread_id": thread})
        call = self.scribe.start("llm", "gpt-4o-mini", root, metadata=MODEL)
        used = {"input_tokens": 7_000, "output_tokens": 100}
        self.scribe.end(call, {"model_name": "gpt-4o-mini", "usage": used, "response": {"text": "x"}})
        self.scribe.end(
            self.scribe.start("tool", "find", root), error="KeyError('a')" if tool_fails else None
        )
        self.scribe.end(self.scribe.start("tool", "look", root))
        self.scribe.end(root, error="RuntimeError('no')" if fails else None)

    def draw(self, width: int) -> list[list[Piece]]:
        """Return the lines that there are now."""
        self.store.apply(decode_frame(frame(self.scribe.take())), -1, 1)
        changes = self.store.drain_changes()
        self.totals.apply(changes)
        self.figures.prices_came()
        self.rows.apply(changes)
        painter, lines = self.painter, []
        for row in self.rows.items:
            if isinstance(row, Group):
                lines.append(painter.draw_group(row, width))
            elif isinstance(row, Earlier):
                lines.append(painter.draw_earlier(row, width))
            else:
                lines.append(painter.draw_run(row, width, inside=len(self.rows.items) > 1))
        return lines


@pytest.fixture
def listed() -> Listed:
    return Listed()


def text(pieces: list[Piece]) -> str:
    return "".join(piece[0] for piece in pieces).rstrip()


def look_of(pieces: list[Piece], words: str) -> str:
    return next(look for piece, look in pieces if words in piece)


@pytest.mark.parametrize("width", [34, 46, 60, 80, 100])
def test_failures_that_a_run_handled_stand_in_brackets_and_are_not_red(listed: Listed, width: int) -> None:
    listed.run("handled", tool_fails=True)
    listed.run("failed", tool_fails=True, fails=True)
    group, failed, handled = listed.draw(width)
    assert "(✗1)" in text(handled) and look_of(handled, "✗1") == "trace-list--muted"
    assert " ✗2" in text(failed) and look_of(failed, "✗2") == "trace-list--error"
    assert " ✗2" in text(group) and "(" not in text(group), "what was handled is told by its run"


def test_a_conversation_whose_failures_were_all_handled_is_not_red(listed: Listed) -> None:
    listed.run("handled", tool_fails=True)
    listed.run("fine")
    group = listed.draw(80)[0]
    assert "(✗1)" in text(group) and look_of(group, "✗1") == "trace-list--muted"


def test_a_wide_line_says_in_words_that_failures_were_handled(listed: Listed) -> None:
    listed.run("handled", tool_fails=True)
    (line,) = listed.draw(130)
    assert text(line).startswith(" ✓ ok, 1 handled handled")


def test_earlier_runs_that_have_no_row_say_how_many_of_them_failed(listed: Listed) -> None:
    for number in range(12):
        listed.run(f"run {number}", fails=number in (2, 3, 11))
    listed.run("beside it", thread="another")
    earlier = listed.draw(46)[-1]
    assert text(earlier).split() == ["8", "earlier", "runs", "✗", "2", "failed"]
    assert look_of(earlier, "failed") == "trace-list--error"


def test_earlier_runs_that_all_ended_well_say_nothing_of_failures(listed: Listed) -> None:
    for number in range(12):
        listed.run(f"run {number}", tool_fails=True, fails=number > 8)
    listed.run("beside it", thread="another")
    assert text(listed.draw(46)[-1]).strip() == "8 earlier runs"


@pytest.mark.parametrize(("width", "agent"), [(34, "billing ◂ hello"), (80, "◂ hello")])
def test_a_voice_call_names_the_agent_that_is_on_it(listed: Listed, width: int, agent: str) -> None:
    call = listed.scribe.start("voice_session", "lines")
    for name in ("front", "billing"):
        listed.scribe.end(listed.scribe.start("voice_agent", name, call))
    turn = listed.scribe.start("voice_turn", None, call)
    listed.scribe.end(listed.scribe.start("voice_input", "hello", turn))
    listed.scribe.end(turn)
    listed.scribe.end(call)
    (line,) = listed.draw(width)
    assert text(line).startswith(f" ✓ {agent} ") and "billing" in text(line)


def test_a_narrow_conversation_says_its_cost_before_it_draws_its_course(listed: Listed) -> None:
    for number in range(6):
        listed.run(f"run {number}")
    lines = {width: text(listed.draw(width)[0]) for width in range(24, 52)}
    assert any("▁" in line or "█" in line for line in lines.values()), "where there is room it has a course"
    for width, line in lines.items():
        drawn = any(block in line for block in "▁▂▃▄▅▆▇█")
        assert "$" in line or not drawn, f"at {width} cells: {line}"
    assert "$" in lines[30] and not any(block in lines[30] for block in "▁▂▃▄▅▆▇█")


@pytest.mark.parametrize("width", [46, 53, 80, 110, 160])
def test_many_failures_of_a_conversation_are_no_smaller_number(listed: Listed, width: int) -> None:
    for number in range(123):
        listed.run(f"run {number}", tool_fails=True)
    group, run, *_ = listed.draw(width)
    assert "(✗123)" in text(group)
    drawn = ["".join(piece[0] for piece in line) for line in (group, run)]
    assert all(width - 2 < len(line) <= width for line in drawn)
    if width >= 80:
        assert drawn[0].index(" 14:13") == drawn[1].index(" 14:13")


def test_questions_that_begin_alike_show_where_they_differ(listed: Listed) -> None:
    listed.run("x")
    listed.draw(80)
    (trace,) = listed.store.traces.values()
    seven, eight = SHARED + "seven: costs", SHARED + "eight: staff"
    assert question_cell(trace, seven, 24) == "Summarise the quarterly…"
    assert question_cell(trace, seven, 24, [eight]) == "Summarise t…seven: costs"
    assert question_cell(trace, seven, 24, ["Something else"]) == "Summarise the quarterly…"
    assert question_cell(trace, seven, 24, [seven]) == "Summarise the quarterly…", "nothing tells them apart"
    assert question_cell(trace, seven, 90, [eight]) == seven
    assert question_cell(trace, SHARED + "a" * 40, 24, [SHARED + "a" * 39 + "b"])[-2:] == "…a"
    assert question_cell(trace, "", 24, [eight]) == "x"
    for room in range(1, 90):
        assert len(question_cell(trace, seven, room, [eight])) <= room


@pytest.mark.parametrize("width", [53, 60, 66, 72, 80, 100, 124])
def test_a_conversation_s_name_and_course_are_not_cut_for_each_other(listed: Listed, width: int) -> None:
    for number in range(40):
        listed.run(f"run {number}", tool_fails=True, thread="batch-03-of-july")
    group = text(listed.draw(width)[0])
    assert "batch-03-of-july 40 runs" in group and "(✗40)" in group and "…" not in group
