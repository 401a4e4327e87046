"""The first line: where the data comes from, how much of it, and whether anything was lost."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from etaoi_collector.store.model import Status
from etaoi_tui.text import crop_start, one_line
from etaoi_tui.view.glyphs import SPINNER, STATUS_GLYPHS
from etaoi_tui.view.now_line import Chip
from etaoi_tui.view.status import StatusLine
from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.row_view import Piece
from etaoi_tui.widgets.styles import StyleTable

_GAP = "   "
_CHIP_CELLS = 24
"""Least cells of a chip: with fewer of them, fewer chips are shown."""

_LEAST_WORDS = 12
"""Cells below which the newest words say nothing."""

_LONGEST_WORDS = 30
"""Cells that arguments or a question get before the key is named."""

_HINT_CELLS = 46
"""Cells from which on a chip names its key."""


class StatusBar(LineWidget):
    """Draws a `StatusLine`: a chip for each agent that runs, else where the data comes from.

    What matters least is left out first when the line is short; what is wrong is always there.
    """

    DEFAULT_CSS = """
    StatusBar { height: 1; background: $panel; color: $foreground; }
    """
    LOOKS: ClassVar[StyleTable] = {
        "status-bar--brand": "color: $kind-llm; text-style: bold",
        "status-bar--live": "color: $running; text-style: bold",
        "status-bar--replay": "color: $ink; text-style: bold",
        "status-bar--muted": "color: $quiet",
        "status-bar--warning": "color: $attention; text-style: bold",
        "status-bar--error": "color: $failure; text-style: bold",
        "status-bar--agent": "color: $kind-agent; text-style: bold",
        "status-bar--words": "color: $ink; text-style: italic",
        "status-bar--llm": "color: $kind-llm",
        "status-bar--tool": "color: $kind-tool",
        "status-bar--middleware": "color: $quiet",
        "status-bar--voice": "color: $ink",
        "status-bar--runs": "color: $ink",
    }

    class CommandClicked(Message):
        """The person clicked on something that a command shows."""

        def __init__(self, command_id: str) -> None:
            super().__init__()
            self.command_id = command_id

    class ChipChosen(Message):
        """The person clicked on an agent."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._status = StatusLine()
        self._spots: list[tuple[int, int, int]] = []
        """First and last cell of each chip, and its number."""
        self._runs_spot = (0, 0)
        """First cell of the number of runs, and the one behind its last."""

    def show(self, status: StatusLine) -> None:
        """Draw another status, if it is another."""
        if status != self._status:
            self._status = status
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A chip leads to its agent, the number of runs to their list, the counters to what they count."""
        for first, last, number in self._spots:
            if first <= event.x < last:
                self.post_message(self.ChipChosen(number))
                return
        first, last = self._runs_spot
        on_runs = first <= event.x < last
        self.post_message(self.CommandClicked("pane.traces" if on_runs else "problems.show"))

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width = self.size.width
        base = self.look("")
        status = self._status
        right: list[Piece] = []
        if status.runs:
            right.append((status.runs + (_GAP if status.follow else " "), "runs"))
        if status.follow:
            right.append((f"{status.follow} ", "replay"))
        if status.location and not right and not status.chips:
            right = [(f"{status.location} ", "muted")]
        right_cells = sum(cell_len(text) for text, _ in right)
        pieces: list[Piece] = [(" etaoi", "brand")]
        used = len(" etaoi")
        wanted = [part for part in status.parts if part[2] or not status.chips]
        needed = sum(cell_len(text) + len(_GAP) for text, _, must in wanted if must)
        room = width - used - right_cells - needed - (len(_GAP) if right else 1)
        self._spots = []
        if status.chips:
            for piece in self._chips(used, room):
                pieces.append(piece)
                used += cell_len(piece[0])
        for text, look, must in wanted:
            size = cell_len(text) + len(_GAP)
            if used + size <= width - (0 if must else right_cells):
                pieces += [(_GAP, "muted"), (text, look)]
                used += size
        self._runs_spot = (0, 0)
        if used + right_cells + 1 <= width:
            pieces += [(" " * (width - used - right_cells), "muted"), *right]
            if status.runs:
                self._runs_spot = (width - right_cells, width - right_cells + cell_len(right[0][0]))
        segments = [Segment(text, base + self.look(f"status-bar--{look}")) for text, look in pieces]
        return Strip(segments).adjust_cell_length(width, base)

    def _chips(self, at: int, room: int) -> list[Piece]:
        """Draw as many chips as fit, each in as many cells as the others; the first has the lowest number."""
        chips = self._status.chips
        chip_count = max(min(len(chips), room // (_CHIP_CELLS + len(_GAP))), 1)
        more = f"{_GAP}+{len(chips) - chip_count}" if len(chips) > chip_count else ""
        each = (room - len(more)) // chip_count - len(_GAP)
        if each < 8:
            return []
        pieces: list[Piece] = []
        for chip in chips[:chip_count]:
            at += len(_GAP)
            drawn = _chip(chip, each if chip_count > 1 else min(each, 100), self._status.frame)
            cells = sum(cell_len(text) for text, _ in drawn)
            self._spots.append((at, at + cells, chip.number))
            at += cells
            pieces += [(_GAP, "muted"), *drawn]
            if chip is not chips[chip_count - 1] or more:
                # What one agent says moves no other's chip.
                pieces.append((" " * (each - cells), "muted"))
                at += each - cells
        return [*pieces, (more, "muted")] if more else pieces


def _chip(chip: Chip, cells: int, frame: int) -> list[Piece]:
    """Draw what one agent does in at most that many cells."""
    glyph = STATUS_GLYPHS[Status.PAUSED] if chip.waits else SPINNER[frame % 4]
    state = "warning" if chip.waits else "live"
    hint = f" alt+{chip.number}" if cells >= _HINT_CELLS else ""
    remaining = cells - 2 - len(hint)
    pieces: list[Piece] = [(f"{glyph} ", state)]
    for text, look, most, least in (
        (chip.agent, "agent", remaining // 2 if chip.doing else remaining, 3),
        (chip.doing, "warning" if chip.waits else chip.kind, remaining, 3),
        (chip.since, "muted", remaining, cell_len(chip.since)),  # half of a number is another number
    ):
        room = min(remaining - (1 if len(pieces) > 1 else 0), most)
        if text and room >= least:
            shortened = one_line(text, room)
            pieces.append(((" " if len(pieces) > 1 else "") + shortened, look))
            remaining -= cell_len(pieces[-1][0])
    wanted = _LEAST_WORDS if chip.newest else cell_len(chip.words[:_LONGEST_WORDS])
    if hint and chip.words and remaining < wanted + 2 and remaining + len(hint) > _LEAST_WORDS:
        remaining += len(hint)  # words say more than the key, which is the chip's place
        hint = ""
    words = chip.words
    if words and remaining > (_LEAST_WORDS if chip.newest else 6):
        if chip.newest:
            words = f" “{crop_start(words, remaining - 3)}"
        else:
            words = " " + one_line(words, remaining - 1)
        pieces.append((words, "words"))
    return [*pieces, (hint, "muted")] if hint else pieces
