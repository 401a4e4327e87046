"""What fills a model's window, in characters; and tokens from characters, where nobody reported them."""

from __future__ import annotations

from etaoi_tui.detail.document.json_printer import dump_json
from etaoi_tui.detail.messages.request import Request, length
from etaoi_tui.detail.span_data import SpanData, as_text
from etaoi_tui.view.middleware.tokens import characters_a_token

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


def estimated_tokens(data: SpanData, characters: int) -> int:
    """Return about how many tokens so many characters of a call's request are."""
    return round(characters / characters_a_token(data.span, data.read_event))
