"""Cells with boxes and lines that join where they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from etaoi_tui.detail.document.model import StyledText
from etaoi_tui.text import cells

_N, _E, _S, _W = 1, 2, 4, 8
_LINES = {
    _N | _S: "│", _E | _W: "─", _N | _E: "╰", _N | _W: "╯", _S | _E: "╭", _S | _W: "╮",
    _N | _S | _E: "├", _N | _S | _W: "┤", _N | _E | _W: "┴", _S | _E | _W: "┬", _N | _E | _S | _W: "┼",
    _N: "│", _S: "│", _E: "─", _W: "─",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Node:
    """A node to draw: its label as it came, and the style of its box."""

    id: str
    label: str
    style: str = ""
    strong: bool = False
    """Draw its box with double lines."""
    count: str = ""
    """What stands behind the label, however short that is cut."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one node to another."""

    source: str
    target: str
    conditional: bool = False


@dataclass(slots=True)
class NodePosition:
    """A node, or where a long edge passes a layer."""

    node: Node | None
    width: int
    layer: int = 0
    x: int = 0
    """The cell of its middle."""
    y: int = 0
    """The line of its upper edge."""
    beside: str = ""
    """Words at its right, for which room is kept."""
    above: list[NodePosition] = field(default_factory=list)
    below: list[tuple[NodePosition, bool]] = field(default_factory=list)


@dataclass(slots=True)
class EdgeTrack:
    """A column at the right of all boxes, on which ways lead back to a node.

    Attributes:
        target: Where they lead.
        sources: Where they come from, and whether on a condition.
        x: The cell of the column.
    """

    target: NodePosition
    sources: list[tuple[NodePosition, bool]]
    x: int = 0


def right_of(node: NodePosition) -> int:
    """Return the first free cell at the right of a box and what stands beside it."""
    beside = cells(node.beside) + 2 if node.beside else 0
    return node.x - node.width // 2 + node.width + beside


class Canvas:
    """Cells with lines that join where they meet."""

    def __init__(self, layers: list[list[NodePosition]], lanes: Sequence[EdgeTrack] = ()) -> None:
        self._bits: dict[tuple[int, int], int] = {}
        self._styles: dict[tuple[int, int], str] = {}
        self._texts: dict[int, list[tuple[int, str, str]]] = {}
        self._height = 0
        y = 0
        for layer in layers:
            for node in layer:
                node.y = y
                self._draw_box(node, y)
            y = self._route(layer, y + 3)
        self._height = y
        for lane in lanes:
            self._lead_back(lane)

    def lines(self) -> list[list[StyledText]]:
        """Return the drawing."""
        return [self._line(y) for y in range(self._height)]

    def _draw_box(self, position: NodePosition, y: int) -> None:
        node = position.node
        if node is None:
            style = "accent" if any(conditional for _, conditional in position.below) else "muted"
            self._down(position.x, y, y + 2, style)
            return
        left = position.x - position.width // 2
        text = node.label
        flat = "═" if node.strong else "─"
        side = "║" if node.strong else "│"
        corners = "╔╗╚╝" if node.strong else "╭╮╰╯"
        self._text(left, y, corners[0] + flat * (position.width - 2) + corners[1], node.style)
        self._text(left, y + 1, f"{side} {text} {side}", node.style)
        self._text(left, y + 2, corners[2] + flat * (position.width - 2) + corners[3], node.style)
        if position.beside:
            self._text(left + position.width + 1, y + 1, position.beside, "accent")

    def _route(self, layer: list[NodePosition], y: int) -> int:
        """Draw the ways from one layer to the next; return where the next layer begins."""
        if not any(node.below for node in layer):
            return y
        bent = [node for node in layer if any(below.x != node.x for below, _ in node.below)]
        row_of = {id(node): y + 1 + n for n, node in enumerate(bent)}
        last = y + 1 + len(bent)
        for node in layer:
            for below, conditional in node.below:
                style = "accent" if conditional else "muted"
                row = row_of.get(id(node), y)
                if below.x == node.x:
                    self._down(node.x, y, last, style)
                else:
                    self._down(node.x, y, row - 1, style)
                    self._add(node.x, row, _N | (_E if below.x > node.x else _W), style)
                    for x in range(min(node.x, below.x) + 1, max(node.x, below.x)):
                        self._add(x, row, _E | _W, style)
                    self._add(below.x, row, _S | (_W if below.x > node.x else _E), style)
                    self._down(below.x, row + 1, last, style)
                if below.node is not None:
                    self._text(below.x, last, "⇣" if conditional else "▼", style)
        return last + 1

    def _lead_back(self, lane: EdgeTrack) -> None:
        """Draw ways back to a node, up the lane at the right of all boxes."""
        target = lane.target
        arrive = target.y + 1
        for source, conditional in lane.sources:
            style = "accent" if conditional else "muted"
            leave = source.y + 1
            self._across(right_of(source), lane.x, leave, style)
            self._add(lane.x, leave, _W | _N, style)
            for y in range(arrive + 1, leave):
                self._add(lane.x, y, _N | _S, style)
            self._add(lane.x, arrive, _W | _S, style)
            self._across(right_of(target) + 1, lane.x, arrive, style)
        always = any(not conditional for _, conditional in lane.sources)
        self._text(right_of(target), arrive, "◀" if always else "⇠", "muted" if always else "accent")

    def _across(self, left: int, right: int, y: int, style: str) -> None:
        for x in range(left, right):
            self._add(x, y, _E | _W, style)

    def _down(self, x: int, first: int, last: int, style: str) -> None:
        for y in range(first, last + 1):
            self._add(x, y, _N | _S, style)

    def _add(self, x: int, y: int, bits: int, style: str) -> None:
        self._bits[x, y] = self._bits.get((x, y), 0) | bits
        self._styles.setdefault((x, y), style)

    def _text(self, x: int, y: int, text: str, style: str) -> None:
        self._texts.setdefault(y, []).append((x, text, style))

    def _line(self, y: int) -> list[StyledText]:
        pieces = sorted(self._texts.get(y, ()))
        intervals = [(x, x + cells(text)) for x, text, _ in pieces]
        for (x, row), bits in self._bits.items():
            if row == y and not any(a <= x < b for a, b in intervals):
                pieces.append((x, _LINES[bits], self._styles.get((x, y), "muted")))
        runs: list[StyledText] = []
        at = 0
        for x, text, style in sorted(pieces):
            if x < at:
                continue
            if x > at:
                runs.append((" " * (x - at), ""))
            runs.append((text, style))
            at = x + cells(text)
        return runs
