"""Fields of an agent's state that read better than as JSON: its files, and its list of things to do."""

from __future__ import annotations

from typing import Any

from etaoi_tui.detail.document.model import Block, Section, StyledLine, Text
from etaoi_tui.detail.span_data import as_text
from etaoi_tui.view import format as fmt

FILES_SHOWN = 50
TODOS_SHOWN = 200
_STATES = {
    "completed": ("✓", "ok"),
    "done": ("✓", "ok"),
    "in_progress": ("◐", "running"),
    "pending": ("○", "muted"),
}


def todo_blocks(value: Any) -> list[Block] | None:
    """Return a list of things to do as lines with their state; None if the value is none."""
    if not isinstance(value, list) or not value:
        return None
    lines: list[Block] = []
    for item in value[:TODOS_SHOWN]:
        if not isinstance(item, dict) or not isinstance(item.get("content"), str) or "status" not in item:
            return None
        glyph, style = _STATES.get(as_text(item["status"]), ("·", "muted"))
        lines.append(StyledLine([(f"{glyph} ", style), (item["content"], "")]))
    return lines


def todo_section(key: str, value: Any) -> Section | None:
    """Return a section of things to do; None if the value is none."""
    blocks = todo_blocks(value)
    if blocks is None:
        return None
    done = sum(item.get("status") in ("completed", "done") for item in value)
    return Section(f"{key}.todos", "To do", blocks, f"{done} of {len(value)} done", glyph="▪", level=1)


def file_sections(key: str, value: Any) -> list[Section] | None:
    """Return files of an agent's state as a section each; None if the value holds no files."""
    if not isinstance(value, dict) or not value:
        return None
    texts = {as_text(path): _text_of_file(item) for path, item in value.items()}
    if None in texts.values():
        return None
    sections = [
        Section(f"{key}.files", "Files", [], fmt.count(len(texts), "file"), glyph="▤", level=1, group=True)
    ]
    for number, (path, text) in enumerate(list(texts.items())[:FILES_SHOWN]):
        body = text or ""
        preview = body.strip().partition("\n")[0][:80]
        sections.append(
            Section(
                f"{key}.file{number}",
                path,
                [Text(body or "(empty)", "" if body else "muted")],
                fmt.count(len(body), "char"),
                preview=preview,
                open=False,
                level=2,
                inside=f"{key}.files",
            )
        )
    return sections


def _text_of_file(item: Any) -> str | None:
    content = item.get("content") if isinstance(item, dict) else item
    if isinstance(content, list) and all(isinstance(line, str) for line in content):
        return "\n".join(content)
    return content if isinstance(content, str) else None
