"""Colours can be read: computed for every theme, and measured on what is drawn, cell by cell."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from math import dist
from typing import Any

import pytest
from rich.color import ColorType
from rich.segment import Segment
from textual.color import Color
from textual.geometry import Offset
from textual.selection import Selection
from textual.theme import BUILTIN_THEMES, Theme

from etaoi_tui.app import ViewerApp
from etaoi_tui.kinds.appearance import COLOURS
from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.view.glyphs import STATUS_GLYPHS
from etaoi_tui.view.voice.lane import GLYPHS
from etaoi_tui.view.voice.model import WORDS, Kind
from etaoi_tui.widgets.colours import GROUNDS, NAME_CONTRAST, NAMES, colours_of, contrast, readable
from etaoi_tui.widgets.detail_pane import DetailPane
from etaoi_tui.widgets.page_view import FIXED_ROWS
from etaoi_tui.widgets.stage_colours import STAGE_COLOURS
from tests.app.world import World
from tests.screens.test_snapshots import frames

STAGES_APART = 0.05
"""Least distance of two stages in OKLab, more than twice what the eye just notices side by side (0.02)."""

BAR_CONTRAST = 3.0
"""WCAG 2.2, 1.4.11: of graphics that are needed to understand what is shown."""

XTERM = (
    "#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5",
    "#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff",
)  # fmt: skip
"""xterm's sixteen colours, from its XTerm-col.ad."""

ANSI_NAMES = [
    f"ansi_{bright}{name}"
    for bright in ("", "bright_")
    for name in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
]
OUR_THEMES = ("etaoi-dark", "etaoi-light", "ansi-dark", "ansi-light")
LINES = frozenset("│─╭╮╰╯┃━╵╷⋯▏▕")
"""Frames and guides; what they part is parted without them."""
BARS = frozenset("█▇▆▅▄▃▂▁▉▊▋▌▍▎▐▒░▓▖╳")


def on_xterm(name: str, dark: bool, *, ground: bool = False) -> Color:
    if name == "ansi_default":
        return Color.parse("#000000" if dark == ground else "#ffffff" if ground else "#e5e5e5")
    return Color.parse(XTERM[ANSI_NAMES.index(name)])


@pytest.mark.parametrize("theme", [*OUR_THEMES, *sorted(BUILTIN_THEMES)])
def test_every_name_can_be_read_on_every_ground_of_every_theme(theme: str) -> None:
    app = ViewerApp(World().source)
    app.set_reactive(ViewerApp.theme, theme)
    app.get_css_variables()
    colours = {**app.theme_variables, **colours_of(app)}
    dark = app.current_theme.dark
    if app.native_ansi_color:
        # The focused row is drawn in one colour; every other ground is the terminal's own.
        ground = on_xterm("ansi_default", dark, ground=True)
        worst = min(contrast(on_xterm(colours[name], dark), ground) for name in NAMES)
        cursor = contrast(*(on_xterm(colours[name], dark) for name in ("cursor-ink", "cursor-row")))
        worst = min(worst, cursor)
    else:
        worst = min(
            contrast(Color.parse(colours[name]), Color.parse(colours[ground]))
            for name in (*NAMES, "cursor-ink")
            for ground in GROUNDS
        )
    assert worst >= NAME_CONTRAST


def test_kinds_failure_and_what_runs_have_colours_of_their_own() -> None:
    for theme in ("etaoi-dark", "etaoi-light", "ansi-dark"):
        app = ViewerApp(World().source)
        app.set_reactive(ViewerApp.theme, theme)
        app.get_css_variables()
        colours = colours_of(app)
        apart = ["kind-llm", "kind-tool", "kind-agent", "kind-voice", "failure", "running"]
        assert len({colours[name] for name in apart}) == len(apart), theme


def simulated(colour: Color) -> tuple[float, float, float]:
    """Return a colour in OKLab (Ottosson 2020), where distances are as large as they look."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


@pytest.mark.parametrize("theme", OUR_THEMES)
def test_stages_of_a_voice_turn_are_told_apart_by_colour_and_by_shape_and_word(theme: str) -> None:
    app = ViewerApp(World().source)
    app.set_reactive(ViewerApp.theme, theme)
    app.get_css_variables()
    colours = colours_of(app)
    stages = {kind: STAGE_COLOURS[kind.value] for kind in Kind if kind is not Kind.IDLE}
    assert len({GLYPHS[kind] for kind in stages}) == len({WORDS[kind] for kind in stages}) == len(stages)
    assert "failure" not in stages.values() and "running" not in stages.values()
    if app.native_ansi_color:
        # Too few for a colour each: what follows each other in a turn differs.
        order = [colours[name] for name in STAGE_COLOURS.values()]
        assert all(one != other for one, other in itertools.pairwise(order))
    else:
        names = {*stages.values(), "failure", "running"}
        apart = min(
            dist(simulated(Color.parse(colours[one])), simulated(Color.parse(colours[other])))
            for one, other in itertools.combinations(names, 2)
        )
        assert apart >= STAGES_APART


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_the_line_under_the_details_cursor_has_one_colour_where_there_are_only_sixteen(
    theme: str,
) -> None:
    world = World(live=False)
    world.source.connect()
    for frame in frames("s09a_livekit_text"):
        world.source.send_bytes(frame)
    world.source.disconnect()
    async with world.app.run_test(size=(120, 35)) as pilot:
        world.app.theme = theme
        for key in ("", "", "2", "down", "3", "j", "j", "j"):
            if key:
                await pilot.press(key)
            await world.tick(pilot)
        pane = world.app.main.detail
        line = pane.render_line(pane.cursor_line - pane.scroll_offset.y + FIXED_ROWS)
        drawn = {
            (segment.style.color, segment.style.bgcolor, segment.style.reverse)
            for segment in line
            if segment.text.strip()
        }
        assert "█" in line.text and len(drawn) == 1
        assert drawn != {(None, None, None)}


def test_colour_is_never_the_only_sign() -> None:
    """Sixteen colours, or none, do not tell all kinds apart; glyphs and words do."""
    KINDS.load()
    legend = KINDS.legend()
    assert len({glyph for glyph, _ in legend}) >= len(COLOURS)
    assert len(dict(legend)) == len({glyph for glyph, _ in legend})
    assert len(set(STATUS_GLYPHS.values())) == len(STATUS_GLYPHS)


def test_a_theme_of_ones_own_is_adjusted_when_it_is_loaded() -> None:
    mine = Theme(
        name="mine", primary="#777777", background="#5a5a5a", variables={"kind-llm": "#5b5b60"}, dark=True
    )
    app = ViewerApp(World().source, themes=[mine])
    app.set_reactive(ViewerApp.theme, "mine")
    app.get_css_variables()
    colours = colours_of(app)
    assert contrast(Color.parse(colours["kind-llm"]), Color.parse("#5a5a5a")) >= NAME_CONTRAST


def test_a_colour_that_is_readable_stays_as_it_is() -> None:
    assert readable(Color.parse("#7aa2f7"), [Color.parse("#0e1116")], 4.5).hex6 == "#7AA2F7"
    assert contrast(Color.parse("#000"), Color.parse("#fff")) == pytest.approx(21.0)
    assert contrast(Color.parse("#777"), Color.parse("#fff")) == pytest.approx(4.48, abs=0.01)


def cells(app: ViewerApp) -> Iterator[tuple[int, Segment]]:
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        yield from ((y, segment) for segment in strip if segment.text.strip())


def colours_drawn(segment: Segment, dark: bool) -> tuple[Color, Color]:
    """Return the colours of text and ground, as they come out."""

    def drawn(colour: Any, ground: bool) -> Color:
        if colour is None or colour.type is ColorType.DEFAULT:
            return on_xterm("ansi_default", dark, ground=ground)
        if colour.triplet is not None:
            return Color(*colour.triplet)
        return Color.parse(XTERM[colour.number])

    style = segment.style
    assert style is not None
    text, ground = drawn(style.color, False), drawn(style.bgcolor, True)
    return (ground, text) if style.reverse else (text, ground)


@pytest.mark.parametrize("theme", OUR_THEMES)
@pytest.mark.parametrize(
    ("recording", "keys"),
    [
        ("s01_create_agent", ("J", "J", "2", "e")),
        ("s01_create_agent", ("J", "J", "2", "g", "j", "j", "j", "3")),
        ("s01_create_agent", ("1",)),
        ("s09a_livekit_text", ("2", "down")),
        ("s09a_livekit_text", ("2", "down", "right", "3", "down", "down", "down")),
    ],
)
async def test_what_is_drawn_can_be_read(theme: str, recording: str, keys: tuple[str, ...]) -> None:
    world = World(live=False)
    world.source.connect()
    for frame in frames(recording):
        world.source.send_bytes(frame)
    world.source.disconnect()
    async with world.app.run_test(size=(160, 45)) as pilot:
        world.app.theme = theme
        for key in ("", "", *keys):
            if key:
                await pilot.press(key)
            await world.tick(pilot)
        await pilot.pause()
        dark = world.app.current_theme.dark
        bad = []
        for y, segment in cells(world.app):
            text = set(segment.text) - set(" ")
            if text <= LINES:
                continue
            least = BAR_CONTRAST if text <= BARS | LINES else NAME_CONTRAST
            ratio = contrast(*colours_drawn(segment, dark))
            if ratio < least:
                bad.append((y, segment.text.strip(), round(ratio, 2)))
        assert not bad


@pytest.mark.parametrize("theme", [*OUR_THEMES, "dracula", "solarized-light"])
async def test_what_the_mouse_selected_can_be_read(theme: str) -> None:
    world = World(live=False)
    world.source.connect()
    for frame in frames("s01_create_agent"):
        world.source.send_bytes(frame)
    world.source.disconnect()
    async with world.app.run_test(size=(120, 35)) as pilot:
        world.app.theme = theme
        for key in ("", "", "J", "J", "2", "g", "j"):
            if key:
                await pilot.press(key)
            await world.tick(pilot)
        pane = next(pane for pane in world.app.screen.query(DetailPane) if pane.region)
        pane.screen.selections = {pane: Selection(Offset(0, 0), Offset(0, 99))}
        await pilot.pause()
        dark = world.app.current_theme.dark
        drawn = [segment for _, segment in cells(world.app) if reversed_text(segment)]
        assert drawn
        assert min(contrast(*colours_drawn(segment, dark)) for segment in drawn) >= NAME_CONTRAST


def reversed_text(segment: Segment) -> bool:
    return bool(segment.text.strip()) and segment.style is not None and bool(segment.style.reverse)
