"""The difference of two requests as foldable sections, for the steps of a chain and for call against call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from etaoi_tui.detail.compare.request_diff import (
    ABSENT,
    Compaction,
    MessageChange,
    RequestDiff,
    ToolChange,
    What,
    known_of_both,
)
from etaoi_tui.detail.compare.text_diff import diff_block
from etaoi_tui.detail.document.json_printer import dump_json
from etaoi_tui.detail.document.lazy import LazyBlocks
from etaoi_tui.detail.document.model import Block, Diff, KeyValues, Section, StyledLine, StyledText, Text
from etaoi_tui.detail.messages.cache_breakpoints import breakpoint_words
from etaoi_tui.detail.messages.chat import ROLE_GLYPHS, Message, ToolCall, note, value_block
from etaoi_tui.detail.messages.request import Request, length
from etaoi_tui.detail.span_data import as_text
from etaoi_tui.text import one_line
from etaoi_tui.view import format as fmt

MESSAGES_LISTED = 80
"""Changed messages that are shown one by one; of more, the first ones, and the rest as a count."""

OPEN_CHARACTERS = 2_500
"""Changes are open at first while they are together no longer than this."""

_SIGNS: dict[What, tuple[str, str]] = {
    "added": ("+", "diff.added"),
    "removed": ("−", "diff.removed"),
    "edited": ("~", "accent"),
    "moved": ("↕", "accent"),
    "same": ("⋯", "muted"),
}


def in_words(diff: RequestDiff) -> str:
    """Return a difference in a few words; empty if nothing differs."""
    parts = ["a new conversation"] if diff.new_conversation else []
    for compaction in diff.compactions:
        parts.append(f"compacted {len(compaction.removed)} → {len(compaction.added)}")
    compacted = {id(change) for c in diff.compactions for change in (*c.removed, *c.added)}
    for what, sign in (("added", "+"), ("removed", "−")):
        number = sum(c.what == what and id(c) not in compacted for c in diff.messages)
        if number:
            parts.append(f"{sign}{fmt.count(number, 'message')}")
    if diff.count("edited"):
        parts.append(f"{diff.count('edited')} edited")
    if diff.count("moved"):
        parts.append(f"{diff.count('moved')} moved")
    for what, sign in (("added", "+"), ("removed", "−")):
        number = sum(change.what == what for change in diff.tools)
        if number:
            parts.append(f"{sign}{fmt.count(number, 'tool')}")
    changed = sum(change.what == "changed" for change in diff.tools)
    if changed:
        parts.append(f"{fmt.count(changed, 'tool')} changed")
    elif diff.tools_reordered:
        parts.append("tools reordered")
    if diff.system_changed:
        grown = diff.new.system_length - diff.old.system_length
        parts.append(f"system prompt {grown:+,} chars".replace("-", "−") if grown else "system prompt edited")
    if diff.breakpoints:
        parts.append(breakpoint_words(*diff.breakpoints))
    if diff.model:
        parts.append(f"model {diff.model[1]}")
    if diff.parameters:
        parts.append(fmt.count(len(diff.parameters), "parameter"))
    return ", ".join(parts)


def diff_sections(
    diff: RequestDiff, prefix: str, *, level: int = 0, inside: str = "", sides: bool = False
) -> list[Section]:
    """Return what differs as sections.

    Args:
        diff: What to show.
        prefix: Begins the keys of the sections.
        level: Their indentation.
        inside: Key of the group they belong to.
        sides: Show edited text side by side instead of below each other.
    """
    sections = [
        *_system(diff, prefix, sides),
        *_messages(diff, prefix, sides),
        *_tools(diff, prefix, sides),
        *_settings(diff, prefix),
    ]
    return [replace(section, level=section.level + level, inside=inside) for section in sections]


def outline(request: Request) -> list[Block]:
    """Return a request in short: what it holds, and its messages by their first words."""
    rows: list[tuple[str, str | Sequence[StyledText]]] = []
    if request.model:
        rows.append(("model", request.model))
    if request.tools is not None:
        rows.append(("tools", ", ".join(tool.name for tool in request.tools) or "(none)"))
    for name, value in (request.parameters or {}).items():
        rows.append((name, as_text(value)))
    if request.system is not None:
        size = request.system_length
        rows.append(("system prompt", fmt.count(size, "char") if size else "(none)"))
    for point in request.breakpoints or ():
        rows.append(("cache breakpoint", str(point)))
    blocks: list[Block] = [KeyValues(rows)] if rows else []
    if request.messages is None:
        blocks.append(note("its messages were not recorded"))
        return blocks
    for n, message in enumerate(request.messages, 1):
        words = " ".join(message.text[:300].split()) or "  ".join(f"⚒ {call.name}" for call in message.calls)
        blocks.append(
            StyledLine(
                [
                    (f"{n:>3} {ROLE_GLYPHS.get(message.role, '○')} {message.role:<9} ", "muted"),
                    (words[:160] or "(empty)", ""),
                    (f"  {length(message):,}" if length(message) > 160 else "", "muted"),
                ]
            )
        )
    if request.digests:
        blocks.append(digest_note(request.digests))
    return blocks


def digest_note(count: int) -> Block:
    """Say that of some messages only the beginning is known."""
    return note(
        f"of {fmt.count(count, 'message')} the recording has only the role, the length and the first 120 "
        "characters; what differs behind them cannot be seen"
    )


def contents(request: Request) -> str:
    """Return what a request holds, in a few words."""
    parts = []
    if request.messages is not None:
        parts.append(fmt.count(len(request.messages), "message"))
    if request.tools is not None:
        parts.append(fmt.count(len(request.tools), "tool"))
    if request.messages is not None:
        parts.append(fmt.count(request.characters, "char"))
    return " · ".join(parts)


def _system(diff: RequestDiff, prefix: str, sides: bool) -> list[Section]:
    blocks: list[Block] = []
    old, new = known_of_both(diff.old, diff.new)
    summary = ""
    if diff.system_changed:
        was, now = diff.old.system_length, diff.new.system_length
        if old != new:
            blocks.append(diff_block(old, new, sides=sides))
        if diff.old.system_cut or diff.new.system_cut:
            known_length = min(len(r.system or "") for r in (diff.old, diff.new) if r.system_cut)
            blocks.append(note(f"only its first {known_length:,} characters were recorded"))
        summary = f"{was:,} → {now:,} chars ({now - was:+,})"
    if diff.breakpoints:
        removed, added = diff.breakpoints
        blocks.append(
            Diff(
                [
                    *(("-", f"cache breakpoint {label}") for label in removed if label not in added),
                    *(("+", f"cache breakpoint {label}") for label in added if label not in removed),
                ]
            )
        )
    if not blocks:
        return []
    title = "System prompt" if diff.system_changed else "Cache breakpoints"
    return [Section(f"{prefix}.system", title, blocks, summary, glyph="▪", style="role.system")]


def _messages(diff: RequestDiff, prefix: str, sides: bool) -> list[Section]:
    if not diff.messages_changed:
        return []
    sections: list[Section] = []
    heads: dict[int, Compaction] = {id(c.removed[0]): c for c in diff.compactions}
    total = sum(_changed_length(change) for change in diff.messages if change.what != "same")
    same: list[MessageChange] = []
    listed = left_out = 0

    if diff.new_conversation:
        before, after = diff.count("removed"), diff.count("added")
        text = "a new conversation: nothing of what was said before is said again"
        summary = f"{fmt.count(before, 'message')} → {after}"
        sections.append(Section(f"{prefix}.new", text, [], summary, glyph="○", style="accent"))

    def flush() -> None:
        if same:
            first = same[0].new_index if same[0].new_index >= 0 else same[0].old_index
            text = f"{fmt.count(len(same), 'message')} the same"
            sections.append(Section(f"{prefix}.same{first}", text, [], glyph="⋯", style="muted"))
            same.clear()

    for change in diff.messages:
        if change.what == "same":
            same.append(change)
            continue
        if listed >= MESSAGES_LISTED:
            left_out += 1
            continue
        flush()
        compaction = heads.get(id(change))
        if compaction is not None:
            sections.append(_compaction(compaction, f"{prefix}.compacted{change.old_index}"))
        listed += 1
        sections.append(_message(change, prefix, total <= OPEN_CHARACTERS, sides, diff.other_run))
    if left_out:
        text = f"{left_out:,} more messages changed"
        sections.append(Section(f"{prefix}.more", text, [], "the Messages tab has them all", style="note"))
    else:
        flush()
    cut = max(diff.old.digests, diff.new.digests)
    if cut:
        sections.append(
            Section(f"{prefix}.digests", "Only beginnings were recorded", [digest_note(cut)], style="note")
        )
    return sections


def _changed_length(change: MessageChange) -> int:
    return max(length(m) for m in (change.old, change.new) if m is not None)


def _compaction(compaction: Compaction, key: str) -> Section:
    text = (
        f"compacted: {fmt.count(len(compaction.removed), 'message')} "
        f"→ {fmt.count(len(compaction.added), 'message')}"
    )
    summary = f"{compaction.before:,} → {compaction.after:,} chars"
    return Section(key, text, [], summary, glyph="⇊", style="warning")


def _message(change: MessageChange, prefix: str, is_open: bool, sides: bool, other_run: bool) -> Section:
    sign, style = _SIGNS[change.what]
    message = change.new if change.new is not None else change.old
    assert message is not None
    where = change.new_index if change.new_index >= 0 else change.old_index
    blocks: Sequence[Block]
    if change.what == "edited" and change.old is not None and change.new is not None:
        blocks = LazyBlocks(partial(edited_blocks, change.old, change.new, sides, other_run))
        summary = f"{length(change.old):,} → {length(change.new):,} chars"
    elif change.what == "moved":
        blocks = [
            StyledLine([(f"from place {change.old_index + 1} to place {change.new_index + 1}", "muted")])
        ]
        summary = f"{change.old_index + 1} → {change.new_index + 1}"
    else:
        blocks = _whole_message(message, style)
        summary = fmt.count(length(message), "char")
    title = f"{sign} {message.role}" + (f" {message.name}" if message.name and message.role == "tool" else "")
    if change.what in ("edited", "moved"):
        title += f"  {change.what}"
    preview = message.text[:300] or "  ".join(f"⚒ {call.name}" for call in message.calls)
    key = f"{prefix}.{change.what}{where}"
    return Section(key, title, blocks, summary, preview, is_open, style=style, bar=True)


def _whole_message(message: Message, style: str) -> list[Block]:
    blocks: list[Block] = []
    if message.text:
        blocks.append(Text(message.text, style))
    if message.cut:
        blocks.append(
            note(f"{fmt.count(length(message) - len(message.text), 'more character')} not recorded")
        )
    for call in message.calls:
        blocks.append(StyledLine([("⚒ ", style), (call.name, style), (f"  {call.call_id}", "muted")]))
        if call.arguments not in (None, "", {}):
            blocks.append(value_block(call.arguments))
    blocks += [note(what) for what, _ in message.others]
    return blocks or [StyledLine([("(empty)", "muted")])]


def edited_blocks(old: Message, new: Message, sides: bool, other_run: bool = False) -> list[Block]:
    """Return how one message differs from another; ids of tool calls are others in another run."""
    blocks: list[Block] = []
    if old.text != new.text:
        blocks.append(diff_block(old.text, new.text, sides=sides))
    if old.cut or new.cut:
        if old.text == new.text:
            blocks.append(StyledLine([("the beginning is the same; it differs behind it", "note")]))
        blocks.append(note(f"{length(old):,} → {length(new):,} characters; only the beginning was recorded"))
    digest = old.digest or new.digest
    before = [_call_words(call, digest, other_run) for call in old.calls]
    after = [_call_words(call, digest, other_run) for call in new.calls]
    if before != after and [call.name for call in old.calls] == [call.name for call in new.calls]:
        texts = ("\n".join(f"⚒ {' '.join(call)}" for call in calls) for calls in (before, after))
        blocks.append(diff_block(*texts, sides=sides))
    elif before != after:
        lines = [("-", f"⚒ {' '.join(call)}") for call in before if call not in after]
        lines += [("+", f"⚒ {' '.join(call)}") for call in after if call not in before]
        blocks.append(Diff(lines or [("@", "the same tool calls in another order")]))
    for name, was, now in (
        ("role", old.role, new.role),
        ("name", old.name, new.name),
        *((("tool call", old.call_id, new.call_id),) if not other_run else ()),
        ("reasoning", old.reasoning, new.reasoning),
    ):
        if was != now and (name == "role" or not digest):
            blocks.append(Diff([("-", f"{name}: {was}"), ("+", f"{name}: {now}")]))
    return blocks or [StyledLine([("it differs in something that is not shown", "muted")])]


def _call_words(call: ToolCall, digest: bool, other_run: bool) -> tuple[str, ...]:
    if digest:
        return (call.name,)
    ids = () if other_run else (call.call_id,)
    return (call.name, *ids, as_text(call.arguments))


def _tools(diff: RequestDiff, prefix: str, sides: bool) -> list[Section]:
    if not diff.tools and not diff.tools_reordered:
        return []
    old, new = diff.old.tools or [], diff.new.tools or []
    lines: list[tuple[str, str]] = []
    changed: list[ToolChange] = []
    for change in diff.tools:
        if change.what == "changed":
            changed.append(change)
        else:
            tool = change.new if change.new is not None else change.old
            about = one_line(" ".join(((tool.description if tool else None) or "").split()), 100)
            lines.append(("+" if change.what == "added" else "-", f"{change.name}  {about}".rstrip()))
    blocks: list[Block] = [Diff(lines)] if lines else []
    for change in changed:
        blocks.append(StyledLine([("~ ", "accent"), (change.name, "tag")]))
        if change.old is not None and change.new is not None:
            blocks.append(diff_block(_tool_text(change.old), _tool_text(change.new), sides=sides))
    if diff.tools_reordered:
        blocks.append(note("the tools stand in another order"))
    in_both = sum(any(tool.name == other.name for other in new) for tool in old)
    if in_both:
        blocks.append(StyledLine([(f"{fmt.count(in_both, 'tool')} kept", "muted")]))
    summary = f"{len(old)} → {len(new)}"
    return [Section(f"{prefix}.tools", "Tools", blocks, summary, glyph="⚒", style="role.tool")]


def _tool_text(tool: object) -> str:
    description = getattr(tool, "description", None) or ""
    schema = getattr(tool, "schema", None)
    return f"{description}\n{dump_json(schema)}" if schema is not None else description


def parameter_lines(diff: RequestDiff) -> list[tuple[str, str]]:
    """Return parameters that differ as lines of what went and what came."""
    lines: list[tuple[str, str]] = []
    for name, old, new in diff.parameters:
        if old is not ABSENT:
            lines.append(("-", f"{name}: {as_text(old)}"))
        if new is not ABSENT:
            lines.append(("+", f"{name}: {as_text(new)}"))
    return lines


def _settings(diff: RequestDiff, prefix: str) -> list[Section]:
    lines: list[tuple[str, str]] = []
    if diff.model is not None:
        lines += [("-", f"model: {diff.model[0]}"), ("+", f"model: {diff.model[1]}")]
    lines += parameter_lines(diff)
    if not lines:
        return []
    title = (
        "Model and parameters" if diff.model and diff.parameters else "Model" if diff.model else "Parameters"
    )
    return [Section(f"{prefix}.settings", title, [Diff(lines)], glyph="✦", style="role.ai")]
