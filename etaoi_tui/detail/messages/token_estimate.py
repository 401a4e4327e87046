"""Tokens from characters, where nobody reported them: always an estimate, and always shown as one."""

from __future__ import annotations

from etaoi_collector.store.model import Usage
from etaoi_tui.detail.document.json_printer import dump_json
from etaoi_tui.detail.messages.request import Request, length, read_sent
from etaoi_tui.detail.messages.tool_schemas import schemas_for
from etaoi_tui.detail.span_data import SpanData, as_text

CHARACTERS_A_TOKEN = 4.0
"""A usual value for English prose, for calls that report no usage."""

_LEAST_CHARACTERS = 200


PARTS = ("system prompt", "tools", "history", "tool results", "this turn")
"""What fills a model's window."""


def parts_in_characters(request: Request) -> dict[str, int]:
    """Return how many characters of a request are what."""
    messages = request.messages or []
    newest = max((n for n, m in enumerate(messages) if m.role == "user"), default=len(messages))
    tools = request.tools or []
    sizes = dict.fromkeys(PARTS, 0)
    sizes["system prompt"] = len(request.system or "")
    sizes["tools"] = sum(
        len(tool.name) + len(tool.description or "") + (len(dump_json(tool.schema)) if tool.schema else 0)
        for tool in tools
    )
    for n, message in enumerate(messages):
        size = length(message) + sum(len(c.name) + len(as_text(c.arguments)) for c in message.calls)
        sizes["tool results" if message.role == "tool" else "this turn" if n >= newest else "history"] += size
    return sizes


def characters_a_token(evidence: SpanData) -> float:
    """Return characters per token of a call: measured by its own report where it has one."""
    usage: Usage | None = evidence.span.usage
    reported = usage.input_tokens if usage is not None else None
    if not reported:
        return CHARACTERS_A_TOKEN
    sent = read_sent(evidence.begun, evidence.metadata, schemas_for(evidence))
    characters = sum(parts_in_characters(sent).values())
    if characters < _LEAST_CHARACTERS:
        return CHARACTERS_A_TOKEN
    return min(max(characters / reported, 1.0), 8.0)


def estimated_tokens(evidence: SpanData, characters: int) -> int:
    """Return about how many tokens so many characters of a call's request are."""
    return round(characters / characters_a_token(evidence))
