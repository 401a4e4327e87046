"""What an agent is made of as tables: models, tools and middleware, each with its use, tokens and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etaoi_collector.pricing.total import Total
from etaoi_tui.detail.document.json_printer import dump_json
from etaoi_tui.detail.document.model import Block, KeyValues, Section, StyledText, Table, Text
from etaoi_tui.detail.messages.chat import note
from etaoi_tui.detail.messages.request import ToolSpec, read_tools
from etaoi_tui.detail.messages.run_cost import cost_runs, token_rows
from etaoi_tui.detail.pages.agent_use import AgentUse, Use
from etaoi_tui.detail.span_data import Map, as_list, as_map, as_text
from etaoi_tui.view import format as fmt
from etaoi_tui.view.middleware.tokens import CHARACTERS_A_TOKEN

SLOW_TOOL = 5.0
"""Seconds from which a tool's slowest call is pointed out."""

NONE = "–"
Cell = str | StyledText


def model_sections(use: AgentUse) -> list[Section]:
    """Return the models that were called, and what they took and cost; nothing before the first call."""
    if not use.models:
        return []
    together = Total()
    rows: list[Sequence[Cell]] = []
    for name, one in use.models.items():
        together.add(one.total)
        rows.append(
            (
                (name, "tag"),
                f"{one.calls:,}",
                _failed(one),
                fmt.tokens(one.total.input_tokens) if one.total else NONE,
                fmt.percent(one.total.cache_hit_rate) if one.total.cache_read else NONE,
                fmt.tokens(one.total.output_tokens) if one.total else NONE,
                fmt.cost(one.total.cost_usd, one.total.unpriced) if one.total else NONE,
                fmt.duration(one.seconds),
            )
        )
    blocks: list[Block] = [
        Table(("model", ">calls", ">failed", ">in", ">cached", ">out", ">cost", ">time"), rows)
    ]
    if together and len(use.models) > 1:
        blocks.append(KeyValues([*token_rows(together), ("cost together", cost_runs(together))]))
    calls = fmt.count(sum(one.calls for one in use.models.values()), "call")
    return [Section("use.models", "Models", blocks, calls, glyph="✦", style="role.ai")]


def tool_sections(agent: Map, use: AgentUse) -> list[Section]:
    """Return the tools that an agent has or called: those that failed, then those used, then the others."""
    tools = {tool.name: tool for tool in read_tools(agent.get("tools"))}
    names = [*tools, *(name for name in use.tools if name not in tools)]
    if not names:
        return []
    rows = [_tool_row(name, tools.get(name), use.tools.get(name)) for name in by_use(use, names)]
    used = [one for name in names if (one := use.tools.get(name)) is not None]
    size = sum(map(_characters, tools.values()))
    parts = [f"{len(used)} of {len(names)} used", fmt.count(sum(one.calls for one in used), "call")]
    if size:
        parts.append(f"≈{fmt.tokens(round(size / CHARACTERS_A_TOKEN))} tok a request")
    columns = ("tool", ">calls", ">failed", ">average", ">slowest", ">≈tok", "arguments")
    summary = " · ".join(parts)
    return [
        Section("use.tools", "Tools", [Table(columns, rows)], summary, glyph="⚒", style="role.tool"),
    ]


def by_use(use: AgentUse, names: Sequence[str]) -> list[str]:
    """Return tools with those that failed most in front, then those that were called most."""

    def weight(name: str) -> tuple[int, int]:
        one = use.tools.get(name)
        return (-one.failed, -one.calls) if one is not None else (0, 1)

    return sorted(names, key=weight)


def middleware_sections(agent: Map, use: AgentUse) -> list[Section]:
    """Return an agent's middleware from the outermost, with how often each ran and its own time."""
    rows: list[tuple[str, str, str, str]] = []
    listed = set()
    for item in as_list(agent.get("middleware")):
        name = as_text(as_map(item).get("name") or item)
        listed.add(name)
        rows.append(_middleware_row(name, as_list(as_map(item).get("hooks")), use))
    rows += [_middleware_row(name, [], use) for name in use.middleware if name not in listed]
    if not rows:
        text = "No middleware is known of this agent."
        return [Section("middleware", "Middleware", [Text(text, "muted")])]
    blocks: list[Block] = [Table(("middleware", ">runs", ">own time", "hooks"), rows)]
    silent = [row[0] for row in rows if row[1] == NONE]
    if silent:
        blocks.append(
            note(f"{len(silent)} of them sent no times: give them to etaoi_tui.instrument() to see more")
        )
    return [Section("middleware", "Middleware, from the outermost", blocks, f"{len(rows)}", glyph="▤")]


def prompt_summary(text: str) -> str:
    """Return how long a system prompt is, and about how many tokens."""
    return (
        f"{fmt.count(len(text), 'char')} · ≈{fmt.tokens(round(len(text) / CHARACTERS_A_TOKEN))} tok"
        if text
        else ""
    )


def _tool_row(name: str, tool: ToolSpec | None, one: Use | None) -> Sequence[Cell]:
    size = _characters(tool) if tool is not None else 0
    tokens = f"{round(size / CHARACTERS_A_TOKEN):,}" if size else NONE
    properties = as_map(as_map(tool.schema if tool is not None else None).get("properties"))
    parameters = ", ".join(properties) if tool is not None else "not in the snapshot"
    if one is None:
        return [(cell, "muted") for cell in (name, NONE, NONE, NONE, NONE, tokens, parameters)]
    slowest = fmt.duration(one.slowest)
    return (
        (name, "error" if one.failed else "tag"),
        f"{one.calls:,}" + (" ◐" if one.running else ""),
        _failed(one),
        fmt.duration(one.seconds / one.calls if one.calls else 0.0),
        (slowest, "warning") if one.slowest >= SLOW_TOOL else slowest,
        tokens,
        (parameters, "muted"),
    )


def _failed(one: Use) -> Cell:
    return (f"{one.failed:,}", "error") if one.failed else (NONE, "muted")


def _characters(tool: ToolSpec) -> int:
    schema = len(dump_json(tool.schema)) if tool.schema else 0
    return len(tool.description or "") + schema + (len(tool.name) if tool.description or schema else 0)


def _middleware_row(name: str, hooks: list[Any], use: AgentUse) -> tuple[str, str, str, str]:
    one = use.middleware.get(name)
    if one is not None:
        return name, f"{one.calls:,}", fmt.duration(one.seconds), ", ".join(map(as_text, hooks))
    nodes = [u for label, u in use.nodes.items() if label.rpartition(".")[0] == name]
    if nodes:
        calls, seconds = sum(u.calls for u in nodes), sum(u.seconds for u in nodes)
        return name, f"{calls:,}", "≈" + fmt.duration(seconds), ", ".join(map(as_text, hooks))
    return name, NONE, NONE, ", ".join(map(as_text, hooks))
