"""A lane's cells as pieces of text with the name of their look, and what happened in their places."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor

from etaoi_tui.view.voice.labels import MARKS, Piece
from etaoi_tui.view.voice.lane import BEFORE, BEYOND, GLYPHS, Lane
from etaoi_tui.view.voice.model import Kind, MarkKind, Turn, TurnMark


def mark_cells(marks: Iterable[TurnMark], lane: Lane) -> dict[int, Piece]:
    """Return the cells of a lane in which something happened, with its sign."""
    result: dict[int, Piece] = {}
    for mark in marks:
        cell = floor((mark.at - lane.start) / lane.seconds * lane.width)
        if 0 <= cell < lane.width:
            look = "bad" if mark.kind is MarkKind.ERROR else "slow"
            result[cell] = MARKS[mark.kind], f"voice-lanes--{look}"
    return result


def runs(drawn: list[Kind], marks: dict[int, Piece] | None = None) -> list[Piece]:
    """Join cells of one kind to pieces; a mark takes the place of its cell."""
    pieces: list[Piece] = []
    marks = marks or {}
    start = 0
    for n in range(1, len(drawn) + 1):
        if n == len(drawn) or drawn[n] is not drawn[start] or n in marks or start in marks:
            kind = drawn[start]
            glyphs = GLYPHS[kind] * (n - start)
            pieces.append(marks.get(start) or (glyphs, f"voice-lanes--{kind.value}"))
            start = n
    return pieces


def lane_pieces(drawn: list[Kind], turn: Turn, lane: Lane, now: float) -> list[Piece]:
    """Draw a turn's lane; its edges say when it goes on beyond them."""
    pieces = runs(drawn, mark_cells(turn.marks, lane))
    end = turn.end if turn.end is not None else now
    if pieces and drawn[0] is not Kind.IDLE and turn.start < lane.start - lane.seconds / lane.width:
        pieces[0] = (BEFORE + pieces[0][0][1:], pieces[0][1])
    if pieces and drawn[-1] is not Kind.IDLE and end > lane.start + lane.seconds * (1 + 1 / lane.width):
        pieces[-1] = (pieces[-1][0][:-1] + BEYOND, pieces[-1][1])
    return pieces
