"""Prompts of loomcycle as messages of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ROLES = {"user": "human", "assistant": "ai"}


def messages_of(segments: Any) -> list[dict[str, Any]]:
    """Return segments, ``{"role", "content": [block]}``, as messages; what has another shape is left out."""
    if not isinstance(segments, (list, tuple)):
        return []
    messages: list[dict[str, Any]] = []
    for segment in segments:
        if not isinstance(segment, Mapping):
            continue
        content = segment.get("content")
        blocks = content if isinstance(content, (list, tuple)) else ()
        texts = [_block_text(block) for block in blocks if isinstance(block, Mapping)]
        role = str(segment.get("role") or "user")
        messages.append({"role": _ROLES.get(role, role), "text": "\n".join(text for text in texts if text)})
    return messages


def _block_text(block: Mapping[str, Any]) -> str:
    text = block.get("text")
    if text:
        return str(text)
    if block.get("type") == "image":
        data = block.get("data")
        size = f" {len(data)} bytes" if isinstance(data, (bytes, bytearray, str)) else ""
        return f"[image {block.get('media_type') or ''}{size}]"
    return ""
