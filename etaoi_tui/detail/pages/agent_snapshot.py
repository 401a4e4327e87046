"""Agent snapshots: model, prompt, tools and arguments, middleware, MCP servers, the graph as a list."""

from __future__ import annotations

from typing import Any

from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.document.model import (
    Block,
    Json,
    KeyValues,
    Section,
    StyledLine,
    StyledText,
    Tab,
    Table,
    Text,
)
from etaoi_tui.detail.messages.chat import value_block
from etaoi_tui.detail.pages.agent_tables import prompt_summary
from etaoi_tui.detail.span_data import Map, SpanData, as_list, as_map, as_text
from etaoi_tui.view import format as fmt


def applies(data: SpanData) -> bool:
    """Whether the span is an agent snapshot."""
    return data.span.kind == "agent_context"


def tabs(data: SpanData) -> list[Tab]:
    """Return the agent on one page."""
    return [
        Tab(
            "agent",
            "Agent",
            lambda: [*agent_sections(data.start_payload), *snapshot_details(data.start_payload)],
        )
    ]


def agent_sections(agent: Map) -> list[Section]:
    """Return an agent's model and prompt."""
    rows = [
        (label, _model_name(agent[name]))
        for name, label in (
            ("agent_name", "agent"),
            ("agent_id", "agent id"),
            ("framework", "framework"),
            ("llm", "model"),
            ("stt", "speech to text"),
            ("tts", "text to speech"),
            ("vad", "voice activity"),
            ("turn_detector", "turn detector"),
            ("hash", "snapshot"),
            ("known_from", "known from"),
        )
        if agent.get(name)
    ]
    if not agent.get("llm"):
        rows.append(("model", "not told by this SDK; see its model calls"))
    rows += _model_rows(as_map(agent.get("llm")))
    sections = [Section("agent", "Agent", [KeyValues(rows)], glyph="▣")]
    value = agent.get("system_prompt")
    prompt = as_text(value.get("text")) if isinstance(value, dict) else as_text(value)
    if prompt:
        sections.append(
            Section(
                "prompt",
                "System prompt",
                [Text(prompt, prose=True)],
                prompt_summary(prompt),
                glyph="▪",
                style="role.system",
                bar=True,
            )
        )
    return [*sections, *_named("mcp", "MCP servers", "⇄", as_list(agent.get("mcp_servers")))]


def snapshot_details(agent: Map) -> list[Section]:
    """Return an agent's tools, middleware and graph as lists."""
    return [
        *_tools(as_list(agent.get("tools"))),
        *_named("middleware", "Middleware", "▤", as_list(agent.get("middleware"))),
        *graph_list(as_map(agent.get("graph"))),
    ]


def _model_name(value: Any) -> str:
    """Name a model, which is told as text or as a map; by its class when it has no name."""
    model = as_map(value)
    return as_text(model.get("model") or model.get("name") or model.get("class") or value)


def _model_rows(model: Map) -> list[tuple[str, str]]:
    left_out = ("model", "name")
    return [
        (name, as_text(value)) for name, value in model.items() if name not in left_out and value is not None
    ]


def _tools(tools: list[Any]) -> list[Section]:
    if not tools:
        return []
    head = Section("tools", "Tools", [], f"{len(tools)}", glyph="⚒", style="role.tool")
    sections = [head]
    for n, item in enumerate(tools):
        tool = as_map(item)
        name = as_text(tool.get("name") or item)
        description = as_text(tool.get("description"))
        blocks = tool_blocks(tool)
        fields = as_map(as_map(_schema(tool)).get("properties"))
        summary = ", ".join(fields)
        sections.append(
            Section(
                f"tool{n}", name, blocks, summary, description, open=len(tools) <= 6, style="tag", level=1
            )
        )
    return sections


def tool_blocks(tool: Map) -> list[Block]:
    """Return a tool's description and its arguments."""
    description = as_text(tool.get("description"))
    value = _schema(tool)
    fields = as_map(as_map(value).get("properties"))
    blocks: list[Block] = [Text(description, prose=True)] if description else []
    if fields:
        blocks.append(_arguments(fields, as_list(as_map(value).get("required"))))
    elif value:
        blocks.append(value_block(value))
    return blocks


def _schema(tool: Map) -> Any:
    schema = tool.get("args_schema")
    if not isinstance(schema, str):
        return schema
    parsed = parse_json(schema)
    return parsed.value if parsed.ok else schema


def _arguments(fields: Map, required: list[Any]) -> Block:
    rows = []
    for name, raw in fields.items():
        about = as_map(raw)
        kind = as_text(about.get("type")) or " | ".join(
            as_text(as_map(option).get("type")) for option in as_list(about.get("anyOf"))
        )
        description = as_text(about.get("description"))
        default = f"default {as_text(about['default']) or 'empty'}" if "default" in about else ""
        need = "required" if name in required else default
        rows.append((name, kind or "any", need, description))
    columns = (
        ("argument", "type", "", "description") if any(row[3] for row in rows) else ("argument", "type", "")
    )
    return Table(columns, rows)


def _named(key: str, title: str, glyph: str, items: list[Any]) -> list[Section]:
    if not items:
        return []
    blocks: list[Block] = []
    for item in items:
        if isinstance(item, str):
            blocks.append(StyledLine([("- ", "accent"), (item, "")]))
            continue
        name = as_text(as_map(item).get("name"))
        rest = {k: v for k, v in as_map(item).items() if k != "name" and v not in (None, [], {}, "")}
        blocks.append(StyledLine([("- ", "accent"), (name or as_text(item), "tag")]))
        if rest:
            blocks.append(Json(rest))
    return [Section(key, title, blocks, f"{len(items)}", glyph=glyph)]


def graph_list(graph: Map) -> list[Section]:
    """Return a graph as a list of nodes and where each leads."""
    nodes = [as_map(node) for node in as_list(graph.get("nodes"))]
    if not nodes:
        return []
    labels = {as_text(node.get("id")): as_text(node.get("label") or node.get("id")) for node in nodes}
    leads: dict[str, list[tuple[str, bool]]] = {}
    for raw in as_list(graph.get("edges")):
        edge = as_map(raw)
        goal = as_text(edge.get("dst"))
        leads.setdefault(as_text(edge.get("src")), []).append(
            (labels.get(goal, goal), bool(edge.get("condition")))
        )
    rows: list[tuple[str, list[StyledText]]] = []
    for node_id, label in labels.items():
        runs: list[StyledText] = []
        for n, (goal, conditional) in enumerate(leads.get(node_id, ())):
            runs.append((", " if n else "", "muted"))
            runs.append(("⇢ " if conditional else "→ ", "accent"))
            runs.append((goal, ""))
        rows.append((label, runs or [("ends here", "muted")]))
    summary = f"{fmt.count(len(nodes), 'node')} · {fmt.count(sum(map(len, leads.values())), 'edge')}"
    legend = StyledLine([("→ always   ⇢ on a condition", "muted")])
    return [Section("graph", "Graph", [KeyValues(rows), legend], summary, glyph="◇")]
