"""The agent card: what an agent is made of, and what it made of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from etaoi_collector.conventions import keys as payload_keys
from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.store.model import Span
from etaoi_tui.detail.compare.diff_sections import diff_sections
from etaoi_tui.detail.compare.request_diff import compare
from etaoi_tui.detail.document.model import (
    Block,
    Document,
    KeyValues,
    Section,
    StyledLine,
    StyledText,
    Tab,
    Text,
)
from etaoi_tui.detail.graph.drawing import Edge, Node, draw_graph
from etaoi_tui.detail.messages.chat import note
from etaoi_tui.detail.messages.request import Request, read_tools
from etaoi_tui.detail.pages.agent_snapshot import agent_sections, graph_list, tool_blocks
from etaoi_tui.detail.pages.agent_tables import (
    SLOW_TOOL,
    by_use,
    middleware_sections,
    model_sections,
    tool_sections,
)
from etaoi_tui.detail.pages.agent_use import AgentUse, Use, use_of
from etaoi_tui.detail.span_data import Map, SpanData, as_list, as_map, as_text
from etaoi_tui.view import format as fmt

_RUNS_READ = 8
"""Runs whose session keys are read."""


def card_document(
    snapshot: Span, others: Sequence[Span], payloads: PayloadReader, now: float, width: int
) -> Document:
    """Return the card of an agent.

    Args:
        snapshot: Its snapshot.
        others: Other snapshots of the trace, to compare with: the one before it first.
        payloads: Where events come from.
        now: The present, in seconds since the epoch.
        width: Cells that a drawing may take.
    """
    data = SpanData(snapshot, payloads, now)
    agent = data.start_payload
    use = use_of(snapshot, as_text(agent.get("agent_name")), now)
    name = as_text(agent.get("agent_name")) or snapshot.name
    running = sum(one.running for one in (*use.nodes.values(), *use.models.values(), *use.tools.values()))
    headline: list[StyledText] = [(f"▣ {name}", "title"), ("   agent", "muted")]
    if running:
        headline.append(("   running", "running"))
    tabs = [
        Tab("agent", "Agent", lambda: _agent(agent, use, session_keys(data))),
        Tab("tools", "Tools", lambda: _tools(agent, use)),
        Tab("middleware", "Middleware", lambda: middleware_sections(agent, use)),
        Tab("graph", "Graph", lambda: _graph(agent, use, width)),
    ]
    for n, other in enumerate(others):
        tabs.append(_against(data, data.of(other), n))
    return Document(f"card/{snapshot.span_id}", headline, tabs, "agent", live=bool(running))


def _against(data: SpanData, other: SpanData, n: int) -> Tab:
    name = as_text(other.start_payload.get(payload_keys.AGENT_NAME)) or other.span.name

    def build() -> list[Section]:
        diff = compare(_as_request(other.start_payload), _as_request(data.start_payload))
        when = fmt.clock(other.span.started_at)
        head = Section(
            "against",
            "This snapshot against another",
            [KeyValues([("against", f"{name}, taken {when}")])],
            glyph="±",
        )
        names = [_names(one.start_payload.get(payload_keys.MIDDLEWARE)) for one in (other, data)]
        sections = diff_sections(diff, "card")
        if names[0] != names[1]:
            rows: list[tuple[str, str]] = [("without", ", ".join(x for x in names[0] if x not in names[1]))]
            rows.append(("with", ", ".join(x for x in names[1] if x not in names[0])))
            facts = KeyValues([row for row in rows if row[1]])
            sections.append(Section("card.middleware", "Middleware", [facts], glyph="▤"))
        if not sections:
            sections = [
                Section("card.same", "No difference", [Text("Both are the same.", "muted")], style="muted")
            ]
        return [head, *sections]

    return Tab(f"against{n}", f"vs {name[:16]}", build)


def _as_request(agent: Map) -> Request:
    prompt = agent.get("system_prompt")
    model = as_map(agent.get("llm"))
    parameters = {key: value for key, value in model.items() if key not in ("model", "class")}
    return Request(
        messages=[],
        system=as_text(as_map(prompt).get("text")) if isinstance(prompt, dict) else as_text(prompt),
        tools=read_tools(agent.get("tools")),
        model=as_text(model.get("model")) or None,
        parameters=parameters,
    )


def session_keys(snapshot: SpanData) -> list[str]:
    """Return the keys of the sessions in which an agent's newest runs were, the newest first, each once."""
    traces = snapshot.span.trace.session.agents.runs.get(snapshot.span.span_id, ())
    roots = [root for trace in reversed(traces[-_RUNS_READ:]) for root in trace.roots[:1]]
    keys = (as_text(snapshot.of(root).metadata.get("session_key")) for root in roots)
    return list(dict.fromkeys(filter(None, keys)))


def _agent(agent: Map, use: AgentUse, sessions: Sequence[str]) -> list[Section]:
    """Return the parts of an agent in tables, and its prompt in full; tools have a page of their own, too."""
    facts, *further = agent_sections(agent)
    rows: list[tuple[str, str | Sequence[StyledText]]] = [("runs", f"{use.runs:,}")]
    if sessions:
        rows.append(("session key" if len(sessions) == 1 else "session keys", ", ".join(sessions)))
    blocks: list[Block] = [*facts.blocks, KeyValues(rows)]
    if not use.complete:
        blocks.append(note("only its newest spans were counted"))
    return [
        replace(facts, blocks=blocks),
        *model_sections(use),
        *tool_sections(agent, use),
        *(middleware_sections(agent, use) if agent.get("middleware") or use.middleware else ()),
        *further,
    ]


def _tools(agent: Map, use: AgentUse) -> list[Section]:
    tools = as_list(agent.get("tools"))
    names = [as_text(as_map(item).get("name") or item) for item in tools]
    sections = []
    never = [name for name in names if name not in use.tools]
    if never and use.complete:
        text = ", ".join(never)
        sections.append(
            Section("never", "Never called", [Text(text)], f"{len(never)} of {len(names)}", style="muted")
        )
    strangers = [name for name in use.tools if name not in names]
    for name in [*by_use(use, names), *strangers]:
        one = use.tools.get(name)
        item: Any = tools[names.index(name)] if name in names else {}
        blocks: list[Block] = []
        if one is not None:
            blocks.append(KeyValues(_use_rows(one)))
        if name not in names:
            blocks.append(note("it was called, and the snapshot does not list it"))
        blocks += tool_blocks(as_map(item))
        words = _in_words(one) if one is not None else "never called"
        bad = one is not None and one.failed
        slow = one is not None and one.slowest >= SLOW_TOOL
        sections.append(
            Section(
                f"tool.{name}",
                name,
                blocks,
                words,
                as_text(as_map(item).get("description")),
                open=bool(one) or len(names) <= 6,
                glyph="⚒",
                style="error" if bad else "warning" if slow else "tag" if one else "muted",
                target=one.newest.span_id if one is not None and one.newest is not None else "",
            )
        )
    return sections or [Section("none", "Tools", [Text("This agent has no tools.", "muted")])]


def _use_rows(one: Use) -> list[tuple[str, str | Sequence[StyledText]]]:
    rows: list[tuple[str, str | Sequence[StyledText]]] = [("calls", f"{one.calls:,}")]
    if one.failed:
        rows.append(
            ("failed", [(f"{one.failed:,}", "error"), (f"   {fmt.percent(one.failed / one.calls)}", "muted")])
        )
    if one.running:
        rows.append(("running", [(f"{one.running:,}", "running")]))
    mean = one.seconds / one.calls if one.calls else 0.0
    rows.append(("took", f"{fmt.duration(mean)} on average, {fmt.duration(one.slowest)} at most"))
    return rows


def _in_words(one: Use) -> str:
    parts = [fmt.count(one.calls, "call")]
    if one.failed:
        parts.append(f"{one.failed} failed")
    if one.running:
        parts.append(f"{one.running} running")
    parts.append(fmt.duration(one.seconds))
    return " · ".join(parts)


def _names(items: Any) -> list[str]:
    return [as_text(as_map(item).get("name") or item) for item in as_list(items)]


def _graph(agent: Map, use: AgentUse, width: int) -> list[Section]:
    graph = as_map(agent.get("graph"))
    nodes = []
    for raw in as_list(graph.get("nodes")):
        name = as_text(as_map(raw).get("id"))
        one = use.nodes.get(name)
        label = as_text(as_map(raw).get("label") or name)
        running = one is not None and bool(one.running)
        failed = one is not None and bool(one.failed)
        style = "running" if running else "error" if failed else "tag" if one is not None else "muted"
        count = f"×{one.calls}" if one is not None else ""
        nodes.append(Node(name, label, style, running, count))
    if not nodes:
        return [Section("graph", "Graph", [Text("No graph is known of this agent.", "muted")])]
    edges = [
        Edge(as_text(edge.get("src")), as_text(edge.get("dst")), bool(edge.get("condition")))
        for edge in map(as_map, as_list(graph.get("edges")))
    ]
    drawn = draw_graph(nodes, edges, width)
    if drawn is None:
        return graph_list(graph)
    blocks: list[Block] = [StyledLine(line) for line in drawn]
    legend = "▼ ◀ always   ⇣ ⇠ if a condition holds   ↺ itself again   ×n visits   ╔═╗ running now"
    blocks.append(StyledLine([(legend, "muted")]))
    summary = f"{fmt.count(len(nodes), 'node')} · {fmt.count(len(edges), 'edge')}"
    return [Section("graph", "Graph", blocks, summary, glyph="◇")]
