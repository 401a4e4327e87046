"""Which rows the lanes have: one for each turn, and under an open turn one for everything in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import itemgetter

from etaoi_collector.store.model import Span
from etaoi_tui.view.voice.call_model import VoiceCall
from etaoi_tui.view.voice.model import Kind, Part, Stage, Turn, TurnMark
from etaoi_tui.view.voice.stats import LEAST
from etaoi_tui.view.voice.turn_group import Group


@dataclass(frozen=True, slots=True)
class Line:
    """One line under an open turn; one of the fields is set."""

    words: str = ""
    """``user`` or ``agent``: what was said."""
    stage: Stage | None = None
    unexplained: tuple[Part, ...] = ()
    mark: TurnMark | None = None
    run: Span | None = None


def lines_of(turn: Turn) -> list[Line]:
    """Return what an open turn shows: words, stages in order, what no stage explains, and what happened."""
    lines: list[Line] = []
    if turn.user_said:
        lines.append(Line(words="user"))
    if turn.agent_said:
        lines.append(Line(words="agent"))
    lines += [Line(stage=stage) for stage in turn.stages]
    unexplained = tuple(part for part in turn.parts if part.kind is Kind.UNEXPLAINED)
    if sum(part.seconds for part in unexplained) >= LEAST:
        lines.append(Line(unexplained=unexplained))
    lines += [Line(run=run) for run in turn.runs]
    return [*lines, *(Line(mark=mark) for mark in turn.marks)]


class LaneRows:
    """The rows of a call: a turn's place in the call, moved down by the lines of the open turns above it.

    What it costs depends on how many turns are open, not on how many there are.

    Args:
        call: The call.
    """

    def __init__(self, call: VoiceCall) -> None:
        self.call = call
        self._open: set[Group] = set()
        self._cached_lines: dict[Group, tuple[Turn, list[Line]]] = {}
        """The lines of open turns, with the turn that they were made of."""
        self._turn_indexes: list[int] = []
        self._rows: list[int] = []
        self._after: list[int] = []
        """Of each open turn, in order: its place, its row, and the lines of open turns up to its end."""
        self._count = len(call)

    def __len__(self) -> int:
        return self._count

    def refresh(self) -> None:
        """Count again, after turns came, went or changed."""
        call = self.call
        self._cached_lines = {
            group: self._cached_lines[group] for group in self._open if group in self._cached_lines
        }
        self._turn_indexes, self._rows, self._after = [], [], []
        lines = 0
        for index, group in sorted(((call.index(one), one) for one in self._open), key=_first_item):
            if index >= len(call) or call.groups[index] is not group:
                continue
            self._turn_indexes.append(index)
            self._rows.append(index + lines)
            lines += len(self.lines(group))
            self._after.append(lines)
        self._count = len(call) + lines

    def at(self, row: int) -> tuple[Group, int]:
        """Return the turn of a row and which of its lines that is; -1 is the turn's own."""
        above = bisect_right(self._rows, row) - 1
        if above < 0:
            return self.call.groups[row], -1
        line = row - self._rows[above] - 1
        index = self._turn_indexes[above]
        if self._rows[above] + self._after[above] - self._lines_before(above) >= row:
            return self.call.groups[index], line
        return self.call.groups[row - self._after[above]], -1

    def row(self, group: Group, line: int = -1) -> int | None:
        """Return the row of a turn or of one of its lines; of a line that is gone, the one before."""
        index = self.call.index(group)
        if index >= len(self.call.groups) or self.call.groups[index] is not group:
            return None
        number = bisect_left(self._turn_indexes, index)
        start = index + self._lines_before(number)
        if line < 0 or group not in self._open:
            return start
        return start + 1 + min(line, len(self.lines(group)) - 1)

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
        turn = group.turn
        if turn is None:
            return []
        cached = self._cached_lines.get(group)
        if cached is None or cached[0] is not turn:
            cached = self._cached_lines[group] = turn, lines_of(turn)
        return cached[1]

    def line_of(self, group: Group, span: Span) -> int:
        """Return the line of the stage that a span tells of; -1 when it is the turn itself."""
        for number, line in enumerate(self.lines(group)):
            if line.run is span or (line.stage is not None and span in line.stage.spans):
                return number
        return -1

    def _lines_before(self, number: int) -> int:
        """Lines of the open turns above the one with this number among them."""
        return self._after[number - 1] if number else 0


_first_item = itemgetter(0)
