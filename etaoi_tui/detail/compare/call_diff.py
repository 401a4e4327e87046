"""The tab Diff of a model call: its request against that of another call."""

from __future__ import annotations

from etaoi_collector.store.model import Span
from etaoi_tui.detail.compare.diff_sections import diff_sections, in_words
from etaoi_tui.detail.compare.request_diff import RequestDiff, compare, find_prefix_break
from etaoi_tui.detail.document.model import Block, KeyValues, Section, StyledLine, StyledText, Text
from etaoi_tui.detail.messages.chat import note
from etaoi_tui.detail.messages.request import Request, read_sent
from etaoi_tui.detail.messages.token_estimate import estimated_tokens
from etaoi_tui.detail.messages.tool_schemas import schemas_for
from etaoi_tui.detail.span_data import Map, SpanData
from etaoi_tui.detail.view_options import BASES, Base
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import kind_glyph
from etaoi_tui.view.neighbouring_calls import JUST_BEFORE, previous_call, run_of
from etaoi_tui.view.same_step import same_step


def call_diff_sections(data: SpanData) -> list[Section]:
    """Return how a call's request differs from the one it is compared with."""
    other, which_base = _other(data)
    if other is None:
        text = which_base[:1].upper() + which_base[1:] + ": there is nothing to compare with."
        head: list[Block] = [*_choices(data), Text(text, "muted")]
        return [Section("against", _TITLES[data.options.base], head, "nothing to compare with", glyph="±")]
    base = data.of(other)
    diff = _compared(base, data)
    sections = [_head(data, base, diff, which_base), _prefix(data, diff)]
    changes = diff_sections(diff, "diff", sides=data.options.sides)
    if not changes:
        same = [Text("Both requests are the same, as far as both are known.", "muted")]
        changes = [Section("diff.nothing", "No difference", same, style="muted")]
    return [section for section in [*sections, *changes, _footnote(diff)] if section is not None]


_TITLES: dict[Base, str] = {
    "before": "Against the call before",
    "step": "Against the same step of the run before",
    "marked": "Against the marked call",
}
_CHOICES: dict[Base, str] = {
    "before": "call before",
    "step": "same step, run before",
    "marked": "marked call",
}


def _other(data: SpanData) -> tuple[Span | None, str]:
    """Return the call to compare with, and in words which it is, or why there is none."""
    options, call = data.options, data.span
    if options.base == "marked":
        if options.marked is None:
            return None, "no call is marked (m marks one)"
        return (
            (None, "this is the marked call")
            if options.marked is call
            else (options.marked, "the marked call")
        )
    return same_step(call) if options.base == "step" else previous_call(call)


def _choices(data: SpanData) -> list[Block]:
    """Say what a call can be compared with, what it is compared with now, and the keys for that."""
    options = data.options
    runs: list[StyledText] = []
    for base in BASES:
        chosen = base == options.base
        if base != "marked" or options.marked is not None or chosen:
            runs.append((f"{'●' if chosen else '○'} {_CHOICES[base]}   ", "accent" if chosen else "muted"))
    keys: list[StyledText] = [("d", "key"), (" next   ", "muted"), ("s", "key")]
    keys.append((" below each other   " if options.sides else " side by side   ", "muted"))
    keys += [("m", "key"), (" marks this call   ", "muted"), ("p", "key"), (" goes to the other", "muted")]
    return [StyledLine(runs), StyledLine(keys)]


_COMPARISONS: list[tuple[tuple[Map, ...], RequestDiff]] = []
"""The newest comparisons with what they were made from: a request stays as it is while the answer streams."""

_COMPARISONS_KEPT = 4


def _compared(base: SpanData, data: SpanData) -> RequestDiff:
    both = (base, data)
    payloads = tuple(one.start_payload for one in both)
    rest = tuple(one.metadata for one in both) + tuple(schemas_for(one) for one in both)
    for cached, diff in _COMPARISONS:
        if cached[0] is payloads[0] and cached[1] is payloads[1] and cached[2:] == rest:
            return diff
    other_run = run_of(base.span) is not run_of(data.span)
    diff = compare(request_of(base), request_of(data), other_run=other_run)
    _COMPARISONS.insert(0, ((*payloads, *rest), diff))
    del _COMPARISONS[_COMPARISONS_KEPT:]
    return diff


def request_of(data: SpanData) -> Request:
    """Return what a call was sent."""
    return read_sent(data.start_payload, data.metadata, schemas_for(data))


def _footnote(diff: RequestDiff) -> Section | None:
    missing = [part for part in diff.not_compared if part in ("messages", "tools", "system prompt")]
    if not missing:
        return None
    words = note(f"not recorded for both calls, so not compared: {', '.join(missing)}")
    return Section("footnotes", "Notes", [words], style="note", glyph="†", quiet=True)


def _head(data: SpanData, base: SpanData, diff: RequestDiff, which_base: str) -> Section:
    other = base.span
    name: list[StyledText] = [(f"{kind_glyph(other.kind)} {other.name}", "tag")]
    distance = data.span.started_at - other.started_at
    when = f"   {fmt.clock(other.started_at, milliseconds=True)}, {fmt.duration(abs(distance))} "
    name.append((when + ("earlier" if distance >= 0 else "later"), "muted"))
    rows: list[tuple[str, str | list[StyledText]]] = [("against", name)]
    if which_base != JUST_BEFORE:
        rows.append(("that is", which_base))
    usage, was = data.span.usage, other.usage
    if (
        usage is not None
        and was is not None
        and usage.input_tokens is not None
        and was.input_tokens is not None
    ):
        grown = usage.input_tokens - was.input_tokens
        rows.append(
            (
                "input",
                f"{was.input_tokens:,} → {usage.input_tokens:,} tokens ({grown:+,}), as reported".replace(
                    "-", "−"
                ),
            )
        )
    elif estimated_tokens(data, diff.characters):
        rows.append(
            ("input", f"≈{estimated_tokens(data, diff.characters):+,} tokens, estimated from the text")
        )
    blocks: list[Block] = [*_choices(data), KeyValues(rows)]
    title = _TITLES[data.options.base]
    return Section(
        "against", title, blocks, in_words(diff) or "no difference", glyph="±", target=other.span_id
    )


def _prefix(data: SpanData, diff: RequestDiff) -> Section | None:
    """Say how much of the request a provider could take from its cache, and why not more."""
    if diff.new.messages is None or diff.old.messages is None:
        return None
    prefix_break = find_prefix_break(diff)
    usage = data.span.usage
    rows: list[tuple[str, str | list[StyledText]]] = []
    if prefix_break is None:
        rows.append(("same prefix", [("the whole request before", "ok")]))
        summary = "not broken"
    else:
        length = prefix_break.prefix_length
        share = length / prefix_break.total if prefix_break.total else 0.0
        kept_words = f"{length:,} of {prefix_break.total:,} characters of text ({fmt.percent(share)})"
        rows += [
            ("breaks", [(prefix_break.where, "warning")]),
            ("because", prefix_break.why),
            ("same before", kept_words),
        ]
        summary = f"breaks {prefix_break.where}"
    if usage is not None and usage.cache_read is not None:
        cached_words = f"{usage.cache_read:,} tokens"
        if usage.input_tokens:
            cached_words += f" of {usage.input_tokens:,} in"
        rows.append(("from cache", f"{cached_words}, as reported"))
    else:
        rows.append(("from cache", [("not reported", "muted")]))
    return Section("prefix", "Cacheable prefix", [KeyValues(rows)], summary, glyph="▭")
