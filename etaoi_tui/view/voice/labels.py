"""What stands beside the lanes, as pieces of text with the name of their look."""

from __future__ import annotations

from etaoi_collector.store.model import Span, Status
from etaoi_tui.text import cells, fit, one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.command import PANE_KEYS
from etaoi_tui.view.glyphs import SPINNER, STATUS_GLYPHS, kind_glyph
from etaoi_tui.view.sparkline import spark_glyph
from etaoi_tui.view.timeline import Axis, ticks
from etaoi_tui.view.voice import lane as lanes
from etaoi_tui.view.voice.call_model import VoiceCall, overall
from etaoi_tui.view.voice.model import WORDS, Basis, EndOfTurn, Kind, MarkKind, Stage, Turn, TurnMark
from etaoi_tui.view.voice.rows import Line
from etaoi_tui.view.voice.stats import GAP
from etaoi_tui.view.voice.thresholds import GLYPHS, Level, Thresholds

Piece = tuple[str, str]

MARKS = {
    MarkKind.INTERRUPTED: "↯",
    MarkKind.FALSE_INTERRUPTION: "↝",
    MarkKind.OVERLAP: "∥",
    MarkKind.ERROR: "✗",
    MarkKind.HANDOFF: "⇢",
}

_GRAVEST_FIRST = (
    MarkKind.ERROR,
    MarkKind.INTERRUPTED,
    MarkKind.FALSE_INTERRUPTION,
    MarkKind.HANDOFF,
    MarkKind.OVERLAP,
)
_STATES = {
    "speaking": "●",
    "listening": "○",
    "thinking": "◐",
    "away": "◌",
    "idle": "◌",
    "initializing": "◔",
    "interrupted": "↯",
    "recovering": "✗",
}
_LOOKS = {Level.FINE: "fine", Level.SLOW: "slow", Level.TOO_SLOW: "too-slow"}
_SPARK_LOOKS = {Level.FINE: "spark-fine", Level.SLOW: "spark-slow", Level.TOO_SLOW: "spark-too-slow"}

_TOOL_ERROR = "tool_error"
_WIDE = 100
"""Cells from which signs are given words."""
_NUMBER = 5
_GAP = 8
_MARKS = 2
_LEFT = 2 + _NUMBER + 2 + _GAP + 2 + 1 + _MARKS + 1
"""Cells of triangle and number, state, gap with its basis, level and marks."""
_LEAST_LANE = 24


def columns(width: int) -> tuple[int, int, int]:
    """Return the cells left of the words, of the words, and of the lane; no lane where there is no room."""
    rest = width - _LEFT
    if rest < _LEAST_LANE + 1:
        return _LEFT, max(rest, 0), 0
    lane = max(_LEAST_LANE, min(int(rest * 0.6), 110))
    return _LEFT, max(rest - lane - 1, 0), lane


def column_heads(left_cells: int, words: int) -> str:
    """Name the columns."""
    head = f"{'turn':>{2 + _NUMBER}}  {'heard gap':>{_GAP + 1}}"
    return fit(fit(head, left_cells) + "what was said", left_cells + words)


def axis(first: float, last: float, width: int) -> str:
    """Label the lanes' axis.

    Args:
        first: Its left edge in seconds.
        last: Its right edge.
        width: Cells.
    """
    row = [" "] * width
    span = Axis(0.0, max(last - first, 1e-6), width)
    zero = -first / span.seconds * width
    step = next((at for _, at in ticks(span, 6) if at > 0), span.seconds)
    number = -int(-first // step) if first < 0 else 0
    while number * step <= last:
        cell = int(zero + number * step / span.seconds * width)
        text = lanes.tick_words(number * step)
        if 0 <= cell and cell + len(text) < width:
            row[cell : cell + len(text)] = text
        number += 1
    return "".join(row)


def end_of_turn(decision: EndOfTurn) -> str:
    """Say how sure the turn detector was, and what it needed to be sure."""
    if decision.probability is None:
        limit = "" if decision.threshold is None else f", its threshold is {fmt.percent(decision.threshold)}"
        return f"not told{limit}"
    if decision.threshold is None:
        return f"{fmt.percent(decision.probability)}, its threshold is not told"
    then = "a short wait" if decision.probability >= decision.threshold else "the long wait"
    return f"{sureness(decision)}: {then}"


def sureness(decision: EndOfTurn) -> str:
    """Compare the turn detector's probability with its threshold."""
    if decision.probability is None:
        return ""
    sure = f"probability {fmt.percent(decision.probability)}"
    if decision.threshold is None:
        return sure
    sign = "≥" if decision.probability >= decision.threshold else "<"
    return f"{sure} {sign} {fmt.percent(decision.threshold)}"


def title_pieces(call: VoiceCall, name: str, now: float, width: int, *, live: bool) -> list[Piece]:
    """Name the call, and say what agent and user do right now."""
    session = call.session
    status = overall(call)
    length = fmt.duration(max(0.0, session.newest_at - call.began))
    facts = f"  {fmt.count(len(call), 'turn')}  {length}"
    states: list[Piece] = []
    if status.value == "running":
        for subject in ("agent", "user"):
            state = session.states.get(subject)
            if state is not None:
                state_words = one_line(state.replace("_", " "), 20)
                since = now - session.state_times.get(subject, now)
                glyph = _STATES.get(state, "·")
                look = "live" if state in ("speaking", "thinking") else "figure"
                took = f" {fmt.duration(since)}" if live and since >= 1 else ""
                states.append((f"  {glyph} {subject} {state_words}{took}", look))
    else:
        states.append((f"  {STATUS_GLYPHS[status]} ended", "header"))
    used = sum(cells(text) for text, _ in states) + cells(facts)
    key = PANE_KEYS["tree"]
    title = one_line(name, max(width - used - 7, 8))
    return [(f" {key} ♪ {title}", "voice-lanes--title"), (facts, _look("header")), *_named(states)]


def figure_pieces(call: VoiceCall, thresholds: Thresholds, width: int) -> list[Piece]:
    """Show the call's heard gap in figures and as a sparkline, and what else happened."""
    statistics = call.figures.statistics
    gap = statistics.of(GAP)
    pieces: list[Piece] = [(" heard gap ", "header")]
    if gap is None:
        early = call.unfolded or not len(call) or overall(call) is Status.RUNNING
        pieces.append(("not known yet" if early else "not told", "header"))
    else:
        for name, value in (("p50", gap.p50), ("p95", gap.p95), ("max", gap.max)):
            level = thresholds.level(GAP, value)
            pieces += [(f" {name} ", "header"), (fmt.duration(value), _SPARK_LOOKS[level])]
            if level is not Level.FINE:
                pieces.append((GLYPHS[level], _SPARK_LOOKS[level]))
        worst = call.figures.worst()
        if worst is not None and gap.count > 1:
            pieces.append((f" turn {call.index(worst) + 1}", "header"))
    counted = (
        (statistics.interruptions, MARKS[MarkKind.INTERRUPTED], "interrupted"),
        (statistics.false_interruptions, MARKS[MarkKind.FALSE_INTERRUPTION], "false interruption"),
        (statistics.errors + len(call.errors), MARKS[MarkKind.ERROR], "failed"),
    )
    after: list[Piece] = []
    for number, glyph, word in counted:
        if number:
            words = f" {word}" if width >= _WIDE else ""
            after.append((f"  {glyph} {number}{words}", "figure"))
    if call.unfolded > 1 and statistics.turns < len(call):
        after.append((f"  {statistics.turns:,} of {len(call):,} read", "header"))
    used = sum(cells(text) for text, _ in (*pieces, *after))
    room = min(width - used - 3, 60)
    if gap is not None and room >= 4:
        pieces.append(("  ", "header"))
        for column in call.course.columns(room):
            look = "header" if column is None else _SPARK_LOOKS[thresholds.level(GAP, column)]
            pieces.append((spark_glyph(column, gap.max), look))
    return _named([*pieces, *after])


def legend_pieces(width: int) -> list[Piece]:
    """Say what the shapes mean, in as many words as fit."""
    for words, before, after, rest in (
        (4, " ", "  ", "~ derived"),
        (3, " ", "  ", "~ derived"),
        (3, " ", " ", "~ derived"),
        (2, " ", " ", "~ derived"),
        (2, "", " ", "~derived"),
        (2, "", " ", ""),
        (1, "", " ", ""),
    ):
        pieces: list[Piece] = [(" ", _look("header"))]
        for entry in lanes.LEGEND:
            pieces += [(lanes.GLYPHS[kind], _look(kind.value)) for kind in entry[0]]
            pieces.append((f"{before}{entry[words]}{after}", _look("header")))
        pieces.append((rest, _look("header")))
        if sum(cells(text) for text, _ in pieces) <= width:
            return pieces
    return pieces


def turn_pieces(
    turn: Turn, number: int, now: float, words: int, thresholds: Thresholds, *, opened: bool, frame: int
) -> list[Piece]:
    """Show a turn left of its lane.

    Args:
        turn: The turn.
        number: Its place in the call, from 1.
        now: The present.
        words: Cells for what was said.
        thresholds: What counts as slow.
        opened: Its lines are shown.
        frame: Number of the spinner's picture.
    """
    glyph = SPINNER[frame % 4] if turn.running else STATUS_GLYPHS[turn.status]
    look = "running" if turn.running else "bad" if turn.status is Status.ERROR else "muted"
    gap, waits = turn.gap, turn.waits_for(now)
    silence = gap if gap is not None else waits
    level = thresholds.level(GAP, silence)
    text = fmt.duration(silence) if silence is not None else ""
    if gap is not None and turn.gap_basis is Basis.DERIVED:
        text = "~" + text
    elif waits is not None:
        text += "…"
    gap_look = "muted" if silence is None else _LOOKS[level]
    pieces: list[Piece] = [
        (" ▾" if opened else " ▸", "fold"),
        (f"{number:>{_NUMBER - 1}} ", "name"),
        (f"{glyph} ", look),
        (text.rjust(_GAP), gap_look),
        (f" {GLYPHS[level]}", gap_look),
        (f" {_marks(turn):<{_MARKS}} ", "bad" if turn.errors else "slow"),
    ]
    return [*_named(pieces), *_named(_conversation_pieces(turn, words))]


def _marks(turn: Turn) -> str:
    """Return the signs of what happened in a turn; of more than fit, the gravest."""
    kinds = {mark.kind for mark in turn.marks}
    signs = [MARKS[kind] for kind in _GRAVEST_FIRST if kind in kinds]
    return "".join(signs) if len(signs) <= _MARKS else f"{signs[0]}+"


def speech_line(text: str, width: int) -> str:
    """Return words that somebody said as one line; a recogniser's line breaks mean nothing."""
    return one_line(text[: width * 40].replace("\n", " "), width)


def _conversation_pieces(turn: Turn, width: int) -> list[Piece]:
    """Show the user's words, then the agent's; each gets half, and what the other leaves."""
    if width < 6:
        return [(" " * width, "")]
    user = speech_line(turn.user_said, width)
    agent = speech_line(turn.agent_said, width)
    if user and turn.typed:
        user = "✎ " + user
    if not user or not agent:
        text, look = (user, "said-user") if user else ("▸ " + agent if agent else "", "said-agent")
        return [(fit(text, width), look)]
    room = width - 3
    half = room // 2
    user_cells = min(cells(user), max(half, room - cells(agent) - 2))
    user = one_line(user, user_cells)
    agent = one_line(agent, max(room - cells(user) - 1, 1))
    rest = width - cells(user) - cells(agent) - 4
    if rest < 0:
        return [(fit(user, width), "said-user")]
    return [(user, "said-user"), (" → ", "muted"), (agent, "said-agent"), (" " * (rest + 1), "")]


def line_pieces(
    turn: Turn, line: Line, now: float, room: int, width: int, thresholds: Thresholds
) -> list[Piece]:
    """Show a line of an open turn.

    Args:
        turn: The turn.
        line: The line.
        now: The present.
        room: Cells left of the lane.
        width: Cells of the whole row, for words, which need no lane.
        thresholds: What counts as slow.
    """
    lead: list[Piece] = [("     │ ", "guide")]
    if line.words:
        user = line.words == "user"
        text = turn.user_said if user else turn.agent_said
        remark = "" if not user or turn.final else "  (not final yet)"
        name = "user   " if user else "agent  "
        words = speech_line(text, max(width - 7 - len(name) - cells(remark), 4))
        return _named(
            [*lead, (name, "muted"), (words, "said-user" if user else "said-agent"), (remark, "muted")]
        )
    if line.stage is not None:
        return _named(_fill([*lead, *_stage(turn, line.stage, now, room - 7, thresholds)], room))
    if line.unexplained:
        seconds = sum(part.seconds for part in line.unexplained)
        level = thresholds.level("unexplained", seconds)
        pieces: list[Piece] = [
            *lead,
            ("╳ ", "unexplained"),
            (fmt.duration(seconds).rjust(7), _LOOKS[level]),
            (f" {GLYPHS[level]} ", _LOOKS[level]),
            (one_line("silence that no component explains", max(room - 20, 4)), "name"),
        ]
        return _named(_fill(pieces, room))
    if line.run is not None:
        return _named(_fill([*lead, *_run(line.run, now, room - 7)], room))
    mark = line.mark
    if mark is None:
        return []
    look = "bad" if mark.kind is MarkKind.ERROR else "slow"
    text = one_line(f"{mark.kind.value}  {mark_facts(turn, mark)}", max(room - 9, 4))
    return _named(_fill([*lead, (f"{MARKS[mark.kind]} ", look), (text, look)], room))


def error_words(text: str) -> str:
    """Return an error for people: producers give a tool that answered with one no other words than a code."""
    name, _, code = text.rpartition(": ")
    return f"{name} returned an error".lstrip() if code == _TOOL_ERROR else text


def mark_facts(turn: Turn, mark: TurnMark) -> str:
    """Return when something happened in a turn, and what is known of it."""
    facts = [fmt.offset(mark.at - turn.start)]
    if mark.probability is not None:
        facts.append(f"probability {fmt.percent(mark.probability)}")
    if mark.detected_after is not None:
        facts.append(f"noticed after {fmt.duration(mark.detected_after)}")
    if mark.text:
        facts.append(error_words(mark.text))
    return "  ".join(facts)


def _run(run: Span, now: float, room: int) -> list[Piece]:
    took = fmt.duration(run.duration(now)) + ("…" if run.ended_at is None else "")
    name = one_line(run.name or "run", max(room - 24, 4))
    return [
        (f"{kind_glyph(run.kind)} ", "muted"),
        (took.rjust(7), "name"),
        (f"   run {name}", "name"),
        ("  v tree", "muted"),
    ]


_SERIES = {
    Kind.EOU: "end of turn",
    Kind.CALLBACK: "callback",
    Kind.LLM: "model",
    Kind.TOOL: "tool",
}


def _stage(turn: Turn, stage: Stage, now: float, room: int, thresholds: Thresholds) -> list[Piece]:
    seconds = stage.seconds(now)
    level = thresholds.level(_SERIES.get(stage.kind, ""), seconds)
    first: tuple[str, str] | None = None
    if stage.first is not None:
        took = max(0.0, stage.first - stage.start)
        series = "first token" if stage.kind is Kind.LLM else "first audio"
        level_first = thresholds.level(series, took)
        level = max(level, level_first)
        first = (f"{series} {fmt.duration(took)}", _LOOKS[level_first])
    about = "~" if stage.basis is Basis.DERIVED else ""
    glyph = lanes.GLYPHS[stage.kind]
    pieces: list[Piece] = [
        (f"{glyph} ", stage.kind.value),
        ((about + fmt.duration(seconds) + ("…" if stage.end is None else "")).rjust(7), "name"),
        (f" {GLYPHS[level]} ", _LOOKS[level]),
    ]
    word = WORDS[stage.kind]
    if stage.aside:
        word += " (over the agent)" if stage.kind is Kind.USER else " (thrown away)"
    text = f"{word} {stage.name}" if stage.name else word
    remaining = room - 13
    extra: list[Piece] = []
    if stage.error and stage.error != "interrupted":
        extra.append((f"  ✗ {one_line(error_words(stage.error), 40)}", "bad"))
    elif first is not None:
        extra.append((f"  {first[0]}", "muted" if first[1] == "fine" else first[1]))
    elif stage.kind is Kind.EOU and turn.end_of_turn.probability is not None:
        extra.append((f"  {sureness(turn.end_of_turn)}", "muted"))
    needed = sum(cells(one) for one, _ in extra)
    if needed > remaining - 8:
        extra, needed = [], 0
    pieces.append((one_line(text, max(remaining - needed, 4)), "muted" if stage.aside else "name"))
    return [*pieces, *extra]


def _fill(pieces: list[Piece], room: int) -> list[Piece]:
    used = sum(cells(text) for text, _ in pieces)
    return [*pieces, (" " * max(room - used, 0), "")]


def _look(name: str) -> str:
    return f"voice-lanes--{name}" if name and not name.startswith("voice-lanes--") else name


def _named(pieces: list[Piece]) -> list[Piece]:
    return [(text, _look(look)) for text, look in pieces]
