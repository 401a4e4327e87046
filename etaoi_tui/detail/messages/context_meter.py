"""How full a model's window is and with what; and what a call cost."""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.pricing.book import price_book
from etaoi_collector.projections.call_cost import cost_of, tokens_of
from etaoi_collector.store.model import NO_CALL
from etaoi_tui.detail.compare.call_diff import request_of
from etaoi_tui.detail.document.model import Block, KeyValues, Section, StyledLine, StyledText
from etaoi_tui.detail.messages.chat import note
from etaoi_tui.detail.messages.run_cost import cost_rows_of_run
from etaoi_tui.detail.messages.token_estimate import parts_in_characters
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.view import format as fmt
from etaoi_tui.view.middleware.tokens import CHARACTERS_A_TOKEN
from etaoi_tui.view.neighbouring_calls import calls_of
from etaoi_tui.view.sparkline import sparkline

BAR_CELLS = 40

_PARTS = (
    ("system prompt", "role.system", "█"),
    ("tools", "role.tool", "▓"),
    ("history", "role.user", "█"),
    ("tool results", "role.tool", "▒"),
    ("this turn", "role.ai", "█"),
)


def meter_sections(data: SpanData) -> list[Section]:
    """Return the context meter of a call."""
    request = request_of(data)
    if request.messages is None:
        return []
    sizes = parts_in_characters(request)
    characters = sum(sizes.values())
    tokens = tokens_of(data)
    reported = tokens.input if tokens is not None and tokens.input else None
    total = reported if reported is not None else round(characters / CHARACTERS_A_TOKEN)
    book = price_book()
    call = data.span.call or NO_CALL
    window = book.window(data.span.model or "", call.provider or "")
    if window.tokens is None and call.requested_model:
        window = book.window(call.requested_model, call.provider or "")
    scale = window.tokens or max(total, 1)
    blocks: list[Block] = [StyledLine(_bar(sizes, characters, total, scale))]
    rows: list[tuple[str, str | Sequence[StyledText]]] = []
    for name, style, mark in _PARTS:
        if sizes[name]:
            share = sizes[name] / characters
            counted = f"≈{round(total * share):>8,}"
            rows.append((name, [(f"{mark} ", style), (counted, ""), (f"   {fmt.percent(share)}", "muted")]))
    blocks.append(KeyValues(rows))
    how = "as reported" if reported is not None else "estimated: the call reports no usage"
    window_text = f" of {window.tokens:,} tokens" if window.tokens else " tokens, window unknown"
    blocks.append(note(f"{total:,} tokens {how}; its parts are estimated from their characters"))
    if window.tokens:
        blocks.append(note(f"window {window.tokens:,} tokens, from {window.source}"))
    else:
        blocks.append(note(f"the model's window: {window.source}"))
    full = f" ({fmt.percent(total / window.tokens)})" if window.tokens else ""
    mark = "" if reported is not None else "≈"
    return [Section("context", "Context", blocks, f"{mark}{total:,}{window_text}{full}", glyph="▭")]


def _bar(sizes: dict[str, int], characters: int, total: int, scale: int) -> list[StyledText]:
    filled = min(BAR_CELLS, max(1, round(BAR_CELLS * total / scale))) if characters else 0
    runs: list[StyledText] = []
    done = 0
    used = 0
    for name, style, mark in _PARTS:
        used += sizes[name]
        upto = round(filled * used / characters) if characters else 0
        if upto > done:
            runs.append((mark * (upto - done), style))
            done = upto
    runs.append(("░" * (BAR_CELLS - done), "muted"))
    return runs


def cost_rows(data: SpanData) -> list[tuple[str, str | Sequence[StyledText]]]:
    """Return a call's cost, and how its tokens were read."""
    tokens, cost = tokens_of(data), cost_of(data)
    if tokens is None or cost is None:
        return []
    rows: list[tuple[str, str | Sequence[StyledText]]] = []
    if cost.total is None:
        rows.append(("cost", [("unknown", "warning"), (f"   {cost.source}", "muted")]))
    else:
        parts = f"   in {fmt.dollars(cost.input)}, out {fmt.dollars(cost.output)}; {cost.source}"
        rows.append(("cost", [(fmt.dollars(cost.total), ""), (parts, "muted")]))
    if data.span.usage is not None and data.span.usage.service_tier:
        rows.append(("service tier", data.span.usage.service_tier))
    if tokens.cache_read or tokens.cache_write:
        rows.append(("counted as", [(tokens.rule, "" if tokens.sure else "warning")]))
    return rows


def course_sections(data: SpanData) -> list[Section]:
    """Return an agent's run in numbers: its context from call to call, its tokens and its cost."""
    calls = [call for call in calls_of(data.span) if not (call.call or NO_CALL).wraps]
    newest = [tokens_of(data.of(call)) for call in calls[-BAR_CELLS:]]
    inputs = [tokens.input if tokens is not None and tokens.input else None for tokens in newest]
    counts = [count for count in inputs if count is not None]
    rows: list[tuple[str, str | Sequence[StyledText]]] = []
    if calls:
        rows.append(("model calls", f"{len(calls):,}"))
    if counts:
        course = f"   {counts[0]:,} → {counts[-1]:,} tokens, most {max(counts):,}"
        rows.append(("context", [(sparkline(inputs), "accent"), (course, "muted")]))
    rows += cost_rows_of_run(data.span)
    if not rows:
        return []
    blocks: list[Block] = [KeyValues(rows)]
    if len(counts) < len(inputs):
        which = "calls" if len(inputs) == len(calls) else "newest calls"
        blocks.append(note(f"{len(inputs) - len(counts)} of {len(inputs)} {which} report no usage"))
    return [Section("course", "Calls of this agent", blocks, f"{len(calls)}", glyph="✦")]
