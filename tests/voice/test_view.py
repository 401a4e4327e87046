"""Lanes, rows, figures and limits, without a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from etaoi_tui.view.sparkline import spark_glyph
from etaoi_tui.view.voice import labels as texts
from etaoi_tui.view.voice import lane, thresholds
from etaoi_tui.view.voice.gap_trend import GapTrend
from etaoi_tui.view.voice.lane import Lane
from etaoi_tui.view.voice.lane_scale import LaneScale
from etaoi_tui.view.voice.model import Kind, MarkKind, Part
from etaoi_tui.view.voice.rows import LaneRows, lines_of
from etaoi_tui.view.voice.stats import percentile
from etaoi_tui.view.voice.thresholds import Level, Thresholds
from tests.voice.calls import Truth, events_of, folded, many


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 1.0]))
def test_percentiles_are_values_that_occurred(values: list[float], share: float) -> None:
    ordered = sorted(values)
    percentile_value = percentile(ordered, share)
    assert percentile_value in values
    assert sum(value <= percentile_value for value in values) >= share * len(values) - 1e-6
    assert sum(value < percentile_value for value in values) < share * len(values) + 1e-6


def test_a_lane_shows_who_is_heard_and_who_is_waited_for() -> None:
    (turn,) = folded(events_of([Truth(tool=0.9, lost=0.3)])).turns
    drawn = lane.cells(lane.segments(turn, 0.0), Lane(turn.start, turn.end - turn.start, 120))  # type: ignore[operator]
    order = list(dict.fromkeys(drawn))
    assert order == [
        Kind.USER,
        Kind.STT,
        Kind.EOU,
        Kind.UNEXPLAINED,
        Kind.TTFT,
        Kind.LLM,
        Kind.TOOL,
        Kind.TTS,
        Kind.SPEECH,
    ]
    assert drawn[-1] is Kind.SPEECH
    seconds = (turn.end - turn.start) / 120  # type: ignore[operator]
    assert drawn.count(Kind.TOOL) * seconds == pytest.approx(0.9, abs=2 * seconds)


def test_every_kind_has_a_shape_of_its_own() -> None:
    assert len(set(lane.GLYPHS.values())) == len(lane.GLYPHS) == len(Kind)
    assert all(cell_len(shape) == 1 for shape in lane.GLYPHS.values())
    assert all(cell_len(shape) == 1 for shape in texts.MARKS.values())
    assert set(texts.MARKS) == set(MarkKind)


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0, 30)), max_size=12),
    st.integers(1, 90),
    st.floats(-60, 60),
    st.floats(0.001, 100),
)
def test_cells_fill_the_lane_whatever_lies_in_it(
    stretches: list[tuple[float, float]], width: int, start: float, seconds: float
) -> None:
    parts = [Part(Kind.LLM, at, at + took) for at, took in stretches]
    assert len(lane.cells(parts, Lane(start, seconds, width))) == width


def test_turns_stand_aligned_where_the_user_stops() -> None:
    turns = folded(events_of(many(12))).turns
    window = lane.gap_window([turn.gap or 0.0 for turn in turns])
    for turn in turns:
        assert turn.user_stopped is not None and turn.gap is not None
        lane_window = lane.lane_of(turn, LaneScale.GAP, window, 80)
        assert lane_window.start - window[0] == pytest.approx(turn.user_stopped.at)
        assert turn.gap < window[1]


def test_rows_of_open_and_closed_turns() -> None:
    call = folded(events_of(many(8))).call
    rows = LaneRows(call)
    assert len(rows) == 8
    second, fifth = call.groups[1], call.groups[4]
    rows.set_open(fifth, True)
    rows.set_open(second, True)
    lines = len(lines_of(call.turn(second)))
    assert lines > 6
    assert (
        rows.at(1) == (second, -1) and rows.at(2) == (second, 0) and rows.at(1 + lines) == (second, lines - 1)
    )
    assert rows.at(2 + lines) == (call.groups[2], -1)
    for row in range(len(rows)):
        assert rows.row(*rows.at(row)) == row
    rows.close_all()
    assert len(rows) == 8
    rows.open_all()
    list(call.turns())
    rows.refresh()
    assert len(rows) == 8 + sum(len(lines_of(turn)) for turn in call.turns())
    assert all(rows.row(*rows.at(row)) == row for row in range(len(rows)))


def test_a_stage_is_found_by_any_of_its_spans() -> None:
    call = folded(events_of([Truth()], "theirs")).call
    rows = LaneRows(call)
    (group,) = call.groups
    turn = call.turn(group)
    (model,) = [stage for stage in turn.stages if stage.kind is Kind.LLM]
    assert len({rows.line_of(group, span) for span in model.spans}) == 1
    assert rows.line_of(group, group.leaders[0]) == -1


def test_a_sparkline_keeps_the_peaks() -> None:
    values: list[float | None] = [0.1] * 1000
    values[777] = 5.0
    values[3] = None
    course = GapTrend()
    for index, value in enumerate(values):
        course.put(index, value)
    squeezed = course.columns(40)
    assert 20 <= len(squeezed) <= 40 and max(v for v in squeezed if v is not None) == 5.0
    assert spark_glyph(5.0, 5.0) == "█" and spark_glyph(None, 5.0) == "·"


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 10)), max_size=70),
    st.lists(st.tuples(st.integers(0, 90), st.one_of(st.none(), st.floats(0, 10))), max_size=40),
    st.integers(1, 80),
)
def test_a_trend_that_grew_equals_one_built_at_once(
    first: list[float | None], later: list[tuple[int, float | None]], width: int
) -> None:
    grown = GapTrend()
    grown.reset(first)
    values = list(first)
    for index, value in later:
        grown.put(index, value)
        values += [None] * (index + 1 - len(values))
        values[index] = value
    rebuilt = GapTrend()
    rebuilt.reset(values)
    assert grown.columns(width) == rebuilt.columns(width) and len(grown) == len(values)
    columns = grown.columns(width)
    assert len(columns) <= width or not values
    known_values = [value for value in values if value is not None]
    assert max((v for v in columns if v is not None), default=None) == max(known_values, default=None)


def test_columns_never_exceed_the_width() -> None:
    for width in range(1, 300):
        left_width, words, lanes = texts.columns(width)
        assert words >= 0 and lanes >= 0
        if lanes:
            assert left_width + words + 1 + lanes <= width


def test_hostile_words_take_the_cells_they_are_given() -> None:
    ugly = "\x1b[2J\x1b]52;c;x\x07 \u202eevil\u200b [/] 家族👨\u200d👩\u200d👧 \x9b0m\n" * 50
    events = events_of([Truth(user_text=ugly, agent_text=ugly)])
    call = folded(events).call
    (turn,) = call.turns()
    for width in (60, 80, 160):
        left_width, words, _ = texts.columns(width)
        pieces = texts.turn_pieces(turn, 1, 0.0, words, Thresholds(), opened=True, frame=0)
        for line in lines_of(turn):
            drawn = texts.line_pieces(turn, line, 0.0, left_width + words, width, Thresholds())
            assert sum(cell_len(text) for text, _ in drawn) <= width
            pieces = [*pieces, *drawn]
        row_text = "".join(text for text, _ in pieces)
        assert not set(row_text) & set("\x1b\x07\x9b\u202e\u200b\n")
        turn_line = texts.turn_pieces(turn, 1, 0.0, words, Thresholds(), opened=True, frame=0)
        assert sum(cell_len(text) for text, _ in turn_line) == left_width + words


def test_hostile_numbers_cost_only_themselves() -> None:
    events = events_of([Truth(tool=0.5)], "theirs")
    for event in events:
        metrics = event.get("voice_metrics")
        if metrics:
            for name in ("duration", "ttft", "end_of_utterance_delay"):
                if name in metrics:
                    metrics[name] = float("nan") if metrics["type"] == "llm" else -1.0
            metrics["timestamp"] = 1e300
            metrics["prompt_tokens"] = "seventy"
    (turn,) = folded(events).turns
    assert turn.user_said and turn.agent_said
    assert all(stage.end is None or stage.end - stage.start < 60 for stage in turn.stages)


def test_limits_have_a_colour_and_a_shape() -> None:
    limits = Thresholds()
    assert [limits.level("heard gap", seconds) for seconds in (0.5, 1.0, 2.0)] == list(Level)
    assert len(set(thresholds.GLYPHS.values())) == 3
    assert limits.level("user speaks", 100.0) is Level.FINE


def test_limits_come_from_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert thresholds.load(path) == (Thresholds(), None)
    path.write_text("[voice.thresholds]\nheard_gap = [0.3, 0.6]\n")
    limits, problem = thresholds.load(path)
    assert problem is None and limits.level("heard gap", 0.4) is Level.SLOW
    assert limits.level("tool", 0.4) is Level.FINE
    for text in ("[voice.thresholds]\ntalk = 3\n", "[voice.thresholds]\nheard_gap = [2, 1]\n", "voice = ["):
        path.write_text(text)
        limits, problem = thresholds.load(path)
        assert limits == Thresholds() and problem is not None and str(path) in problem


def test_the_configuration_can_lie_elsewhere() -> None:
    assert thresholds.config_file({"ETAOI_TUI_CONFIG": "/somewhere/else.toml"}) == Path(
        "/somewhere/else.toml"
    )
    assert thresholds.config_file({}).name == "config.toml"


@pytest.mark.parametrize("width", [78, 98, 118])
def test_the_legend_has_words_that_a_person_reads(width: int) -> None:
    words = "".join(text for text, _ in texts.legend_pieces(width))
    assert len(words) <= width
    assert "transcript" in words and "voice" in words and "stt" not in words
    assert ("turn end" in words) is (width < 118) and ("~ derived" in words) is (width > 78)
