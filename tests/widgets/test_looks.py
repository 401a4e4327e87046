"""Looks: their colours are the theme's, at the moment and in the state in which they are drawn."""

from __future__ import annotations

from typing import ClassVar

import pytest
from rich.color import Color
from textual.app import App, ComposeResult

from etaoi_tui.detail.document.model import STYLES
from etaoi_tui.view.voice.model import Kind
from etaoi_tui.widgets import document_style, voice_lane_style
from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.styles import StyleTable


class Lines(LineWidget, can_focus=True):
    DEFAULT_CSS = "Lines { background: $background; color: $foreground; }"
    LOOKS: ClassVar[StyleTable] = {
        "plain": "color: $primary",
        "framed": "color: $primary; background: $surface; text-style: bold",
        "framed:focus": "background: $error",
        "framed:ansi": "text-style: reverse",
    }


class StyledApp(App[None]):
    AUTO_FOCUS = None

    def compose(self) -> ComposeResult:
        self.lines = Lines()
        yield self.lines


async def test_a_look_has_the_colours_of_the_theme_and_follows_it() -> None:
    app = StyledApp()
    async with app.run_test() as pilot:
        for theme in ("textual-dark", "textual-light"):
            app.theme = theme
            await pilot.pause()
            look = app.lines.look("framed")
            assert look.color == Color.parse(app.theme_variables["primary"])
            assert look.bgcolor == Color.parse(app.theme_variables["surface"])
            assert look.bold and not look.reverse


async def test_a_look_without_a_background_is_laid_over_another() -> None:
    app = StyledApp()
    async with app.run_test():
        assert app.lines.look("plain").bgcolor is None
        assert app.lines.look("").bgcolor == Color.parse(app.theme_variables["background"])


async def test_focus_and_the_terminals_own_colours_change_a_look() -> None:
    app = StyledApp()
    async with app.run_test() as pilot:
        app.set_focus(app.lines)
        await pilot.pause()
        assert app.lines.look("framed").bgcolor == Color.parse(app.theme_variables["error"])
        app.theme = "ansi-dark"
        app.set_focus(None)
        await pilot.pause()
        assert app.lines.look("framed").reverse


async def test_a_name_that_is_not_in_the_table_is_a_mistake() -> None:
    app = StyledApp()
    async with app.run_test():
        with pytest.raises(KeyError):
            app.lines.look("unknown")


def test_everything_that_documents_and_lanes_name_has_a_look() -> None:
    assert {document_style.component(style) for style in STYLES} <= set(document_style.LOOKS)
    assert {f"voice-lanes--{kind.value}" for kind in Kind} <= set(voice_lane_style.LOOKS)
