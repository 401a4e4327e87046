"""Text of payloads for rows: a tool's arguments, an answer's text.

Nothing is made safe here: these are data from outside, and go through `etaoi_tui.text` before they are drawn.
"""

from __future__ import annotations

from typing import Any

import msgspec

LONGEST = 400
"""Characters of a summary; no row is wider."""

_JSON_TO_READ = 200_000
"""Characters of JSON that are parsed for a row; longer text is shown as it is."""

_ARGUMENTS_SHOWN = 12
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def arguments(text: str | None) -> str:
    """Show a tool's JSON arguments as ``key=value`` pairs; any other text as it is."""
    if not text:
        return ""
    if len(text) > _JSON_TO_READ or not text.lstrip().startswith("{"):
        return text[:LONGEST]
    try:
        value = msgspec.json.decode(text)
    except _UNREADABLE:
        return text[:LONGEST]
    if not isinstance(value, dict):
        return text[:LONGEST]
    return " ".join(f"{key}={short_value(item)}" for key, item in list(value.items())[:_ARGUMENTS_SHOWN])


def message_text(output: str) -> str:
    """Return the text of a tool message that travels as JSON; other text as it is."""
    if len(output) > _JSON_TO_READ:
        return output
    try:
        message = msgspec.json.decode(output)
    except _UNREADABLE:
        return output
    if isinstance(message, dict) and isinstance(message.get("update"), dict):
        # A command that carries the answer: the message that says so.
        updates = message["update"].get("messages")
        failed = [one for one in updates if isinstance(one, dict)] if isinstance(updates, list) else []
        message = next((one for one in failed if one.get("status") == "error"), message)
    if not isinstance(message, dict) or "content" not in message:
        return output
    content = message["content"]
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in content]
        content = "\n".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else output


def first_line(output: str) -> str:
    """Return the first line that says something of a tool's answer, which may travel as JSON."""
    text = message_text(output) if output.startswith("{") else output
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def short_value(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:400].strip()[:120]}"'  # a program or a letter often begins with an empty line
    if isinstance(value, dict | list):
        return msgspec.json.encode(value)[:120].decode("utf-8", "replace")
    return str(value)[:60]
