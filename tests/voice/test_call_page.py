"""What is said of a call as a whole, and of how sure its turn detector was."""

from __future__ import annotations

import pytest

from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_tui.detail.document.model import Bars, KeyValues, Section, StyledLine, Table
from etaoi_tui.detail.layout.block_layout import layout_for
from etaoi_tui.detail.pages import voice_call
from etaoi_tui.detail.pages.voice_turn import describe_voice_turn
from etaoi_tui.detail.pages.voice_turn import sections as turn_sections
from etaoi_tui.view import format as fmt
from etaoi_tui.view.voice import lane
from etaoi_tui.view.voice.labels import end_of_turn
from etaoi_tui.view.voice.model import WORDS, EndOfTurn, Kind
from etaoi_tui.view.voice.thresholds import Thresholds
from tests.app.world import world
from tests.scribe import Event
from tests.voice.calls import START, Folded, Truth, events_of, folded, many


def page(call: Folded) -> dict[str, Section]:
    """The call's own page, by the keys of its sections."""
    list(call.call.turns())
    return {section.key: section for section in voice_call.sections(call.call, Thresholds())}


def text_of(section: Section) -> str:
    """All its words."""
    lines = []
    for block in section.blocks:
        if isinstance(block, StyledLine):
            lines.append("".join(text for text, _ in block.runs))
        elif isinstance(block, KeyValues):
            lines += [f"{name} {value}" for name, value in block.rows]
        elif isinstance(block, Bars):
            lines += ["".join(text for text, _ in row.before) for row in block.rows]
        else:
            lines.append(str(getattr(block, "text", block)))
    return "\n".join(lines)


def test_every_stage_has_its_figures_and_its_limits() -> None:
    call = folded(events_of([Truth(ttft=0.2), Truth(ttft=0.7), Truth(ttft=1.4, tool=0.5)]))
    text = text_of(page(call)["stages"])
    lines = {line[2:15].strip(): line[15:].split() for line in text.splitlines()}
    assert lines["first token"][:3] == ["700ms△", "1.40s▲", "1.40s▲"]
    assert lines["first token"][3] == "4", "one of the turns asked its model twice"
    assert lines["tool"][:4] == ["500ms", "500ms", "500ms", "1"]
    assert {"heard gap", "end of turn", "transcript", "voice"} <= lines.keys()


def test_the_percentiles_are_those_of_the_call() -> None:
    call = folded(events_of(many(60)))
    lines = {line[2:15].strip(): line[15:].split() for line in text_of(page(call)["stages"]).splitlines()}
    gap = call.call.figures.statistics.of("heard gap")
    assert gap is not None and gap.p50 < gap.p95 < gap.max
    percentiles = [text.rstrip("△▲") for text in lines["heard gap"][:3]]
    assert percentiles == [fmt.duration(seconds) for seconds in (gap.p50, gap.p95, gap.max)]


def test_the_slowest_turns_lead_there() -> None:
    call = folded(events_of([Truth(), Truth(tool=3.0, user_text="the slow one"), Truth(ttft=0.6)]))
    rows = [section for key, section in page(call).items() if key.startswith("slow ")]
    assert "turn 2" in rows[0].title
    assert "the slow one" in rows[0].preview and "mostly tool" in rows[0].preview
    assert "turn 3" in rows[1].title and "turn 1" in rows[2].title
    for row in rows:
        span = call.store.find_span(row.target)
        assert span is not None and span.kind == "voice_turn"


@pytest.mark.parametrize("width", [20, 34, 50, 62, 72, 100, 160])
def test_bars_have_the_room_that_the_pane_has_and_no_row_is_wrapped(width: int) -> None:
    call = folded(events_of([Truth(ttft=0.2, lost=0.1), Truth(ttft=0.7), Truth(ttft=1.4, tool=0.5)]))
    pages = [*page(call).values(), *turn_sections(call.turns[2], START, Thresholds())]
    drawn = [block for section in pages for block in section.blocks if isinstance(block, Bars)]
    assert len(drawn) == 2
    for block in drawn:
        flow = layout_for(block, width)
        flow.work(100_000)
        lines = [flow.line(n) for n in range(flow.count)]
        if width >= 62:
            assert len(lines) == len(block.rows)
            bars = [sum(len(text) for text, style in line if text[:1] in "█▏▎▍▌▋▊▉") for line in lines]
            assert max(bars) >= 2 and max(sum(len(text) for text, _ in line) for line in lines) <= width
        elif width >= 50:
            assert len(lines) == len(block.rows), "the bars go before the words are broken"


def test_a_stage_has_the_same_word_and_colour_on_every_page() -> None:
    call = folded(events_of([Truth(ttft=0.2, lost=0.1), Truth(ttft=0.7), Truth(ttft=1.4, tool=0.5)]))
    pages = [*page(call).values(), *turn_sections(call.turns[2], START, Thresholds())]
    named: dict[str, set[tuple[str, str]]] = {}
    for section in pages:
        for block in section.blocks:
            if isinstance(block, Bars):
                for row in block.rows:
                    (glyph, style), (word, _) = row.before[:2]
                    named.setdefault(glyph.strip(), set()).add((word.strip(), style))
            elif isinstance(block, Table):
                for (glyph, style), word, *_ in block.rows:
                    named.setdefault(glyph, set()).add((word, style))
    assert len(named) >= 9
    for glyph, styles in named.items():
        if glyph != "∑":
            (kind,) = (kind for kind, sign in lane.GLYPHS.items() if sign == glyph)
            assert styles == {(WORDS[kind], f"voice.{kind.value}")}
    for kinds, *_, words in lane.LEGEND:
        assert all(WORDS[kind] in words for kind in kinds)


def test_interruptions_errors_and_turns_are_counted() -> None:
    call = folded(events_of([Truth(), Truth(interrupted=True), Truth()]))
    text = text_of(page(call)["counts"])
    assert "interruptions 1" in text and "errors 0" in text and "turns 3" in text
    characters = sum(turn.characters or 0 for turn in call.turns)
    assert f"characters spoken {characters}" in text


def test_a_call_without_a_turn_says_so() -> None:
    caller = events_of([])
    texts = {s.key: s for s in voice_call.sections(folded(caller).call, Thresholds())}
    assert "Nobody has spoken yet." in text_of(texts["course"]) and "stages" not in texts


async def test_the_page_keeps_up_with_what_is_read_of_a_recording() -> None:
    async with world(size=(160, 45), live=False) as (viewer, pilot):
        viewer.source.send(events_of(many(300)))
        await viewer.tick(pilot)
        main = viewer.app.main
        main.draw_detail_now()
        assert main.lanes.call is not None and main.lanes.call.unfolded and main.lanes.on_turn
        for _ in range(200):
            await viewer.tick(pilot)
            if main.lanes.call is not None and not main.lanes.call.unfolded:
                break
        await viewer.tick(pilot)
        main.draw_detail_now()
        document = main.detail.document
        assert document is not None and document.default == "call"
        assert [tab.title for tab in document.tabs[:2]] == ["Call", "Session"]
        course = document.tabs[0].sections[0]
        assert course.summary == "300 turns"


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (EndOfTurn(0.4), "not told"),
        (EndOfTurn(0.4, threshold=0.3), "not told, its threshold is 30%"),
        (EndOfTurn(0.4, probability=0.8), "80%, its threshold is not told"),
        (EndOfTurn(0.4, probability=0.8, threshold=0.3), "probability 80% ≥ 30%: a short wait"),
        (EndOfTurn(1.4, probability=0.1, threshold=0.3), "probability 10% < 30%: the long wait"),
    ],
)
def test_the_turn_detectors_probability_in_words(estimate: EndOfTurn, words: str) -> None:
    assert end_of_turn(estimate) == words


@pytest.mark.parametrize(
    "names", [("eou_probability", "eou_threshold"), ("end_of_turn_probability", "unlikely_threshold")]
)
@pytest.mark.parametrize("where", ["payload", "voice_metrics"])
def test_the_detector_is_read_under_either_name(names: tuple[str, str], where: str) -> None:
    events = events_of([Truth()])
    waits = [one for one in events if one.get("node_kind") == "eou" and one["kind"] == "span_end"]
    waits[0][where] |= dict(zip(names, (0.91, 0.4), strict=True))
    (turn,) = folded(events).turns
    assert (turn.end_of_turn.probability, turn.end_of_turn.threshold) == (0.91, 0.4)
    facts = next(one for one in turn_sections(turn, START, Thresholds()) if one.key == "facts")
    assert "turn detector probability 91% ≥ 40%: a short wait" in text_of(facts)
    assert "transcript confidence not told" in text_of(facts)


def thinking(events: list[Event]) -> list[Event]:
    """A call up to where its second turn has words, and no sound yet."""
    words = [
        n
        for n, one in enumerate(events)
        if one["kind"] == "span_delta" and "agent_transcript" in one["payload"]
    ]
    return events[: words[-1] + 1]


def test_words_that_are_not_heard_yet_do_not_end_the_silence() -> None:
    caller = events_of([Truth(), Truth()], "theirs")
    speaking = [
        n for n, one in enumerate(caller) if one["kind"] == "state_tick" and one["state"] == "speaking"
    ]
    last = [n for n in speaking if caller[n]["subject"] == "agent"][-1]
    sounds = {one["span_id"] for one in caller if one.get("node_kind") == "voice_output"}
    early = [one for n, one in enumerate(thinking(caller)) if n != last and one.get("span_id") not in sounds]
    call = folded(early, over=False)
    turn = call.turns[-1]
    assert turn.agent_said and turn.running
    assert turn.agent_heard is None and turn.waits_for(turn.start + 60) is not None
    assert not any(stage.kind is Kind.SPEECH for stage in turn.stages)


def test_a_turn_whose_first_span_is_the_users_speech_has_the_page_of_a_turn() -> None:
    """LiveKit's own tracer tells turns so."""
    call = folded(events_of([Truth()]))
    (turn,) = call.turns
    speech = next(span for stage in turn.stages for span in stage.spans if span.kind == "voice_input")
    payloads = RecordedPayloads(call.source)
    document = describe_voice_turn(turn, 1, speech, payloads, START, Thresholds())
    assert [tab.title for tab in document.tabs[:2]] == ["Turn", "Events"]
    assert document.headline[0][0] == "⇄ turn 1"
