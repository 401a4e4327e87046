"""Where the cursor stands in the lanes of a call, whatever comes above it."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.view.voice.rows import LaneRows, Line
from etaoi_tui.view.voice.turn_group import Group


class LaneCursor:
    """A turn, a line of one that is open, or the call as a whole.

    Args:
        rows: The rows of the call.
    """

    def __init__(self, rows: LaneRows) -> None:
        self._rows = rows
        self.group: Group | None = None
        """The turn; None for the call as a whole."""
        self._line = -1

    @property
    def turn(self) -> Group | None:
        """The turn, where it is meant as a whole and not one of its lines."""
        return self.group if self._line < 0 else None

    @property
    def on_turn(self) -> bool:
        """Whether it stands on no line of a turn."""
        return self._line < 0

    @property
    def row(self) -> int | None:
        """The row that it stands on."""
        return None if self.group is None else self._rows.row(self.group, self._line)

    @property
    def span(self) -> Span | None:
        """The span that its row is about."""
        if self.group is None:
            return None
        line = self._shown_line()
        if line is not None and line.stage is not None and line.stage.spans:
            return line.stage.spans[0]
        return self.group.leaders[0] if self.group.leaders else None

    @property
    def run(self) -> Span | None:
        """The run of another agent that its row is about."""
        line = self._shown_line()
        return line.run if line is not None else None

    @property
    def is_open(self) -> bool:
        """Whether its turn shows its lines."""
        return self.group is not None and self._rows.is_open(self.group)

    def _shown_line(self) -> Line | None:
        lines = self._rows.lines(self.group) if self.group is not None else []
        return lines[self._line] if 0 <= self._line < len(lines) else None

    # moving

    def to_row(self, row: int) -> None:
        """Stand on a row."""
        self.group, self._line = self._rows.at(row)

    def to_turn(self) -> None:
        """Leave the line for its turn."""
        self._line = -1

    def leave(self) -> None:
        """Stand on the call as a whole."""
        self.group, self._line = None, -1

    def to_span(self, group: Group, span: Span) -> int | None:
        """Stand on the turn of a span, or on its stage where the turn is open.

        Returns:
            The row; None, and nothing moved, when it has none.
        """
        line = self._rows.line_of(group, span) if self._rows.is_open(group) else -1
        row = self._rows.row(group, line)
        if row is not None:
            self.group, self._line = group, line
        return row

    def keep(self) -> None:
        """Stand on the call as a whole when the turn is gone."""
        if self.row is None:
            self.leave()
