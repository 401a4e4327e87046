"""Draws a graph with box characters: layers from top to bottom, edges routed between them.

The usual steps of layered drawing (Sugiyama, Tagawa, Toda 1981), made small for graphs of agents: edges that
lead back are taken out, nodes stand one layer below the lowest that leads to them, edges over several layers
run through empty places, and layers are ordered by the places of their neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from etaoi_tui.detail.document.model import StyledText
from etaoi_tui.detail.graph.canvas import Canvas, Edge, EdgeTrack, Node, NodePosition, right_of
from etaoi_tui.text import cells, one_line

__all__ = ["Edge", "Node", "draw_graph"]

_LABELS = (64, 36, 24, 14)
"""Cells of labels, tried until the drawing fits."""

_GAP = 3
_SWEEPS = 4
_NONE = Edge("", "")
MOST_NODES = 60
"""Nodes beyond which a drawing helps nobody."""


def draw_graph(nodes: Sequence[Node], edges: Sequence[Edge], width: int) -> list[list[StyledText]] | None:
    """Return the lines of a drawing; None if it does not fit into ``width`` cells."""
    if not nodes or len(nodes) > MOST_NODES:
        return None
    for longest in _LABELS:
        if longest < width:
            cut = [replace(node, label=_cut(node, longest)) for node in nodes]
            drawn = _draw(cut, edges, width, lanes=True) or _draw(cut, edges, width, lanes=False)
            if drawn is not None:
                return drawn
    return None


def _cut(node: Node, longest: int) -> str:
    """Shorten a label and leave its number of visits."""
    count = f" {node.count}" if node.count else ""
    return one_line(node.label, max(longest - len(count), 4)) + count


def _draw(
    nodes: Sequence[Node], edges: Sequence[Edge], width: int, *, lanes: bool
) -> list[list[StyledText]] | None:
    by_id = {node.id: node for node in nodes}
    ways = [edge for edge in dict.fromkeys(edges) if edge.source in by_id and edge.target in by_id]
    forward, back = _split(by_id, ways)
    loops = [edge for edge in back if edge.source == edge.target]
    back = [edge for edge in back if edge.source != edge.target]
    notes = _notes([*loops, *(() if lanes else back)])
    layers = _fill(by_id, _layers(by_id, forward), forward, notes)
    _order(layers)
    drawn_back: list[EdgeTrack] = []
    if lanes:
        ends = {name for edge in back for name in (edge.source, edge.target)}
        for layer in layers:
            # From the right end of its layer a way back meets no other box.
            layer.sort(key=lambda position: position.node is not None and position.node.id in ends)
        tracks = _lanes(layers, back)
        if tracks is None:
            return None
        drawn_back = tracks
    room = width - (2 * len(drawn_back) + 1 if drawn_back else 0)
    if not _arrange(layers, room):
        return None
    positions = [position for layer in layers for position in layer]
    edge_of_boxes = max(map(right_of, positions))
    for n, lane in enumerate(drawn_back):
        lane.x = edge_of_boxes + 2 + 2 * n
    _center(positions, drawn_back, width)
    return Canvas(layers, drawn_back).lines()


def _lanes(layers: list[list[NodePosition]], back: Sequence[Edge]) -> list[EdgeTrack] | None:
    """Return the lanes of the ways back, the shortest first; None if a box would stand in one's way."""
    position_of = {
        position.node.id: position for layer in layers for position in layer if position.node is not None
    }
    lanes: dict[str, EdgeTrack] = {}
    for edge in back:
        for name in (edge.source, edge.target):
            position = position_of[name]
            layer = layers[position.layer]
            if any(other.node is not None for other in layer[layer.index(position) + 1 :]):
                return None
        lane = lanes.setdefault(edge.target, EdgeTrack(position_of[edge.target], []))
        lane.sources.append((position_of[edge.source], edge.conditional))
    return sorted(lanes.values(), key=lambda lane: max(s.layer for s, _ in lane.sources) - lane.target.layer)


def _center(positions: Sequence[NodePosition], lanes: Sequence[EdgeTrack], width: int) -> None:
    used = max([*(right_of(position) for position in positions), *(lane.x + 1 for lane in lanes)])
    shift = max(0, (width - used) // 2)
    for position in positions:
        position.x += shift
    for lane in lanes:
        lane.x += shift


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
) -> list[list[NodePosition]]:
    layers: list[list[NodePosition]] = [[] for _ in range(max(layer_of.values()) + 1)]
    positions = {}
    for name, node in nodes.items():
        position = NodePosition(
            node, cells(node.label) + 4, layer_of[name], beside="  ".join(notes.get(name, ()))
        )
        positions[name] = position
        layers[position.layer].append(position)
    for edge in forward:
        above, goal = positions[edge.source], positions[edge.target]
        for layer in range(above.layer + 1, goal.layer):
            passing = NodePosition(None, 1, layer, above=[above])
            above.below.append((passing, edge.conditional))
            layers[layer].append(passing)
            above = passing
        above.below.append((goal, edge.conditional))
        goal.above.append(above)
    return layers


def _order(layers: list[list[NodePosition]]) -> None:
    """Order each layer by the middle of its neighbours, downwards and upwards in turn."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        order = layers[1:] if down else layers[-2::-1]
        for layer in order:
            index = {id(position): n for other in layers for n, position in enumerate(other)}

            def middle(position: NodePosition, down: bool = down, index: dict[int, int] = index) -> float:
                near = position.above if down else [below for below, _ in position.below]
                return sum(index[id(p)] for p in near) / len(near) if near else index[id(position)]

            layer.sort(key=middle)


def _arrange(layers: list[list[NodePosition]], width: int) -> bool:
    """Give every place its column; False if a layer is too wide."""
    spans = [sum(map(_room, layer)) + _GAP * (len(layer) - 1) for layer in layers]
    widest = max(spans)
    if widest > width:
        return False
    for layer, span in zip(layers, spans, strict=True):
        x = (widest - span) // 2
        for position in layer:
            position.x = x + position.width // 2
            x += _room(position) + _GAP
    for layer in layers[1:]:
        # A single box stands straight below a single one above it.
        if len(layer) == 1 and len(layer[0].above) == 1:
            above = layer[0].above[0]
            half = layer[0].width // 2
            if above.x - half >= 0:
                layer[0].x = above.x
    return True


def _room(position: NodePosition) -> int:
    return position.width + (cells(position.beside) + 1 if position.beside else 0)


def _notes(back: Sequence[Edge]) -> dict[str, list[str]]:
    """Return the words beside nodes that lead back where no line is drawn."""
    notes: dict[str, list[str]] = {}
    for edge in back:
        if edge.source == edge.target:
            words = "↺ if" if edge.conditional else "↺"
        else:
            words = f"{'⇡' if edge.conditional else '↑'} {one_line(edge.target, _LABELS[-1])}"
        notes.setdefault(edge.source, []).append(words)
    return notes
