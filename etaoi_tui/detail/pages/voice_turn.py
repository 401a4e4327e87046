"""The detail of a turn: its silence taken apart, what was said, its stages, the spans that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from etaoi_collector.pricing.total import total_of_calls
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
    Table,
    Text,
)
from etaoi_tui.detail.messages.run_cost import all_calls_inside, cost_runs
from etaoi_tui.detail.pages.overview import status_run
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.detail.view_options import ViewOptions
from etaoi_tui.detail.voice_context import VoiceContext
from etaoi_tui.view import format as fmt
from etaoi_tui.view.glyphs import kind_glyph
from etaoi_tui.view.voice import labels as texts
from etaoi_tui.view.voice.labels import MARKS
from etaoi_tui.view.voice.lane import GLYPHS
from etaoi_tui.view.voice.model import PARTS, WORDS, Basis, Kind, Turn
from etaoi_tui.view.voice.stats import GAP, STAGES
from etaoi_tui.view.voice.thresholds import GLYPHS as LEVEL_GLYPHS
from etaoi_tui.view.voice.thresholds import Level, Thresholds

_STYLES = {Level.FINE: "ok", Level.SLOW: "warning", Level.TOO_SLOW: "warning"}
_SERIES = {kind: name for name, kind in STAGES.items()}


def describe_voice_turn(
    turn: Turn,
    number: int,
    span: Span,
    payloads: PayloadReader,
    now: float,
    limits: Thresholds,
    options: ViewOptions | None = None,
) -> Document:
    """Return everything there is to show of a turn: its own page, and the pages of its span.

    Args:
        turn: The turn.
        number: Its place in the call, from 1.
        span: The ``voice_turn`` span that the reader stands on.
        payloads: Where events come from.
        now: The present, in seconds since the epoch.
        limits: What counts as slow.
        options: The reader's choices.
    """
    voice = VoiceContext(limits, turn=turn, number=number)
    return describe_span(span, payloads, now, options, voice)


def tabs(turn: Turn, now: float, limits: Thresholds, events: Sequence[Tab]) -> list[Tab]:
    """Return a turn's own page, and those of its span behind it."""
    return [
        Tab("turn", "Turn", lambda: sections(turn, now, limits)),
        *(replace(tab, title="Events") for tab in events),
    ]


def sections(turn: Turn, now: float, limits: Thresholds) -> Sequence[Section]:
    """Return a turn's own page."""
    result = [*_gap(turn, limits), *_words(turn)]
    result += [*_marks(turn), *_stages(turn, now), *_runs(turn, now), *_facts(turn), *_originals(turn)]
    return result


def headline(turn: Turn, number: int, now: float, limits: Thresholds) -> list[StyledText]:
    """Return the title line of a turn: its state, its heard gap, its length."""
    runs: list[StyledText] = [(f"⇄ turn {number}", "title"), ("   ", ""), status_run(turn.status)]
    gap, waits = turn.gap, turn.waits_for(now)
    silence = gap if gap is not None else waits
    if silence is not None:
        level = limits.level(GAP, silence)
        about = "~" if gap is not None and turn.gap_basis is Basis.DERIVED else ""
        so_far = "" if gap is not None else " so far"
        glyph = f" {LEVEL_GLYPHS[level]}" if level else ""
        runs.append((f"   heard gap {about}{fmt.duration(silence)}{so_far}{glyph}", _STYLES[level]))
    end = turn.end if turn.end is not None else now
    runs.append((f"   {fmt.duration(max(0.0, end - turn.start))} in all", "muted"))
    if turn.agent:
        runs.append((f"   {turn.agent}", "muted"))
    return runs


def _gap(turn: Turn, limits: Thresholds) -> list[Section]:
    if not turn.parts:
        why = _why_no_gap(turn)
        return [Section("gap", "Heard gap", [Text(why, "muted")])] if why else []
    gap = turn.parts[-1].end - turn.parts[0].start
    rows: list[BarRow] = []
    for kind in PARTS:
        parts = [part for part in turn.parts if part.kind is kind]
        seconds = sum(part.seconds for part in parts)
        if seconds < 0.000_5:
            continue
        level = limits.level(_SERIES[kind], seconds)
        share = seconds / gap if gap > 0 else 0.0
        style = f"voice.{kind.value}"
        derived = any(part.basis is Basis.DERIVED for part in parts) and kind is not Kind.UNEXPLAINED
        times = f" in {len(parts)} stretches" if len(parts) > 1 else ""
        before = [
            (f"{GLYPHS[kind]} ", style),
            (f"{WORDS[kind]:<14}", ""),
            (f"{fmt.duration(seconds):>8} ", _STYLES[level] if level else ""),
            (f"{LEVEL_GLYPHS[level]} ", _STYLES[level]),
            (f"{fmt.percent(share):>4}  ", "muted"),
        ]
        after = f"{'derived' if derived else ''}{times}".strip()
        rows.append(BarRow(before, share, style, [(after, "muted")] if after else ()))
    blocks: list[Block] = [Bars(rows)]
    note = "from the end of the user's speech to the agent's first word"
    if turn.typed:
        note = "from the typed message to the agent's first word"
    blocks.append(Text(f"{note}; {_basis_words(turn)}", "muted"))
    if turn.e2e_latency is not None:
        blocks.append(Text(f"the framework itself reports {fmt.duration(turn.e2e_latency)}", "muted"))
    return [Section("gap", "Heard gap", blocks, fmt.duration(gap), glyph="▂")]


def _why_no_gap(turn: Turn) -> str:
    if turn.user_stopped is None:
        return "Nobody spoke before the agent did." if turn.agent_said else ""
    if turn.running:
        return ""
    return "The agent was not heard in this turn."


def _basis_words(turn: Turn) -> str:
    user_stopped, agent_heard = turn.user_stopped, turn.agent_heard
    if user_stopped is None:
        return ""
    if agent_heard is None:
        return f"its beginning is {user_stopped.basis}"
    if user_stopped.basis is agent_heard.basis:
        return f"both ends are {user_stopped.basis}"
    return f"its beginning is {user_stopped.basis}, its end {agent_heard.basis}"


def _words(turn: Turn) -> list[Section]:
    result = []
    if turn.user_said:
        remarks = ["typed"] if turn.typed else []
        if not turn.final:
            remarks.append("not final yet")
        if turn.confidence is not None:
            remarks.append(f"confidence {fmt.percent(turn.confidence)}")
        if turn.language:
            remarks.append(turn.language)
        result.append(
            Section(
                "heard",
                "user",
                [Text(turn.user_said)],
                " · ".join(remarks),
                glyph="◉",
                style="role.user",
                bar=True,
            )
        )
    if turn.agent_said:
        state = "interrupted here" if turn.interrupted else "so far" if turn.running else ""
        result.append(
            Section("said", "agent", [Text(turn.agent_said)], state, glyph="✦", style="role.agent", bar=True)
        )
    return result


def _marks(turn: Turn) -> list[Section]:
    if not turn.marks:
        return []
    blocks: list[Block] = []
    for mark in turn.marks:
        style = "error" if mark.kind.value == "error" else "warning"
        blocks.append(
            StyledLine(
                [(f"{MARKS[mark.kind]} {mark.kind.value}", style), (f"  {texts.mark_facts(turn, mark)}", "")]
            )
        )
    return [Section("marks", "What happened", blocks, fmt.count(len(turn.marks), "event"))]


def _stages(turn: Turn, now: float) -> list[Section]:
    if not turn.stages:
        return []
    rows = []
    for stage in turn.stages:
        first = "" if stage.first is None else fmt.duration(max(0.0, stage.first - stage.start))
        remark = texts.error_words(stage.error or "") or (
            "thrown away" if stage.aside and stage.kind is Kind.LLM else ""
        )
        word = WORDS[stage.kind] + (" (over the agent)" if stage.aside and stage.kind is Kind.USER else "")
        rows.append(
            (
                (GLYPHS[stage.kind], f"voice.{stage.kind.value}"),
                word,
                fmt.offset(stage.start - turn.start),
                fmt.duration(stage.seconds(now)) + ("…" if stage.end is None else ""),
                first,
                stage.basis.value,
                stage.name,
                remark,
            )
        )
    table = Table(("", "stage", ">after", ">took", ">first out", "times", "name", ""), rows)
    return [Section("stages", "Stages", [table], fmt.count(len(rows), "stage"))]


def _runs(turn: Turn, now: float) -> list[Section]:
    """List the runs that worked for the turn in a session of their own."""
    return [
        Section(
            f"run {run.span_id}",
            f"Run: {run.name or run.kind}",
            [Text("told in a session of its own, joined by the id of the speech; p goes there", "muted")],
            fmt.duration(run.duration(now)),
            glyph=kind_glyph(run.kind),
            target=run.span_id,
        )
        for run in turn.runs
    ]


def _facts(turn: Turn) -> list[Section]:
    rows: list[tuple[str, str | Sequence[StyledText]]] = []
    end_of_turn = turn.end_of_turn
    for name, seconds in (
        ("waited for end of turn", end_of_turn.delay),
        ("transcript came after", end_of_turn.transcription_delay),
        ("own code on turn end", end_of_turn.callback),
    ):
        if seconds is not None:
            rows.append((name, fmt.duration(seconds)))
    if end_of_turn.delay is not None or end_of_turn.probability is not None:
        rows.append(("turn detector", texts.end_of_turn(end_of_turn)))
    if turn.user_said and not turn.typed:
        sure = "not told" if turn.confidence is None else fmt.percent(turn.confidence)
        rows.append(("transcript confidence", sure))
    if turn.models:
        rows.append(("models", ", ".join(turn.models)))
    if turn.tokens_in is not None or turn.tokens_out is not None:
        rows.append(("tokens", f"{fmt.tokens(turn.tokens_in)} in, {fmt.tokens(turn.tokens_out)} out"))
        total = total_of_calls(call for span in turn.sources for call in all_calls_inside(span))
        if total:
            rows.append(("cost", cost_runs(total)))
    if turn.characters is not None:
        rows.append(("characters spoken", f"{turn.characters:,}"))
    if turn.audio is not None:
        rows.append(("audio made", fmt.duration(turn.audio)))
    if turn.left_out:
        rows.append(("not looked into", fmt.count(turn.left_out, "span")))
    return [Section("facts", "Facts", [KeyValues(rows)])] if rows else []


def _originals(turn: Turn) -> list[Section]:
    """List the spans that each stage was made of; several may tell of one thing."""
    result = [
        Section("originals", "Told by", (), fmt.count(_span_count(turn), "span"), open=False, group=True),
    ]
    span_ids: set[str] = set()
    sources = [("turn", turn.sources), *((WORDS[stage.kind], stage.spans) for stage in turn.stages)]
    for what, spans in [*sources, ("also", turn.also)]:
        for span in spans:
            if span.span_id in span_ids:
                continue
            span_ids.add(span.span_id)
            result.append(
                Section(
                    f"original {span.span_id}",
                    f"{what}: {span.kind} {span.name}",
                    (),
                    span.span_id[:8],
                    level=1,
                    inside="originals",
                    target=span.span_id,
                )
            )
    return result


def _span_count(turn: Turn) -> int:
    spans = {span.span_id for stage in turn.stages for span in stage.spans}
    return len(spans | {span.span_id for span in (*turn.sources, *turn.also)})
