"""``etaoi-tui show --voice``: the turns of the calls in a recording, as a table or as JSON.

JSON is one object a line: for each call one with ``"type": "call"``, then one with ``"type": "turn"`` for
each of its turns. Times are ISO 8601 in UTC with a Z, durations are float milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

from etaoi_collector.projections.timestamps import iso
from etaoi_collector.sources.base import Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Session, Trace
from etaoi_tui.cli.show import traces_to_show
from etaoi_tui.cli.table import print_table
from etaoi_tui.console import CommandError
from etaoi_tui.json_text import dumps
from etaoi_tui.text import one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.voice.call_model import VoiceCall, overall
from etaoi_tui.view.voice.labels import MARKS, speech_line
from etaoi_tui.view.voice.linked_runs import LinkedRuns
from etaoi_tui.view.voice.model import PARTS, Basis, Kind, MarkKind, Moment, Part, Stage, Turn
from etaoi_tui.view.voice.stats import GAP, SERIES, Figures, series_words
from etaoi_tui.view.voice.thresholds import GLYPHS, Thresholds
from etaoi_tui.view.voice.voice_kinds import is_call

_HEADINGS = (
    "TURN",
    "AT",
    "GAP",
    "",
    "STT",
    "EOU",
    "CODE",
    "LLM",
    "TOOL",
    "TTS",
    "PLAY",
    "?",
    "",
    "USER",
    "AGENT",
)
_RIGHT = frozenset({0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11})
_COLUMNS: tuple[tuple[Kind, ...], ...] = (
    (Kind.STT,),
    (Kind.EOU,),
    (Kind.CALLBACK,),
    (Kind.TTFT, Kind.LLM),
    (Kind.TOOL,),
    (Kind.TTS,),
    (Kind.PLAYOUT,),
    (Kind.UNEXPLAINED,),
)
_WORDS = 44


def print_calls(
    store: Store,
    source: Source,
    out: TextIO,
    *,
    wanted: str | None,
    as_json: bool,
    thresholds: Thresholds,
) -> None:
    """Print the calls of a recording.

    Args:
        store: Everything that was recorded.
        source: Where payloads are read from.
        out: Where lines go.
        wanted: Id of a trace of the only call to print; None prints all.
        as_json: Print data instead of a table.
        thresholds: What counts as slow.

    Raises:
        Failure: There is no voice call, or no such trace.
    """
    sessions = _sessions(traces_to_show(store, wanted))
    if not sessions:
        raise CommandError("No voice call in this recording; `etaoi-tui show FILE` prints what is there.")
    for number, session in enumerate(sessions):
        call = VoiceCall(session, source, LinkedRuns(source, store.traces.values()))
        turns = list(call.turns())
        if as_json:
            out.write(dumps(call_object(call)) + "\n")
            for turn_number, turn in enumerate(turns, 1):
                out.write(dumps(turn_object(turn, turn_number)) + "\n")
            continue
        if number:
            out.write("\n")
        _print_call(call, turns, out, thresholds)


def _sessions(traces: list[Trace]) -> list[Session]:
    sessions = {trace.session: None for trace in traces}
    return [session for session in sessions if is_call(session)]


# the table


def _print_call(call: VoiceCall, turns: list[Turn], out: TextIO, thresholds: Thresholds) -> None:
    status = overall(call).value
    length = fmt.duration(max(0.0, call.session.newest_at - call.began))
    out.write(f"call {_name(call)}  {fmt.count(len(turns), 'turn')}  {length}  {status}\n")
    began = call.began
    rows = [_row(turn, turn_number, began, thresholds) for turn_number, turn in enumerate(turns, 1)]
    print_table(_HEADINGS, rows, _RIGHT, out)
    for at, text in call.errors:
        out.write(f"{MARKS[MarkKind.ERROR]} {fmt.offset(at - began)}  {one_line(text, 100)}\n")
    out.write("\n")
    figures = [(name, call.figures.statistics.of(name)) for name in SERIES]
    lines = [
        (
            series_words(name),
            *(
                f"{fmt.duration(seconds)} {GLYPHS[thresholds.level(name, seconds)]}"
                for seconds in (summary.p50, summary.p95, summary.max)
            ),
            f"{summary.count:,}",
        )
        for name, summary in figures
        if summary is not None
    ]
    if lines:
        print_table(("STAGE", "P50", "P95", "MAX", "COUNT"), lines, frozenset({1, 2, 3, 4}), out)
    worst = call.figures.worst()
    if worst is not None:
        out.write(f"worst turn: {call.index(worst) + 1}\n")
    counts = call.figures.statistics
    happened = (
        (counts.interruptions, "interruption", MarkKind.INTERRUPTED),
        (counts.false_interruptions, "false interruption", MarkKind.FALSE_INTERRUPTION),
        (counts.errors + len(call.errors), "error", MarkKind.ERROR),
    )
    out.write(
        "   ".join(f"{MARKS[kind]} {fmt.count(number, word)}" for number, word, kind in happened) + "\n"
    )
    out.write("~ derived, not measured   △ slow   ▲ too slow   ? no component explains it\n")


def _row(turn: Turn, turn_number: int, began: float, thresholds: Thresholds) -> tuple[str, ...]:
    gap = turn.gap
    about = "~" if gap is not None and turn.gap_basis is Basis.DERIVED else ""
    parts = [_cell(turn, kinds) for kinds in _COLUMNS]
    user = speech_line(turn.user_said, _WORDS)
    return (
        f"{turn_number}",
        fmt.offset(turn.start - began),
        "" if gap is None else about + fmt.duration(gap),
        GLYPHS[thresholds.level(GAP, gap)].strip(),
        *parts,
        "".join(dict.fromkeys(MARKS[mark.kind] for mark in turn.marks)),
        f"(typed) {user}" if turn.typed else user,
        speech_line(turn.agent_said, _WORDS),
    )


def _cell(turn: Turn, kinds: tuple[Kind, ...]) -> str:
    seconds = sum(turn.part_seconds(kind) or 0.0 for kind in kinds)
    return fmt.duration(seconds) if turn.gap is not None and seconds >= 0.000_5 else ""


# data


def call_object(call: VoiceCall) -> dict[str, Any]:
    """Return what ``show --voice --json`` says of a call whose turns have all been folded."""
    statistics = call.figures.statistics
    worst = call.figures.worst()
    return {
        "type": "call",
        "session_id": call.session.session_id,
        "name": _name(call),
        "status": overall(call).value,
        "started_at": iso(call.began),
        "duration_ms": _milliseconds(call.session.newest_at - call.began),
        "traces": len(call.session.traces),
        "turns": len(call),
        "interruptions": statistics.interruptions,
        "false_interruptions": statistics.false_interruptions,
        "errors": statistics.errors + len(call.errors),
        "errors_outside_turns": [{"at": iso(at), "text": text} for at, text in call.errors],
        "input_tokens": statistics.tokens_in,
        "output_tokens": statistics.tokens_out,
        "characters": statistics.characters,
        "worst_turn": None if worst is None else call.index(worst) + 1,
        "statistics": {
            name.replace(" ", "_"): _figures(summary)
            for name in SERIES
            if (summary := statistics.of(name)) is not None
        },
        "spans_outside_turns": [span.span_id for span in call.outside],
    }


def turn_object(turn: Turn, turn_number: int) -> dict[str, Any]:
    """Return what ``show --voice --json`` says of a turn."""
    end_of_turn = turn.end_of_turn
    return {
        "type": "turn",
        "turn": turn_number,
        "status": turn.status.value,
        "started_at": iso(turn.start),
        "ended_at": None if turn.end is None else iso(turn.end),
        "agent": turn.agent or None,
        "user": turn.user_said or None,
        "user_is_final": turn.final,
        "typed": turn.typed,
        "agent_said": turn.agent_said or None,
        "heard_gap_ms": _milliseconds(turn.gap),
        "heard_gap_basis": None if turn.gap is None else turn.gap_basis.value,
        "user_stopped": _moment(turn.user_stopped),
        "agent_heard": _moment(turn.agent_heard),
        "gap_parts": list(_parts(turn)),
        "gap_segments": [_segment(part) for part in turn.parts],
        "stages": [_stage(stage) for stage in turn.stages],
        "marks": [
            {
                "kind": mark.kind.value,
                "at": iso(mark.at),
                "text": mark.text or None,
                "probability": mark.probability,
                "detected_after_ms": _milliseconds(mark.detected_after),
            }
            for mark in turn.marks
        ],
        "end_of_turn": {
            "delay_ms": _milliseconds(end_of_turn.delay),
            "transcription_delay_ms": _milliseconds(end_of_turn.transcription_delay),
            "callback_ms": _milliseconds(end_of_turn.callback),
            "probability": end_of_turn.probability,
            "threshold": end_of_turn.threshold,
        },
        "e2e_latency_ms": _milliseconds(turn.e2e_latency),
        "confidence": turn.confidence,
        "language": turn.language or None,
        "models": list(turn.models),
        "input_tokens": turn.tokens_in,
        "output_tokens": turn.tokens_out,
        "characters": turn.characters,
        "audio_ms": _milliseconds(turn.audio),
        "span_ids": [span.span_id for span in turn.sources],
        "run_span_ids": [span.span_id for span in turn.runs],
        "other_span_ids": [span.span_id for span in turn.also],
    }


def _parts(turn: Turn) -> Iterator[dict[str, Any]]:
    for kind in PARTS:
        seconds = turn.part_seconds(kind)
        if seconds is not None:
            yield {"part": kind.value, "duration_ms": _milliseconds(seconds)}


def _segment(part: Part) -> dict[str, Any]:
    basis = None if part.kind is Kind.UNEXPLAINED else part.basis.value
    return {
        "part": part.kind.value,
        "started_at": iso(part.start),
        "duration_ms": _milliseconds(part.seconds),
        "basis": basis,
    }


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "stage": stage.kind.value,
        "name": stage.name or None,
        "started_at": iso(stage.start),
        "ended_at": None if stage.end is None else iso(stage.end),
        "duration_ms": None if stage.end is None else _milliseconds(max(0.0, stage.end - stage.start)),
        "first_ms": None if stage.first is None else _milliseconds(max(0.0, stage.first - stage.start)),
        "basis": stage.basis.value,
        "error": stage.error,
        "aside": stage.aside,
        "span_ids": [span.span_id for span in stage.spans],
    }


def _moment(moment: Moment | None) -> dict[str, Any] | None:
    return None if moment is None else {"at": iso(moment.at), "basis": moment.basis.value}


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "count": figures.count,
        "p50_ms": _milliseconds(figures.p50),
        "p95_ms": _milliseconds(figures.p95),
        "max_ms": _milliseconds(figures.max),
    }


def _name(call: VoiceCall) -> str:
    for trace in call.session.traces[:8]:
        for root in trace.roots[:4]:
            if root.kind == "voice_session" and root.name:
                return one_line(root.name, 80)
    return "voice call"


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
