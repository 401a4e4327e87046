"""The compositor that paints only what changed: it asks for no other line, and draws the same picture."""

from __future__ import annotations

import random
from typing import Any

import pytest
from rich.segment import Segment
from textual._compositor import Compositor
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

from etaoi_tui.widgets.line_widget import LineWidget
from etaoi_tui.widgets.partial_compositor import install_partial_compositor


class Counted(LineWidget):
    """Draws a letter and a number in each line, and remembers which lines it was asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self.numbers = [0] * 100
        self.asked: list[int] = []

    def change(self, line: int) -> None:
        self.numbers[line] += 1
        self.refresh(Region(0, line, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        self.asked.append(y)
        text = f"{self.id} {self.numbers[y]} ".ljust(self.size.width, ".")
        return Strip([Segment(text, self.look(""))], self.size.width)


class Layered(Screen[None]):
    def __init__(self) -> None:
        super().__init__()
        assert install_partial_compositor(self)
        self.left, self.right, self.front = Counted("left"), Counted("right"), Counted("front")
        self.widgets = (self.left, self.right, self.front)

    def compose(self) -> ComposeResult:
        yield from self.widgets


class ShowsWidgets(App[None]):
    CSS = """
    Layered { layers: below above; layout: horizontal; }
    Counted { width: 1fr; height: 1fr; layer: below; }
    #front { layer: above; width: 11; height: 3; offset: 15 4; }
    """

    def get_default_screen(self) -> Screen[None]:
        return Layered()


async def test_only_the_changed_line_is_asked_for() -> None:
    app = ShowsWidgets()
    async with app.run_test(size=(40, 12)) as pilot:
        screen = app.screen
        assert isinstance(screen, Layered)
        await pilot.pause()
        for widget in screen.widgets:
            widget.asked.clear()
        screen.left.change(9)
        await pilot.pause()
        assert screen.left.asked == [9] and not screen.right.asked and not screen.front.asked


async def test_what_is_drawn_is_what_a_whole_screen_would_show() -> None:
    app = ShowsWidgets()
    chance = random.Random(7)
    async with app.run_test(size=(40, 12)) as pilot:
        screen = app.screen
        assert isinstance(screen, Layered)
        await pilot.pause()
        compositor = screen._compositor
        for _ in range(150):
            for _ in range(chance.randint(1, 4)):
                widget = chance.choice(screen.widgets)
                widget.change(chance.randrange(widget.size.height))
            compositor.update_widgets(set(screen.widgets))
            update = compositor.render_partial_update()
            assert update is not None
            whole = compositor.render_strips()
            for y, first, last in update.spans:
                drawn = 0
                for x, strip in update.chops[y].items():
                    shared = 0 if strip is None else min(x + strip.cell_length, last) - max(x, first)
                    if strip is not None and shared > 0:
                        assert strip.text == whole[y].crop(x, x + strip.cell_length).text
                        drawn += shared
                assert drawn == last - first, "nothing of what changed is left out"


@pytest.mark.parametrize("name", ["_get_renders", "_dirty_regions", "visible_widgets"])
def test_without_a_name_that_it_needs_textual_paints_in_its_own_way(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Renamed(Compositor):
        def __getattribute__(self, asked: str) -> Any:
            if asked == name:
                raise AttributeError(asked)
            return super().__getattribute__(asked)

    plain: Screen[None] = Screen()
    plain._compositor = own = Renamed()
    monkeypatch.setattr("etaoi_tui.widgets.partial_compositor.Compositor", Renamed)
    assert not install_partial_compositor(plain)
    assert plain._compositor is own


def test_a_compositor_of_another_kind_is_left_alone() -> None:
    class Own(Compositor):
        pass

    plain: Screen[None] = Screen()
    plain._compositor = own = Own()
    assert not install_partial_compositor(plain)
    assert plain._compositor is own
