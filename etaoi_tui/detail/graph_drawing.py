"""Draws a graph with box characters: layers from top to bottom, edges routed between them.

The usual steps of layered drawing (Sugiyama, Tagawa, Toda 1981), made small for graphs of agents: edges that
lead back are taken out, nodes stand one layer below the lowest that leads to them, edges over several layers
run through empty places, and layers are ordered by the places of their neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from etaoi_tui.detail.document import Run
from etaoi_tui.text import cells, one_line

LABEL_CELLS = 36
_GAP = 3
_SWEEPS = 4
MOST_NODES = 60
"""Nodes beyond which a drawing helps nobody."""

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


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one node to another."""

    source: str
    target: str
    conditional: bool = False


_NONE = Edge("", "")


@dataclass(slots=True)
class _Place:
    """A node, or where a long edge passes a layer."""

    node: Node | None
    width: int
    layer: int = 0
    x: int = 0
    """The cell of its middle."""
    beside: str = ""
    """Words at its right, for which room is kept."""
    above: list[_Place] = field(default_factory=list)
    below: list[tuple[_Place, bool]] = field(default_factory=list)


def draw_graph(nodes: Sequence[Node], edges: Sequence[Edge], width: int) -> list[list[Run]] | None:
    """Return the lines of a drawing; None if it does not fit into ``width`` cells."""
    if not nodes or len(nodes) > MOST_NODES:
        return None
    known = {node.id: node for node in nodes}
    ways = [edge for edge in dict.fromkeys(edges) if edge.source in known and edge.target in known]
    forward, back = _split(known, ways)
    layer_of = _layers(known, forward)
    layers = _fill(known, layer_of, forward, _notes(back))
    _order(layers)
    if not _arrange(layers, width):
        return None
    return _Canvas(layers).lines()


def _split(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> tuple[list[Edge], list[Edge]]:
    """Tell the edges that lead back to where one came from."""
    out: dict[str, list[Edge]] = {name: [] for name in nodes}
    for edge in edges:
        out[edge.source].append(edge)
    state: dict[str, int] = {}
    back: set[Edge] = set()
    starts = ["__start__", *nodes] if "__start__" in nodes else list(nodes)
    for start in starts:
        if start in state:
            continue
        state[start] = 1
        stack = [(start, iter(out[start]))]
        while stack:
            name, rest = stack[-1]
            edge = next(rest, _NONE)
            if edge is _NONE:
                state[name] = 2
                stack.pop()
            elif state.get(edge.target) == 1:
                back.add(edge)
            elif edge.target not in state:
                state[edge.target] = 1
                stack.append((edge.target, iter(out[edge.target])))
    return [edge for edge in edges if edge not in back], [edge for edge in edges if edge in back]


def _layers(nodes: Mapping[str, Node], forward: Sequence[Edge]) -> dict[str, int]:
    layer = dict.fromkeys(nodes, 0)
    waiting = dict.fromkeys(nodes, 0)
    for edge in forward:
        waiting[edge.target] += 1
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        name = ready.pop()
        for edge in forward:
            if edge.source == name:
                layer[edge.target] = max(layer[edge.target], layer[name] + 1)
                waiting[edge.target] -= 1
                if not waiting[edge.target]:
                    ready.append(edge.target)
    return layer


def _fill(
    nodes: Mapping[str, Node],
    layer_of: Mapping[str, int],
    forward: Sequence[Edge],
    notes: Mapping[str, list[str]],
) -> list[list[_Place]]:
    layers: list[list[_Place]] = [[] for _ in range(max(layer_of.values()) + 1)]
    places = {}
    for name, node in nodes.items():
        place = _Place(node, cells(_label(node)) + 4, layer_of[name], beside="  ".join(notes.get(name, ())))
        places[name] = place
        layers[place.layer].append(place)
    for edge in forward:
        above, goal = places[edge.source], places[edge.target]
        for layer in range(above.layer + 1, goal.layer):
            passing = _Place(None, 1, layer, above=[above])
            above.below.append((passing, edge.conditional))
            layers[layer].append(passing)
            above = passing
        above.below.append((goal, edge.conditional))
        goal.above.append(above)
    return layers


def _order(layers: list[list[_Place]]) -> None:
    """Order each layer by the middle of its neighbours, downwards and upwards in turn."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        order = layers[1:] if down else layers[-2::-1]
        for layer in order:
            index = {id(place): n for other in layers for n, place in enumerate(other)}

            def middle(place: _Place, down: bool = down, index: dict[int, int] = index) -> float:
                near = place.above if down else [below for below, _ in place.below]
                return sum(index[id(p)] for p in near) / len(near) if near else index[id(place)]

            layer.sort(key=middle)


def _arrange(layers: list[list[_Place]], width: int) -> bool:
    """Give every place its column; False if a layer is too wide."""
    spans = [sum(map(_room, layer)) + _GAP * (len(layer) - 1) for layer in layers]
    widest = max(spans)
    if widest > width:
        return False
    for layer, span in zip(layers, spans, strict=True):
        x = (widest - span) // 2
        for place in layer:
            place.x = x + place.width // 2
            x += _room(place) + _GAP
    for layer in layers[1:]:
        # A single box stands straight below a single one above it.
        if len(layer) == 1 and len(layer[0].above) == 1:
            above = layer[0].above[0]
            half = layer[0].width // 2
            if above.x - half >= 0:
                layer[0].x = above.x
    return True


def _room(place: _Place) -> int:
    return place.width + (cells(place.beside) + 1 if place.beside else 0)


def _notes(back: Sequence[Edge]) -> dict[str, list[str]]:
    notes: dict[str, list[str]] = {}
    for edge in back:
        mark = "⇡" if edge.conditional else "↑"
        notes.setdefault(edge.source, []).append(f"{mark} {one_line(edge.target, LABEL_CELLS)}")
    return notes


def _label(node: Node) -> str:
    return one_line(node.label, LABEL_CELLS)


class _Canvas:
    """Cells with lines that join where they meet."""

    def __init__(self, layers: list[list[_Place]]) -> None:
        self._bits: dict[tuple[int, int], int] = {}
        self._styles: dict[tuple[int, int], str] = {}
        self._texts: dict[int, list[tuple[int, str, str]]] = {}
        self._height = 0
        y = 0
        for layer in layers:
            for place in layer:
                self._place(place, y)
            y = self._route(layer, y + 3)
        self._height = y

    def lines(self) -> list[list[Run]]:
        """Return the drawing."""
        return [self._line(y) for y in range(self._height)]

    def _place(self, place: _Place, y: int) -> None:
        node = place.node
        if node is None:
            for step in range(3):
                self._bits[place.x, y + step] = _N | _S
            return
        left = place.x - place.width // 2
        text = _label(node)
        flat = "═" if node.strong else "─"
        side = "║" if node.strong else "│"
        corners = "╔╗╚╝" if node.strong else "╭╮╰╯"
        self._text(left, y, corners[0] + flat * (place.width - 2) + corners[1], node.style)
        self._text(left, y + 1, f"{side} {text} {side}", node.style)
        self._text(left, y + 2, corners[2] + flat * (place.width - 2) + corners[3], node.style)
        if place.beside:
            self._text(left + place.width + 1, y + 1, place.beside, "accent")

    def _route(self, layer: list[_Place], y: int) -> int:
        """Draw the ways from one layer to the next; return where the next layer begins."""
        if not any(place.below for place in layer):
            return y
        bent = [place for place in layer if any(below.x != place.x for below, _ in place.below)]
        row_of = {id(place): y + 1 + n for n, place in enumerate(bent)}
        last = y + 1 + len(bent)
        for place in layer:
            for below, conditional in place.below:
                style = "accent" if conditional else "muted"
                row = row_of.get(id(place), y)
                if below.x == place.x:
                    self._down(place.x, y, last, style)
                else:
                    self._down(place.x, y, row - 1, style)
                    self._add(place.x, row, _N | (_E if below.x > place.x else _W), style)
                    for x in range(min(place.x, below.x) + 1, max(place.x, below.x)):
                        self._add(x, row, _E | _W, style)
                    self._add(below.x, row, _S | (_W if below.x > place.x else _E), style)
                    self._down(below.x, row + 1, last, style)
                if below.node is not None:
                    self._text(below.x, last, "⇣" if conditional else "▼", style)
        return last + 1

    def _down(self, x: int, first: int, last: int, style: str) -> None:
        for y in range(first, last + 1):
            self._add(x, y, _N | _S, style)

    def _add(self, x: int, y: int, bits: int, style: str) -> None:
        self._bits[x, y] = self._bits.get((x, y), 0) | bits
        self._styles.setdefault((x, y), style)

    def _text(self, x: int, y: int, text: str, style: str) -> None:
        self._texts.setdefault(y, []).append((x, text, style))

    def _line(self, y: int) -> list[Run]:
        pieces = sorted(self._texts.get(y, ()))
        taken = [(x, x + cells(text)) for x, text, _ in pieces]
        for (x, row), bits in self._bits.items():
            if row == y and not any(a <= x < b for a, b in taken):
                pieces.append((x, _LINES[bits], self._styles.get((x, y), "muted")))
        runs: list[Run] = []
        at = 0
        for x, text, style in sorted(pieces):
            if x < at:
                continue
            if x > at:
                runs.append((" " * (x - at), ""))
            runs.append((text, style))
            at = x + cells(text)
        return runs
