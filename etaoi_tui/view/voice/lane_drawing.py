"""The lanes of a call as pieces of text: its header, its turns, and the lines of those that are open."""

from __future__ import annotations

from collections.abc import Hashable

from etaoi_tui.text import cells
from etaoi_tui.view.voice import labels as texts
from etaoi_tui.view.voice import lane as lanes
from etaoi_tui.view.voice.call_model import VoiceCall
from etaoi_tui.view.voice.labels import Piece
from etaoi_tui.view.voice.lane_pieces import lane_pieces, mark_cells, runs
from etaoi_tui.view.voice.lane_scale import LaneScale
from etaoi_tui.view.voice.lane_window import lane_window
from etaoi_tui.view.voice.linked_runs import parts_of
from etaoi_tui.view.voice.model import Kind
from etaoi_tui.view.voice.rows import LaneRows
from etaoi_tui.view.voice.thresholds import Thresholds

_HEADER = "voice-lanes--header"


class LaneDrawing:
    """Draws one call.

    Args:
        call: The call.
        rows: Its rows.
        thresholds: What counts as slow.
        scale: What the time axis means.
    """

    def __init__(self, call: VoiceCall, rows: LaneRows, thresholds: Thresholds, scale: LaneScale) -> None:
        self.scale = scale
        self.frame = 0
        """Which picture of what turns is drawn."""
        self._call = call
        self._rows = rows
        self._thresholds = thresholds
        self._window = (0.0, 1.0)

    def fit(self, now: float, newest_at: float) -> None:
        """Choose what the axis spans; times are seconds since the epoch."""
        if self._call.groups:
            self._window = lane_window(self._call, self.scale, now, newest_at)

    # the header

    def title(self, width: int, name: str, now: float, *, live: bool) -> list[Piece]:
        """Return the first line, which tells how long agent and user have been in their states."""
        return _filled(texts.title_pieces(self._call, name, now, width, live=live), width)

    def header(self, line: int, width: int) -> list[Piece]:
        """Return a line below the first: the figures of the call, what the shapes mean, or the axis."""
        if line == 1:
            return _filled(texts.figure_pieces(self._call, self._thresholds, width), width)
        return _filled(texts.legend_pieces(width) if line == 2 else self._axis(width), width)

    def _axis(self, width: int) -> list[Piece]:
        left_cells, words, lane_width = texts.columns(width)
        head = texts.column_heads(left_cells, words)
        if not lane_width:
            return [(head, _HEADER)]
        first, last = self._window
        if self.scale is LaneScale.CALL:
            first, last = 0.0, last - first
        return [(head, _HEADER), (" ", ""), (texts.axis(first, last, lane_width), _HEADER)]

    # the rows

    def key(self, row: int, now: float) -> Hashable | None:
        """A row looks the same until its turn changes; one that runs never does."""
        group, line = self._rows.at(row)
        turn = self._call.turn(group, now)
        if turn.running:
            return None
        opened, number = self._rows.is_open(group), self._call.index(group)
        return (group.key, group.version, number, line, opened, self.scale, self._window)

    def row(self, row: int, width: int, now: float) -> list[Piece]:
        """Draw a turn, or a line of one."""
        group, at = self._rows.at(row)
        turn = self._call.turn(group, now)
        left_cells, words, lane_width = texts.columns(width)
        lane = lanes.lane_of(turn, self.scale, self._window, lane_width) if lane_width else None
        if at < 0:
            number, opened = self._call.index(group) + 1, self._rows.is_open(group)
            pieces = texts.turn_pieces(
                turn, number, now, words, self._thresholds, opened=opened, frame=self.frame
            )
            if lane is not None:
                drawn = lanes.cells(lanes.segments(turn, now), lane)
                pieces += [(" ", ""), *lane_pieces(drawn, turn, lane, now)]
            return pieces
        lines = self._rows.lines(group)
        if at >= len(lines):
            return []
        line = lines[at]
        pieces = texts.line_pieces(turn, line, now, left_cells + words, width, self._thresholds)
        if lane is None or line.words:
            return pieces
        if line.stage is not None:
            drawn = lanes.stage_cells(line.stage, lane, now)
        elif line.unexplained:
            drawn = lanes.cells(line.unexplained, lane)
        elif line.run is not None:
            drawn = lanes.cells(parts_of(line.run, now), lane)
        elif line.mark is not None:
            drawn = [Kind.IDLE] * lane.width
            return [*pieces, (" ", ""), *runs(drawn, mark_cells([line.mark], lane))]
        else:
            return pieces
        return [*pieces, (" ", ""), *runs(drawn)]


def _filled(pieces: list[Piece], width: int) -> list[Piece]:
    used = sum(cells(text) for text, _ in pieces)
    return [*pieces, (" " * max(width - used, 0), _HEADER)]
