"""Which rows the lanes have: one for each turn, and under an open turn one for everything in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from etaoi_collector.model import Span
from etaoi_tui.view.voice.call import Group, VoiceCall
from etaoi_tui.view.voice.model import Kind, Part, Stage, Turn, TurnMark

LEAST_UNEXPLAINED = 0.001
"""Seconds; less is the space between two events."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line under an open turn; one of the fields is set."""

    words: str = ""
    """``user`` or ``agent``: what was said."""
    stage: Stage | None = None
    unexplained: tuple[Part, ...] = ()
    mark: TurnMark | None = None


def lines_of(turn: Turn) -> list[Line]:
    """Return what an open turn shows: words, stages in order, what no stage explains, and what happened."""
    lines: list[Line] = []
    if turn.user_said:
        lines.append(Line(words="user"))
    if turn.agent_said:
        lines.append(Line(words="agent"))
    lines += [Line(stage=stage) for stage in turn.stages]
    unexplained = tuple(part for part in turn.parts if part.kind is Kind.UNEXPLAINED)
    if sum(part.seconds for part in unexplained) >= LEAST_UNEXPLAINED:
        lines.append(Line(unexplained=unexplained))
    return [*lines, *(Line(mark=mark) for mark in turn.marks)]


class LaneRows:
    """The rows of a call. Without open turns a row is a turn's place in the call.

    Args:
        call: The call.
    """

    def __init__(self, call: VoiceCall) -> None:
        self.call = call
        self._open: set[Group] = set()
        self._starts: list[int] | None = None
        self._count = len(call)

    def __len__(self) -> int:
        return self._count

    def refresh(self) -> None:
        """Count again, after turns came, went or changed."""
        call = self.call
        if not self._open:
            self._starts, self._count = None, len(call)
            return
        starts = []
        row = 0
        for group in call.groups:
            starts.append(row)
            row += 1 + self._lines(group)
        self._starts, self._count = starts, row

    def at(self, row: int) -> tuple[Group, int]:
        """Return the turn of a row and which of its lines that is; -1 is the turn's own."""
        if self._starts is None:
            return self.call.groups[row], -1
        turn = bisect_right(self._starts, row) - 1
        return self.call.groups[turn], row - self._starts[turn] - 1

    def row(self, group: Group, line: int = -1) -> int | None:
        """Return the row of a turn or of one of its lines; of a line that is gone, the one before."""
        place = self.call.index(group)
        if place >= len(self.call.groups) or self.call.groups[place] is not group:
            return None
        start = place if self._starts is None else self._starts[place]
        return start + 1 + min(line, self._lines(group) - 1) if line >= 0 else start

    def is_open(self, group: Group) -> bool:
        """Whether a turn shows its lines."""
        return group in self._open

    def set_open(self, group: Group, opened: bool) -> None:
        """Open or close a turn."""
        if opened:
            self.call.turn(group)
            self._open.add(group)
        else:
            self._open.discard(group)
        self.refresh()

    def open_all(self) -> None:
        """Open every turn; those that nobody has looked at yet follow as they are folded."""
        self._open = set(self.call.groups)
        self.refresh()

    def close_all(self) -> None:
        """Close every turn."""
        self._open.clear()
        self.refresh()

    def lines(self, group: Group) -> list[Line]:
        """Return the lines of a turn as it was last seen."""
        return lines_of(group.turn) if group.turn is not None else []

    def line_of(self, group: Group, span: Span) -> int:
        """Return the line of the stage that a span tells of; -1 when it is the turn itself."""
        for number, line in enumerate(self.lines(group)):
            if line.stage is not None and span in line.stage.spans:
                return number
        return -1

    def _lines(self, group: Group) -> int:
        return len(self.lines(group)) if group in self._open else 0
