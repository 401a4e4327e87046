"""The detail of a whole voice call: its silence as a course, every stage in figures, its slowest turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from etaoi_collector.pricing.total import Total, total_of_trace
from etaoi_collector.projections.payload_reader import PayloadReader
from etaoi_collector.store.model import Span
from etaoi_tui.detail.document.model import (
    BarRow,
    Bars,
    Block,
    Document,
    KeyValues,
    Section,
    StyledLine,
    StyledText,
    Tab,
    Text,
    Trend,
)
from etaoi_tui.detail.messages.run_cost import cost_runs
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.detail.view_options import ViewOptions
from etaoi_tui.detail.voice_context import VoiceContext
from etaoi_tui.view import format as fmt
from etaoi_tui.view.voice.call_model import VoiceCall
from etaoi_tui.view.voice.labels import MARKS
from etaoi_tui.view.voice.lane import GLYPHS
from etaoi_tui.view.voice.model import WORDS, Basis, Kind, MarkKind
from etaoi_tui.view.voice.stats import GAP, SERIES, STAGES, Figures, series_words
from etaoi_tui.view.voice.thresholds import GLYPHS as LEVEL_GLYPHS
from etaoi_tui.view.voice.thresholds import Level, Thresholds

_COLUMNS = 120
_SLOWEST = 5
_WORDS = 200
"""Characters of what was said that are shown beside a slow turn, at most."""
_STYLES = {Level.FINE: "ok", Level.SLOW: "warning", Level.TOO_SLOW: "warning"}


def describe_voice_call(
    call: VoiceCall,
    span: Span,
    payloads: PayloadReader,
    now: float,
    limits: Thresholds,
    options: ViewOptions | None = None,
) -> Document:
    """Return everything there is to show of a call: its own page, and the pages of its session's span.

    Args:
        call: The call.
        span: The ``voice_session`` span that the reader stands on.
        payloads: Where events come from.
        now: The present, in seconds since the epoch.
        limits: What counts as slow.
        options: The reader's choices.
    """
    return describe_span(span, payloads, now, options, VoiceContext(limits, call=call))


def tabs(call: VoiceCall, limits: Thresholds, events: Sequence[Tab]) -> list[Tab]:
    """Return a call's own page, and those of its session's span behind it."""
    return [
        Tab("call", "Call", lambda: sections(call, limits)),
        *(replace(tab, title="Session") for tab in events),
    ]


def sections(call: VoiceCall, limits: Thresholds) -> Sequence[Section]:
    """Return a call's own page."""
    return [*_course(call, limits), *_stages(call, limits), *_slowest(call, limits), *_counts(call)]


def _course(call: VoiceCall, limits: Thresholds) -> list[Section]:
    gap = call.figures.statistics.of(GAP)
    if gap is None:
        why = "No turn has told yet how long its silence was." if len(call) else "Nobody has spoken yet."
        return [Section("course", "Heard gap", [Text(why, "muted")])]
    columns = call.course.columns(_COLUMNS)
    course = [(one, "" if one is None else _STYLES[limits.level(GAP, one)]) for one in columns]
    slow, bad = limits.seconds[GAP.replace(" ", "_")]
    note = (
        f"first turn to last, the longest silence {fmt.duration(gap.max)}; "
        f"△ slow from {fmt.duration(slow)}, ▲ too slow from {fmt.duration(bad)}"
    )
    blocks: list[Block] = [Trend(course), Text(note, "muted")]
    return [Section("course", "Heard gap", blocks, fmt.count(gap.count, "turn"), glyph="▂")]


def _stages(call: VoiceCall, limits: Thresholds) -> list[Section]:
    figures = [(name, figure) for name in SERIES if (figure := call.figures.statistics.of(name)) is not None]
    if not figures:
        return []
    longest = max(figure.p95 for name, figure in figures if name not in ("agent speaks", "user speaks"))
    head = f"{'':15}{'p50':>7}  {'p95':>7}  {'max':>7}  {'count':>5}"
    blocks: list[Block] = [Text(head, "muted")]
    blocks.append(Bars([_stage(name, figure, longest, limits) for name, figure in figures]))
    return [Section("stages", "Stages", blocks, "bar: p95", glyph="▄")]


def _stage(name: str, figures: Figures, longest: float, limits: Thresholds) -> BarRow:
    kind = STAGES.get(name)
    style = f"voice.{kind.value}" if kind is not None else "accent"
    runs: list[StyledText] = [
        (f"{GLYPHS[kind]} " if kind is not None else "∑ ", style),
        (f"{series_words(name):<13}", "" if kind is not None else "title"),
    ]
    for seconds in (figures.p50, figures.p95, figures.max):
        level = limits.level(name, seconds)
        runs += [
            (f"{fmt.duration(seconds):>7}", _STYLES[level] if level else ""),
            (f"{LEVEL_GLYPHS[level]} ", _STYLES[level]),
        ]
    runs.append((f"{figures.count:>5,}  ", "muted"))
    # Who speaks takes its time: beside that, no silence would be seen.
    compared = kind not in (Kind.SPEECH, Kind.USER) and longest > 0
    return BarRow(runs, figures.p95 / longest if compared else None, style)


def _slowest(call: VoiceCall, limits: Thresholds) -> list[Section]:
    groups = call.figures.slowest(_SLOWEST)
    if len(groups) < 2:
        return []
    rows = [Section("slowest", "Slowest turns", (), "p goes there", group=True, glyph="▲", style="warning")]
    for group in groups:
        turn = call.turn(group)
        gap = turn.gap
        level = limits.level(GAP, gap)
        about = "~" if turn.gap_basis is Basis.DERIVED else ""
        longest = max(turn.parts, key=lambda part: part.seconds, default=None)
        cause = "" if longest is None else f"mostly {WORDS[longest.kind]} {fmt.duration(longest.seconds)} · "
        rows.append(
            Section(
                f"slow {group.key}",
                f"turn {call.index(group) + 1} {about + fmt.duration(gap)} {LEVEL_GLYPHS[level]}".rstrip(),
                (),
                preview=cause + (turn.user_said or turn.agent_said)[:_WORDS],
                open=False,
                style=_STYLES[level] if level else "",
                level=1,
                inside="slowest",
                target=turn.sources[0].span_id,
                quiet=True,
            )
        )
    return rows


def _counts(call: VoiceCall) -> list[Section]:
    counted = call.figures.statistics
    rows: list[tuple[str, str | Sequence[StyledText]]] = [
        ("turns", f"{len(call):,}"),
        (f"{MARKS[MarkKind.INTERRUPTED]} interruptions", f"{counted.interruptions:,}"),
        (f"{MARKS[MarkKind.FALSE_INTERRUPTION]} false interruptions", f"{counted.false_interruptions:,}"),
        (f"{MARKS[MarkKind.ERROR]} errors", f"{counted.errors + len(call.errors):,}"),
    ]
    if counted.tokens_in or counted.tokens_out:
        rows.append(("tokens", f"{fmt.tokens(counted.tokens_in)} in, {fmt.tokens(counted.tokens_out)} out"))
        total = Total()
        for trace in call.session.traces:
            total.add(total_of_trace(trace))
        if total:
            rows.append(("cost", cost_runs(total)))
    if counted.characters:
        rows.append(("characters spoken", f"{counted.characters:,}"))
    if call.unfolded:
        rows.append(("not read yet", fmt.count(call.unfolded, "turn")))
    blocks: list[Block] = [KeyValues(rows)]
    for at, text in call.errors[:50]:
        blocks.append(
            StyledLine(
                [(f"{MARKS[MarkKind.ERROR]} {fmt.offset(at - call.began)}", "error"), (f"  {text}", "")]
            )
        )
    return [Section("counts", "What happened", blocks)]
