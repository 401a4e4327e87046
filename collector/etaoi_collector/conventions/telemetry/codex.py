"""Spans of Codex, which follow no convention but carry token counts of the GenAI one.

Source: openai/codex, ``codex-rs/core`` (tasks, turn, tools) and ``codex-rs/otel``. What a turn does is told
by a few among hundreds of spans of its asynchronous machinery: the turn, the last piece of each answer,
which has the counts of its request, and the dispatch of a tool. Input tokens include cached ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etaoi_collector.conventions.telemetry.table import Convention

MODEL, THREAD = "model", "thread.id"
"""Attributes of a turn. The OpenTelemetry of Rust notes the number of a thread by the same name."""
SERVICE = "codex"
"""How the names of its services begin (``codex_cli_rs``, ``codex_exec``, ``codex-app-server`` ...)."""

TURNS = {
    "session_task.turn": "turn",
    "session_task.review": "review",
    "session_task.compact": "compact",
    "session_task.user_shell": "shell",
}
"""Spans that are a task of the session, and what a person calls it."""

TABLE = Convention(
    name="Codex",
    keys={
        "total_tokens": ("codex.usage.total_tokens",),
        "reasoning_tokens": ("codex.usage.reasoning_output_tokens",),
    },
)


def kind_of(service: object, name: str, attributes: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return node kind and name of a span of Codex; None for its machinery, and for others' spans.

    Args:
        service: ``service.name`` of its process.
        name: Its name.
        attributes: Its attributes.
    """
    if not isinstance(service, str) or not service.lower().startswith(SERVICE):
        return None
    turn = TURNS.get(name)
    if turn is not None:
        return "sub_agent", turn
    if "gen_ai.usage.output_tokens" in attributes:
        return "llm", "response"
    tool = attributes.get("tool_name")
    if isinstance(tool, str) and "call_id" in attributes:
        return "tool", tool
    return None
